#include "policy/yaml/document.hpp"

#include "policy_text.hpp"

#include <gtest/gtest.h>

namespace sluice::policy {
namespace {

struct Parsed {
    std::optional<YamlNode> root;
    Diagnostics diagnostics;
    std::string found;
};

Parsed parse(const std::string& text) {
    Parsed parsed;
    const auto file = parsed.diagnostics.add_file("p.yaml", normalised(text));
    parsed.root = parse_yaml(file, parsed.diagnostics);
    parsed.found = summarised(parsed.diagnostics);
    return parsed;
}

std::string place(const Location& where) {
    return std::to_string(where.line) + ":" + std::to_string(where.column) + "+" + std::to_string(where.length);
}

TEST(Document, KeepsTextAndPlaceOfEveryScalar) {
    const auto parsed = parse("a: 010\n"
                              "ä€: { k: [x, \"q \\\" \\t\", 'it''s'] }\n"
                              "deep:\n"
                              "  - name: yes\n"
                              "    text: |\n"
                              "      one\n"
                              "      two\n");
    ASSERT_TRUE(parsed.root) << parsed.found;
    EXPECT_EQ(parsed.found, "");
    const auto& top = parsed.root->entries;
    ASSERT_EQ(top.size(), 3u);
    EXPECT_EQ(top[0].value.text, "010");
    EXPECT_EQ(place(top[0].value.where), "1:4+3");
    EXPECT_EQ(place(top[1].key_where), "2:1+2");
    const auto& items = top[1].value.entries.at(0).value.items;
    ASSERT_EQ(items.size(), 3u);
    EXPECT_EQ(place(items[0].where), "2:11+1");
    EXPECT_FALSE(items[0].quoted);
    EXPECT_EQ(items[1].text, "q \" \t");
    EXPECT_EQ(place(items[1].where), "2:14+9");
    EXPECT_TRUE(items[1].quoted);
    EXPECT_EQ(items[2].text, "it's");
    EXPECT_EQ(place(items[2].where), "2:25+7");
    const auto& rule = top[2].value.items.at(0);
    EXPECT_EQ(place(rule.where), "4:5+1");
    EXPECT_EQ(rule.entries.at(0).value.text, "yes");
    EXPECT_EQ(rule.entries.at(1).value.text, "one\ntwo\n");
    EXPECT_TRUE(rule.entries.at(1).value.quoted);
}

TEST(Document, TellsNothingFromQuotedNothing) {
    const auto parsed = parse("a:\nb: ~\nc: null\nd: ''\ne: 'null'\nf: [1, ]\n");
    ASSERT_TRUE(parsed.root) << parsed.found;
    const auto& top = parsed.root->entries;
    EXPECT_EQ(top[0].value.kind, NodeKind::null);
    EXPECT_EQ(place(top[0].value.where), "1:1+1") << "points at the key";
    EXPECT_EQ(top[1].value.kind, NodeKind::null);
    EXPECT_EQ(place(top[1].value.where), "2:4+1");
    EXPECT_EQ(top[2].value.kind, NodeKind::null);
    EXPECT_EQ(place(top[2].value.where), "3:4+4");
    EXPECT_EQ(top[3].value.kind, NodeKind::scalar);
    EXPECT_EQ(top[4].value.kind, NodeKind::scalar);
    EXPECT_EQ(top[5].value.items.size(), 1u) << "a comma at the end adds nothing";
}

TEST(Document, AcceptsByteOrderMarkWindowsLineEndsAndOneDocumentMark) {
    const auto parsed = parse("\xef\xbb\xbf---\r\na: b\r\nc: d\r\n...\r\n");
    ASSERT_TRUE(parsed.root) << parsed.found;
    EXPECT_EQ(parsed.found, "");
    EXPECT_EQ(parsed.root->entries[0].value.text, "b");
    EXPECT_EQ(place(parsed.root->entries[1].key_where), "3:1+1");
}

TEST(Document, RefusesAnchorsAliasesTagsAndMergeKeysAllAtOnce) {
    const auto parsed = parse("a: &x b\n"
                              "b: !!str c\n"
                              "c: [!10.0.0.0/8, ! q]\n"
                              "d: !t { x: y }\n"
                              "e: &y [1]\n"
                              "<<: { k: v }\n"
                              "f: *x\n");
    ASSERT_TRUE(parsed.root);
    EXPECT_EQ(parsed.found, "1:4 P004 an anchor ('&name') is not allowed in a policy\n"
                            "2:4 P004 '!' begins a YAML tag, which is not allowed in a policy\n"
                            "3:5 P004 '!' begins a YAML tag, which is not allowed in a policy\n"
                            "3:18 P004 '!' begins a YAML tag, which is not allowed in a policy\n"
                            "4:4 P004 '!' begins a YAML tag, which is not allowed in a policy\n"
                            "5:4 P004 an anchor ('&name') is not allowed in a policy\n"
                            "6:1 P004 a merge key ('<<') is not allowed in a policy\n"
                            "7:4 P004 an alias ('*name') is not allowed in a policy\n");
    EXPECT_EQ(parsed.root->entries[0].value.kind, NodeKind::invalid);
    EXPECT_EQ(parsed.root->entries[3].value.kind, NodeKind::invalid);
}

TEST(Document, NeverExpandsAnAlias) {
    std::string bomb = "a0: &a0 [x, x]\n";
    for (int i = 1; i < 60; ++i) {
        const std::string below = "*a" + std::to_string(i - 1);
        bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + below + ", " + below + "]\n";
    }
    EXPECT_EQ(parse(bomb).diagnostics.error_count(), 60u + 2 * 59u);
}

TEST(Document, RefusesUnknownAliasesAndBareStars) {
    EXPECT_EQ(parse("a: *x\n").found, "1:4 P004 an alias ('*name') is not allowed in a policy\n");
    EXPECT_EQ(parse("a: [*]\n").found, "1:6 P004 '*' begins a YAML alias, which is not allowed in a policy\n");
}

TEST(Document, RefusesASecondDocument) {
    EXPECT_EQ(parse("a: b\n---\nc: d\n").found, "2:1 P004 a second document begins here\n");
    EXPECT_EQ(parse("a: b\n...\nc: d\n").found, "3:1 P004 a second document begins here\n");
}

TEST(Document, RefusesDuplicateKeysWithTheirFirstPlace) {
    const auto parsed = parse("a: 1\nb: { c: 1, \"c\": 2 }\na: 3\n");
    EXPECT_EQ(parsed.found, "2:12 P006 duplicate key 'c'\n3:1 P006 duplicate key 'a'\n");
    ASSERT_EQ(parsed.diagnostics.all()[1].notes.size(), 1u);
    EXPECT_EQ(place(parsed.diagnostics.all()[1].notes[0].where), "1:1+1");
    EXPECT_EQ(parsed.root->entries[0].value.text, "1") << "the first stays, for what else is to say";
}

TEST(Document, RefusesKeysThatAreNoWords) {
    EXPECT_EQ(parse("? [a, b]\n: c\n").found, "1:3 P004 a key must be a word\n");
    EXPECT_EQ(parse("{ { a: b }: c }\n").found, "1:3 P004 a key must be a word\n");
    EXPECT_EQ(parse(": x\n").found, "1:1 P004 a key must be a word\n");
}

TEST(Document, BoundsDepth) {
    const auto nested = [](std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
    EXPECT_EQ(parse(nested(kMaxDepth)).found, "");
    EXPECT_EQ(parse(nested(kMaxDepth + 1)).found, "1:33 P005 nested deeper than 32 levels\n");
    EXPECT_EQ(parse(nested(100'000)).found, "1:33 P005 nested deeper than 32 levels\n");
    EXPECT_EQ(parse(std::string(100'000, '{')).diagnostics.error_count(), 1u);
    std::string block;
    for (int i = 0; i < 1000; ++i) {
        block += "- ";
    }
    EXPECT_EQ(parse(block + "x\n").found, "1:65 P005 nested deeper than 32 levels\n");
}

TEST(Document, BoundsLineAndFileAndNumberOfValues) {
    EXPECT_EQ(parse("a: " + std::string(kMaxLineSize, 'x') + "\n").found,
              "1:1 P005 a line longer than 1048576 bytes\n");
    EXPECT_EQ(parse(std::string(kMaxFileSize + 1, '\n')).found, "0:0 P005 larger than 16 MiB\n");
    std::string many;
    for (std::size_t i = 0; i <= kMaxNodes; ++i) {
        many += i % 1000 == 999 ? "a,\n" : "a,";
    }
    EXPECT_NE(parse("[" + many + "]").found.find("P005 more than 4194304 values"), std::string::npos);
}

TEST(Document, FindsBytesThatAreNoText) {
    EXPECT_EQ(parse("a: b\nc: x\xff\n").found, "2:5 P002 byte \\xff is not UTF-8\n");
    EXPECT_EQ(parse("a: \xc0\xaf\n").found, "1:4 P002 byte \\xc0 is not UTF-8\n");
    EXPECT_EQ(parse("ä: \x1b[0m\n# \x07\n").found, "1:4 P002 the character \\x1b is not allowed in a policy\n"
                                                   "2:3 P002 the character \\x07 is not allowed in a policy\n");
    EXPECT_EQ(parse("a: b # \xe2\x80\xae\n").found, "1:8 P002 the character \\u{202e} is not allowed in a policy\n");
    EXPECT_EQ(parse(std::string("a: \0b\n", 6)).found, "1:4 P002 the character \\x00 is not allowed in a policy\n");
    EXPECT_EQ(parse("a: b\rc: d\n").found, "1:5 P002 the character \\x0d is not allowed in a policy\n");
}

TEST(Document, RefusesTabsButNotInComments) {
    EXPECT_EQ(parse("a:\n\tb: c\n").found, "2:1 P002 a tab\n");
    EXPECT_EQ(parse("a:\tb\n").found, "1:3 P002 a tab\n");
    EXPECT_EQ(parse("a: b\t# why\n#\tindeed\n\t# quite\n \t\n").found, "");
}

TEST(Document, PointsAtSyntaxErrors) {
    EXPECT_EQ(parse("rules:\n  - name: x\n   action: y\n").found, "3:4 P003 this does not fit the lines above\n");
    EXPECT_EQ(parse("a: {b: c\nd: e\n").found, "2:2 P003 a '{' is not closed before this\n");
    EXPECT_EQ(parse("a: [b\nc: d\n").found, "2:2 P003 a '[' is not closed before this\n");
    EXPECT_EQ(parse("a: [1]]\n").found, "1:7 P003 a ']' or '}' too many\n");
    EXPECT_EQ(parse("a: @x\n").found, "1:4 P003 no value can begin like this\n");
    EXPECT_EQ(parse("a: b: c\n").found, "1:5 P003 a ':' where no key can be\n");
}

TEST(Document, NoticesAQuoteThatIsNotClosed) {
    EXPECT_EQ(parse("a: \"x\nb: c\n").found, "1:4 P003 a quoted text that does not end\n");
    EXPECT_EQ(parse("a: 'x\n").found, "1:4 P003 a quoted text that does not end\n");
    EXPECT_EQ(parse("'a: x\n").diagnostics.error_count(), 1u);
}

TEST(Document, SaysWhenThereIsNothing) {
    EXPECT_EQ(parse("").found, "0:0 P009 the policy is empty\n");
    EXPECT_EQ(parse("# only this\n\n").found, "0:0 P009 the policy is empty\n");
}

} // namespace
} // namespace sluice::policy
