// Handshakes that Sluice takes part in, with both ends played by the test: what each of them gets to see, in its own
// numbers, with checksums that are computed anew here.
#include "pipeline/syn_proxy.hpp"

#include "net/checksum.hpp"
#include "packet/checksum.hpp"
#include "packet/parse.hpp"
#include "packet/transport.hpp"
#include "support/fragments.hpp"
#include "support/handmade_ruleset.hpp"
#include "support/memory_appliance.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace sluice::worker {
namespace {

using namespace net::tcp_flag;
using flow::State;
using telemetry::DropReason;
using telemetry::WorkerCounters;
using test_support::Bytes;
using test_support::MemoryAppliance;
using test_support::PacketBuilder;

constexpr std::uint16_t kClientSide = 0;
constexpr std::uint16_t kServerSide = 1;
constexpr std::uint32_t kClientFirst = 0xfffffff0; // sequence numbers wrap soon
constexpr std::uint32_t kServerFirst = 0x12345678;
constexpr std::uint16_t kClientPort = 40001;
constexpr std::uint16_t kServerPort = 443;

const Bytes kUsualOptions = test_support::bytes({2, 4, 5, 0xb4, 4, 2, 8, 10, 1, 2, 3, 4, 0, 0, 0, 0, 1, 3, 3, 9});

struct Segment {
    std::uint32_t sequence = 0;
    std::uint32_t acknowledgment = 0;
    std::uint8_t flags = kAck;
    std::uint16_t window = 500;
    Bytes options = {};
    std::size_t payload = 0;
};

/// A frame that left, looked at again.
struct Left {
    std::uint16_t port = 0;
    Bytes frame;
    packet::Parsed parsed;
    packet::TcpSegment segment;
    packet::SynOptions options;
};

struct Wire {
    const char* name;
    net::Family family;
    bool tagged;
    std::uint16_t workers;
    std::uint16_t transmit_queues;
};

class SynProxyTest : public testing::TestWithParam<Wire> {
  protected:
    void SetUp() override { make(flow::SynCookies::always); }
    void TearDown() override { EXPECT_EQ(appliance->broken_account(), ""); }

    void make(flow::SynCookies when, std::uint32_t capacity = 1024) {
        test_support::MemoryApplianceOptions options;
        options.workers = GetParam().workers;
        options.transmit_queues = GetParam().transmit_queues;
        options.flows.capacity = capacity;
        options.flows.syn_cookies = when;
        appliance = std::make_unique<MemoryAppliance>(options);
        appliance->publish(*ruleset);
    }

    [[nodiscard]] PacketBuilder headers(bool from_client) const {
        test_support::EthernetFields ethernet;
        if (!from_client) std::swap(ethernet.source, ethernet.destination);
        PacketBuilder builder(ethernet);
        if (GetParam().tagged) builder.vlan({.id = 7, .priority = 5, .tpid = 0x88a8}).vlan({.id = 9});
        const bool ipv4 = GetParam().family == net::Family::ipv4;
        const char* client = ipv4 ? "10.0.0.1" : "2001:db8::1";
        const char* server = ipv4 ? "10.0.0.2" : "2001:db8::2";
        builder.ip(from_client ? client : server, from_client ? server : client);
        return builder;
    }

    [[nodiscard]] Bytes frame(bool from_client, const Segment& segment, std::uint16_t client_port) const {
        return headers(from_client)
            .tcp({.source_port = from_client ? client_port : kServerPort,
                  .destination_port = from_client ? kServerPort : client_port,
                  .flags = segment.flags,
                  .sequence = segment.sequence,
                  .acknowledgment = segment.acknowledgment,
                  .window = segment.window,
                  .options = segment.options})
            .payload_size(segment.payload)
            .build();
    }

    /// Sends frames in by a port and returns what left by any, those of the same port in their order.
    std::vector<Left> pass(std::uint16_t port, const std::vector<Bytes>& frames) {
        for (const Bytes& one : frames) {
            appliance->ports().put_in(port, static_cast<std::uint16_t>(arrivals_++ % GetParam().workers), one);
        }
        appliance->settle(now);
        std::vector<Left> left;
        const std::uint16_t queues = GetParam().transmit_queues == 0 ? GetParam().workers : GetParam().transmit_queues;
        for (const std::uint16_t out : {kClientSide, kServerSide}) {
            for (std::uint16_t queue = 0; queue < queues; ++queue) {
                for (const test_support::MemoryFrame* sent : appliance->ports().sent(out, queue)) {
                    left.push_back(look_at(out, sent->bytes));
                }
            }
        }
        appliance->ports().forget();
        return left;
    }
    std::vector<Left> client_sends(const Segment& segment, std::uint16_t client_port = kClientPort) {
        return pass(kClientSide, {frame(true, segment, client_port)});
    }
    std::vector<Left> server_sends(const Segment& segment, std::uint16_t client_port = kClientPort) {
        return pass(kServerSide, {frame(false, segment, client_port)});
    }

    Left look_at(std::uint16_t port, const Bytes& frame) const {
        Left left{port, frame, {}, {}, {}};
        packet::parse(frame, left.parsed);
        EXPECT_EQ(left.parsed.kind, packet::Kind::ip);
        EXPECT_EQ(left.parsed.oddities & ~net::oddity::kStackedVlan, 0u) << "the IP header's checksum too";
        EXPECT_TRUE(packet::transport_checksum_ok(frame, left.parsed));
        EXPECT_EQ(left.parsed.outer_vlan, GetParam().tagged ? 0x1007u : 0u);
        EXPECT_EQ(left.parsed.inner_vlan, GetParam().tagged ? 0x1009u : 0u);
        const std::uint8_t receiver = port == kServerSide ? 2 : 1; // last byte of MAC and IP addresses
        EXPECT_EQ(static_cast<std::uint8_t>(frame[5]), receiver);
        EXPECT_EQ(static_cast<std::uint8_t>(frame[11]), 3 - receiver);
        EXPECT_EQ(left.parsed.destination[left.parsed.family == net::Family::ipv4 ? 3 : 15], receiver);
        if (left.parsed.protocol == net::protocol::kTcp) {
            packet::read_tcp_segment(frame.data(), left.parsed, left.segment);
            left.options = packet::read_syn_options(frame.data(), left.parsed);
        }
        return left;
    }

    /// SYN and SYN/ACK; returns the cookie.
    std::uint32_t get_cookie(Bytes options = kUsualOptions, std::uint16_t client_port = kClientPort) {
        const auto left = client_sends({.sequence = kClientFirst, .flags = kSyn, .options = options}, client_port);
        EXPECT_EQ(left.size(), 1u);
        return left.empty() ? 0 : left[0].segment.sequence;
    }

    /// The whole handshake; returns the cookie.
    std::uint32_t connect(Bytes client_options = kUsualOptions, Bytes server_options = kUsualOptions) {
        const std::uint32_t cookie = get_cookie(std::move(client_options));
        EXPECT_EQ(client_sends({.sequence = kClientFirst + 1, .acknowledgment = cookie + 1}).size(), 1u);
        EXPECT_EQ(server_sends({.sequence = kServerFirst,
                                .acknowledgment = kClientFirst + 1,
                                .flags = kSyn | kAck,
                                .window = 65160,
                                .options = std::move(server_options)})
                      .size(),
                  2u);
        EXPECT_EQ(flows_in(State::tcp_established), 1u);
        return cookie;
    }

    [[nodiscard]] std::uint64_t flows_in(State state) const {
        std::uint64_t sum = 0;
        for (std::size_t w = 0; w < GetParam().workers; ++w) {
            sum += appliance->flows(w).stats().per_state[static_cast<std::size_t>(state)].load();
        }
        return sum;
    }
    [[nodiscard]] std::uint64_t sum(MemoryAppliance::Counter counter) const { return appliance->sum(counter); }

    std::unique_ptr<const ruleset::Ruleset> ruleset = test_support::make_ruleset({});
    std::unique_ptr<MemoryAppliance> appliance;
    base::Tick now = 1000;

  private:
    unsigned arrivals_ = 0;
};

TEST_P(SynProxyTest, ASynIsAnsweredInPlaceAndForgotten) {
    const Segment syn{.sequence = kClientFirst, .flags = kSyn | kEce | kCwr, .options = kUsualOptions};
    const Bytes sent = frame(true, syn, kClientPort);
    const auto left = pass(kClientSide, {sent});
    ASSERT_EQ(left.size(), 1u);
    EXPECT_EQ(left[0].port, kClientSide);
    EXPECT_EQ(left[0].parsed.tcp_flags, kSyn | kAck) << "no ECN";
    EXPECT_EQ(left[0].segment.acknowledgment, kClientFirst + 1);
    EXPECT_EQ(left[0].segment.window, 0u) << "nothing may be sent before the server is there";
    EXPECT_EQ(left[0].options.segment_size, 1460u - (GetParam().family == net::Family::ipv4 ? 0u : 20u));
    EXPECT_EQ(left[0].options.window_scale, 7u);
    EXPECT_FALSE(left[0].options.sack_permitted) << "of a server that is not known";
    EXPECT_EQ(left[0].parsed.ttl, 64u);
    EXPECT_EQ(left[0].parsed.destination_port.host(), kClientPort);
    EXPECT_LE(left[0].frame.size(), sent.size());
    EXPECT_EQ(appliance->flow_count(), 0u);
    EXPECT_EQ(sum(&WorkerCounters::answered_packets), 1u);
    EXPECT_EQ(sum(&WorkerCounters::made_packets), 1u);
    EXPECT_EQ(sum(&WorkerCounters::cookies_sent), 1u);
}

TEST_P(SynProxyTest, TheAnswerOffersNothingThatTheSynDoesNot) {
    for (const Bytes& options : {Bytes{}, test_support::bytes({2, 4, 2, 0}), test_support::bytes({3, 3, 2, 0}),
                                 test_support::bytes({4, 2, 1, 1})}) {
        const Bytes sent = frame(true, {.sequence = 5, .flags = kSyn, .options = options}, kClientPort);
        const auto left = pass(kClientSide, {sent});
        ASSERT_EQ(left.size(), 1u);
        packet::Parsed parsed;
        packet::parse(sent, parsed);
        const packet::SynOptions offered = packet::read_syn_options(sent.data(), parsed);
        EXPECT_EQ(left[0].options.segment_size, offered.segment_size);
        EXPECT_EQ(left[0].options.window_scale != packet::kNoWindowScale,
                  offered.window_scale != packet::kNoWindowScale);
        EXPECT_LE(left[0].frame.size(), sent.size());
    }
}

TEST_P(SynProxyTest, AConnectionLivesInTwoNumberSpaces) {
    const std::uint32_t cookie = get_cookie();
    auto left = client_sends({.sequence = kClientFirst + 1, .acknowledgment = cookie + 1, .window = 100});
    ASSERT_EQ(left.size(), 1u);
    EXPECT_EQ(left[0].port, kServerSide);
    EXPECT_EQ(left[0].parsed.tcp_flags, kSyn);
    EXPECT_EQ(left[0].segment.sequence, kClientFirst);
    EXPECT_EQ(left[0].segment.acknowledgment, 0u);
    EXPECT_EQ(left[0].segment.window, 100u << 9) << "as a SYN's window is: not scaled";
    EXPECT_EQ(left[0].options.window_scale, 9u);
    EXPECT_EQ(left[0].options.segment_size, GetParam().family == net::Family::ipv4 ? 1460u : 1440u);
    EXPECT_FALSE(left[0].options.sack_permitted);
    EXPECT_GE(left[0].frame.size(), packet::kShortestFrame);
    EXPECT_EQ(flows_in(State::tcp_syn_sent), 1u);

    left = server_sends({.sequence = kServerFirst,
                         .acknowledgment = kClientFirst + 1,
                         .flags = kSyn | kAck,
                         .window = 65160,
                         .options = test_support::bytes({2, 4, 5, 0xb4, 1, 3, 3, 10})});
    ASSERT_EQ(left.size(), 2u);
    EXPECT_EQ(left[0].port, kClientSide);
    EXPECT_EQ(left[0].parsed.tcp_flags, kAck);
    EXPECT_EQ(left[0].segment.sequence, cookie + 1);
    EXPECT_EQ(left[0].segment.acknowledgment, kClientFirst + 1);
    EXPECT_EQ(left[0].segment.window, 65160u >> 7);
    EXPECT_EQ(left[1].port, kServerSide);
    EXPECT_EQ(left[1].parsed.tcp_flags, kAck);
    EXPECT_EQ(left[1].segment.sequence, kClientFirst + 1);
    EXPECT_EQ(left[1].segment.acknowledgment, kServerFirst + 1);
    EXPECT_EQ(left[1].segment.window, 100u);
    EXPECT_EQ(flows_in(State::tcp_established), 1u);
    EXPECT_EQ(sum(&WorkerCounters::cookies_accepted), 1u);

    left = client_sends(
        {.sequence = kClientFirst + 1, .acknowledgment = cookie + 1, .flags = kAck | kPsh, .payload = 501});
    ASSERT_EQ(left.size(), 1u);
    EXPECT_EQ(left[0].port, kServerSide);
    EXPECT_EQ(left[0].segment.sequence, kClientFirst + 1);
    EXPECT_EQ(left[0].segment.acknowledgment, kServerFirst + 1);
    EXPECT_EQ(left[0].segment.window, 500u);

    left = server_sends(
        {.sequence = kServerFirst + 1, .acknowledgment = kClientFirst + 502, .window = 60, .payload = 1000});
    ASSERT_EQ(left.size(), 1u);
    EXPECT_EQ(left[0].segment.sequence, cookie + 1);
    EXPECT_EQ(left[0].segment.acknowledgment, kClientFirst + 502);
    EXPECT_EQ(left[0].segment.window, 60u << 3) << "scale 10, where 7 was promised";

    // The end, from the server's side first.
    left = server_sends({.sequence = kServerFirst + 1001, .acknowledgment = kClientFirst + 502, .flags = kFin | kAck});
    ASSERT_EQ(left.size(), 1u);
    EXPECT_EQ(left[0].segment.sequence, cookie + 1001);
    left = client_sends({.sequence = kClientFirst + 502, .acknowledgment = cookie + 1002, .flags = kFin | kAck});
    ASSERT_EQ(left.size(), 1u);
    EXPECT_EQ(left[0].segment.acknowledgment, kServerFirst + 1002);
    left = server_sends({.sequence = kServerFirst + 1002, .acknowledgment = kClientFirst + 503});
    ASSERT_EQ(left.size(), 1u);
    EXPECT_EQ(left[0].segment.sequence, cookie + 1002);
    EXPECT_EQ(flows_in(State::tcp_time_wait), 1u);
    EXPECT_EQ(appliance->drops(), 0u);

    now += 20'000;
    appliance->settle(now);
    EXPECT_EQ(appliance->flow_count(), 0u) << "and its offset is gone, or the account would not be consistent";
}

TEST_P(SynProxyTest, SelectiveAcknowledgmentsAreTranslated) {
    (void)connect(); // the server is known from here on, to the worker that this client's flows belong to
    now += 20'000;
    appliance->settle(now);
    const Bytes offer = test_support::bytes({2, 4, 5, 0xb4, 4, 2, 1, 1});
    const auto promised = client_sends({.sequence = 77, .flags = kSyn, .options = offer}, kClientPort);
    ASSERT_EQ(promised.size(), 1u);
    EXPECT_TRUE(promised[0].options.sack_permitted);
    const std::uint32_t cookie = promised[0].segment.sequence;
    const auto syn = client_sends({.sequence = 78, .acknowledgment = cookie + 1}, kClientPort);
    ASSERT_EQ(syn.size(), 1u);
    EXPECT_TRUE(syn[0].options.sack_permitted);
    ASSERT_EQ(server_sends({.sequence = kServerFirst, .acknowledgment = 78, .flags = kSyn | kAck, .options = offer},
                           kClientPort)
                  .size(),
              2u);
    ASSERT_EQ(server_sends({.sequence = kServerFirst + 1, .acknowledgment = 78, .payload = 300}, kClientPort).size(),
              1u);
    // At an odd place, so that edges lie across the checksum's words.
    Bytes options = test_support::bytes({1, 5, 18});
    for (const std::uint32_t edge : {cookie + 101, cookie + 201, cookie + 251, cookie + 301}) {
        for (const unsigned shift : {24u, 16u, 8u, 0u}) {
            options.push_back(static_cast<std::byte>(edge >> shift));
        }
    }
    const auto left = client_sends({.sequence = 78, .acknowledgment = cookie + 1, .options = options}, kClientPort);
    ASSERT_EQ(left.size(), 1u);
    const std::byte* block = left[0].frame.data() + left[0].parsed.l4_offset + 20 + 3;
    const auto edge = [block](unsigned index) {
        net::Be32 value;
        std::memcpy(&value, block + index * 4, sizeof value);
        return value.host();
    };
    EXPECT_EQ(edge(0), kServerFirst + 101);
    EXPECT_EQ(edge(1), kServerFirst + 201);
    EXPECT_EQ(edge(2), kServerFirst + 251);
    EXPECT_EQ(edge(3), kServerFirst + 301);
}

TEST_P(SynProxyTest, WhateverTheClientSendsWhileTheServerIsSilentBecomesTheSyn) {
    const std::uint32_t cookie = get_cookie();
    const Segment answers[] = {{.sequence = kClientFirst + 1, .acknowledgment = cookie + 1, .window = 100},
                               {.sequence = kClientFirst, .acknowledgment = cookie + 1, .window = 100}, // a probe
                               {.sequence = kClientFirst + 1, .acknowledgment = cookie + 1, .payload = 1},
                               {.sequence = kClientFirst + 1, .acknowledgment = cookie + 1, .flags = kFin | kAck}};
    for (const Segment& answer : answers) {
        const auto left = client_sends(answer);
        ASSERT_EQ(left.size(), 1u);
        EXPECT_EQ(left[0].port, kServerSide);
        EXPECT_EQ(left[0].parsed.tcp_flags, kSyn);
        EXPECT_EQ(left[0].segment.sequence, kClientFirst);
        EXPECT_EQ(left[0].segment.window, 100u << 9);
        EXPECT_EQ(left[0].options.window_scale, 9u);
    }
    EXPECT_EQ(flows_in(State::tcp_syn_sent), 1u);
    EXPECT_EQ(appliance->drops(), 0u);
}

TEST_P(SynProxyTest, AProbeAloneOpensTheFlow) {
    const std::uint32_t cookie = get_cookie();
    const auto left = client_sends({.sequence = kClientFirst, .acknowledgment = cookie + 1});
    ASSERT_EQ(left.size(), 1u);
    EXPECT_EQ(left[0].parsed.tcp_flags, kSyn);
    EXPECT_EQ(left[0].segment.sequence, kClientFirst);
}

TEST_P(SynProxyTest, ASynAckThatComesAgainIsAnsweredAgain) {
    const std::uint32_t cookie = connect();
    const auto left = server_sends({.sequence = kServerFirst,
                                    .acknowledgment = kClientFirst + 1,
                                    .flags = kSyn | kAck,
                                    .window = 65160,
                                    .options = kUsualOptions});
    ASSERT_EQ(left.size(), 2u);
    EXPECT_EQ(left[0].segment.sequence, cookie + 1);
    EXPECT_EQ(left[1].segment.acknowledgment, kServerFirst + 1);
    EXPECT_EQ(flows_in(State::tcp_established), 1u);
}

TEST_P(SynProxyTest, WithoutBuffersTheHostsAskAgain) {
    const std::uint32_t cookie = get_cookie();
    appliance->ports().set_buffers(0);
    EXPECT_EQ(client_sends({.sequence = kClientFirst + 1, .acknowledgment = cookie + 1}).size(), 0u);
    EXPECT_EQ(sum(&WorkerCounters::made_without_buffer), 1u);
    EXPECT_EQ(flows_in(State::tcp_syn_sent), 1u);
    appliance->ports().set_buffers(1);
    EXPECT_EQ(client_sends({.sequence = kClientFirst, .acknowledgment = cookie + 1}).size(), 1u);
    const Segment syn_ack{
        .sequence = kServerFirst, .acknowledgment = kClientFirst + 1, .flags = kSyn | kAck, .options = kUsualOptions};
    auto left = server_sends(syn_ack);
    ASSERT_EQ(left.size(), 1u) << "the ACK goes in the SYN/ACK's own buffer";
    EXPECT_EQ(left[0].port, kServerSide);
    // The client probes, the server's answer tells it the window.
    left = client_sends({.sequence = kClientFirst, .acknowledgment = cookie + 1});
    ASSERT_EQ(left.size(), 1u);
    EXPECT_EQ(left[0].segment.acknowledgment, kServerFirst + 1);
    left = server_sends({.sequence = kServerFirst + 1, .acknowledgment = kClientFirst + 1, .window = 509});
    ASSERT_EQ(left.size(), 1u);
    EXPECT_EQ(left[0].segment.sequence, cookie + 1);
}

TEST_P(SynProxyTest, AServerThatRefusesIsBelieved) {
    const std::uint32_t cookie = get_cookie();
    (void)client_sends({.sequence = kClientFirst + 1, .acknowledgment = cookie + 1});
    EXPECT_EQ(server_sends({.acknowledgment = kClientFirst, .flags = kRst | kAck}).size(), 0u) << "not for this SYN";
    EXPECT_EQ(appliance->drops(DropReason::tcp_out_of_window), 1u);
    const auto left = server_sends({.acknowledgment = kClientFirst + 1, .flags = kRst | kAck});
    ASSERT_EQ(left.size(), 1u);
    EXPECT_EQ(left[0].port, kClientSide);
    EXPECT_EQ(left[0].segment.sequence, cookie + 1) << "what the client expects next";
    EXPECT_EQ(left[0].segment.acknowledgment, kClientFirst + 1);
    EXPECT_EQ(appliance->flow_count(), 0u);
}

TEST_P(SynProxyTest, AClientThatGivesUpResetsTheServer) {
    const std::uint32_t cookie = get_cookie();
    (void)client_sends({.sequence = kClientFirst + 1, .acknowledgment = cookie + 1});
    const auto left = client_sends({.sequence = kClientFirst + 1, .acknowledgment = cookie + 1, .flags = kRst | kAck});
    ASSERT_EQ(left.size(), 1u);
    EXPECT_EQ(left[0].port, kServerSide);
    EXPECT_EQ(left[0].parsed.tcp_flags, kRst);
    EXPECT_EQ(left[0].segment.sequence, kClientFirst + 1);
    EXPECT_EQ(left[0].segment.acknowledgment, 0u);
    EXPECT_EQ(appliance->flow_count(), 0u);
}

TEST_P(SynProxyTest, ResetsOfAConnectionPassBothWays) {
    std::uint32_t cookie = connect();
    auto left = server_sends({.sequence = kServerFirst + 1, .acknowledgment = kClientFirst + 1, .flags = kRst | kAck});
    ASSERT_EQ(left.size(), 1u);
    EXPECT_EQ(left[0].segment.sequence, cookie + 1);
    EXPECT_EQ(flows_in(State::tcp_closed), 1u);
    // The ports are taken into use again: this flow makes way, and needs no proof.
    left = client_sends({.sequence = 99, .flags = kSyn, .options = kUsualOptions});
    ASSERT_EQ(left.size(), 1u);
    EXPECT_EQ(left[0].port, kServerSide);
    EXPECT_EQ(left[0].segment.sequence, 99u);
    left = server_sends({.sequence = 1, .acknowledgment = 100, .flags = kSyn | kAck});
    ASSERT_EQ(left.size(), 1u);
    EXPECT_EQ(left[0].segment.sequence, 1u) << "nothing is translated any more";
}

TEST_P(SynProxyTest, AConnectionLeftOverOnTheServerIsReset) {
    const std::uint32_t cookie = get_cookie();
    (void)client_sends({.sequence = kClientFirst + 1, .acknowledgment = cookie + 1});
    const auto left = server_sends({.sequence = 4711, .acknowledgment = 815});
    ASSERT_EQ(left.size(), 2u);
    EXPECT_EQ(left[0].port, kServerSide);
    EXPECT_EQ(left[0].parsed.tcp_flags, kRst);
    EXPECT_EQ(left[0].segment.sequence, 815u);
    EXPECT_EQ(left[1].port, kServerSide);
    EXPECT_EQ(left[1].parsed.tcp_flags, kSyn);
    EXPECT_EQ(left[1].segment.sequence, kClientFirst);
    EXPECT_EQ(flows_in(State::tcp_syn_sent), 1u);
}

TEST_P(SynProxyTest, WhatDoesNotFitAHandshakeIsDropped) {
    const std::uint32_t cookie = get_cookie();
    (void)client_sends({.sequence = kClientFirst + 1, .acknowledgment = cookie + 1});
    EXPECT_TRUE(client_sends({.sequence = 5, .flags = kSyn}).empty()) << "another SYN";
    EXPECT_TRUE(server_sends({.sequence = 5, .flags = kSyn}).empty()) << "a simultaneous open";
    EXPECT_TRUE(server_sends({.sequence = 5, .acknowledgment = kClientFirst + 1, .payload = 5}).empty()) << "data";
    EXPECT_EQ(appliance->drops(DropReason::tcp_bad_state), 3u);
    EXPECT_EQ(flows_in(State::tcp_syn_sent), 1u);
}

TEST_P(SynProxyTest, OnlyTheRightCookieOpens) {
    const std::uint32_t cookie = get_cookie();
    EXPECT_TRUE(client_sends({.sequence = kClientFirst + 1, .acknowledgment = cookie + 2}).empty());
    EXPECT_TRUE(client_sends({.sequence = kClientFirst + 2, .acknowledgment = cookie + 1}).empty());
    EXPECT_TRUE(client_sends({.sequence = kClientFirst + 1, .acknowledgment = (cookie ^ 2) + 1}).empty())
        << "another window scale";
    EXPECT_EQ(appliance->drops(DropReason::syn_cookie_bad), 3u);
    EXPECT_EQ(sum(&WorkerCounters::cookies_refused), 3u);
    EXPECT_TRUE(client_sends({.sequence = kClientFirst + 1, .acknowledgment = cookie + 1}, kClientPort + 1).empty());
    // Its worker may never have sent a cookie.
    EXPECT_EQ(appliance->drops(DropReason::syn_cookie_bad) + appliance->drops(DropReason::not_a_syn), 4u);
    now += 60'000; // at least the next period
    EXPECT_EQ(client_sends({.sequence = kClientFirst + 1, .acknowledgment = cookie + 1}).size(), 1u);
}

TEST_P(SynProxyTest, CookiesGetTooOld) {
    const std::uint32_t cookie = get_cookie();
    now += 131'073;
    EXPECT_TRUE(client_sends({.sequence = kClientFirst + 1, .acknowledgment = cookie + 1}).empty());
    EXPECT_EQ(appliance->drops(DropReason::not_a_syn), 1u) << "no cookie is awaited any more";
    (void)get_cookie();
    EXPECT_TRUE(client_sends({.sequence = kClientFirst + 1, .acknowledgment = cookie + 1}).empty());
    EXPECT_EQ(appliance->drops(DropReason::syn_cookie_bad), 1u);
}

TEST_P(SynProxyTest, AServerWithoutScalingIsToldTheWholeWindow) {
    const std::uint32_t cookie = connect(kUsualOptions, test_support::bytes({2, 4, 5, 0xb4}));
    auto left = client_sends({.sequence = kClientFirst + 1, .acknowledgment = cookie + 1, .window = 3, .payload = 10});
    ASSERT_EQ(left.size(), 1u);
    EXPECT_EQ(left[0].segment.window, 3u << 9);
    left = client_sends({.sequence = kClientFirst + 11, .acknowledgment = cookie + 1, .window = 60000, .payload = 10});
    ASSERT_EQ(left.size(), 1u);
    EXPECT_EQ(left[0].segment.window, 65535u);
    left = server_sends({.sequence = kServerFirst + 1, .acknowledgment = kClientFirst + 21, .window = 1000});
    ASSERT_EQ(left.size(), 1u);
    EXPECT_EQ(left[0].segment.window, 1000u >> 7);
    left = server_sends({.sequence = kServerFirst + 1, .acknowledgment = kClientFirst + 21, .window = 5});
    ASSERT_EQ(left.size(), 1u);
    EXPECT_EQ(left[0].segment.window, 1u) << "an open window is not closed";
    left = server_sends({.sequence = kServerFirst + 1, .acknowledgment = kClientFirst + 21, .window = 0});
    ASSERT_EQ(left.size(), 1u);
    EXPECT_EQ(left[0].segment.window, 0u);
}

TEST_P(SynProxyTest, WithoutScalingOfTheClientWindowsStay) {
    const std::uint32_t cookie = connect(test_support::bytes({2, 4, 5, 0xb4}), kUsualOptions);
    auto left = server_sends({.sequence = kServerFirst + 1, .acknowledgment = kClientFirst + 1, .window = 777});
    ASSERT_EQ(left.size(), 1u);
    EXPECT_EQ(left[0].segment.window, 777u);
    left = client_sends({.sequence = kClientFirst + 1, .acknowledgment = cookie + 1, .window = 888});
    ASSERT_EQ(left.size(), 1u);
    EXPECT_EQ(left[0].segment.window, 888u);
}

TEST_P(SynProxyTest, AnIcmpErrorIsAboutTheNumbersOfItsReader) {
    const std::uint32_t cookie = connect();
    ASSERT_EQ(server_sends({.sequence = kServerFirst + 1, .acknowledgment = kClientFirst + 1, .payload = 100}).size(),
              1u);
    const bool ipv4 = GetParam().family == net::Family::ipv4;
    for (const std::uint32_t sequence : {cookie + 1, cookie + 5'000'000}) {
        const Bytes quoted = frame(false, {.sequence = sequence, .acknowledgment = kClientFirst + 1}, kClientPort);
        const std::size_t ethernet = GetParam().tagged ? 22 : 14;
        test_support::IcmpFields icmp;
        icmp.type = ipv4 ? net::icmp::kDestinationUnreachable : net::icmpv6::kDestinationUnreachable;
        const Bytes error = headers(true)
                                .icmp(icmp)
                                .payload(Bytes(quoted.begin() + static_cast<std::ptrdiff_t>(ethernet), quoted.end()))
                                .build();
        const auto left = pass(kClientSide, {error});
        if (sequence != cookie + 1) {
            EXPECT_TRUE(left.empty());
            EXPECT_EQ(appliance->drops(DropReason::icmp_unrelated), 1u);
            continue;
        }
        ASSERT_EQ(left.size(), 1u);
        net::Be32 told;
        const std::size_t at = left[0].parsed.l4_offset + 8u + (ipv4 ? 20u : 40u) + 4u;
        std::memcpy(&told, left[0].frame.data() + at, sizeof told);
        EXPECT_EQ(told.host(), kServerFirst + 1);
    }
}

TEST_P(SynProxyTest, WithoutRoomForOffsetsFlowsBeginAsUsual) {
    make(flow::SynCookies::always, 64); // 10 slots a worker, of which a quarter stays empty
    unsigned given = 0;
    unsigned passed = 0;
    for (std::uint16_t port = 1; port <= 60; ++port) {
        const auto left = client_sends({.sequence = port, .flags = kSyn}, port);
        ASSERT_EQ(left.size(), 1u);
        if (left[0].port == kServerSide) {
            ++passed;
            continue;
        }
        ++given;
        ASSERT_EQ(client_sends({.sequence = port + 1u, .acknowledgment = left[0].segment.sequence + 1}, port).size(),
                  1u);
    }
    EXPECT_EQ(given, 8u * GetParam().workers);
    EXPECT_EQ(given + passed, 60u);
}

TEST_P(SynProxyTest, ASynInFragmentsIsAnsweredToo) {
    const Bytes syn = headers(true)
                          .tcp({.source_port = kClientPort,
                                .destination_port = kServerPort,
                                .flags = kSyn,
                                .sequence = kClientFirst,
                                .options = kUsualOptions})
                          .payload_size(100)
                          .build();
    const auto left = pass(kClientSide, test_support::fragments_of(syn, 64));
    ASSERT_EQ(left.size(), 1u);
    EXPECT_EQ(left[0].port, kClientSide);
    EXPECT_EQ(left[0].parsed.tcp_flags, kSyn | kAck);
    EXPECT_EQ(left[0].segment.acknowledgment, kClientFirst + 1) << "data in a SYN is not taken";
    EXPECT_EQ(left[0].parsed.fragment, packet::FragmentState::whole);
    EXPECT_EQ(sum(&WorkerCounters::answered_packets), test_support::fragments_of(syn, 64).size());
}

TEST_P(SynProxyTest, OnlyWhereTheyAreWanted) {
    for (const auto when : {flow::SynCookies::never, flow::SynCookies::automatic}) {
        make(when);
        const auto left = client_sends({.sequence = kClientFirst, .flags = kSyn});
        ASSERT_EQ(left.size(), 1u);
        EXPECT_EQ(left[0].port, kServerSide);
        EXPECT_TRUE(client_sends({.sequence = 7, .acknowledgment = 8}, kClientPort + 1).empty());
        EXPECT_EQ(appliance->drops(DropReason::not_a_syn), 1u);
    }
}

TEST_P(SynProxyTest, UnderPressureTheServiceUnderAttackIsGuarded) {
    make(flow::SynCookies::automatic);
    unsigned passed = 0;
    unsigned answered = 0;
    for (std::uint16_t port = 1; port <= 1000; ++port) {
        const auto left = client_sends({.sequence = port, .flags = kSyn}, port);
        ASSERT_EQ(left.size(), 1u);
        ++(left[0].port == kServerSide ? passed : answered);
    }
    const std::uint32_t limit = appliance->flows(0).half_open_limit() * GetParam().workers;
    EXPECT_LE(passed, limit);
    EXPECT_GE(passed, limit / 2);
    EXPECT_EQ(passed, appliance->flow_count()) << "none of them had to make room";
    EXPECT_EQ(appliance->drops(), 0u);
    // Another service of the server is not asked for anything, and a client of this one gets through.
    const Bytes elsewhere = headers(true).tcp({.source_port = 2000, .destination_port = 8080, .flags = kSyn}).build();
    const auto other = pass(kClientSide, {elsewhere});
    ASSERT_EQ(other.size(), 1u);
    EXPECT_EQ(other[0].port, kServerSide);
    const std::uint32_t cookie = get_cookie();
    EXPECT_EQ(client_sends({.sequence = kClientFirst + 1, .acknowledgment = cookie + 1}).size(), 1u);
    EXPECT_EQ(server_sends({.sequence = kServerFirst, .acknowledgment = kClientFirst + 1, .flags = kSyn | kAck}).size(),
              2u);
    EXPECT_EQ(flows_in(State::tcp_established), 1u);
}

INSTANTIATE_TEST_SUITE_P(Wires, SynProxyTest,
                         testing::Values(Wire{"ipv4", net::Family::ipv4, false, 1, 0},
                                         Wire{"ipv6", net::Family::ipv6, false, 1, 0},
                                         Wire{"ipv4_tagged", net::Family::ipv4, true, 1, 0},
                                         Wire{"ipv6_tagged", net::Family::ipv6, true, 1, 0},
                                         Wire{"two_workers", net::Family::ipv4, false, 2, 0},
                                         Wire{"two_workers_one_queue", net::Family::ipv6, false, 2, 1}),
                         [](const auto& wire) { return std::string(wire.param.name); });

} // namespace
} // namespace sluice::worker
