#include "base/expected.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace sluice::base {
namespace {

Expected<int, std::string> half(int number) {
    if (number % 2 != 0) return Unexpected("odd: " + std::to_string(number));
    return number / 2;
}

TEST(Expected, holds_the_value) {
    const auto result = half(42);
    ASSERT_TRUE(result.has_value());
    EXPECT_TRUE(static_cast<bool>(result));
    EXPECT_EQ(*result, 21);
    EXPECT_EQ(result.value(), 21);
}

TEST(Expected, holds_the_error) {
    const auto result = half(7);
    ASSERT_FALSE(result.has_value());
    EXPECT_FALSE(static_cast<bool>(result));
    EXPECT_EQ(result.error(), "odd: 7");
}

TEST(Expected, tells_value_and_error_of_the_same_type_apart) {
    const Expected<std::string, std::string> value = std::string("text");
    const Expected<std::string, std::string> error = Unexpected(std::string("text"));
    EXPECT_TRUE(value.has_value());
    EXPECT_FALSE(error.has_value());
}

TEST(Expected, reaches_members_by_arrow) {
    Expected<std::string, int> result = std::string("four");
    EXPECT_EQ(result->size(), 4u);
    result->push_back('!');
    EXPECT_EQ(*result, "four!");
}

TEST(Expected, gives_a_move_only_value_away) {
    Expected<std::unique_ptr<int>, std::string> result = std::make_unique<int>(3);
    const std::unique_ptr<int> taken = *std::move(result);
    ASSERT_NE(taken, nullptr);
    EXPECT_EQ(*taken, 3);
}

TEST(Expected, lets_the_error_be_changed) {
    auto result = half(1);
    result.error() += ", sorry";
    EXPECT_EQ(result.error(), "odd: 1, sorry");
}

TEST(Expected, of_void_is_success_or_an_error) {
    const Expected<void, std::string> success;
    const Expected<void, std::string> failure = Unexpected(std::string("no room"));
    EXPECT_TRUE(success.has_value());
    ASSERT_FALSE(failure.has_value());
    EXPECT_EQ(failure.error(), "no room");
}

// Asserts stay on in every build type (b_ndebug=false): a wrong read must stop, not return rubbish.
TEST(ExpectedDeathTest, stops_when_the_wrong_half_is_read) {
    const auto value = half(2);
    const auto error = half(3);
    EXPECT_DEATH((void)value.error(), "held != nullptr");
    EXPECT_DEATH((void)error.value(), "held != nullptr");
}

} // namespace
} // namespace sluice::base
