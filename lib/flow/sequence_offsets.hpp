// What is known of flows whose handshake Sluice took part in: how far the server's sequence numbers are from those that
// the client was given, and how windows are to be shifted. Few flows have this, so it stands beside the table: 16 bytes
// for each of a tenth of the table's flows, found by the entry's index.
//
// Open addressing with linear probing; what is removed is closed up behind, so that there are no markers to wade
// through. Owner: the table, and with it one worker.
#pragma once

#include "base/cell.hpp"
#include "flow/entry.hpp"

#include <cstddef>
#include <cstdint>
#include <span>

namespace sluice::flow {

/// One flow's. Plain memory.
struct SequenceOffset {
    std::uint32_t flow;          ///< index + 1; 0: this slot is empty
    std::uint32_t cookie;        ///< the initial sequence number that the client was given for the server's
    std::uint32_t offset;        ///< to be added to what the server sends, once it has answered
    std::uint16_t client_window; ///< of the client's first ACK, as it stood there
    std::int8_t to_client;       ///< the server's windows, for the client: left by so many bits, right if negative
    std::uint8_t to_server : 4;  ///< the client's windows, for the server: left by so many bits
    std::uint8_t pending : 1;    ///< the server has not answered yet: nothing above is known but cookie and window
};
static_assert(sizeof(SequenceOffset) == 16);

class SequenceOffsets {
  public:
    /// Bytes for a table of `flows` entries: less than two for each, and a line.
    static std::size_t memory_size(std::uint32_t flows);

    /// `memory` is zeroed, aligned to 16, at least memory_size(flows) bytes, and outlives this.
    SequenceOffsets(std::span<std::byte> memory, std::uint32_t flows);

    /// Whether add() has room. A quarter of the slots stays empty, so that what is not there is found out soon.
    [[nodiscard]] bool has_room() const { return used_.load() < limit_; }
    /// Any thread.
    [[nodiscard]] std::uint32_t used() const { return used_.load(); }

    /// A zeroed slot for a flow that has none; has_room() was asked.
    SequenceOffset& add(Index index);
    /// The slot of a flow; nullptr if it has none. Good until add() or remove().
    [[nodiscard]] SequenceOffset* find(Index index) const;
    void remove(Index index);

  private:
    [[nodiscard]] std::uint32_t home_of(std::uint32_t flow) const {
        // Fibonacci hashing, then Lemire's multiplication: indices come from a stack, nobody outside chooses them.
        const std::uint32_t mixed = flow * 0x9e3779b9u;
        return static_cast<std::uint32_t>((std::uint64_t{mixed} * slot_count_) >> 32);
    }
    [[nodiscard]] std::uint32_t next(std::uint32_t slot) const { return slot + 1 == slot_count_ ? 0 : slot + 1; }

    SequenceOffset* slots_;
    std::uint32_t slot_count_;
    std::uint32_t limit_;
    base::Cell<std::uint32_t> used_;
};

} // namespace sluice::flow
