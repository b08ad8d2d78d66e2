#include "stage_bench.hpp"

#include <gtest/gtest.h>

#include <set>

namespace sluice::pipeline {
namespace {

using test_support::PacketBuilder;
using namespace net::tcp_flag;

class FlowLookup : public testing::Test {
  protected:
    /// The key that a frame has, and whether its sender is end 1.
    flow::OrientedKey key_of(std::uint16_t port, test_support::Bytes frame) {
        bench.clear();
        bench.add(port, std::move(frame));
        parse(bench.batch, bench.context);
        dispatch(bench.batch, bench.context);
        EXPECT_EQ(bench.batch.tracked.count, 1u);
        return {bench.batch.key[0], bench.batch.sender_is_second[0]};
    }

    StageBench bench;
};

TEST_F(FlowLookup, BothDirectionsHaveOneKey) {
    const auto there = key_of(0, tcp("10.0.0.1", 1000, "10.0.0.2", 80, kSyn));
    const auto back = key_of(1, tcp("10.0.0.2", 80, "10.0.0.1", 1000, kSyn | kAck));
    EXPECT_EQ(there.key, back.key);
    EXPECT_NE(there.sender_is_second, back.sender_is_second);
    EXPECT_EQ(bench.batch.hash[0], bench.flows().hash_of(back.key));
}

TEST_F(FlowLookup, ProtocolFamilyVlansAndWireTellFlowsApart) {
    test_support::RulesetFields fields;
    fields.ports.push_back({.peer = 3, .zone = 0, .wire = 2, .peer_mtu = 1500});
    fields.ports.push_back({.peer = 2, .zone = 1, .wire = 2, .peer_mtu = 1500});
    bench.use(fields);
    const auto tagged = [](std::initializer_list<std::uint16_t> ids) {
        PacketBuilder builder;
        for (const std::uint16_t id : ids) {
            builder.vlan({.id = id,
                          .tpid = static_cast<std::uint16_t>(ids.size() == 2 && id == *ids.begin() ? 0x88a8 : 0x8100)});
        }
        return builder.ip("10.0.0.1", "10.0.0.2").udp({.source_port = 1000, .destination_port = 80}).build();
    };
    const flow::Key keys[] = {
        key_of(0, tcp("10.0.0.1", 1000, "10.0.0.2", 80, kSyn)).key,
        key_of(2, tcp("10.0.0.1", 1000, "10.0.0.2", 80, kSyn)).key,
        key_of(0, udp("10.0.0.1", 1000, "10.0.0.2", 80)).key,
        key_of(0, udp("a00:1::", 1000, "a00:2::", 80)).key, // the same bytes as another family
        key_of(0, tagged({7})).key,
        key_of(0, tagged({7, 8})).key,
        key_of(0, tagged({8, 7})).key,
    };
    for (std::size_t i = 0; i < std::size(keys); ++i) {
        for (std::size_t j = 0; j < i; ++j) {
            EXPECT_FALSE(keys[i] == keys[j]) << i << " and " << j;
        }
    }
    EXPECT_EQ(key_of(0, tagged({0})).key, key_of(0, tagged({})).key) << "a priority tag is no VLAN";
    EXPECT_EQ(key_of(0, tagged({7})).key, key_of(1, tagged({7})).key) << "both ports of a wire";
}

TEST_F(FlowLookup, AnswersHaveTheKeyOfTheirQuery) {
    for (const auto& [one, other, query, answer] : {std::tuple{"10.0.0.1", "10.0.0.2", 8, 0},
                                                    {"10.0.0.1", "10.0.0.2", 13, 14},
                                                    {"2001:db8::1", "2001:db8::2", 128, 129},
                                                    {"2001:db8::9", "2001:db8::2", 128, 129}}) {
        const auto type = static_cast<std::uint8_t>(query);
        const auto back = static_cast<std::uint8_t>(answer);
        const auto asked = key_of(0, icmp(one, other, type, 7));
        EXPECT_EQ(asked.key, key_of(1, icmp(other, one, back, 7)).key);
        EXPECT_FALSE(asked.key == key_of(1, icmp(other, one, back, 8)).key) << "another identifier";
        EXPECT_FALSE(asked.key == key_of(1, icmp(other, one, type, 7)).key) << "the other end asks";
        EXPECT_FALSE(asked.key == key_of(0, icmp(one, other, back, 7)).key) << "an answer to the other's query";
        EXPECT_EQ(key_of(1, icmp(other, one, type, 7)).key, key_of(0, icmp(one, other, back, 7)).key);
    }
    EXPECT_FALSE(key_of(0, icmp("10.0.0.1", "10.0.0.2", 8, 7)).key ==
                 key_of(0, icmp("10.0.0.1", "10.0.0.2", 13, 7)).key)
        << "an echo is no timestamp";
}

TEST_F(FlowLookup, OnlyPendingRowsAreDispatched) {
    bench.add(0, PacketBuilder().arp().build());
    bench.add(0, udp("10.0.0.1", 1, "10.0.0.2", 2));
    bench.add(0, test_support::bytes({1, 2, 3}));
    bench.add(0, udp("10.0.0.1", 3, "10.0.0.2", 4));
    parse(bench.batch, bench.context);
    dispatch(bench.batch, bench.context);
    ASSERT_EQ(bench.batch.tracked.count, 2u);
    EXPECT_EQ(bench.batch.tracked.row[0], 1);
    EXPECT_EQ(bench.batch.tracked.row[1], 3);
}

TEST_F(FlowLookup, WhatAnotherWorkerOwnsIsHandedOff) {
    bench.context.ownership.workers = 3;
    bench.context.ownership.self = 1;
    for (std::uint16_t i = 0; i < kBatchSize; ++i) {
        bench.add(0, udp("10.0.0.1", i, "10.0.0.2", 53));
    }
    parse(bench.batch, bench.context);
    dispatch(bench.batch, bench.context);
    std::set<unsigned> owners;
    unsigned own = 0;
    for (unsigned i = 0; i < kBatchSize; ++i) {
        const bool kept = bench.batch.disposition[i] == Disposition::pending;
        own += kept;
        if (kept) continue;
        ASSERT_EQ(bench.batch.disposition[i], Disposition::hand_off);
        EXPECT_NE(bench.batch.owner[i], 1);
        owners.insert(bench.batch.owner[i]);
    }
    EXPECT_EQ(own, bench.batch.tracked.count);
    EXPECT_GT(own, 0u);
    EXPECT_EQ(owners, (std::set<unsigned>{0, 2}));
    // The columns are dense: row n of the keys belongs to row tracked.row[n] of the batch.
    for (unsigned n = 0; n < own; ++n) {
        const packet::Parsed& packet = bench.batch.parsed[bench.batch.tracked.row[n]];
        EXPECT_EQ(bench.batch.key[n], flow::Key([&] {
                      flow::Key key = flow::orient(packet.source, packet.destination, packet.source_port.raw(),
                                                   packet.destination_port.raw())
                                          .key;
                      key.protocol = packet.protocol;
                      key.family = packet.family;
                      return key;
                  }()));
    }
}

TEST_F(FlowLookup, WhatWasHandedInStays) {
    bench.context.ownership.workers = 3;
    bench.context.ownership.self = 1;
    for (std::uint16_t i = 0; i < kBatchSize; ++i) {
        bench.add(0, udp("10.0.0.1", i, "10.0.0.2", 53));
    }
    bench.batch.arrival.fill(Arrival::judge);
    parse(bench.batch, bench.context);
    dispatch(bench.batch, bench.context);
    EXPECT_EQ(bench.batch.tracked.count, kBatchSize);
}

TEST_F(FlowLookup, FindsFlowsAndTheirGeneration) {
    bench.pass(0, udp("10.0.0.1", 5, "10.0.0.2", 53));
    ASSERT_EQ(bench.flows().stats().used.load(), 1u);
    bench.clear();
    bench.add(1, udp("10.0.0.2", 53, "10.0.0.1", 6));
    bench.add(1, udp("10.0.0.2", 53, "10.0.0.1", 5));
    parse(bench.batch, bench.context);
    dispatch(bench.batch, bench.context);
    look_up_flows(bench.batch, bench.context);
    EXPECT_EQ(bench.batch.flow[0], flow::kNone);
    ASSERT_NE(bench.batch.flow[1], flow::kNone);
    EXPECT_EQ(bench.batch.generation[1], bench.flows().entry(bench.batch.flow[1]).generation.load());
}

} // namespace
} // namespace sluice::pipeline
