#include "policy/diagnostic/text.hpp"

#include <gtest/gtest.h>

namespace sluice::policy {
namespace {

TEST(Text, DecodesEveryLength) {
    EXPECT_EQ(decode("a", 0).value, U'a');
    EXPECT_EQ(decode("\xc3\xa9", 0).value, U'é');
    EXPECT_EQ(decode("\xe2\x82\xac", 0).value, U'€');
    EXPECT_EQ(decode("\xf0\x9f\x94\xa5", 0).value, U'🔥');
    EXPECT_EQ(decode("x\xf0\x9f\x94\xa5", 1).size, 4u);
}

TEST(Text, RefusesWhatIsNotWellFormed) {
    EXPECT_EQ(decode("\x80", 0).size, 0u) << "a continuation alone";
    EXPECT_EQ(decode("\xc3", 0).size, 0u) << "cut off";
    EXPECT_EQ(decode("\xc0\x80", 0).size, 0u) << "overlong";
    EXPECT_EQ(decode("\xe0\x9f\xbf", 0).size, 0u) << "overlong";
    EXPECT_EQ(decode("\xed\xa0\x80", 0).size, 0u) << "a surrogate";
    EXPECT_EQ(decode("\xf4\x90\x80\x80", 0).size, 0u) << "beyond U+10FFFF";
    EXPECT_EQ(decode("\xff", 0).size, 0u);
    EXPECT_EQ(decode("\xe2\x82x", 0).size, 0u);
}

TEST(Text, CountsCharactersNotBytes) {
    EXPECT_EQ(count_characters(""), 0u);
    EXPECT_EQ(count_characters("né€🔥"), 4u);
    EXPECT_EQ(count_characters("a\xff\xfe"), 3u) << "a bad byte counts as one";
}

TEST(Text, ForbidsWhatMovesTheCursorOrTurnsTheText) {
    for (const char32_t c : {U'\0', U'\x1b', U'\r', U'\x7f', U'\x85', U'\x2028', U'\x202e', U'\x2066', U'\xfeff'}) {
        EXPECT_TRUE(is_forbidden(c)) << std::hex << static_cast<unsigned>(c);
    }
    for (const char32_t c : {U'\n', U'\t', U' ', U'~', U'\xa0', U'é', U'🔥'}) {
        EXPECT_FALSE(is_forbidden(c)) << std::hex << static_cast<unsigned>(c);
    }
}

TEST(Text, ShowsEscapesInsteadOfActingOnThem) {
    EXPECT_EQ(printable("a\x1b[31mb"), "a\\x1b[31mb");
    EXPECT_EQ(printable("a\nb\tc"), "a\\nb c");
    EXPECT_EQ(printable("\xe2\x80\xae"), "\\u{202e}");
    EXPECT_EQ(printable("\xff"), "\\xff");
    EXPECT_EQ(printable("né€🔥"), "né€🔥");
}

TEST(Text, QuotesAndCuts) {
    EXPECT_EQ(in_quotes("lan"), "'lan'");
    EXPECT_EQ(in_quotes(std::string(100, 'x')), "'" + std::string(64, 'x') + "…'");
    EXPECT_EQ(in_quotes(std::string(64, 'x')), "'" + std::string(64, 'x') + "'");
}

} // namespace
} // namespace sluice::policy
