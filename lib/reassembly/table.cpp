#include "reassembly/table.hpp"

#include "base/cache_line.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <memory>

namespace sluice::reassembly {
namespace {

using telemetry::DropReason;

constexpr std::uint64_t kBytesPerFragment = 2048;
/// Room for the longest datagram and the headers of its fragments.
constexpr std::uint64_t kLeastBytes = 128 * 1024;

std::size_t whole_lines(std::size_t size) {
    return (size + base::kCacheLine - 1) / base::kCacheLine * base::kCacheLine;
}

std::uint32_t datagram_slots(const Config& config) {
    return config.datagrams + Table::kSpare;
}
std::uint32_t piece_slots(const Config& config) {
    return config.fragments + Table::kSpare;
}
std::uint32_t index_slots(const Config& config) {
    return std::bit_ceil(std::max(config.datagrams, 2u));
}

/// Hands out one array after the other.
class Carver {
  public:
    explicit Carver(std::span<std::byte> memory)
        : memory_(memory) {}
    template <typename T> std::span<T> take(std::size_t count) {
        auto* first = reinterpret_cast<T*>(memory_.data());
        std::uninitialized_value_construct_n(first, count);
        memory_ = memory_.subspan(whole_lines(count * sizeof(T)));
        return {first, count};
    }

  private:
    std::span<std::byte> memory_;
};

std::uint32_t end_of(const packet::Fragment& fragment) {
    return std::uint32_t{fragment.offset} + fragment.length;
}

} // namespace

Config share_of(std::uint64_t datagrams, std::uint32_t per_datagram, base::Tick timeout, std::uint32_t workers) {
    Config config;
    config.datagrams = static_cast<std::uint32_t>((datagrams + workers - 1) / workers);
    config.per_datagram = per_datagram;
    config.fragments = std::max(2 * config.datagrams, per_datagram);
    config.bytes = std::max(config.fragments * kBytesPerFragment, kLeastBytes);
    config.timeout = timeout;
    return config;
}

std::size_t Table::memory_size(const Config& config) {
    return whole_lines(datagram_slots(config) * sizeof(Datagram)) + whole_lines(piece_slots(config) * sizeof(Piece)) +
           whole_lines(index_slots(config) * sizeof(Index));
}

Table::Table(std::span<std::byte> memory, const Config& config)
    : config_(config) {
    Carver carver(memory);
    datagrams_ = carver.take<Datagram>(datagram_slots(config));
    pieces_ = carver.take<Piece>(piece_slots(config));
    index_ = carver.take<Index>(index_slots(config));
    std::fill(index_.begin(), index_.end(), kNone);
    for (auto i = static_cast<Index>(datagrams_.size()); i-- > 0;) {
        datagrams_[i].chain = free_datagrams_;
        free_datagrams_ = i;
    }
    for (auto i = static_cast<Index>(pieces_.size()); i-- > 0;) {
        pieces_[i].next = free_pieces_;
        free_pieces_ = i;
    }
}

Table::Outcome Table::add(const Key& key, std::uint64_t hash, const Piece& piece, const packet::Parsed& parsed,
                          base::Tick now) {
    using What = Outcome::What;
    const auto slot = static_cast<std::uint32_t>(hash >> 32) & static_cast<std::uint32_t>(index_.size() - 1);
    Index index = find(key, slot);
    if (index != kNone && base::tick_reached(now, datagrams_[index].since + config_.timeout)) {
        // Over, and only not looked at since: this fragment begins another datagram of the same identification.
        discard(index, DropReason::fragment_timeout);
        index = kNone;
    }
    Place place;
    if (index != kNone) {
        place = place_of(datagrams_[index], piece);
        if (const auto reason = refusal(datagrams_[index], piece, place)) {
            // A duplicate takes nothing from its datagram, everything else makes it one that nobody sent (RFC 5722).
            if (!place.duplicate) discard(index, *reason);
            return {What::refused, kNone, *reason};
        }
    }
    if (!make_room(index, piece.frame_length)) {
        if (index != kNone) discard(index, DropReason::fragment_limit);
        return {What::refused, kNone, DropReason::fragment_limit};
    }
    if (index == kNone) {
        index = begin(key, slot, now);
        if (index == kNone) return {What::refused, kNone, DropReason::fragment_table_full};
    }
    Datagram& datagram = datagrams_[index];
    insert(datagram, piece, place.before);
    if (piece.fragment.offset == 0) datagram.first = parsed;
    // No two overlap and none is behind the end: as many bytes as there are make all of them.
    if (!datagram.has_last || datagram.data_bytes != datagram.end) return {What::held, kNone, {}};
    give_out(index);
    return {What::complete, index, {}};
}

Index Table::find(const Key& key, std::uint32_t slot) const {
    Index at = index_[slot];
    while (at != kNone && !(datagrams_[at].key == key)) {
        at = datagrams_[at].chain;
    }
    return at;
}

/// Room for one more fragment, of `keep` or of a datagram to begin: the oldest others go until there is some.
bool Table::make_room(Index keep, std::uint32_t frame_length) {
    if (frame_length > config_.bytes || free_pieces_ == kNone) return false; // none free: kSpare was not kept to
    while ((keep == kNone && datagram_count_ == config_.datagrams) || fragment_count_ == config_.fragments ||
           byte_count_ + frame_length > config_.bytes) {
        Index victim = oldest_;
        if (victim != kNone && victim == keep) victim = datagrams_[victim].newer;
        if (victim == kNone) return false;
        discard(victim, DropReason::fragment_table_full);
    }
    return true;
}

Index Table::begin(const Key& key, std::uint32_t slot, base::Tick now) {
    const Index index = free_datagrams_;
    if (index == kNone) return kNone; // kSpare was not kept to
    Datagram& datagram = datagrams_[index];
    free_datagrams_ = datagram.chain;
    datagram = Datagram{};
    datagram.key = key;
    datagram.slot = slot;
    datagram.head = datagram.tail = kNone;
    datagram.since = now;
    datagram.chain = index_[slot];
    index_[slot] = index;
    datagram.older = newest_;
    datagram.newer = kNone;
    (newest_ == kNone ? oldest_ : datagrams_[newest_].newer) = index;
    newest_ = index;
    stats_.datagrams.store(++datagram_count_);
    return index;
}

/// Fragments mostly come in order, so the end is looked at first.
Table::Place Table::place_of(const Datagram& datagram, const Piece& piece) const {
    Place place;
    const std::uint32_t offset = piece.fragment.offset;
    const Piece* last = &pieces_[datagram.tail];
    Index next = datagram.head;
    if (last->fragment.offset < offset) {
        place.before = datagram.tail;
        next = kNone;
    }
    while (next != kNone && pieces_[next].fragment.offset < offset) {
        place.before = next;
        next = pieces_[next].next;
    }
    if (next != kNone && pieces_[next].fragment.offset == offset) {
        place.duplicate = same_bytes(pieces_[next], piece);
        return place;
    }
    const bool behind = place.before == kNone || end_of(pieces_[place.before].fragment) <= offset;
    const bool in_front = next == kNone || end_of(piece.fragment) <= pieces_[next].fragment.offset;
    place.fits = behind && in_front;
    return place;
}

bool Table::same_bytes(const Piece& a, const Piece& b) const {
    return a.fragment.length == b.fragment.length && a.fragment.more == b.fragment.more &&
           std::memcmp(a.data + a.fragment.data_offset, b.data + b.fragment.data_offset, a.fragment.length) == 0;
}

/// Whether a fragment agrees with what is known of the datagram's end.
bool Table::fits_end(const Datagram& datagram, const packet::Fragment& fragment) {
    const std::uint32_t end = end_of(fragment);
    if (datagram.has_last) return fragment.more && end <= datagram.end;
    return fragment.more || end >= datagram.end;
}

std::optional<DropReason> Table::refusal(const Datagram& datagram, const Piece& piece, const Place& place) const {
    if (place.duplicate) return DropReason::fragment_duplicate;
    if (!place.fits || !fits_end(datagram, piece.fragment)) return DropReason::fragment_overlap;
    if (datagram.count == config_.per_datagram) return DropReason::fragment_limit;
    return std::nullopt;
}

void Table::insert(Datagram& datagram, const Piece& piece, Index before) {
    const Index index = free_pieces_;
    Piece& room = pieces_[index];
    free_pieces_ = room.next;
    room = piece;
    Index& link = before == kNone ? datagram.head : pieces_[before].next;
    room.next = link;
    link = index;
    if (room.next == kNone) datagram.tail = index;
    datagram.end = std::max(datagram.end, end_of(piece.fragment));
    datagram.has_last |= !piece.fragment.more;
    datagram.data_bytes += piece.fragment.length;
    datagram.frame_bytes += piece.frame_length;
    ++datagram.count;
    byte_count_ += piece.frame_length;
    stats_.fragments.store(++fragment_count_);
}

/// Out of the index and of the ages: its key is free. Its pieces stay linked to it.
void Table::unlink(Index index) {
    const Datagram& datagram = datagrams_[index];
    Index* link = &index_[datagram.slot];
    while (*link != index) {
        link = &datagrams_[*link].chain;
    }
    *link = datagram.chain;
    (datagram.older == kNone ? oldest_ : datagrams_[datagram.older].newer) = datagram.newer;
    (datagram.newer == kNone ? newest_ : datagrams_[datagram.newer].older) = datagram.older;
    byte_count_ -= datagram.frame_bytes;
    fragment_count_ -= datagram.count;
    stats_.fragments.store(fragment_count_);
    stats_.datagrams.store(--datagram_count_);
}

void Table::give_out(Index index) {
    unlink(index);
    stats_.completed.add(1);
}

void Table::free_datagram(Index index) {
    datagrams_[index].chain = free_datagrams_;
    free_datagrams_ = index;
}

void Table::release(DatagramId id) {
    Datagram& datagram = datagrams_[id];
    pieces_[datagram.tail].next = free_pieces_;
    free_pieces_ = datagram.head;
    free_datagram(id);
}

void Table::discard(Index index, DropReason reason) {
    unlink(index);
    const Datagram& datagram = datagrams_[index];
    for (Index at = datagram.head; at != kNone; at = pieces_[at].next) {
        pieces_[at].reason = reason;
    }
    pieces_[datagram.tail].next = discarded_;
    discarded_ = datagram.head;
    free_datagram(index);
}

unsigned Table::expire(base::Tick now, unsigned most) {
    unsigned count = 0;
    while (count < most && oldest_ != kNone && base::tick_reached(now, datagrams_[oldest_].since + config_.timeout)) {
        discard(oldest_, DropReason::fragment_timeout);
        ++count;
    }
    return count;
}

void Table::discard_all(DropReason reason) {
    while (oldest_ != kNone) {
        discard(oldest_, reason);
    }
}

unsigned Table::take_discarded(Discarded* out, unsigned most) {
    unsigned count = 0;
    while (count < most && discarded_ != kNone) {
        const Index index = discarded_;
        discarded_ = pieces_[index].next;
        out[count++] = {pieces_[index].handle, pieces_[index].reason};
        pieces_[index].next = free_pieces_;
        free_pieces_ = index;
    }
    return count;
}

bool Table::consistent() const {
    std::uint32_t datagrams = 0;
    std::uint32_t fragments = 0;
    std::uint64_t bytes = 0;
    Index older = kNone;
    for (Index at = oldest_; at != kNone; older = at, at = datagrams_[at].newer) {
        const Datagram& datagram = datagrams_[at];
        if (datagram.older != older || find(datagram.key, datagram.slot) != at) return false;
        ++datagrams;
        std::uint32_t count = 0;
        std::uint32_t data = 0;
        std::uint32_t end = 0;
        Index tail = kNone;
        for (Index p = datagram.head; p != kNone; tail = p, p = pieces_[p].next) {
            if (pieces_[p].fragment.offset < end) return false;
            end = end_of(pieces_[p].fragment);
            data += pieces_[p].fragment.length;
            bytes += pieces_[p].frame_length;
            ++count;
        }
        if (count == 0 || count > config_.per_datagram || tail != datagram.tail || count != datagram.count ||
            data != datagram.data_bytes || end != datagram.end)
            return false;
        fragments += count;
    }
    return newest_ == older && datagrams == datagram_count_ && fragments == fragment_count_ && bytes == byte_count_ &&
           datagrams <= config_.datagrams && fragments <= config_.fragments && bytes <= config_.bytes;
}

} // namespace sluice::reassembly
