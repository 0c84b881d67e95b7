#pragma once

#include <concepts>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <type_traits>
#include <utility>

// Expected trouble (I/O, bad input, limits, peers) is a Result; see docs/style.md §5. This is the
// only file that names tl::expected.

namespace postglass {

// What a caller branches on. The message of an Error is for the operator.
enum class ErrorCode {
  kInvalidArgument,   // the caller's input is wrong; the same call will fail again
  kNotFound,          // what was named does not exist
  kAlreadyExists,     // what was to be made is there
  kPermissionDenied,  // known caller, not allowed
  kUnauthenticated,   // no or wrong credentials
  kLimit,             // a stated bound was passed (size, count, rate)
  kUnavailable,       // cannot now; may work later (peer down, overload, disk full)
  kTimeout,           // a deadline passed
  kCancelled,         // somebody asked to stop
  kIo,                // the operating system reported an I/O error
  kDiskFull,          // ENOSPC or EDQUOT
  kCorruption,        // stored bytes fail their check
  kUnsupported,       // newer format, unknown version, feature that is not there
  kInternal,          // a library failed in a way that should not happen
};

// Stable lower-case name, e.g. "not_found".
std::string_view ErrorCodeName(ErrorCode code);

struct Error {
  ErrorCode code = ErrorCode::kInternal;
  std::string message;  // lower case, short, with the values that matter

  bool operator==(const Error&) const = default;
};

template <class T>
class [[nodiscard]] Result : public tl::expected<T, Error> {
 public:
  using Base = tl::expected<T, Error>;
  using Base::Base;

  Result() requires std::default_initializable<T> || std::is_void_v<T> : Base() {}

  // Runs `next` with the value when there is one, else hands the error on.
  template <class F>
  auto and_then(F&& next) && {
    if constexpr (std::is_void_v<T>) {
      using R = std::invoke_result_t<F>;
      return *this ? std::forward<F>(next)() : R(tl::make_unexpected(std::move(this->error())));
    } else {
      using R = std::invoke_result_t<F, T&&>;
      return *this ? std::forward<F>(next)(std::move(**this))
                   : R(tl::make_unexpected(std::move(this->error())));
    }
  }
};

using Status = Result<void>;

// `return Fail(ErrorCode::kNotFound, "...")` converts to any Result<T>.
inline tl::unexpected<Error> Fail(ErrorCode code, std::string message) {
  return tl::make_unexpected(Error{code, std::move(message)});
}

inline tl::unexpected<Error> Fail(Error error) { return tl::make_unexpected(std::move(error)); }

}  // namespace postglass

#define POSTGLASS_CONCAT_INNER(a, b) a##b
#define POSTGLASS_CONCAT(a, b) POSTGLASS_CONCAT_INNER(a, b)

// Returns the error of a Status or Result expression to the caller.
#define RETURN_IF_ERROR(expression)                                        \
  do {                                                                     \
    if (auto status_of_expression = (expression); !status_of_expression) { \
      return ::postglass::Fail(std::move(status_of_expression.error()));   \
    }                                                                      \
  } while (false)

// NOLINTBEGIN(bugprone-macro-parentheses): a declaration cannot stand in parentheses
#define POSTGLASS_ASSIGN_OR_RETURN(temporary, target, expression) \
  auto temporary = (expression);                                  \
  if (!temporary) {                                               \
    return ::postglass::Fail(std::move(temporary.error()));       \
  }                                                               \
  target = std::move(*temporary)
// NOLINTEND(bugprone-macro-parentheses)

// ASSIGN_OR_RETURN(const Foo foo, MakeFoo());
#define ASSIGN_OR_RETURN(target, expression) \
  POSTGLASS_ASSIGN_OR_RETURN(POSTGLASS_CONCAT(result_at_line_, __LINE__), target, expression)
