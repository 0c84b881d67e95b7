#pragma once

// CHECK ends the process when the programmer was wrong; it is on in release builds and never
// depends on data from outside. DCHECK is for hot loops and vanishes with NDEBUG.

namespace postglass {

// Prints "file:line: CHECK failed: condition" to stderr and aborts.
[[noreturn]] void CheckFailed(const char* file, int line, const char* condition);

}  // namespace postglass

#define CHECK(condition) \
  ((condition) ? static_cast<void>(0) : ::postglass::CheckFailed(__FILE__, __LINE__, #condition))

#ifdef NDEBUG
#define DCHECK(condition) static_cast<void>(sizeof(!(condition)))
#else
#define DCHECK(condition) CHECK(condition)
#endif
