#pragma once

#include <memory>
#include <type_traits>
#include <utility>

namespace postglass::store {

template <class Signature>
class FunctionRef;

// A borrowed callable: two pointers, no allocation. For parameters only; it must not outlive the
// call that it is passed to.
template <class R, class... Args>
class FunctionRef<R(Args...)> {
 public:
  template <class F>

  requires(!std::is_same_v<std::remove_cvref_t<F>, FunctionRef>)
      // Converting is its purpose, and copies are kept out by the constraint.
      // NOLINTNEXTLINE(google-explicit-constructor,bugprone-forwarding-reference-overload)
      FunctionRef(F&& callable)
      : object_(const_cast<void*>(static_cast<const void*>(std::addressof(callable)))),
        call_([](void* object, Args... args) -> R {
          return (*static_cast<std::remove_reference_t<F>*>(object))(std::forward<Args>(args)...);
        }) {}

  R operator()(Args... args) const { return call_(object_, std::forward<Args>(args)...); }

 private:
  void* object_;
  R (*call_)(void*, Args...);
};

}  // namespace postglass::store
