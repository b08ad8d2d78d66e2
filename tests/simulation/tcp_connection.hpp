// Two TCP endpoints that keep to RFC 9293, with what happens between a host and the firewall: loss, reordering,
// duplication. Handshake, data in both directions, windows with and without scale, zero windows and their probes,
// retransmits in other cuts, SACK, keep-alives, either end's FIN first, half-closed life, resets.
//
// What it sends is what a firewall must let pass; the simulation says when.
#pragma once

#include "frame_writer.hpp"
#include "random.hpp"
#include "world.hpp"

#include <array>
#include <cstdint>

namespace sluice::simulation {

/// A segment on its way, in the terms of the connection.
struct TcpSegment {
    std::uint32_t sequence = 0;
    std::uint32_t acknowledgment = 0;
    std::uint32_t sack_from = 0; ///< equal to sack_to: no SACK
    std::uint32_t sack_to = 0;
    std::uint16_t length = 0; ///< bytes of data
    std::uint16_t window = 0; ///< as it stands in the header
    std::uint8_t flags = 0;

    /// Sequence numbers that it takes.
    [[nodiscard]] std::uint32_t span() const;
};

class TcpConnection {
  public:
    void begin(const Tuple& tuple, Random& random);

    [[nodiscard]] const Tuple& tuple() const { return tuple_; }

    /// Lets `side` send one segment, or the network before the firewall deliver an earlier one. False: nothing to send.
    bool send(Side side, Random& random, TcpSegment& out);
    /// The firewall forwarded the segment: what it may know from here on.
    void passed(Side sender, const TcpSegment& segment);
    /// The segment reached the other host.
    void arrived(Side sender, const TcpSegment& segment);

    /// Whether a tracker that saw all that passed() was told must take the segment for one of the connection. What
    /// came so late that its data left every window is not.
    [[nodiscard]] bool is_within_windows(Side sender, const TcpSegment& segment) const;

    [[nodiscard]] bool has_passed(Side sender) const { return ends_[sender].largest_window != 0; }
    [[nodiscard]] bool handshake_passed() const { return handshake_passed_; }
    [[nodiscard]] bool closing() const { return closing_; } ///< a FIN or RST was sent
    [[nodiscard]] bool reset() const { return reset_; }
    [[nodiscard]] bool finished() const; ///< both FINs acknowledged, both ends know it

    /// Where the `side` end's next byte goes, for those who attack it.
    [[nodiscard]] std::uint32_t next_sequence(Side side) const { return ends_[side].highest; }

    void write(Side side, const TcpSegment& segment, Segment& out) const;

  private:
    static constexpr unsigned kOnTheWay = 6;

    struct End {
        std::uint32_t initial = 0;
        std::uint32_t unacknowledged = 0;
        std::uint32_t next = 0;
        std::uint32_t highest = 0;  ///< the most that `next` ever was
        std::uint32_t limit = 0;    ///< right edge of what the other end takes
        std::uint32_t expected = 0; ///< of the other end's numbers
        std::uint32_t edge = 0;     ///< right edge of what this end promised to take
        std::uint32_t buffer = 0;   ///< bytes
        std::uint32_t finish = 0;   ///< the FIN's number, once there is one
        std::uint32_t sack_from = 0;
        std::uint32_t sack_to = 0;
        std::uint32_t largest_window = 0; ///< of those that passed
        std::uint8_t shift = 0;
        bool heard = false; ///< knows the other end's initial number
        bool owes_answer = false;
        bool probing = false;   ///< a byte beyond the window is out
        bool finishing = false; ///< sent a FIN
        bool finish_acknowledged = false;
        bool finish_received = false;
        std::array<TcpSegment, kOnTheWay> on_the_way{};
        unsigned on_the_way_count = 0;
    };

    bool produce(Side side, Random& random, TcpSegment& out);
    bool produce_opening(Side side, TcpSegment& out);
    bool produce_data(End& end, Random& random, TcpSegment& out);
    void produce_acknowledgment(End& end, Random& random, TcpSegment& out);
    void stamp(End& end, TcpSegment& out) const;
    bool take_from_way(End& end, Random& random, TcpSegment& out);
    void take_acknowledgment(End& end, const TcpSegment& segment);
    void take_data(End& end, const TcpSegment& segment);

    Tuple tuple_;
    std::array<End, 2> ends_;
    unsigned data_left_ = 0; ///< segments of data until somebody closes
    bool scaled_ = false;
    bool timestamps_ = false;
    bool handshake_passed_ = false;
    bool closing_ = false;
    bool reset_ = false;
};

} // namespace sluice::simulation
