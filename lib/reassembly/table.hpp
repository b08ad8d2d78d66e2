// Virtual reassembly: holds the fragments of each datagram until all are there. Nothing is copied or joined; what comes
// out is the fragments as they came, in the order of their offsets.
//
// Overview. Datagrams are found by key in chains of a hash index. Their fragments are pieces in a pool, linked by
// offset. All datagrams that are not complete are linked by age as well: the timeout is the same for all and is never
// refreshed, so the oldest is the next to time out, and the one that makes room when the table is full.
//
// What is refused (RFC 1858, 3128, 5722, 8200): fragments that overlap, unless one is the exact duplicate of another;
// data beyond the last fragment; more fragments a datagram, datagrams, fragments or bytes in all than the bounds. A
// datagram that is complete, refused or timed out is forgotten at once, and its identification is free.
//
// Life of a piece: held → given out with its datagram when that is complete, until release(); or discarded, until
// take_discarded(). Both must happen before more than kSpare further fragments are added: the caller does it once a
// batch.
//
// Memory. All of it is handed in at construction and none is ever asked for again. One thread, the worker, does
// everything; only the cells of stats() may be read by others.
#pragma once

#include "base/cell.hpp"
#include "base/ticks.hpp"
#include "packet/fragment.hpp"
#include "packet/parsed.hpp"
#include "reassembly/key.hpp"
#include "telemetry/drop_reason.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace sluice::reassembly {

using Index = std::uint32_t;
inline constexpr Index kNone = 0xffffffff;

/// Which datagram, while its fragments are given out.
using DatagramId = Index;

struct Config {
    std::uint32_t datagrams = 0;    ///< incomplete ones at a time
    std::uint32_t fragments = 0;    ///< held at a time; not fewer than per_datagram
    std::uint64_t bytes = 0;        ///< of all frames held
    std::uint32_t per_datagram = 0; ///< fragments
    base::Tick timeout = 0;         ///< from a datagram's first fragment seen
    HashSeed seed{};
};

/// What a worker gets of an appliance's table for `datagrams`: its share, two fragments for each datagram (most
/// datagrams have no more, and are held no longer than it takes the second to arrive), and 2 KiB for each fragment.
Config share_of(std::uint64_t datagrams, std::uint32_t per_datagram, base::Tick timeout, std::uint32_t workers);

/// One fragment as it came in.
struct Piece {
    std::byte* data;            ///< of the frame
    void* handle;               ///< of the frame, for port I/O
    std::uint16_t frame_length; ///< bytes
    std::uint16_t port;         ///< it came in by
    packet::Fragment fragment;
    telemetry::DropReason reason{}; ///< once it is discarded
    Index next = kNone;             ///< the piece behind it in its datagram
};

/// A piece that nothing will be made of.
struct Discarded {
    void* handle;
    telemetry::DropReason reason;
};

/// Counters of one table. Written by the owner, read by anybody.
struct Stats {
    base::Cell<std::uint32_t> datagrams; ///< incomplete
    base::Cell<std::uint32_t> fragments; ///< held by them
    base::Cell<std::uint64_t> completed; ///< datagrams
};

class Table {
  public:
    /// Fragments that may be added between two rounds of release() and take_discarded().
    static constexpr std::uint32_t kSpare = 32;

    static std::size_t memory_size(const Config& config);

    /// `memory` is aligned to a cache line, at least memory_size(config) bytes, and outlives the table.
    Table(std::span<std::byte> memory, const Config& config);
    Table(const Table&) = delete;
    Table& operator=(const Table&) = delete;

    [[nodiscard]] std::uint64_t hash_of(const Key& key) const { return hash(key, config_.seed); }

    /// What became of a fragment that was added.
    struct Outcome {
        enum class What : std::uint8_t {
            held,
            complete, ///< with it, all of `datagram` is there: given out
            refused,  ///< for `reason`; the fragment stays the caller's. The rest of its datagram may be discarded too
        };
        What what = What::held;
        DatagramId datagram = kNone;
        telemetry::DropReason reason{};
    };
    /// `parsed` is the fragment's; that of the one with offset 0 stands for the datagram.
    Outcome add(const Key& key, std::uint64_t hash, const Piece& piece, const packet::Parsed& parsed, base::Tick now);

    // Of a datagram that was given out.
    [[nodiscard]] const packet::Parsed& first_parsed(DatagramId id) const { return datagrams_[id].first; }
    [[nodiscard]] Index first_piece(DatagramId id) const { return datagrams_[id].head; }
    [[nodiscard]] const Piece& piece(Index index) const { return pieces_[index]; }
    [[nodiscard]] std::uint32_t piece_count(DatagramId id) const { return datagrams_[id].count; }
    [[nodiscard]] std::uint32_t frame_bytes(DatagramId id) const { return datagrams_[id].frame_bytes; }
    /// Bytes of the fragmented part: what the fragments' data makes together.
    [[nodiscard]] std::uint32_t data_length(DatagramId id) const { return datagrams_[id].end; }
    /// Calls `each` with every piece, by offset.
    template <typename Each> void for_each_piece(DatagramId id, Each each) const {
        for (Index at = datagrams_[id].head; at != kNone; at = pieces_[at].next) {
            each(pieces_[at]);
        }
    }
    /// Forgets a datagram that was given out.
    void release(DatagramId id);

    /// Discards the datagrams that are over at `now`, the oldest first, `most` at most. Returns how many.
    unsigned expire(base::Tick now, unsigned most);
    /// Discards all.
    void discard_all(telemetry::DropReason reason);
    /// Up to `most` pieces that were discarded since.
    unsigned take_discarded(Discarded* out, unsigned most);

    [[nodiscard]] const Stats& stats() const { return stats_; }
    [[nodiscard]] const Config& config() const { return config_; }

    /// Whether lists, index and counts agree; slow, for tests.
    [[nodiscard]] bool consistent() const;

  private:
    struct Datagram {
        Key key;
        packet::Parsed first; ///< of the fragment with offset 0, once it is there
        Index chain;          ///< next of the same index slot, or of the free list
        std::uint32_t slot;   ///< of the index
        Index older;
        Index newer;
        Index head; ///< pieces by offset
        Index tail;
        std::uint32_t end;         ///< of the data: known once the last fragment is there; until then, of what is there
        std::uint32_t data_bytes;  ///< held of it
        std::uint32_t frame_bytes; ///< of its frames
        std::uint32_t count;       ///< pieces
        base::Tick since;
        bool has_last;
    };
    /// Where a fragment belongs among the pieces of a datagram.
    struct Place {
        Index before = kNone; ///< the piece in front of it
        bool fits = false;
        bool duplicate = false;
    };

    [[nodiscard]] Index find(const Key& key, std::uint32_t slot) const;
    Index begin(const Key& key, std::uint32_t slot, base::Tick now);
    [[nodiscard]] Place place_of(const Datagram& datagram, const Piece& piece) const;
    [[nodiscard]] bool same_bytes(const Piece& a, const Piece& b) const;
    [[nodiscard]] static bool fits_end(const Datagram& datagram, const packet::Fragment& fragment);
    [[nodiscard]] std::optional<telemetry::DropReason> refusal(const Datagram& datagram, const Piece& piece,
                                                               const Place& place) const;
    bool make_room(Index keep, std::uint32_t frame_length);
    void insert(Datagram& datagram, const Piece& piece, Index before);
    void give_out(Index index);
    void discard(Index index, telemetry::DropReason reason);
    void unlink(Index index);
    void free_datagram(Index index);

    Config config_;
    std::span<Datagram> datagrams_;
    std::span<Piece> pieces_;
    std::span<Index> index_; ///< heads of the chains
    Index free_datagrams_ = kNone;
    Index free_pieces_ = kNone;
    Index discarded_ = kNone;
    Index oldest_ = kNone;
    Index newest_ = kNone;
    std::uint32_t datagram_count_ = 0; ///< incomplete
    std::uint32_t fragment_count_ = 0; ///< held by them
    std::uint64_t byte_count_ = 0;
    Stats stats_;
};

} // namespace sluice::reassembly
