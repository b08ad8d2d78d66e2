#include "control/running_policy.hpp"

#include "policy/model/read.hpp"

#include <gtest/gtest.h>

#include <string>

namespace sluice::control {
namespace {

const std::string kText = "version: 1\n"
                          "system: { workers: 1-2, idle: poll }\n"
                          "interfaces:\n"
                          "  lan: { device: net_null0, peer: wan }\n"
                          "  wan: { device: net_null1, peer: lan }\n"
                          "tables: { flows: { size: 64Ki, on_full: evict }, fragments: { per_datagram: 44 } }\n"
                          "timeouts: { default: { udp_new: 10s } }\n"
                          "rules:\n"
                          "- { name: web, to: { ports: [80] }, protocol: tcp, action: allow }\n";

policy::Policy read(const std::string& text) {
    policy::Diagnostics diagnostics;
    auto policy = policy::read("policy.yaml", text, diagnostics);
    EXPECT_TRUE(policy) << diagnostics.render(false);
    return policy ? *policy : policy::Policy{};
}

/// The text with one place changed.
std::string with(const std::string& from, const std::string& to) {
    std::string text = kText;
    const std::size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return text.replace(at, from.size(), to);
}

std::string differences(const std::string& text) {
    std::string all;
    for (const std::string& section : fixed_differences(read(kText), read(text))) {
        all += (all.empty() ? "" : " ") + section;
    }
    return all;
}

TEST(FixedDifferences, WhatIsLiveMayChange) {
    EXPECT_EQ(differences(kText), "");
    EXPECT_EQ(differences(with("ports: [80]", "ports: [81]")), "");
    EXPECT_EQ(differences(with("udp_new: 10s", "udp_new: 11s")), "");
    EXPECT_EQ(differences(kText + "zones: { inside: { interfaces: [lan] } }\n"), "") << "which zone a port is in";
    EXPECT_EQ(differences(kText + "default: { action: allow }\n"), "");
    EXPECT_EQ(differences("# another comment\n" + kText), "");
    EXPECT_EQ(differences("name: edge-1\n" + kText), "");
}

TEST(FixedDifferences, WhatIsFixedIsNamedBySection) {
    for (const auto& [from, to] : {std::pair{"workers: 1-2", "workers: 1"},
                                   {"workers: 1-2", "workers: auto"},
                                   {"idle: poll", "idle: sleep"},
                                   {"workers: 1-2", "workers: 1-2, memory: { hugepages: 1Gi }"},
                                   {"workers: 1-2", "workers: 1-2, buffer_size: 4Ki"}}) {
        EXPECT_EQ(differences(with(from, to)), "system") << to;
    }
    for (const auto& [from, to] : {std::pair{"device: net_null1", "device: net_null2"},
                                   {"peer: wan }", "peer: wan, mtu: 9000 }"},
                                   {"peer: wan }", "peer: wan, queues: 2 }"},
                                   {"peer: wan }", "peer: wan, promiscuous: false }"}}) {
        EXPECT_EQ(differences(with(from, to)), "interfaces") << to;
    }
    for (const auto& [from, to] : {std::pair{"per_datagram: 44", "per_datagram: 45"},
                                   {"per_datagram: 44", "size: 1Ki, per_datagram: 44"},
                                   {"per_datagram: 44", "timeout: 29s, per_datagram: 44"}}) {
        EXPECT_EQ(differences(with(from, to)), "tables.fragments") << to;
    }
}

TEST(FixedDifferences, TheFlowTableIsLive) {
    for (const auto& [from, to] : {std::pair{"size: 64Ki", "size: 128Ki"},
                                   {"on_full: evict", "on_full: drop_new"},
                                   {"on_full: evict", "half_open: 20%"},
                                   {"on_full: evict", "syn_cookies: always"},
                                   {"on_full: evict", "pressure: { enter: 91%, leave: 60%, timeout_scale: 24% }"}}) {
        EXPECT_EQ(differences(with(from, to)), "") << to;
    }
}

TEST(FixedDifferences, InterfacesAreComparedOneByOne) {
    // Another order is another numbering of ports.
    EXPECT_EQ(differences(with("  lan: { device: net_null0, peer: wan }\n  wan: { device: net_null1, peer: lan }\n",
                               "  wan: { device: net_null1, peer: lan }\n  lan: { device: net_null0, peer: wan }\n")),
              "interfaces");
    EXPECT_EQ(differences(with("tables:", "  a: { device: net_null2, peer: b }\n"
                                          "  b: { device: net_null3, peer: a }\n"
                                          "tables:")),
              "interfaces");
    std::string renamed = with("lan: {", "inside: {");
    renamed.replace(renamed.find("peer: lan"), 9, "peer: inside");
    EXPECT_EQ(differences(renamed), "interfaces");
}

TEST(FixedDifferences, SeveralSectionsAreAllNamed) {
    std::string text = with("per_datagram: 44", "per_datagram: 45");
    text.replace(text.find("idle: poll"), 10, "idle: sleep");
    EXPECT_EQ(differences(text), "system tables.fragments");
}

TEST(RuleNames, TheDefaultComesLast) {
    EXPECT_EQ(rule_names(read(kText)), (std::vector<std::string>{"web", "default"}));
}

} // namespace
} // namespace sluice::control
