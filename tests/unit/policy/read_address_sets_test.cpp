#include "policy_text.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sys/stat.h>
#include <unistd.h>

namespace sluice::policy {
namespace {

/// The nets of a rule `from: { nets: … }`, as text.
std::string nets_of(const Outcome& outcome) {
    std::string text;
    if (!outcome.policy) return outcome.found;
    const Endpoint& from = outcome.policy->rules.at(0).from;
    std::vector<net::Prefix> all = from.nets;
    for (const std::size_t set : from.sets) {
        const auto& prefixes = *outcome.policy->address_sets.at(set).prefixes;
        all.insert(all.end(), prefixes.begin(), prefixes.end());
    }
    tidy(all);
    for (const net::Prefix& prefix : all) {
        text += (text.empty() ? "" : " ") + prefix.to_string();
    }
    return text;
}

Outcome read_sets(const std::string& sets, const std::string& nets) {
    return read_text(kWire + "address_sets:\n" + sets + "rules: [{ name: r, from: { nets: " + nets +
                     " }, action: drop }]\n");
}

TEST(AddressSets, ListsAreSortedAndFreeOfRepetition) {
    EXPECT_EQ(nets_of(read_sets("  a: [10.0.0.0/24, \"2001:db8::/32\", 9.9.9.9, 10.0.0.7, 10.0.0.0/24, 2001:db8::1]\n",
                                "[a]")),
              "9.9.9.9/32 10.0.0.0/24 2001:db8::/32");
}

TEST(AddressSets, ReferToOthersInAnyOrder) {
    EXPECT_EQ(nets_of(read_sets("  sum: [b, a, 192.0.2.1]\n  a: [10.0.0.1]\n  b: [a, 10.0.0.2]\n", "[sum]")),
              "10.0.0.1/32 10.0.0.2/32 192.0.2.1/32");
    EXPECT_EQ(nets_of(read_sets("  a: [10.0.0.1]\n", "[a, 10.0.0.0/30, \"::1\"]")), "10.0.0.0/30 ::1/128");
}

TEST(AddressSets, KeepTheirIdentity) {
    const auto outcome =
        read_sets("  sum: [b, a, 192.0.2.1, 192.0.2.0/24]\n  a: [10.0.0.1]\n  b: [a, 10.0.0.2]\n", "[sum, a, 9.9.9.9]");
    ASSERT_TRUE(outcome.policy) << outcome.found;
    const auto& sets = outcome.policy->address_sets;
    ASSERT_EQ(sets.size(), 3u);
    EXPECT_EQ(sets[0].name, "sum");
    EXPECT_EQ(sets[0].inner, (std::vector<std::size_t>{2, 1}));
    ASSERT_EQ(sets[0].own->size(), 2u) << "each prefix by itself, also one that lies inside another";
    EXPECT_EQ(sets[0].own->at(0).to_string(), "192.0.2.0/24");
    EXPECT_EQ(sets[0].own->at(1).to_string(), "192.0.2.1/32");
    EXPECT_EQ(sets[0].prefixes->size(), 3u) << "10.0.0.1, 10.0.0.2, 192.0.2.0/24";
    EXPECT_EQ(sets[1].own, sets[1].prefixes) << "nothing is copied where there is nothing to flatten";
    EXPECT_EQ(sets[1].where.line, 7u);
    const Endpoint& from = outcome.policy->rules.at(0).from;
    EXPECT_EQ(from.sets, (std::vector<std::size_t>{0, 1}));
    ASSERT_EQ(from.nets.size(), 1u);
    EXPECT_TRUE(holds(*outcome.policy, from, *net::IpAddress::parse("192.0.2.77")));
    EXPECT_TRUE(holds(*outcome.policy, from, *net::IpAddress::parse("10.0.0.2")));
    EXPECT_TRUE(holds(*outcome.policy, from, *net::IpAddress::parse("9.9.9.9")));
    EXPECT_FALSE(holds(*outcome.policy, from, *net::IpAddress::parse("10.0.0.3")));
    EXPECT_FALSE(holds(*outcome.policy, from, *net::IpAddress::parse("2001:db8::1")));
}

TEST(AddressSets, NeverReferToThemselves) {
    EXPECT_EQ(read_sets("  a: [a]\n", "[a]").found, "6:7 P018 address set 'a' contains itself\n");
    EXPECT_EQ(read_sets("  a: [b]\n  b: [10.0.0.1, c]\n  c: [a]\n", "[a]").found,
              "8:7 P018 address set 'c' contains itself\n");
}

TEST(AddressSets, AreNotEmptyForThenTheyWouldMatchEverything) {
    EXPECT_EQ(read_sets("  a: []\n", "[a]").found, "6:6 P027 the list is empty\n");
    EXPECT_EQ(read_sets("  a: [10.0.0.1]\n", "[]").found, "7:34 P027 the list is empty\n");
    EXPECT_EQ(read_sets("  a:\n", "[a]").found, "6:3 P010 'a' has no value\n");
}

TEST(AddressSets, PointAtEachBadEntry) {
    EXPECT_EQ(
        read_sets("  a: [10.0.0.256, 10.0.0.0/33, fe80::, 010.0.0.1, !10.0.0.1, 10.0.0.1-10.0.0.9, nosuch, 10.0.0]\n",
                  "[a]")
            .found,
        "6:7 P017 '10.0.0.256' is not an IPv4 or IPv6 address\n"
        "6:19 P017 prefix length '33' is not a number from 0 to 32\n"
        "6:32 P010 expected an address, a prefix or the name of a set, not a map\n"
        "6:40 P017 '010.0.0.1' is not an IPv4 or IPv6 address\n"
        "6:51 P004 '!' begins a YAML tag, which is not allowed in a policy\n"
        "6:62 P017 '10.0.0.1-10.0.0.9' is not an IPv4 or IPv6 address\n"
        "6:81 P014 unknown address set 'nosuch'\n"
        "6:89 P017 '10.0.0' is not an IPv4 or IPv6 address\n");
}

TEST(AddressSets, SuggestTheSetThatWasMeant) {
    const auto outcome = read_sets("  memcached_clients: [10.0.0.1]\n", "[memcached_client]");
    EXPECT_EQ(outcome.diagnostics.render(false),
              "policy.yaml:7:35: error[P014]: unknown address set 'memcached_client'\n"
              "7 | rules: [{ name: r, from: { nets: [memcached_client] }, action: drop }]\n"
              "  |                                   ^^^^^^^^^^^^^^^^ did you mean 'memcached_clients'?\n"
              "policy.yaml:6:3: note: 'memcached_clients' is defined here\n"
              "\n"
              "1 error.");
}

TEST(AddressSets, AreNestedUpToSixteenDeepFromEitherEnd) {
    const auto chain = [](int length, bool deepest_first) {
        std::string text;
        for (int n = 0; n < length; ++n) {
            const int i = deepest_first ? n : length - 1 - n;
            text += "  s" + std::to_string(i) + ": [" + (i == 0 ? "10.0.0.1" : "s" + std::to_string(i - 1)) + "]\n";
        }
        return text;
    };
    for (const bool deepest_first : {false, true}) {
        EXPECT_EQ(nets_of(read_sets(chain(17, deepest_first), "[s16]")), "10.0.0.1/32");
        const auto outcome = read_sets(chain(18, deepest_first), "[s17]");
        EXPECT_EQ(outcome.diagnostics.error_count(), 1u) << outcome.found;
        EXPECT_NE(outcome.found.find("P005 sets within sets, more than 16 deep"), std::string::npos) << outcome.found;
        EXPECT_FALSE(read_sets(chain(50'000, deepest_first), "[s1]").policy) << "and the stack holds";
    }
}

TEST(AddressSets, CannotMultiplyWithoutEnd) {
    std::string text = "  base:\n";
    for (int i = 0; i < 20'000; ++i) {
        text += "    - 10.0." + std::to_string(i / 256) + "." + std::to_string(i % 256) + "\n";
    }
    for (int i = 0; i < 220; ++i) {
        text += "  s" + std::to_string(i) + ": [base]\n";
    }
    const auto outcome = read_sets(text, "[s1]");
    EXPECT_FALSE(outcome.policy);
    EXPECT_NE(outcome.found.find("P026 more than 4194304 prefixes in all address sets together"), std::string::npos);
}

class AddressSetFiles : public testing::Test {
  protected:
    void SetUp() override {
        folder_ = std::filesystem::path(testing::TempDir()) / ("sluice_sets_" + std::to_string(getpid()));
        std::filesystem::create_directories(folder_);
    }
    void TearDown() override { std::filesystem::remove_all(folder_); }

    /// A policy in the folder whose set `a` is the file `name`.
    Outcome read_with_file(const std::string& name) {
        Outcome outcome;
        outcome.policy = read(folder_ / "policy.yaml",
                              kWire + "address_sets: { a: { file: " + name +
                                  " } }\n"
                                  "rules: [{ name: r, from: { nets: [a] }, action: drop }]\n",
                              outcome.diagnostics);
        outcome.found = summarised(outcome.diagnostics);
        return outcome;
    }
    void write(const std::string& name, const std::string& text) {
        std::ofstream(folder_ / name, std::ios::binary) << text;
    }

    std::filesystem::path folder_;
};

TEST_F(AddressSetFiles, AStrangersPolicyDoesNotReachFiles) {
    std::ofstream(folder_ / "secret.txt") << "root:x:0:0\n";
    Diagnostics diagnostics;
    const std::string text =
        "version: 1\ninterfaces:\n  a: { device: net_null0, peer: b }\n  b: { device: net_null1, peer: a }\n"
        "address_sets: { s: { file: secret.txt } }\nrules: []\n";
    EXPECT_FALSE(read((folder_ / "policy.yaml").string(), text, diagnostics, SetFiles::refuse));
    EXPECT_NE(diagnostics.render(false).find("P030"), std::string::npos);
    EXPECT_EQ(diagnostics.render(false).find("root:x"), std::string::npos);
}

TEST_F(AddressSetFiles, HoldOnePrefixALine) {
    write("a.txt", "# bogons\r\n10.0.0.0/8\r\n\r\n  192.0.2.1   # one host\n2001:db8::/32");
    EXPECT_EQ(nets_of(read_with_file("a.txt")), "10.0.0.0/8 192.0.2.1/32 2001:db8::/32");
    EXPECT_EQ(nets_of(read_with_file("\"" + (folder_ / "a.txt").string() + "\"")),
              "10.0.0.0/8 192.0.2.1/32 2001:db8::/32");
}

TEST_F(AddressSetFiles, HaveErrorsInTheirOwnLines) {
    write("a.txt", "10.0.0.0/8\n  10.0.0.300  # oops\nother\n10.0.0.1 10.0.0.2\n");
    const auto outcome = read_with_file("a.txt");
    EXPECT_EQ(outcome.found, "2:3 P017 '10.0.0.300' is not an IPv4 or IPv6 address\n"
                             "3:1 P017 'other' is not an IPv4 or IPv6 address\n"
                             "4:1 P017 '10.0.0.1 10.0.0.2' is not an IPv4 or IPv6 address\n");
    EXPECT_TRUE(outcome.diagnostics.render(false).starts_with((folder_ / "a.txt").string() + ":2:3: error[P017]: "))
        << outcome.diagnostics.render(false);
}

TEST_F(AddressSetFiles, MustBeThereAndHoldSomething) {
    EXPECT_EQ(read_with_file("missing.txt").found,
              "5:28 P001 cannot read '" + (folder_ / "missing.txt").string().substr(0, 64) +
                  ((folder_ / "missing.txt").string().size() > 64 ? "…" : "") + "': No such file or directory\n");
    write("empty.txt", "# nothing yet\n");
    EXPECT_NE(read_with_file("empty.txt").found.find("5:28 P027 the file '"), std::string::npos);
    EXPECT_EQ(read_with_file("").found, "5:22 P010 'file' has no value\n");
    EXPECT_NE(read_with_file(".").found.find("it is not a regular file"), std::string::npos);
    EXPECT_NE(read_with_file("\"a\\0b\"").found.find("its name holds a zero byte"), std::string::npos);
}

TEST_F(AddressSetFiles, DoNotHangOnAPipe) {
    ASSERT_EQ(mkfifo((folder_ / "pipe").c_str(), 0600), 0);
    EXPECT_NE(read_with_file("pipe").found.find("it is not a regular file"), std::string::npos);
}

TEST_F(AddressSetFiles, AreTextAndNotTooLarge) {
    write("bad.txt", "10.0.0.0/8\n\xff\xfe\n");
    EXPECT_EQ(read_with_file("bad.txt").found, "2:1 P002 byte \\xff is not UTF-8\n");
    write("large.txt", std::string((64u << 20) + 1, '\n'));
    EXPECT_NE(read_with_file("large.txt").found.find("it is larger than 64 MiB"), std::string::npos);
}

TEST_F(AddressSetFiles, CountForTheContentHash) {
    write("a.txt", "10.0.0.0/8\n");
    const auto before = read_with_file("a.txt").policy.value().content_hash;
    write("a.txt", "10.0.0.0/9\n");
    EXPECT_NE(read_with_file("a.txt").policy.value().content_hash, before);
}

} // namespace
} // namespace sluice::policy
