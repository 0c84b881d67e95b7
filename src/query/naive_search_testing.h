#pragma once

#include <optional>
#include <string>
#include <vector>

#include "store/types.h"

// What a search means, said by the plainest code that can say it: JSON is a tree of values, a
// question is asked of one event after another, and the rules of docs/semantics.md are written down
// anew. Shares nothing with the parser, the matcher and the stores.

namespace postglass::query {

// One JSON value.
struct Datum {
  enum class Kind { kNull, kBool, kNumber, kText, kArray, kObject };

  Kind kind = Kind::kNull;
  std::string text = {};          // kText: its content; kBool, kNumber: as JSON writes it
  std::string name = {};          // of a member of an object
  std::vector<Datum> parts = {};  // members; elements
};

// Attributes are those of `attributes`; `event.attributes` is some text of them.
struct NaiveEvent {
  store::Event event;
  Datum attributes;
};

// What a query text means. Names of fields are as the language has them, without escapes: "" is
// free text, "*" all text, "tags", "@path", reserved names, keys of tags.
struct Meaning {
  enum class Kind {
    kAnd,
    kOr,
    kNot,
    kTerm,
    kWildcard,
    kRange,
    kExists,
    kCidr,
    kIn,  // the field has a value that it has where parts[0] is true
  };

  // A place of a wildcard: a character, or '?' or '*'.
  struct Sign {
    enum class Kind { kCharacter, kAnyOne, kAnyRun };
    Kind kind = Kind::kCharacter;
    std::string character;  // one code point
  };

  struct Bound {
    std::string text;
    bool quoted = false;
    bool inclusive = true;
  };

  Kind kind = Kind::kAnd;
  std::vector<Meaning> parts;  // no parts: AND is true
  std::string field;
  std::string value;  // of a term
  bool quoted = false;
  std::vector<Sign> signs;          // of a wildcard
  std::optional<Bound> low, high;   // of a range; a comparison has one of the two
  std::vector<std::string> blocks;  // of CIDR
};

// By place in `events`.
std::vector<bool> Matching(const Meaning& meaning, const std::vector<NaiveEvent>& events);

// `text` cut into code points. Requires: UTF-8.
std::vector<std::string> CodePoints(const std::string& text);

}  // namespace postglass::query
