#include "words.hpp"

#include <gtest/gtest.h>

namespace sluice::sluicectl {
namespace {

using Words = std::vector<std::string>;
using Stages = std::vector<Words>;

TEST(SluicectlWords, SplitsAtBlanks) {
    EXPECT_EQ(split_line("  show   flows\tdport 443 ").stages, Stages{(Words{"show", "flows", "dport", "443"})});
    EXPECT_EQ(split_line("").stages, Stages{Words{}});
}

TEST(SluicectlWords, QuotesAndBackslashesKeepWordsTogether) {
    EXPECT_EQ(split_line(R"(a "b c" 'd "e' f\ g "h\"i" '' "")").stages,
              Stages{(Words{"a", "b c", "d \"e", "f g", "h\"i", "", ""})});
    EXPECT_EQ(split_line("a'b'c").stages, Stages{Words{"abc"}});
}

TEST(SluicectlWords, PipesSeparateStagesUnlessQuoted) {
    EXPECT_EQ(split_line("a b|c | 'd|e'").stages, (Stages{{"a", "b"}, {"c"}, {"d|e"}}));
    EXPECT_EQ(split_line("a |").stages, (Stages{{"a"}, {}}));
}

TEST(SluicectlWords, CommentsEndTheLine) {
    EXPECT_EQ(split_line("a # b | c").stages, Stages{Words{"a"}});
    EXPECT_EQ(split_line("a#b '#c'").stages, Stages{(Words{"a#b", "#c"})});
}

TEST(SluicectlWords, TellsWhetherTheLastWordGoesOn) {
    EXPECT_TRUE(split_line("show fl").open_word);
    EXPECT_FALSE(split_line("show fl ").open_word);
    EXPECT_TRUE(split_line("show 'fl ").open_quote);
    EXPECT_TRUE(split_line("show 'fl'").open_word);
    EXPECT_FALSE(split_line("show 'fl'").open_quote);
}

TEST(SluicectlWords, WhatIsQuotedReadsBack) {
    for (const char* word : {"plain", "with blank", "it's", "a\"b", "a\\b", "x|y", "#", "", "what?"}) {
        EXPECT_EQ(split_line(quote_word(word)).stages, Stages{Words{word}}) << quote_word(word);
    }
    EXPECT_EQ(quote_word("plain"), "plain");
}

} // namespace
} // namespace sluice::sluicectl
