#include "policy/yaml/locator.hpp"

#include <gtest/gtest.h>

#include <string>

namespace sluice::policy {
namespace {

std::string place(const Location& where) {
    return std::to_string(where.line) + ":" + std::to_string(where.column) + "+" + std::to_string(where.length);
}

TEST(Locator, CountsLinesAndCharactersFromOne) {
    Locator locator(7, "ab\nä€c\n\nd");
    EXPECT_EQ(place(locator.at(0, 1)), "1:1+1");
    EXPECT_EQ(place(locator.at(2, 1)), "1:3+0") << "the line end itself";
    EXPECT_EQ(place(locator.at(3, 5)), "2:1+2");
    EXPECT_EQ(place(locator.at(8, 1)), "2:3+1");
    EXPECT_EQ(place(locator.at(10, 1)), "3:1+0");
    EXPECT_EQ(place(locator.at(11, 1)), "4:1+1");
    EXPECT_EQ(locator.at(0, 1).file, 7u);
}

TEST(Locator, GoesBackAsWellAsForth) {
    Locator locator(0, "abcdef\nghijkl\n");
    EXPECT_EQ(place(locator.at(4, 1)), "1:5+1");
    EXPECT_EQ(place(locator.at(1, 1)), "1:2+1");
    EXPECT_EQ(place(locator.at(9, 1)), "2:3+1");
    EXPECT_EQ(place(locator.at(8, 1)), "2:2+1");
    EXPECT_EQ(place(locator.at(0, 1)), "1:1+1");
}

TEST(Locator, CutsAtTheEndOfLineAndText) {
    Locator locator(0, "abc\ndef");
    EXPECT_EQ(place(locator.at(1, 99)), "1:2+2");
    EXPECT_EQ(place(locator.at(5, 99)), "2:2+2");
    EXPECT_EQ(place(locator.at(99, 1)), "2:4+0");
}

} // namespace
} // namespace sluice::policy
