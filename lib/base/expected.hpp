// What std::expected (C++23) gives, under the same names, as far as this project needs it.
#pragma once

#include <cassert>
#include <utility>
#include <variant>

namespace sluice::base {

template <typename E> class [[nodiscard]] Unexpected {
  public:
    explicit Unexpected(E error)
        : error_(std::move(error)) {}
    E& error() & { return error_; }
    E&& error() && { return std::move(error_); }

  private:
    E error_;
};

template <typename E> Unexpected(E) -> Unexpected<E>;

/// A value of type T, or the error E that kept it from being made. Reading the half that is not there is a
/// programmer's error and asserts.
template <typename T, typename E> class [[nodiscard]] Expected {
  public:
    using value_type = T;
    using error_type = E;

    Expected(T value)
        : state_(std::in_place_index<0>, std::move(value)) {}
    Expected(Unexpected<E> error)
        : state_(std::in_place_index<1>, std::move(error).error()) {}

    [[nodiscard]] bool has_value() const { return state_.index() == 0; }
    explicit operator bool() const { return has_value(); }

    T& value() & { return *this->operator->(); }
    const T& value() const& { return *this->operator->(); }
    T&& value() && { return std::move(*this->operator->()); }
    T& operator*() & { return value(); }
    const T& operator*() const& { return value(); }
    T&& operator*() && { return std::move(*this).value(); }

    T* operator->() {
        T* held = std::get_if<0>(&state_);
        assert(held != nullptr);
        return held;
    }
    const T* operator->() const {
        const T* held = std::get_if<0>(&state_);
        assert(held != nullptr);
        return held;
    }

    E& error() {
        E* held = std::get_if<1>(&state_);
        assert(held != nullptr);
        return *held;
    }
    const E& error() const {
        const E* held = std::get_if<1>(&state_);
        assert(held != nullptr);
        return *held;
    }

  private:
    std::variant<T, E> state_;
};

/// The same for an operation that yields nothing but may fail.
template <typename E> class [[nodiscard]] Expected<void, E> {
  public:
    Expected() = default;
    Expected(Unexpected<E> error)
        : state_(std::in_place_index<1>, std::move(error).error()) {}

    [[nodiscard]] bool has_value() const { return state_.index() == 0; }
    explicit operator bool() const { return has_value(); }
    const E& error() const {
        const E* held = std::get_if<1>(&state_);
        assert(held != nullptr);
        return *held;
    }

  private:
    std::variant<std::monostate, E> state_;
};

} // namespace sluice::base
