#include "flow/tcp.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <string_view>

namespace sluice::flow::tcp {
namespace {

// Linux's table in its own notation (nf_conntrack_proto_tcp.c, tcp_loose = 0), one line a segment, one column a state:
// SS SR ES FW CW LA TW CL S2; iv refuse, ig pass, nw a new flow. Written apart from the table under test.
struct Line {
    Direction direction;
    Segment segment;
    std::string_view cells;
};

constexpr std::array kLinux = {
    Line{Direction::original, Segment::syn, "SS ig ig ig ig ig nw nw S2"},
    Line{Direction::original, Segment::syn_ack, "iv SR iv iv iv iv iv iv SR"},
    Line{Direction::original, Segment::fin, "iv FW FW LA LA LA TW CL iv"},
    Line{Direction::original, Segment::ack, "iv ES ES CW CW TW TW CL iv"},
    Line{Direction::original, Segment::rst, "CL CL CL CL CL CL CL CL CL"},
    Line{Direction::reply, Segment::syn, "S2 iv iv iv iv iv nw iv S2"},
    Line{Direction::reply, Segment::syn_ack, "SR ig ig ig ig ig ig ig SR"},
    Line{Direction::reply, Segment::fin, "iv FW FW LA LA LA TW CL iv"},
    Line{Direction::reply, Segment::ack, "ig SR ES CW CW TW TW CL ig"},
    Line{Direction::reply, Segment::rst, "CL CL CL CL CL CL CL CL CL"},
};

constexpr std::array<std::string_view, 9> kStates = {"SS", "SR", "ES", "FW", "CW", "LA", "TW", "CL", "S2"};

std::string cell_of(const Transition& transition) {
    switch (transition.step) {
    case Step::refuse: return "iv";
    case Step::pass: return "ig";
    case Step::restart: return "nw";
    case Step::move: return std::string(kStates[static_cast<std::size_t>(transition.next)]);
    }
    return "?";
}

TEST(TcpTransition, EveryCellIsAsInLinux) {
    for (const Line& line : kLinux) {
        for (std::size_t state = 0; state < kStates.size(); ++state) {
            const std::string_view wanted = line.cells.substr(3 * state, 2);
            EXPECT_EQ(cell_of(transition(line.direction, line.segment, static_cast<State>(state))), wanted)
                << "direction " << static_cast<int>(line.direction) << " segment " << static_cast<int>(line.segment)
                << " state " << kStates[state];
        }
    }
}

TEST(TcpFlags, OnlyWhatHostsSendIsPossible) {
    using namespace net::tcp_flag;
    constexpr std::array<std::uint8_t, 9> kPossible = {
        kSyn, kSyn | kUrg, kSyn | kAck, kRst, kRst | kAck, kFin | kAck, kFin | kAck | kUrg, kAck, kAck | kUrg};
    for (unsigned flags = 0; flags < 256; ++flags) {
        const std::uint8_t that_matter = flags & (kSyn | kFin | kRst | kAck | kUrg);
        const bool possible = std::find(kPossible.begin(), kPossible.end(), that_matter) != kPossible.end();
        EXPECT_EQ(flags_possible(static_cast<std::uint8_t>(flags)), possible) << "flags " << flags;
    }
}

TEST(TcpFlags, RstOutranksSynOutranksFin) {
    using namespace net::tcp_flag;
    EXPECT_EQ(classify(kRst | kAck), Segment::rst);
    EXPECT_EQ(classify(kSyn), Segment::syn);
    EXPECT_EQ(classify(kSyn | kAck), Segment::syn_ack);
    EXPECT_EQ(classify(kFin | kAck), Segment::fin);
    EXPECT_EQ(classify(kAck | kPsh), Segment::ack);
    EXPECT_EQ(classify(kPsh), Segment::none);
}

} // namespace
} // namespace sluice::flow::tcp
