#include "traffic_generator/connections.hpp"

#include "memory_wire.hpp"
#include "net/checksum.hpp"
#include "net/headers.hpp"
#include "net/protocol.hpp"

#include <cstring>
#include <gtest/gtest.h>
#include <set>

namespace sluice::traffic {
namespace {

using namespace net::tcp_flag;

Connections::Options options(Course course = Course::full, uint32_t in_flight = 64) {
    Connections::Options result;
    result.in_flight = in_flight;
    result.course = course;
    result.timeout_seconds = 0.001;
    result.cycles_per_second = kHz;
    return result;
}

/// TCP of an IPv4 frame without options.
net::TcpHeader& tcp_of(Bytes& frame) {
    return *reinterpret_cast<net::TcpHeader*>(frame.data() + 34);
}

bool has(Bytes& frame, uint8_t flags) {
    return tcp_of(frame).flags == flags;
}

/// Makes the checksum right again after a change.
void sum_up(Bytes& frame) {
    net::TcpHeader& tcp = tcp_of(frame);
    net::Ipv4Header ip;
    std::memcpy(&ip, frame.data() + 14, sizeof ip);
    const auto size = static_cast<std::size_t>(ip.total_length.host()) - 20;
    tcp.checksum = net::Be16::from_host(0);
    const uint64_t sum = net::checksum_add(std::span(frame).subspan(26, 8 + size), net::protocol::kTcp + size);
    tcp.checksum = net::Be16::from_host(net::checksum_finish(sum));
}

class Courses : public testing::TestWithParam<std::tuple<Course, net::Family>> {};

TEST_P(Courses, AllCompleteAndNothingIsWrong) {
    const TuplePlan plan = small_plan(std::get<1>(GetParam()));
    MemoryWire wire;
    Connections connections(plan, options(std::get<0>(GetParam())));
    run_over(wire, connections, 0.02, {}, plan);
    const Counts& counts = connections.counts();
    EXPECT_GT(counts.begun, 1000u);
    EXPECT_EQ(counts.completed, counts.begun);
    EXPECT_EQ(counts.latency.count(), counts.completed);
    EXPECT_EQ(counts.all_wrong() + counts.failed + counts.retransmits + counts.late, 0u);
    EXPECT_EQ(connections.open(), 0u);
}

INSTANTIATE_TEST_SUITE_P(All, Courses,
                         testing::Combine(testing::Values(Course::full, Course::compact, Course::bare),
                                          testing::Values(net::Family::ipv4, net::Family::ipv6)));

TEST(ConnectionsTest, TheSegmentsOfEachCourse) {
    const std::vector<uint8_t> full = {kSyn,        kSyn | kAck, kAck,        kPsh | kAck,
                                       kPsh | kAck, kFin | kAck, kFin | kAck, kAck};
    const std::vector<uint8_t> compact = {kSyn, kSyn | kAck, kPsh | kAck, kPsh | kAck, kFin | kAck, kFin | kAck, kAck};
    const std::vector<uint8_t> bare = {kSyn, kSyn | kAck, kAck, kFin | kAck, kFin | kAck, kAck};
    for (const auto& [course, expected] :
         {std::pair(Course::full, full), std::pair(Course::compact, compact), std::pair(Course::bare, bare)}) {
        MemoryWire wire;
        wire.keep = true;
        Connections connections(small_plan(), options(course, 1));
        run_over(wire, connections, 0.0002);
        ASSERT_GE(wire.passed.size(), expected.size());
        for (std::size_t i = 0; i < expected.size(); ++i) {
            EXPECT_EQ(tcp_of(wire.passed[i].second).flags, expected[i]) << i;
        }
    }
}

TEST(ConnectionsTest, ARateIsKept) {
    MemoryWire wire;
    Connections::Options at_a_rate = options(Course::full, 4096);
    at_a_rate.rate = 5000;
    Connections connections(small_plan(), at_a_rate);
    const PortCounts ports = run_over(wire, connections, 0.4);
    EXPECT_NEAR(static_cast<double>(connections.counts().begun), 5000 * ports.seconds, 2);
    EXPECT_NEAR(connections.counts().offered, 5000 * ports.seconds, 2);
    EXPECT_EQ(connections.counts().completed, connections.counts().begun);
}

TEST(ConnectionsTest, NeverMoreInFlightThanAllowed) {
    MemoryWire wire;
    std::size_t syns = 0;
    wire.firewall = [&](Side, Bytes& frame) {
        syns += has(frame, kSyn) ? 1u : 0u;
        return false;
    };
    Connections::Options few = options(Course::full, 10);
    few.retransmits = 0;
    few.timeout_seconds = 10;
    Connections connections(small_plan(), few);
    run_over(wire, connections, 0.01);
    EXPECT_EQ(syns, 10u);
    EXPECT_EQ(connections.counts().completed, 0u);
}

TEST(ConnectionsTest, BehindAClosedDoorAllFail) {
    MemoryWire wire;
    wire.firewall = [](Side, Bytes&) { return false; };
    Connections connections(small_plan(), options());
    run_over(wire, connections);
    const Counts& counts = connections.counts();
    EXPECT_GT(counts.begun, 0u);
    EXPECT_EQ(counts.completed, 0u);
    EXPECT_EQ(counts.failed, counts.begun);
    EXPECT_GE(counts.retransmits, 3 * counts.failed);
    EXPECT_EQ(counts.all_wrong(), 0u);
}

TEST(ConnectionsTest, LossIsMadeUpFor) {
    for (const Course course : {Course::full, Course::compact, Course::bare}) {
        MemoryWire wire;
        uint64_t frames = 0;
        wire.firewall = [&frames](Side, Bytes&) { return mix(++frames) % 10 != 0; };
        Connections::Options patient = options(course);
        patient.retransmits = 30;
        Connections connections(small_plan(), patient);
        run_over(wire, connections, 0.1);
        EXPECT_GT(connections.counts().begun, 100u);
        EXPECT_EQ(connections.counts().completed, connections.counts().begun);
        EXPECT_GT(connections.counts().retransmits, 0u);
        EXPECT_EQ(connections.counts().all_wrong(), 0u);
    }
}

TEST(ConnectionsTest, DuplicatesAreLateButNotWrong) {
    MemoryWire wire;
    bool again = false;
    wire.firewall = [&](Side from, Bytes& frame) {
        if (again) return true;
        again = true;
        wire.inject(from, frame);
        again = false;
        return true;
    };
    Connections connections(small_plan(), options(Course::full, 1));
    run_over(wire, connections);
    EXPECT_EQ(connections.counts().completed, connections.counts().begun);
    EXPECT_GT(connections.counts().late, 0u);
    EXPECT_EQ(connections.counts().all_wrong(), 0u);
}

/// What a firewall might do wrong, to one frame of a run, and how it is counted.
struct Fault {
    const char* name;
    std::function<bool(Side from, Bytes& frame)> done; ///< false: not to this frame
    Wrong counted;
};

TEST(ConnectionsTest, EachFaultIsSeen) {
    const std::vector<Fault> faults = {
        {"a broken checksum",
         [](Side, Bytes& frame) {
             frame[50] ^= std::byte{1};
             return true;
         },
         Wrong::damaged},
        {"a payload that changed on the way",
         [](Side, Bytes& frame) {
             if (!has(frame, kPsh | kAck)) return false;
             frame[54] ^= std::byte{1};
             sum_up(frame);
             return true;
         },
         Wrong::payload},
        {"a sequence number",
         [](Side, Bytes& frame) {
             if (!has(frame, kFin | kAck)) return false;
             tcp_of(frame).sequence = net::Be32::from_host(tcp_of(frame).sequence.host() + 1);
             sum_up(frame);
             return true;
         },
         Wrong::numbers},
        {"an acknowledgment of a SYN that was not sent",
         [](Side, Bytes& frame) {
             if (!has(frame, kSyn | kAck)) return false;
             tcp_of(frame).acknowledgment = net::Be32::from_host(tcp_of(frame).acknowledgment.host() - 1);
             sum_up(frame);
             return true;
         },
         Wrong::numbers},
        {"flags",
         [](Side, Bytes& frame) {
             if (!has(frame, kAck)) return false;
             tcp_of(frame).flags = kAck | kUrg;
             sum_up(frame);
             return true;
         },
         Wrong::flags},
        {"another server's port",
         [](Side from, Bytes& frame) {
             if (from != Side::client) return false;
             tcp_of(frame).destination_port = net::Be16::from_host(99);
             sum_up(frame);
             return true;
         },
         Wrong::stranger},
        {"a client port that nobody has",
         [](Side from, Bytes& frame) {
             if (from != Side::client) return false;
             tcp_of(frame).source_port = net::Be16::from_host(60000);
             sum_up(frame);
             return true;
         },
         Wrong::stranger},
        {"an answer to what did not arrive",
         [](Side from, Bytes& frame) {
             if (from != Side::client || !has(frame, kSyn)) return false;
             tcp_of(frame).flags = kAck;
             sum_up(frame);
             return true;
         },
         Wrong::unexpected},
    };
    for (const Fault& fault : faults) {
        MemoryWire wire;
        int done = 0;
        wire.firewall = [&](Side from, Bytes& frame) {
            if (done == 0 && fault.done(from, frame)) ++done;
            return true;
        };
        Connections connections(small_plan(), options());
        run_over(wire, connections);
        EXPECT_EQ(done, 1) << fault.name;
        EXPECT_EQ(connections.counts().wrong[static_cast<std::size_t>(fault.counted)], 1u) << fault.name;
        EXPECT_EQ(connections.counts().all_wrong(), 1u) << fault.name;
        EXPECT_EQ(connections.open(), 0u) << fault.name;
    }
}

TEST(ConnectionsTest, AResetEndsAConnection) {
    MemoryWire wire;
    wire.firewall = [](Side from, Bytes& frame) {
        if (from == Side::server && has(frame, kSyn | kAck)) {
            tcp_of(frame).flags = kRst | kAck;
            sum_up(frame);
        }
        return true;
    };
    Connections connections(small_plan(), options());
    run_over(wire, connections);
    EXPECT_GT(connections.counts().begun, 0u);
    EXPECT_EQ(connections.counts().reset, connections.counts().begun);
    EXPECT_EQ(connections.counts().failed, connections.counts().begun);
}

/// A firewall that answers in the server's name, with numbers of its own and no window, and translates later on.
TEST(ConnectionsTest, TranslatedSequenceNumbersAreRight) {
    MemoryWire wire;
    constexpr uint32_t kShift = 0xabcdef01;
    wire.firewall = [](Side from, Bytes& frame) {
        net::TcpHeader& tcp = tcp_of(frame);
        if (from == Side::server)
            tcp.sequence = net::Be32::from_host(tcp.sequence.host() + kShift);
        else if (tcp.flags & kAck)
            tcp.acknowledgment = net::Be32::from_host(tcp.acknowledgment.host() - kShift);
        sum_up(frame);
        return true;
    };
    Connections connections(small_plan(), options());
    run_over(wire, connections);
    EXPECT_GT(connections.counts().completed, 0u);
    EXPECT_EQ(connections.counts().completed, connections.counts().begun);
    EXPECT_EQ(connections.counts().all_wrong(), 0u);
}

TEST(ConnectionsTest, AWindowOfZeroHoldsTheRequestBack) {
    MemoryWire wire;
    std::vector<uint8_t> seen;
    bool opened = false;
    wire.firewall = [&](Side from, Bytes& frame) {
        net::TcpHeader& tcp = tcp_of(frame);
        if (!opened) seen.push_back(tcp.flags);
        if (from == Side::server && tcp.flags == (kSyn | kAck)) {
            tcp.window = net::Be16::from_host(0);
            sum_up(frame);
        }
        if (from == Side::client && tcp.flags == kAck && !opened) {
            opened = true;
            // The window update, from the server's side: a copy of this ACK turned round.
            Bytes update = frame;
            net::TcpHeader& turned = tcp_of(update);
            for (std::size_t i = 0; i < 4; ++i) {
                std::swap(update[26 + i], update[30 + i]);
            }
            std::swap(turned.source_port, turned.destination_port);
            std::swap(turned.sequence, turned.acknowledgment);
            sum_up(update);
            wire.inject(Side::server, update);
        }
        return true;
    };
    Connections connections(small_plan(), options(Course::full, 1));
    run_over(wire, connections, 0.0002);
    EXPECT_EQ(seen, (std::vector<uint8_t>{kSyn, kSyn | kAck, kAck})) << "no request before the window opens";
    EXPECT_EQ(connections.counts().all_wrong(), 0u);
}

TEST(ConnectionsTest, TuplesComeBackOnlyAfterAllOthers) {
    MemoryWire wire;
    std::vector<std::pair<uint32_t, uint16_t>> order; // the client's address and port
    wire.firewall = [&](Side, Bytes& frame) {
        uint32_t source = 0;
        std::memcpy(&source, frame.data() + 26, sizeof source);
        if (has(frame, kSyn)) order.emplace_back(source, tcp_of(frame).source_port.raw());
        return true;
    };
    const TuplePlan plan = *TuplePlan::make({prefix("10.16.0.0/29"), prefix("10.32.0.0/28"), {1024, 1039}, {80, 80}});
    Connections connections(plan, options(Course::full, 4));
    run_over(wire, connections, 0.02, {}, plan);
    ASSERT_GT(order.size(), 128u);
    const std::size_t period = 64; // 96 tuples, 64 slots
    for (std::size_t i = period; i < 128; ++i) {
        EXPECT_EQ(order[i], order[i - period]);
    }
    EXPECT_EQ(std::set(order.begin(), order.begin() + period).size(), period);
    EXPECT_EQ(connections.counts().completed, connections.counts().begun);
}

} // namespace
} // namespace sluice::traffic
