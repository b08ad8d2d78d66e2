// Up to 32 packets on their way through the stages, as columns.
//
// Port I/O fills the first columns, each stage fills its own and reads those before it. No stage knows mbufs: `handle`
// is whatever the port wants back for transmitting or freeing the packet.
#pragma once

#include "flow/entry.hpp"
#include "flow/key.hpp"
#include "packet/parsed.hpp"
#include "packet/tcp_write.hpp"
#include "reassembly/table.hpp"
#include "ruleset/classifier.hpp"
#include "ruleset/ruleset.hpp"
#include "telemetry/drop_reason.hpp"

#include <array>
#include <cstddef>
#include <cstdint>

namespace sluice::pipeline {

inline constexpr unsigned kBatchSize = 32;

template <typename T> using Column = std::array<T, kBatchSize>;

namespace detail {
template <std::size_t kSize> struct WordOf;
template <> struct WordOf<1> { using Type = std::uint8_t; };
template <> struct WordOf<2> { using Type = std::uint16_t; };
template <> struct WordOf<4> { using Type = std::uint32_t; };
} // namespace detail

/// Whether any of the first `count` is `value`. None ends the loop early: so it becomes a few instructions for all.
template <typename T> bool any_is(const Column<T>& column, unsigned count, T value) {
    using Word = typename detail::WordOf<sizeof(T)>::Type;
    Word found = 0;
    for (unsigned i = 0; i < count; ++i) {
        found = static_cast<Word>(found | (column[i] == value ? 1 : 0));
    }
    return found != 0;
}

/// Whether the first `count` all are `value`.
template <typename T> bool all_are(const Column<T>& column, unsigned count, T value) {
    using Word = typename detail::WordOf<sizeof(T)>::Type;
    Word others = 0;
    for (unsigned i = 0; i < count; ++i) {
        others = static_cast<Word>(others | (static_cast<Word>(column[i]) ^ static_cast<Word>(value)));
    }
    return others == 0;
}

/// What is to become of a packet.
enum class Disposition : std::uint8_t {
    pending,  ///< not decided yet
    forward,  ///< to the peer of the port it came in by
    drop,     ///< for `reason`
    hand_off, ///< to worker `owner`
    held,     ///< a fragment: kept by the reassembly until its datagram is complete
    answer,   ///< rewritten, and of another length: back by the port it came in by
    absorb,   ///< dealt with: what there is to say about it is among the frames that were made
};

/// How a packet came to this worker.
enum class Arrival : std::uint8_t {
    port,    ///< received by it
    collect, ///< a fragment from another worker: this one collects those of its datagram, whose flow may be a third's
    judge,   ///< from another worker: the flow is ours, whatever its hash says
};

/// What is known about a packet's transport checksum before it is computed.
enum class Checksum : std::uint8_t { unknown, good, bad };

/// Rows of the batch that a stage has to look at: their numbers, in order of arrival.
struct Selection {
    unsigned count = 0;
    Column<std::uint8_t> row;

    void add(unsigned i) { row[count++] = static_cast<std::uint8_t>(i); }
    void clear() { count = 0; }
};

/// A frame of Sluice's own, to be sent by `port`.
struct MadeFrame {
    std::uint16_t port;
    std::uint16_t length;
    std::array<std::byte, packet::kLongestOwnFrame> bytes;
};

/// Frames that the stages made. No packet makes more than two.
struct MadeFrames {
    unsigned count = 0;
    std::array<MadeFrame, std::size_t{2} * kBatchSize> frame;
};

struct Batch {
    unsigned count = 0;

    // Filled by port I/O.
    Column<std::byte*> data;
    Column<std::uint16_t> length; ///< bytes of the frame, all in one piece
    Column<void*> handle;
    Column<std::uint16_t> port; ///< index of the interface it came in by
    Column<Checksum> checksum;  ///< what the port found out about the transport's
    // Filled by the worker.
    Column<Arrival> arrival;

    // Filled by the parse stage.
    Column<packet::Parsed> parsed;
    Selection not_ordinary; ///< rows that packet::parse_ordinary() left alone: only these can be fragments

    // Filled by the reassembly stage, for the row whose fragment completes a datagram: from there on it stands for all
    // of the datagram's fragments. `data`, `length` and `handle` are the first one's, `parsed` says what the datagram
    // is.
    Column<reassembly::DatagramId> datagram; ///< kNone: an ordinary packet
    Column<std::uint16_t> fragments;         ///< of a datagram
    Column<std::uint32_t> frame_bytes;       ///< of all its frames

    // Filled by the dispatch stage, densely, for the rows of `tracked`.
    Selection tracked;
    Column<flow::Key> key;
    Column<bool> sender_is_second;
    Column<std::uint64_t> hash;
    Column<bool> error;            ///< an ICMP error: key and sender are those of the packet it quotes
    Column<packet::Parsed> quoted; ///< by that packet, where `error`

    // Filled by the flow look-up stage, densely as well.
    Column<flow::Index> flow;
    Column<std::uint16_t> generation;

    // The outcome, by row.
    Column<Disposition> disposition;
    Column<telemetry::DropReason> reason; ///< when dropped
    Column<std::uint16_t> owner;          ///< when handed off
    Column<std::uint32_t> rule_slot;      ///< counter slot of the rule that decided, kNoRule if none did
    Column<ruleset::Path> path;           ///< what the untracked classifier said
    MadeFrames made;

    [[nodiscard]] bool is_datagram(unsigned row) const { return datagram[row] != reassembly::kNone; }
    /// Packets that the row stands for, and the bytes of their frames.
    [[nodiscard]] unsigned packets_of(unsigned row) const { return is_datagram(row) ? fragments[row] : 1u; }
    [[nodiscard]] std::uint32_t bytes_of(unsigned row) const {
        return is_datagram(row) ? frame_bytes[row] : length[row];
    }

    /// Whether all rows are packets of their own that came by one port and are forwarded, as nearly all are.
    [[nodiscard]] bool passes_as_it_came() const {
        return all_are(disposition, count, Disposition::forward) && all_are(datagram, count, reassembly::kNone) &&
               all_are(port, count, port[0]);
    }

    void drop(unsigned row, telemetry::DropReason why) {
        disposition[row] = Disposition::drop;
        reason[row] = why;
    }
};

/// Batch::rule_slot of a packet that no rule judged: link control, malformed.
inline constexpr std::uint32_t kNoRule = 0xffffffff;

} // namespace sluice::pipeline
