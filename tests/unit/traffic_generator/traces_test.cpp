#include "traffic_generator/traces.hpp"

#include "memory_wire.hpp"
#include "net/protocol.hpp"
#include "packet/checksum.hpp"
#include "packet/parse.hpp"
#include "replay/capture.hpp"
#include "traffic_generator/flow_order.hpp"

#include <filesystem>
#include <gtest/gtest.h>
#include <map>
#include <set>
#include <unistd.h>

namespace sluice::traffic {
namespace {

using namespace net::tcp_flag;

class Traces : public testing::Test {
  protected:
    Traces()
        : folder_(std::filesystem::temp_directory_path() / ("sluice-traces-" + std::to_string(::getpid()))) {
        std::filesystem::create_directories(folder_);
    }
    ~Traces() override { std::filesystem::remove_all(folder_); }
    [[nodiscard]] std::string folder() const { return folder_.string(); }

    static std::vector<Bytes> frames_of(const std::string& path) {
        std::vector<Bytes> frames;
        auto reader = replay::CaptureReader::open(path);
        EXPECT_TRUE(reader);
        replay::Captured captured;
        while (*reader->next(captured)) {
            frames.push_back(captured.frame);
        }
        return frames;
    }

    /// The arrival of a frame whose checksums are right.
    static Arrival read(const Bytes& frame, Side from, const TuplePlan& plan = small_plan()) {
        packet::Parsed parsed{};
        packet::parse(frame, parsed);
        EXPECT_TRUE(parsed.kind == packet::Kind::ip && packet::transport_checksum_ok(frame, parsed));
        Arrival arrival;
        EXPECT_EQ(FrameReader(plan, flood_sources(plan.family())).read(frame, from, arrival), Reading::good);
        return arrival;
    }

  private:
    std::filesystem::path folder_;
};

TEST_F(Traces, FlowsHaveOneFrameASide) {
    for (const net::Family family : {net::Family::ipv4, net::Family::ipv6}) {
        for (const uint8_t protocol : {net::protocol::kTcp, net::protocol::kUdp}) {
            const TuplePlan plan = small_plan(family);
            const auto trace = write_flows(plan, protocol, 2000, *FrameSizes::parse("64"), 1, folder());
            ASSERT_TRUE(trace);
            EXPECT_EQ(trace->frames, 2000u);
            std::map<uint32_t, Arrival> clients;
            for (const Bytes& frame : frames_of(trace->clients)) {
                const Arrival arrival = read(frame, Side::client, plan);
                clients[*plan.number_of(arrival.ends.source, arrival.ends.source_port)] = arrival;
            }
            EXPECT_EQ(clients.size(), 2000u);
            std::set<uint32_t> servers;
            for (const Bytes& frame : frames_of(trace->servers)) {
                const Arrival answer = read(frame, Side::server, plan);
                const uint32_t number = *plan.number_of(answer.ends.destination, answer.ends.destination_port);
                const Arrival& asked = clients.at(number);
                EXPECT_EQ(answer.ends, asked.ends.swapped());
                EXPECT_EQ(answer.sequence, asked.acknowledgment);
                EXPECT_EQ(answer.acknowledgment, asked.sequence);
                servers.insert(number);
            }
            EXPECT_EQ(servers.size(), 2000u);
        }
    }
}

TEST_F(Traces, FewFlowsAreRepeatedAndSizesMixed) {
    const auto trace = write_flows(small_plan(), net::protocol::kUdp, 12, *FrameSizes::parse("imix"), 1, folder());
    ASSERT_TRUE(trace);
    EXPECT_GE(trace->frames, 1024u);
    std::map<std::size_t, int> sizes;
    for (const Bytes& frame : frames_of(trace->clients)) {
        ++sizes[frame.size() + 4];
    }
    EXPECT_EQ(sizes.size(), 3u);
    EXPECT_NEAR(sizes[64], 7 * sizes[1518], 12);
}

TEST_F(Traces, MoreFlowsThanTuplesAreRefused) {
    EXPECT_FALSE(write_flows(small_plan(), net::protocol::kUdp, small_plan().count() + 1, *FrameSizes::parse("64"), 1,
                             folder()));
    EXPECT_FALSE(
        write_flows(small_plan(), net::protocol::kUdp, 10, *FrameSizes::parse("64"), 1, folder() + "/nowhere"));
}

/// What a firewall sees that takes bursts of both ports in turn, one of them `ahead` bursts before the other.
std::vector<std::pair<Side, const Bytes*>> in_lock_step(const std::vector<Bytes>& clients,
                                                        const std::vector<Bytes>& servers, int passes, int ahead,
                                                        bool client_first) {
    std::vector<std::pair<Side, const Bytes*>> seen;
    const auto bursts = static_cast<int>(clients.size() / kReplayBurst);
    const auto take = [&](Side side, int burst) {
        if (burst < 0) return;
        const auto& frames = side == Side::client ? clients : servers;
        for (std::size_t i = 0; i < kReplayBurst; ++i) {
            seen.emplace_back(side, &frames[static_cast<std::size_t>(burst % bursts) * kReplayBurst + i]);
        }
    };
    for (int burst = 0; burst < passes * bursts; ++burst) {
        const Side first = client_first ? Side::client : Side::server;
        take(first, burst);
        take(opposite(first), burst - ahead);
    }
    return seen;
}

TEST_F(Traces, ConnectionsOpenAndCloseForEver) {
    const std::vector<uint8_t> course = {kSyn,        kSyn | kAck, kPsh | kAck, kAck,
                                         kPsh | kAck, kFin | kAck, kFin | kAck, kAck};
    for (const auto& [lag, ahead, client_first] :
         {std::tuple(1u, 0, true), std::tuple(1u, 0, false), std::tuple(4u, 3, true), std::tuple(4u, 3, false)}) {
        const auto trace = write_connections(small_plan(), 500, lag, {}, 1, folder());
        ASSERT_TRUE(trace);
        EXPECT_EQ(trace->connections, 504u);
        EXPECT_EQ(trace->frames, 504u * 4);
        const auto clients = frames_of(trace->clients);
        const auto servers = frames_of(trace->servers);
        ASSERT_EQ(clients.size(), servers.size());
        std::map<uint32_t, std::size_t> steps; // where each connection is in its course
        uint64_t early = 0;
        uint64_t complete = 0;
        for (const auto& [side, frame] : in_lock_step(clients, servers, 3, ahead, client_first)) {
            const Arrival arrival = read(*frame, side);
            const bool client = side == Side::client;
            const uint32_t number =
                *small_plan().number_of(client ? arrival.ends.source : arrival.ends.destination,
                                        client ? arrival.ends.source_port : arrival.ends.destination_port);
            std::size_t& step = steps[number];
            if (arrival.flags != course[step]) {
                EXPECT_EQ(step, 0u) << "a frame that comes too early, or not at all";
                ++early;
                continue;
            }
            step = (step + 1) % course.size();
            complete += step == 0 ? 1u : 0u;
        }
        EXPECT_GE(complete, 504u * 2);
        EXPECT_LE(early, 6u * lag * kReplayBurst * 2) << "of the first pass";
    }
}

TEST_F(Traces, ConnectionsHaveNumbersThatFit) {
    const Exchange exchange{100, 200};
    const auto trace = write_connections(small_plan(), 100, 1, exchange, 1, folder());
    ASSERT_TRUE(trace);
    for (const auto& [side, path] :
         {std::pair(Side::client, trace->clients), std::pair(Side::server, trace->servers)}) {
        for (const Bytes& frame : frames_of(path)) {
            const Arrival arrival = read(frame, side);
            const bool client = side == Side::client;
            const uint32_t number =
                *small_plan().number_of(client ? arrival.ends.source : arrival.ends.destination,
                                        client ? arrival.ends.source_port : arrival.ends.destination_port);
            const Beginnings begun = beginnings_of(number, 1);
            const uint32_t own = client ? begun.client : begun.server;
            EXPECT_LE(arrival.sequence - own, (client ? exchange.request : exchange.response) + 2u);
            if (arrival.payload_length != 0) {
                EXPECT_EQ(arrival.payload_length, client ? exchange.request : exchange.response);
            }
        }
    }
}

TEST_F(Traces, NewFlowsAreAllDifferent) {
    const auto trace = write_new_udp(small_plan(), 5000, *FrameSizes::parse("64"), 1, folder());
    ASSERT_TRUE(trace);
    std::set<uint32_t> numbers;
    for (const Bytes& frame : frames_of(trace->clients)) {
        const Arrival arrival = read(frame, Side::client);
        numbers.insert(*small_plan().number_of(arrival.ends.source, arrival.ends.source_port));
    }
    EXPECT_EQ(numbers.size(), 5000u);
}

TEST_F(Traces, AnOrderIsLearnedFromACapture) {
    // A capture of a whole run: handshakes, data both ways.
    const auto trace = write_connections(small_plan(), 256, 1, {6, 1000}, 1, folder());
    ASSERT_TRUE(trace);
    const auto clients = read_order(trace->clients);
    ASSERT_TRUE(clients);
    EXPECT_EQ(clients->flows, 256u);
    EXPECT_EQ(clients->steps.size(), 1024u);
    EXPECT_EQ(clients->sizes, std::vector<uint16_t>{64});
    EXPECT_EQ(clients->steps[0].flow, 0u);
    EXPECT_EQ(clients->steps[0].from, Side::client);
    const auto servers = read_order(trace->servers);
    EXPECT_EQ(servers->sizes.size(), 2u);
    EXPECT_FALSE(read_order(folder() + "/nowhere.pcap"));
}

} // namespace
} // namespace sluice::traffic
