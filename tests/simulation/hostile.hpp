// Everything that is sent in the hope that a firewall gets it wrong.
#pragma once

#include "frame_writer.hpp"
#include "random.hpp"
#include "tcp_connection.hpp"
#include "world.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace sluice::simulation {

/// Frames seen lately, for who repeats or spoils them.
class RecentFrames {
  public:
    void add(std::span<const std::uint8_t> bytes);
    [[nodiscard]] std::span<const std::uint8_t> any(Random& random) const;

  private:
    static constexpr unsigned kCount = 64;
    struct Kept {
        std::array<std::uint8_t, kFrameRoom> bytes;
        std::size_t size = 0;
    };
    std::array<Kept, kCount> kept_;
    unsigned next_ = 0;
    unsigned count_ = 0;
};

/// One frame of an attacker who sits at `side` of a wire. He may know one live connection, `victim`.
class Hostile {
  public:
    Hostile(Random& random, const RecentFrames& recent, std::uint8_t* out)
        : random_(random)
        , recent_(recent)
        , out_(out) {}

    /// Returns the frame's size. `blind` is set when it is a segment for the victim that no tracker of windows takes
    /// for one of the connection, whatever became of it meanwhile.
    std::size_t write(Side side, std::uint16_t wire, const TcpConnection* victim, bool& blind);

  private:
    std::size_t any_segment(Side side, std::uint16_t wire);
    std::size_t segment_on(Side side, const TcpConnection& victim, bool& blind);
    std::size_t flood(Side side, std::uint16_t wire);
    std::size_t datagram(Side side, std::uint16_t wire);
    std::size_t icmp(Side side, std::uint16_t wire);
    std::size_t error(Side side, const TcpConnection* victim);
    std::size_t fragment(Side side, std::uint16_t wire);
    std::size_t odd_protocol(Side side, std::uint16_t wire);
    std::size_t not_ip();
    std::size_t repeated();
    std::size_t cut();
    std::size_t flipped();

    Random& random_;
    const RecentFrames& recent_;
    std::uint8_t* out_;
    Segment segment_;
};

} // namespace sluice::simulation
