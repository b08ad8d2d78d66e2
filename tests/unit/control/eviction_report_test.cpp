// show.evictions from real tables that had to make room.
#include "control/eviction_report.hpp"

#include "net/byte_order.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

namespace sluice::control {
namespace {

using admin::Json;
using flow::State;

constexpr base::Tick kStart = 0xfffff000; // wraps four seconds into each test
constexpr std::uint32_t kCapacity = 64;

/// One worker's table with counters by rule.
struct Counting {
    Counting()
        : rules(8)
        , evictions(8) {
        const std::size_t size = (flow::Table::memory_size(kCapacity) + 63) / 64 * 64;
        memory.reset(static_cast<std::byte*>(std::aligned_alloc(64, size)));
        std::memset(memory.get(), 0, size);
        flow::Config config;
        config.capacity = kCapacity;
        config.half_open_limit = 4;
        config.pressure.timeout_scale = 256;
        config.rules = rules;
        config.evictions = evictions;
        table = std::make_unique<flow::Table>(std::span(memory.get(), size), config, kStart);
    }
    /// A flow from 10.0.0.`host` to 192.0.2.1.
    void add(std::uint8_t host, std::uint16_t port, std::uint32_t rule_slot, State state, base::Tick now) {
        const std::uint8_t source[16] = {10, 0, 0, host};
        const std::uint8_t destination[16] = {192, 0, 2, 1};
        flow::OrientedKey key =
            flow::orient(source, destination, net::byte_swap(port), net::byte_swap(std::uint16_t{80}));
        key.key.family = net::Family::ipv4;
        key.key.protocol = state == State::udp_new ? net::protocol::kUdp : net::protocol::kTcp;
        (void)table->create({.key = key,
                             .hash = table->hash_of(key.key),
                             .state = state,
                             .timeout_ticks = 600'000,
                             .rule_slot = rule_slot},
                            now);
    }

    std::vector<telemetry::RuleCounters> rules;
    std::vector<telemetry::RuleEvictions> evictions;
    std::unique_ptr<std::byte, decltype(&std::free)> memory{nullptr, &std::free};
    std::unique_ptr<flow::Table> table;
};

class EvictionReportTest : public testing::Test {
  protected:
    EvictionReportTest()
        : slots_(8, {{first_.rules, first_.evictions}, {second_.rules, second_.evictions}}) {
        const auto given = slots_.assign({"web", "dns", "idle"});
        web_ = given->at(0);
        dns_ = given->at(1);
        idle_ = given->at(2);
    }
    [[nodiscard]] Json report(std::optional<std::uint32_t> rule = {}, std::uint64_t limit = 20,
                              base::Tick now = kStart + 10'000) const {
        const flow::Table* const tables[] = {first_.table.get(), second_.table.get()};
        return eviction_report(tables, slots_, rule, limit, now);
    }

    Counting first_;
    Counting second_;
    CounterSlots slots_;
    std::uint32_t web_ = 0;
    std::uint32_t dns_ = 0;
    std::uint32_t idle_ = 0;
};

TEST_F(EvictionReportTest, NothingHappened) {
    first_.add(1, 1000, web_, State::tcp_syn_sent, kStart);
    EXPECT_EQ(report(), Json::parse(R"({"total":0,"by_cause":{},"by_rule":[],"latest":[]})"));
}

TEST_F(EvictionReportTest, WhoLostToWhom) {
    for (std::uint16_t i = 0; i < 4; ++i)
        second_.add(1, static_cast<std::uint16_t>(1000 + i), web_, State::tcp_syn_sent, kStart + i);
    second_.add(2, 2000, dns_, State::tcp_syn_sent, kStart + 3000); // the fifth half-open one
    const Json answer = report({}, 20, kStart + 5000);
    EXPECT_EQ(answer["total"], 1);
    EXPECT_EQ(answer["by_cause"], Json::parse(R"({"half_open":1})"));
    EXPECT_EQ(answer["by_rule"], Json::parse(R"([{"rule":"dns","lost":{},"taken":1},
                                                 {"rule":"web","lost":{"half_open":1},"taken":0}])"));
    ASSERT_EQ(answer["latest"].size(), 1u);
    EXPECT_EQ(answer["latest"][0], Json::parse(R"({
        "at_seconds_ago": 2.0, "cause": "half_open", "worker": 1, "idle_seconds": 3.0, "age_seconds": 3.0,
        "lost": {"protocol":"tcp", "source":"10.0.0.1", "source_port":1000,
                 "destination":"192.0.2.1", "destination_port":80, "vlan":null, "rule":"web"},
        "taker": {"protocol":"tcp", "source":"10.0.0.2", "source_port":2000,
                  "destination":"192.0.2.1", "destination_port":80, "vlan":null, "rule":"dns"}})"));
}

TEST_F(EvictionReportTest, TheNewestOfAllWorkersComesFirst) {
    for (unsigned i = 0; i < 12; ++i) {
        Counting& worker = i % 2 == 0 ? first_ : second_;
        worker.add(1, static_cast<std::uint16_t>(1000 + i), web_, State::tcp_syn_sent, kStart + i * 1000);
    }
    const Json answer = report({}, 3, kStart + 12'000);
    EXPECT_EQ(answer["total"], 4) << "two of each worker found no room";
    ASSERT_EQ(answer["latest"].size(), 3u);
    for (unsigned i = 0; i < 3; ++i) {
        EXPECT_EQ(answer["latest"][i]["at_seconds_ago"], 1.0 + i);
        EXPECT_EQ(answer["latest"][i]["worker"], i % 2 == 0 ? 1 : 0);
        EXPECT_EQ(answer["latest"][i]["taker"]["source_port"], 1011 - i);
    }
}

TEST_F(EvictionReportTest, OnlyWhatARuleLostOrTook) {
    for (std::uint16_t i = 0; i < 5; ++i)
        first_.add(1, static_cast<std::uint16_t>(1000 + i), web_, State::tcp_syn_sent, kStart);
    for (std::uint16_t i = 0; i < kCapacity; ++i)
        first_.add(2, static_cast<std::uint16_t>(2000 + i), dns_, State::udp_new, kStart + 1);
    const Json all = report();
    EXPECT_EQ(all["by_cause"].size(), 2u) << all;
    EXPECT_GT(all["total"], 1);
    const Json web = report(web_);
    EXPECT_EQ(web["total"], all["total"]) << "the table's figures are the table's";
    ASSERT_EQ(web["by_rule"].size(), 1u);
    EXPECT_EQ(web["by_rule"][0]["rule"], "web");
    EXPECT_LT(web["latest"].size(), all["latest"].size());
    for (const Json& one : web["latest"])
        EXPECT_TRUE(one["lost"]["rule"] == "web" || one["taker"]["rule"] == "web") << one;
    const Json none = report(idle_);
    EXPECT_EQ(none["by_rule"], Json::array());
    EXPECT_EQ(none["latest"], Json::array());
}

TEST_F(EvictionReportTest, ALogThatWentRoundHasTheLatest) {
    constexpr unsigned kFlows = 4 + 1000;
    for (unsigned i = 0; i < kFlows; ++i)
        first_.add(static_cast<std::uint8_t>(1 + i / 500), static_cast<std::uint16_t>(1000 + i), web_,
                   State::tcp_syn_sent, kStart + i);
    const Json answer = report({}, 100'000);
    EXPECT_EQ(answer["total"], 1000);
    ASSERT_EQ(answer["latest"].size(), flow::EvictionLog::kRecords);
    EXPECT_EQ(answer["latest"][0]["taker"]["source_port"], 1000 + kFlows - 1);
    EXPECT_EQ(answer["latest"].back()["taker"]["source_port"], 1000 + kFlows - 256);
}

TEST_F(EvictionReportTest, ARuleThatIsGoneHasNoName) {
    for (std::uint16_t i = 0; i < 5; ++i)
        first_.add(1, static_cast<std::uint16_t>(1000 + i), web_, State::tcp_syn_sent, kStart);
    slots_.keep_only({"dns"});
    const Json answer = report();
    EXPECT_EQ(answer["by_rule"], Json::array());
    EXPECT_EQ(answer["latest"][0]["lost"]["rule"], "-");
}

} // namespace
} // namespace sluice::control
