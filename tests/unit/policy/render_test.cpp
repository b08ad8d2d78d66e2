#include "policy/diagnostic/diagnostic.hpp"

#include <gtest/gtest.h>

namespace sluice::policy {
namespace {

/// A file of `count` empty lines but for the given ones.
std::string file_with(std::size_t count, const std::vector<std::pair<std::size_t, std::string>>& lines) {
    std::string text;
    for (std::size_t i = 1; i <= count; ++i) {
        for (const auto& [number, line] : lines) {
            if (number == i) text += line;
        }
        text += '\n';
    }
    return text;
}

TEST(Render, LooksAsTheHandbookShows) {
    Diagnostics diagnostics;
    const auto file = diagnostics.add_file("policy.yaml",
                                           file_with(100, {{63, "    from: { zone: inside, nets: [memcached_client] }"},
                                                           {66, "    track: false"},
                                                           {95, "  - name: no-telnet"}}));
    auto& unknown = diagnostics.error("P014", {file, 63, 34, 16}, "unknown address set 'memcached_client'");
    unknown.label = "did you mean 'memcached_clients'?";
    unknown.notes.push_back({{file, 36, 3, 17}, "'memcached_clients' is defined here"});
    auto& untracked = diagnostics.error("P021", {file, 66, 5, 5},
                                        "untracked rule 'memcached-fast' does not say what happens to replies");
    untracked.help = "'reply: mirror' lets answers back; 'reply: none' if another rule allows them";
    diagnostics.warning("W105", {file, 95, 5, 4},
                        "rule 'no-telnet' can never match: 'admin-any' (line 71) takes all its packets");

    EXPECT_EQ(diagnostics.render(false),
              "policy.yaml:63:34: error[P014]: unknown address set 'memcached_client'\n"
              "63 |     from: { zone: inside, nets: [memcached_client] }\n"
              "   |                                  ^^^^^^^^^^^^^^^^ did you mean 'memcached_clients'?\n"
              "policy.yaml:36:3: note: 'memcached_clients' is defined here\n"
              "\n"
              "policy.yaml:66:5: error[P021]: untracked rule 'memcached-fast' does not say what happens to replies\n"
              "66 |     track: false\n"
              "   |     ^^^^^\n"
              "   = help: 'reply: mirror' lets answers back; 'reply: none' if another rule allows them\n"
              "\n"
              "policy.yaml:95:5: warning[W105]: rule 'no-telnet' can never match: 'admin-any' (line 71) takes all its "
              "packets\n"
              "\n"
              "2 errors, 1 warning.");
}

TEST(Render, IsEmptyWhenNothingWasFound) {
    EXPECT_EQ(Diagnostics().render(false), "");
}

TEST(Render, HasNoEscapesWithoutColourAndSomeWith) {
    Diagnostics diagnostics;
    diagnostics.add_file("p.yaml", "a: b\n");
    diagnostics.error("P007", {0, 1, 1, 1}, "unknown key 'a'");
    EXPECT_EQ(diagnostics.render(false).find('\x1b'), std::string::npos);
    EXPECT_NE(diagnostics.render(true).find("\x1b[1;31merror[P007]"), std::string::npos);
}

TEST(Render, SpeaksOfAFileAsAWhole) {
    Diagnostics diagnostics;
    diagnostics.add_file("p.yaml", "");
    diagnostics.error("P009", {0, 0, 0, 0}, "the policy is empty").help = "write one";
    EXPECT_EQ(diagnostics.render(false), "p.yaml: error[P009]: the policy is empty\n   = help: write one\n\n1 error.");
}

TEST(Render, NeverLetsTheFileSteerTheTerminal) {
    Diagnostics diagnostics;
    diagnostics.add_file("p\x1b[2J.yaml", "a: \x1b[31m\xff\n");
    diagnostics.error("P002", {0, 1, 4, 1}, "the character \x1b[31m").label = "\x07";
    const std::string text = diagnostics.render(false);
    EXPECT_EQ(text.find_first_of("\x1b\x07\xff"), std::string::npos) << text;
    EXPECT_NE(text.find("p\\x1b[2J.yaml:1:4"), std::string::npos) << text;
}

TEST(Render, CountsColumnsInCharacters) {
    Diagnostics diagnostics;
    diagnostics.add_file("p.yaml", "ä: €x\n");
    diagnostics.error("P011", {0, 1, 4, 2}, "bad");
    EXPECT_EQ(diagnostics.render(false), "p.yaml:1:4: error[P011]: bad\n1 | ä: €x\n  |    ^^\n\n1 error.");
}

TEST(Render, ShowsAWindowOfAVeryLongLine) {
    Diagnostics diagnostics;
    diagnostics.add_file("p.yaml", std::string(5000, 'a') + "HERE" + std::string(5000, 'b') + "\n");
    diagnostics.error("P011", {0, 1, 5001, 4}, "bad");
    const std::string text = diagnostics.render(false);
    EXPECT_LT(text.size(), 600u);
    const std::size_t source = text.find("1 | …") + std::string("1 | …").size();
    const std::size_t carets = text.find("  |  ") + std::string("  |  ").size();
    EXPECT_EQ(text.substr(source + 60, 4), "HERE") << text;
    EXPECT_EQ(text.substr(carets + 60, 5), "^^^^\n") << text;
}

TEST(Render, StaysInsideTheLineWhateverThePlace) {
    Diagnostics diagnostics;
    diagnostics.add_file("p.yaml", "ab\n");
    diagnostics.error("P011", {0, 1, 2, 99}, "too long");
    diagnostics.error("P011", {0, 1, 77, 1}, "too far right");
    diagnostics.error("P011", {0, 99, 1, 1}, "too far down");
    diagnostics.error("P011", {9, 1, 1, 1}, "no such file");
    EXPECT_EQ(diagnostics.render(false), "p.yaml:1:2: error[P011]: too long\n1 | ab\n  |  ^\n\n"
                                         "p.yaml:1:77: error[P011]: too far right\n1 | ab\n  |   ^\n\n"
                                         "p.yaml:99:1: error[P011]: too far down\n99 | \n   | ^\n\n"
                                         "policy:1:1: error[P011]: no such file\n\n4 errors.");
}

} // namespace
} // namespace sluice::policy
