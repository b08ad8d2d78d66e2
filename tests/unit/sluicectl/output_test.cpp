#include "output.hpp"

#include "json_output.hpp"
#include "recording.hpp"

#include <gtest/gtest.h>

namespace sluice::sluicectl {
namespace {

using Lines = std::vector<std::string>;

void feed(Sink& sink) {
    sink.line(LineKind::head, "NAME  PORT");
    sink.line(LineKind::row, "web   443");
    sink.line(LineKind::row, "dns   53");
    sink.line(LineKind::row, "Web2  8443");
    sink.line(LineKind::note, "3 shown");
    sink.finish();
}

Lines grepped(const std::string& pattern, bool ignore_case, bool invert) {
    test::RecordingSink end;
    std::string error;
    const auto grep = make_grep(end, pattern, ignore_case, invert, error);
    EXPECT_NE(grep, nullptr) << error;
    feed(*grep);
    EXPECT_TRUE(end.finished);
    return end.texts();
}

TEST(SluicectlOutput, GrepKeepsTheHeadAndRowsThatMatch) {
    EXPECT_EQ(grepped("443$", false, false), (Lines{"NAME  PORT", "web   443", "Web2  8443"}));
    EXPECT_EQ(grepped("web", false, false), (Lines{"NAME  PORT", "web   443"}));
    EXPECT_EQ(grepped("web", true, false), (Lines{"NAME  PORT", "web   443", "Web2  8443"}));
    EXPECT_EQ(grepped("web", true, true), (Lines{"NAME  PORT", "dns   53"}));
    EXPECT_EQ(grepped("none", false, false), (Lines{"NAME  PORT"}));
}

TEST(SluicectlOutput, GrepRefusesAWrongPattern) {
    test::RecordingSink end;
    std::string error;
    EXPECT_EQ(make_grep(end, "(", false, false, error), nullptr);
    EXPECT_FALSE(error.empty());
}

TEST(SluicectlOutput, CountCountsRowsOnly) {
    test::RecordingSink end;
    feed(*make_count(end));
    EXPECT_EQ(end.texts(), Lines{"3"});
}

TEST(SluicectlOutput, TextIsSplitAndMadeHarmless) {
    test::RecordingSink end;
    put_text(end, LineKind::row, "a\n\nb\r\n\x1b[1mc");
    EXPECT_EQ(end.texts(), (Lines{"a", "", "b", "\\x1b[1mc"}));
    test::RecordingSink exact;
    put_exact_text(exact, "a\n\x1b");
    EXPECT_EQ(exact.texts(), (Lines{"a", "\x1b"}));
}

TEST(SluicectlOutput, Utf8IsRecognised) {
    EXPECT_TRUE(is_utf8(""));
    EXPECT_TRUE(is_utf8("Zürich"));
    EXPECT_FALSE(is_utf8("Z\xfcrich"));
    EXPECT_FALSE(is_utf8("\xed\xa0\x80"));
}

std::string joined(const test::RecordingSink& sink) {
    std::string text;
    for (const auto& [kind, line] : sink.lines)
        text += line + "\n";
    return text;
}

TEST(SluicectlOutput, JsonIsOneDocumentWithItsSchema) {
    test::Recording recording;
    print_json(recording.context, "status", {{"a", 1}});
    const Json document = Json::parse(joined(recording.sink));
    EXPECT_EQ(document["schema"], "sluice.status/1");
    EXPECT_EQ(document["data"], (Json{{"a", 1}}));
    EXPECT_EQ(document["generated"].get<std::string>().size(), 20u);
}

TEST(SluicectlOutput, JsonListsHaveOneElementALine) {
    for (const std::size_t count : {0u, 1u, 3u}) {
        test::Recording recording;
        JsonList list(recording.context, "flows");
        for (std::size_t i = 0; i < count; ++i)
            list.add({{"i", i}});
        list.end({{"total", 9}});
        const Json document = Json::parse(joined(recording.sink));
        EXPECT_EQ(document["data"].size(), count);
        EXPECT_EQ(document["total"], 9);
        EXPECT_EQ(recording.sink.lines.size(), count + 2);
    }
}

TEST(SluicectlOutput, JsonOnATerminalIsAscii) {
    test::Recording recording;
    recording.context.style.terminal = true;
    print_json(recording.context, "status",
               {{"name", "\xc2\x9b"
                         "31mZ\xc3\xbcrich"}});
    EXPECT_TRUE(test::is_plain_ascii(joined(recording.sink)));
}

} // namespace
} // namespace sluice::sluicectl
