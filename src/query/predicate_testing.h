#pragma once

#include <string>

#include "store/predicate.h"

namespace postglass::query {

// The AST as one line, for tests: `(and @a=x (not tag:env~p*))`.
//   text=word  text="a phrase"  *=word  service=x  env:=x (tag)  tags=x  @a.b=x   whole value
//   ~ wildcard   < <= > >= comparison   in[lo,hi] in{lo,hi} range   #1 behind an operand: a number
//   exists(f)  cidr(f,block…)  all  none
std::string ToText(const store::Predicate& predicate);

}  // namespace postglass::query
