#include "policy/yaml/scalar_extent.hpp"

#include <gtest/gtest.h>

namespace sluice::policy {
namespace {

TEST(ScalarExtent, PlainTextIsAsLongAsItsValue) {
    EXPECT_EQ(scalar_extent("a: web-in # why", 3, "web-in").size, 6u);
    EXPECT_FALSE(scalar_extent("a: web-in", 3, "web-in").quoted);
}

TEST(ScalarExtent, FoldedTextIsItsFirstLine) {
    EXPECT_EQ(scalar_extent("a: foo  # why\n  bar", 3, "foo bar").size, 3u);
}

TEST(ScalarExtent, QuotesBelongToIt) {
    EXPECT_EQ(scalar_extent("\"ab\", x", 0, "ab").size, 4u);
    EXPECT_EQ(scalar_extent("\"a\\\"b\" x", 0, "a\"b").size, 6u);
    EXPECT_EQ(scalar_extent("'it''s' x", 0, "it's").size, 7u);
    EXPECT_EQ(scalar_extent("''", 0, "").size, 2u);
    EXPECT_TRUE(scalar_extent("''", 0, "").quoted);
}

TEST(ScalarExtent, AMissingQuoteIsNoticed) {
    EXPECT_TRUE(scalar_extent("\"ab", 0, "ab").unfinished);
    EXPECT_TRUE(scalar_extent("\"ab\\\"", 0, "ab").unfinished);
    EXPECT_TRUE(scalar_extent("'ab''", 0, "ab'").unfinished);
    EXPECT_FALSE(scalar_extent("'ab'''", 0, "ab'").unfinished);
}

TEST(ScalarExtent, ABlockIsItsMark) {
    EXPECT_EQ(scalar_extent("|\n  ab\n", 0, "ab\n").size, 1u);
    EXPECT_TRUE(scalar_extent(">\n  ab\n", 0, "ab\n").quoted);
}

TEST(ScalarExtent, NothingAtTheEnd) {
    EXPECT_EQ(scalar_extent("ab", 2, "").size, 0u);
}

} // namespace
} // namespace sluice::policy
