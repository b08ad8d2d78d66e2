// What a complete datagram is judged as; how fragments become one is for tests/unit/reassembly.
#include "stage_bench.hpp"
#include "support/fragments.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

namespace sluice::pipeline {
namespace {

using packet::FragmentState;
using telemetry::DropReason;
using test_support::Bytes;
using test_support::fragment_of;
using test_support::fragments_of;
using test_support::PacketBuilder;

class ReassembleStage : public testing::Test {
  protected:
    /// All in one batch; the row that stands for the datagram.
    unsigned pass(const std::vector<Bytes>& frames) {
        release();
        bench.clear();
        for (const Bytes& frame : frames) {
            bench.add(0, frame);
        }
        parse(bench.batch, bench.context);
        reassemble(bench.batch, bench.context);
        return static_cast<unsigned>(frames.size() - 1);
    }
    void release() {
        for (unsigned i = 0; i < bench.batch.count; ++i) {
            if (bench.batch.is_datagram(i)) bench.fragments().release(bench.batch.datagram[i]);
        }
        bench.batch.count = 0;
    }
    /// Of a packet that comes in fragments of 24 bytes, the last one first.
    Checksum checksum_of(const Bytes& whole) {
        std::vector<Bytes> frames = fragments_of(whole, 24);
        EXPECT_GE(frames.size(), 2u);
        EXPECT_LE(frames.size(), 4u);
        std::rotate(frames.begin(), frames.end() - 1, frames.end());
        const unsigned row = pass(frames);
        EXPECT_TRUE(bench.batch.is_datagram(row));
        EXPECT_EQ(bench.batch.disposition[row], Disposition::pending);
        return bench.batch.checksum[row];
    }
    static Bytes flipped(Bytes frame) {
        frame.back() ^= std::byte{1};
        return frame;
    }

    static std::unique_ptr<const ruleset::Ruleset> with_long_frames() {
        test_support::RulesetFields fields;
        for (ruleset::Port& port : fields.ports) {
            port.peer_mtu = 65535;
        }
        return test_support::make_ruleset(fields);
    }

    StageBench bench;
    std::unique_ptr<const ruleset::Ruleset> long_frames = with_long_frames();
};

TEST_F(ReassembleStage, TheRowStandsForTheDatagram) {
    const Bytes whole = PacketBuilder().ipv4().udp({.destination_port = 53}).payload_size(57).build();
    const unsigned row =
        pass({fragment_of(whole, {.begin = 24, .end = 100}), fragment_of(whole, {.begin = 0, .end = 24})});
    EXPECT_EQ(bench.batch.disposition[0], Disposition::held);
    EXPECT_EQ(bench.batch.disposition[row], Disposition::pending);
    const packet::Parsed& parsed = bench.batch.parsed[row];
    EXPECT_EQ(parsed.fragment, FragmentState::whole);
    EXPECT_EQ(parsed.ip_length, 20u + 8 + 57);
    EXPECT_EQ(parsed.destination_port.host(), 53u);
    EXPECT_EQ(bench.batch.packets_of(row), 2u);
    EXPECT_EQ(bench.batch.bytes_of(row), 14u + 20 + 24 + 14 + 20 + 41);
    EXPECT_EQ(bench.batch.length[row], 14u + 20 + 24) << "the first fragment's";
    EXPECT_EQ(bench.batch.data[row][14 + 20 + 3], std::byte{53}) << "its bytes, whichever came last";
}

TEST_F(ReassembleStage, ChecksumsAreTheDatagrams) {
    for (const bool ipv4 : {true, false}) {
        const auto ip = [&] { return ipv4 ? PacketBuilder().ipv4() : PacketBuilder().ipv6(); };
        for (const Bytes& whole : {ip().tcp().payload_size(51).build(), ip().udp().payload_size(63).build(),
                                   ip().icmp().payload_size(50).build(), ip().sctp().payload_size(60).build()}) {
            EXPECT_EQ(checksum_of(whole), Checksum::good) << ipv4;
            EXPECT_EQ(checksum_of(flipped(whole)), Checksum::bad) << ipv4;
        }
        EXPECT_EQ(checksum_of(ip().udp({.checksum = 0}).payload_size(60).build()),
                  ipv4 ? Checksum::good : Checksum::bad)
            << "no checksum: RFC 768, but RFC 8200, 8.1";
    }
    EXPECT_EQ(checksum_of(PacketBuilder().ipv6().extension({}).udp().payload_size(60).build()), Checksum::good)
        << "behind another header";
    EXPECT_EQ(checksum_of(PacketBuilder().ipv4().udp({.length = 8 + 51}).payload_size(60).build()), Checksum::bad)
        << "over what UDP says is its length";
}

TEST_F(ReassembleStage, WholePacketsPassBy) {
    const unsigned row = pass({udp("10.0.0.1", 1000, "10.0.0.2", 53)});
    EXPECT_FALSE(bench.batch.is_datagram(row));
    EXPECT_EQ(bench.batch.checksum[row], Checksum::unknown);
    EXPECT_EQ(bench.batch.packets_of(row), 1u);
    EXPECT_EQ(bench.batch.bytes_of(row), bench.batch.length[row]);
}

TEST_F(ReassembleStage, LengthsAreTheDatagrams) {
    const Bytes whole = PacketBuilder().ipv4().udp({.length = 8 + 61}).payload_size(60).build();
    unsigned row = pass(fragments_of(whole, 32));
    EXPECT_EQ(bench.batch.disposition[row], Disposition::drop);
    EXPECT_EQ(bench.batch.reason[row], DropReason::bad_l4_header);
}

/// Only the first fragment's header counts, which may be longer than that of the last.
TEST_F(ReassembleStage, NoDatagramIsLongerThanOneMayBe) { // RFC 791, 3.1
    bench.context.ruleset = long_frames.get();
    const auto part = [](std::size_t options, std::uint16_t offset, bool more, std::size_t size) {
        return PacketBuilder()
            .ipv4({.more_fragments = more,
                   .fragment_offset = offset,
                   .options = Bytes(options, std::byte{1}),
                   .protocol = 253})
            .payload_size(size)
            .build();
    };
    for (const std::size_t options : {0u, 40u}) {
        const unsigned row =
            pass({part(options, 0, true, 32760), part(0, 32760, true, 32720), part(0, 65480, false, 35)});
        EXPECT_EQ(bench.batch.disposition[row] == Disposition::drop, options != 0);
        if (options != 0) {
            EXPECT_EQ(bench.batch.reason[row], DropReason::bad_ip_header);
        } else {
            EXPECT_EQ(bench.batch.parsed[row].ip_length, 65535u);
        }
    }
}

TEST_F(ReassembleStage, DropsCountEveryFragment) {
    const Bytes whole = PacketBuilder().ipv4().udp({.length = 8 + 61}).payload_size(60).build();
    bench.clear();
    for (const Bytes& frame : fragments_of(whole, 24)) {
        bench.add(0, frame);
    }
    run(bench.batch, bench.context);
    EXPECT_EQ(bench.drops(DropReason::bad_l4_header), 3u);
    release();
}

TEST_F(ReassembleStage, ARuleCountsEveryFragment) {
    const Bytes whole = PacketBuilder().ipv4().udp().payload_size(64).build();
    bench.clear();
    for (const Bytes& frame : fragments_of(whole, 24)) {
        bench.add(0, frame);
    }
    run(bench.batch, bench.context);
    EXPECT_EQ(bench.batch.disposition[2], Disposition::forward);
    ASSERT_NE(bench.batch.rule_slot[2], kNoRule);
    EXPECT_EQ(bench.rule_counters[bench.batch.rule_slot[2]].packets.load(), 3u);
    EXPECT_EQ(bench.rule_counters[bench.batch.rule_slot[2]].bytes.load(), 3u * 34 + 72);
    release();
}

TEST_F(ReassembleStage, TheCollectorIsTheSameForAllFragments) {
    bench.context.ownership.workers = 8;
    std::set<unsigned> owners;
    for (std::uint32_t id = 1; id <= 100; ++id) {
        const Bytes whole = PacketBuilder().ipv4().udp().payload_size(64).build();
        bench.clear();
        for (const Bytes& frame : fragments_of(whole, 24, id)) {
            bench.add(0, frame);
        }
        parse(bench.batch, bench.context);
        reassemble(bench.batch, bench.context);
        const bool home = bench.batch.disposition[0] != Disposition::hand_off;
        for (unsigned i = 0; i < 3; ++i) {
            EXPECT_EQ(bench.batch.disposition[i] != Disposition::hand_off, home);
            EXPECT_TRUE(home || bench.batch.owner[i] == bench.batch.owner[0]);
        }
        owners.insert(home ? 0u : bench.batch.owner[0]);
        if (home) release();
    }
    EXPECT_EQ(owners.size(), 8u) << "one pair of hosts does not keep one worker busy";
}

} // namespace
} // namespace sluice::pipeline
