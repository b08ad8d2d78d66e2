// The format, and that each kind of difference is told and judged as README.md says.
#include "judge.hpp"
#include "recorded.hpp"
#include "report.hpp"
#include "reviewed.hpp"

#include <gtest/gtest.h>

namespace sluice::golden {
namespace {

Scenario one(const std::string& text) {
    auto scenarios = read("test", text);
    EXPECT_TRUE(scenarios) << scenarios.error();
    return scenarios && scenarios->size() == 1 ? scenarios->front() : Scenario{};
}

/// A fate a frame: '1' passed, '0' not; steps are separated by blanks.
Fates fates(const std::string& text) {
    Fates fates(1);
    for (const char c : text) {
        if (c == ' ') {
            fates.emplace_back();
        } else {
            fates.back().push_back({c == '1', {}});
        }
    }
    return fates;
}

std::string severities(const Scenario& scenario, const std::string& passed) {
    std::string text;
    for (const Difference& difference : differences(scenario, fates(passed))) {
        text += std::to_string(difference.step) + ":" + std::string(name(difference.severity)) + " ";
    }
    return text;
}

TEST(GoldenFormat, IsRead) {
    const Scenario scenario = one("scenario a.b\ntags edge frag\nserver drop soft pd- p invalid < S 0:0 ack 0\n"
                                  "  7 8-24+ 02dd\n  7 whole 03\n");
    EXPECT_EQ(scenario.name, "a.b");
    EXPECT_EQ(scenario.category, "test");
    EXPECT_EQ(scenario.tags, (std::vector<std::string>{"edge", "frag"}));
    ASSERT_EQ(scenario.steps.size(), 1u);
    const Step& step = scenario.steps[0];
    EXPECT_EQ(step.from, Side::server);
    EXPECT_EQ(step.wanted, Verdict::drop);
    EXPECT_FALSE(step.hard);
    EXPECT_EQ(step.references[0], Verdict::pass);
    EXPECT_EQ(step.references[1], Verdict::drop);
    EXPECT_FALSE(step.references[2]);
    EXPECT_EQ(step.rfc, Verdict::pass);
    EXPECT_EQ(step.reason, "invalid");
    EXPECT_EQ(step.note, "< S 0:0 ack 0");
    ASSERT_EQ(step.frames.size(), 2u);
    EXPECT_EQ(step.frames[0].datagram, 7u);
    ASSERT_TRUE(step.frames[0].piece);
    EXPECT_EQ(step.frames[0].piece->begin, 8u);
    EXPECT_EQ(step.frames[0].piece->end, 24u);
    EXPECT_TRUE(step.frames[0].piece->more);
    EXPECT_EQ(step.frames[0].bytes, (std::vector{std::byte{0x02}, std::byte{0xdd}}));
    EXPECT_FALSE(step.frames[1].piece);
}

TEST(GoldenFormat, WhatIsNotUnderstoodIsAnError) {
    for (const char* text :
         {"scenario\n", "client pass hard ppp p new\n", "scenario a\nclient maybe hard ppp p new\n",
          "scenario a\nclient pass hard pp p new\n", "scenario a\nclient pass hard ppp p new\n  1 whole 0\n",
          "scenario a\nclient pass hard ppp p new\n  1 8-0 00\n", "scenario a\n  1 whole 00\n"}) {
        EXPECT_FALSE(read("test", text)) << text;
    }
}

TEST(GoldenVerdict, OfFragments) {
    const Step step =
        one("scenario a\nclient pass hard pp- p new\n  1 0-8+ 00\n  1 8-16+ 00\n  1 8-16+ 00\n  1 16-20 00\n").steps[0];
    const auto got = [&step](const std::string& passed) { return verdict(step, fates(passed)[0]); };
    EXPECT_EQ(got("1111"), Verdict::pass);
    EXPECT_EQ(got("1011"), Verdict::pass) << "a duplicate need not pass";
    EXPECT_EQ(got("1001"), Verdict::partial);
    EXPECT_EQ(got("1110"), Verdict::partial);
    EXPECT_EQ(got("0000"), Verdict::drop);
}

TEST(GoldenVerdict, OfSeveralDatagrams) {
    const Step step = one("scenario a\nclient pass hard ppp p new\n  1 whole 00\n  2 whole 00\n").steps[0];
    const auto got = [&step](const std::string& passed) { return verdict(step, fates(passed)[0]); };
    EXPECT_EQ(got("11"), Verdict::pass);
    EXPECT_EQ(got("10"), Verdict::partial);
    EXPECT_EQ(got("00"), Verdict::drop);
}

TEST(GoldenSeverity, OfEachKind) {
    const auto scenario = [](const std::string& tags, const std::string& step) {
        return one("scenario a\n" + tags + "client " + step + "\n  1 whole 00\n");
    };
    EXPECT_EQ(severities(scenario("", "drop hard ddd - invalid"), "1"), "0:MUST ") << "a hole";
    EXPECT_EQ(severities(scenario("tags random\n", "drop hard ddd - invalid"), "1"), "0:MUST ");
    EXPECT_EQ(severities(scenario("tags topo\n", "drop hard ddd - invalid"), "1"), "0:REVIEW ");
    EXPECT_EQ(severities(scenario("tags topo\n", "drop hard ddd d invalid"), "1"), "0:MUST ");
    EXPECT_EQ(severities(scenario("", "pass hard ppp - est"), "0"), "0:MUST ") << "broken traffic";
    EXPECT_EQ(severities(scenario("tags alg\n", "pass hard ppp - est"), "0"), "0:MUST ");
    EXPECT_EQ(severities(scenario("tags edge\n", "pass hard ppp - est"), "0"), "0:REVIEW ");
    EXPECT_EQ(severities(scenario("tags edge\n", "pass hard ppp p est"), "0"), "0:MUST ");
    EXPECT_EQ(severities(scenario("", "pass soft pdp - est"), "0"), "") << "one of the references says so";
    EXPECT_EQ(severities(scenario("", "pass soft ppp d est"), "0"), "") << "the RFC says so";
    EXPECT_EQ(severities(one("scenario a\nclient pass soft pd- - est\n  1 whole 00\n  2 whole 00\n"), "10"), "0:INFO ");
    EXPECT_EQ(severities(one("scenario a\nclient pass hard ppp p est\n  1 whole 00\n  2 whole 00\n"), "10"),
              "0:REVIEW ");
}

TEST(GoldenSeverity, OnlyTheFirstDifferenceCounts) {
    const Scenario scenario =
        one("scenario a\nclient pass hard ppp p new\n  1 whole 00\n"
            "server pass hard ppp p est\n  2 whole 00\nclient drop hard ddd d invalid\n  3 whole 00\n");
    EXPECT_EQ(severities(scenario, "1 1 0"), "");
    EXPECT_EQ(severities(scenario, "1 0 1"), "1:MUST 2:FOLLOWS ");
}

TEST(GoldenReport, WantsExactlyTheReviewedDifferences) {
    const std::vector<Scenario> scenarios = {
        one("scenario tcp4.late\ntags edge\nclient pass hard ppp - est\n  1 whole 00\n"),
        one("scenario tcp6.late\ntags edge\nclient pass hard ppp - est\n  2 whole 00\n")};
    const auto failures = [&scenarios](const std::string& list, const std::string& first, const std::string& second) {
        auto reviewed = Reviewed::read(list);
        EXPECT_TRUE(reviewed) << reviewed.error();
        return judge(scenarios, std::vector{fates(first), fates(second)}, *reviewed, {}).failures.size();
    };
    EXPECT_EQ(failures("", "1", "1"), 0u);
    EXPECT_EQ(failures("", "0", "1"), 1u);
    EXPECT_EQ(failures("2 tcp?.late late\n", "0", "0"), 0u);
    EXPECT_EQ(failures("1 tcp4.late late\n", "0", "0"), 1u);
    EXPECT_EQ(failures("2 tcp?.late late\n", "0", "1"), 1u) << "listed, and no longer so";
    EXPECT_EQ(failures("1 tcp?.late late\n", "0", "0"), 1u);
}

TEST(GoldenReport, AReviewedLineHasItsReason) {
    EXPECT_FALSE(Reviewed::read("1 tcp4.late\n"));
    EXPECT_FALSE(Reviewed::read("tcp4.late why\n"));
    EXPECT_TRUE(Reviewed::read("# a comment\n\n1 tcp4.late why\n"));
}

} // namespace
} // namespace sluice::golden
