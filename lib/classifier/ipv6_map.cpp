#include "classifier/ipv6_map.hpp"

#include "classifier/flat_map.hpp"

#include <array>
#include <cstring>

namespace sluice::classifier {
namespace {

using namespace ruleset;
using Key = Ipv6Map::Key;

constexpr std::size_t kMostStarts = std::size_t{ipv6::kFanOut} * ipv6::kFanOut; // of a chunk
constexpr std::size_t kFill = kMostStarts / 2;                                  // of a fresh one
constexpr std::size_t kSpare = std::size_t{1} << 20; // lines, reserved for changes: address space, not memory

std::int64_t key_of(std::uint64_t start) {
    return static_cast<std::int64_t>((start - 1) ^ ipv6::kFlip);
}

/// Sixteen keys; those from `count` on are none, and so is the first: its start is known not to lie above.
template <typename StartAt> void write_node(std::byte* node, std::size_t count, StartAt start_at) {
    std::array<std::int64_t, ipv6::kFanOut> keys;
    keys.fill(ipv6::kNone);
    for (std::size_t i = 1; i < std::min<std::size_t>(count, ipv6::kFanOut); ++i)
        keys[i] = key_of(start_at(i));
    std::memcpy(node, keys.data(), sizeof keys);
}

void write_block(std::byte* block, const Start<std::uint64_t>* starts, std::size_t count) {
    write_node(block, count, [starts](std::size_t i) { return starts[i].at; });
    std::array<Class, ipv6::kFanOut> classes{};
    for (std::size_t i = 0; i < count; ++i)
        classes[i] = starts[i].class_;
    std::memcpy(block + ipv6::kNodeLines * kLine, classes.data(), sizeof classes);
}

unsigned top_levels_for(std::size_t chunks) {
    unsigned levels = 1;
    std::size_t reach = ipv6::kFanOut;
    for (; reach < chunks; reach *= ipv6::kFanOut)
        ++levels;
    return levels;
}

std::size_t refs_line(unsigned levels) {
    return ipv6::kNodesAt[levels] * ipv6::kNodeLines;
}

} // namespace

Ipv6Map::Ipv6Map(std::size_t expected)
    : arena_(1 + expected * 6 + kSpare) {
    if (!arena_.ok()) return;
    const auto line = arena_.allocate(1);
    root_ = reinterpret_cast<std::uint32_t*>(arena_.at(*line));
    small_ = root_ + 1;
    Chunk everything;
    const Start<std::uint64_t> start = {0, 0};
    everything.ref = *write_chunk(&start, 1, everything.pieces);
    *root_ = everything.ref;
    chunks_.push_back(std::move(everything));
}

void Ipv6Map::show_small(const Starts<Key>& starts) {
    // Only where no lower half matters.
    const bool upper_alone = std::all_of(starts.begin(), starts.end(), [](const Start<Key>& start) {
        return static_cast<std::uint64_t>(start.at) == 0;
    });
    const std::uint32_t line = write_flat<std::int64_t>(arena_, upper_alone ? starts : Starts<Key>{}, [](Key at) {
        return key_of(static_cast<std::uint64_t>(at >> 64));
    });
    const std::uint32_t before = *small_;
    __atomic_store_n(small_, line, __ATOMIC_RELEASE);
    if (before != 0) arena_.retire(before, kFlatLines<std::int64_t>);
}

std::size_t Ipv6Map::chunk_of(std::uint64_t upper) const {
    const auto above = std::upper_bound(chunks_.begin(), chunks_.end(), upper,
                                        [](std::uint64_t x, const Chunk& chunk) { return x < chunk.first; });
    return static_cast<std::size_t>(above - chunks_.begin()) - 1;
}

std::optional<Ref> Ipv6Map::write_chunk(const Start<std::uint64_t>* starts, std::size_t count, Pieces& pieces) {
    const std::size_t blocks = (count + ipv6::kFanOut - 1) / ipv6::kFanOut;
    const unsigned levels = blocks > 1 ? 2 : 1;
    const std::size_t lines = (levels == 2 ? ipv6::kNodeLines : 0) + ipv6::kBlockLines * blocks;
    const auto first = arena_.allocate(lines);
    if (!first) return std::nullopt;
    pieces.emplace_back(*first, lines);
    std::byte* block = arena_.at(*first);
    if (levels == 2) {
        write_node(block, blocks, [starts](std::size_t b) { return starts[b * ipv6::kFanOut].at; });
        block += ipv6::kNodeLines * kLine;
    }
    for (std::size_t b = 0; b < blocks; ++b, block += ipv6::kBlockLines * kLine) {
        const std::size_t at = b * ipv6::kFanOut;
        write_block(block, starts + at, std::min<std::size_t>(ipv6::kFanOut, count - at));
    }
    return *first | levels << kShapeShift;
}

std::optional<Ref> Ipv6Map::write_top(const std::vector<std::pair<std::uint64_t, Ref>>& chunks, Pieces& pieces) {
    const unsigned levels = top_levels_for(chunks.size());
    if (levels > ipv6::kMaxTops) return std::nullopt;
    const std::size_t lines = refs_line(levels) + (chunks.size() * sizeof(Ref) + kLine - 1) / kLine;
    const auto first = arena_.allocate(lines);
    if (!first) return std::nullopt;
    pieces.emplace_back(*first, lines);
    std::byte* top = arena_.at(*first);
    std::size_t each = 1; // chunks below a key
    for (unsigned level = levels; level-- > 0; each *= ipv6::kFanOut) {
        const std::size_t keys = (chunks.size() + each - 1) / each;
        for (std::size_t node = 0; node * ipv6::kFanOut < keys; ++node) {
            write_node(top + (ipv6::kNodesAt[level] + node) * ipv6::kNodeLines * kLine, keys - node * ipv6::kFanOut,
                       [&](std::size_t i) { return chunks[(node * ipv6::kFanOut + i) * each].first; });
        }
    }
    std::byte* refs = top + refs_line(levels) * kLine;
    for (std::size_t i = 0; i < chunks.size(); ++i)
        std::memcpy(refs + i * sizeof(Ref), &chunks[i].second, sizeof(Ref));
    return *first | (ipv6::kTop + levels) << kShapeShift;
}

/// A map of lower halves, and the class that leads to it.
std::optional<Class> Ipv6Map::write_below(const Starts<std::uint64_t>& starts, Pieces& pieces) {
    std::vector<std::pair<std::uint64_t, Ref>> chunks;
    for (std::size_t at = 0; at < starts.size(); at += kMostStarts) {
        const auto ref = write_chunk(&starts[at], std::min(kMostStarts, starts.size() - at), pieces);
        if (!ref) return std::nullopt;
        chunks.emplace_back(starts[at].at, *ref);
    }
    std::optional<Ref> ref = chunks[0].second;
    if (chunks.size() > 1) ref = write_top(chunks, pieces);
    const auto line = ref ? arena_.allocate(1) : std::nullopt;
    if (!line || *line >= kBelow) return std::nullopt;
    pieces.emplace_back(*line, 1);
    std::memcpy(arena_.at(*line), &*ref, sizeof(Ref));
    return kBelow | *line;
}

/// Starts of upper halves; where lower halves matter, their maps are written. `below` gets the pieces of each start.
std::optional<Starts<std::uint64_t>> Ipv6Map::upper_starts(const Starts<Key>& starts, std::vector<Pieces>& below) {
    Starts<std::uint64_t> out;
    const auto put = [&](std::uint64_t at, Class class_, Pieces pieces) {
        append(out, at, class_);
        below.resize(out.size());
        if (!pieces.empty()) below[out.size() - 1] = std::move(pieces);
    };
    for (std::size_t i = 0; i < starts.size();) {
        const auto upper = static_cast<std::uint64_t>(starts[i].at >> 64);
        Starts<std::uint64_t> lower;
        const auto first = static_cast<std::uint64_t>(starts[i].at);
        if (first != 0) lower.push_back({0, starts[i - 1].class_});
        std::size_t next = i;
        for (; next < starts.size() && static_cast<std::uint64_t>(starts[next].at >> 64) == upper; ++next)
            append(lower, static_cast<std::uint64_t>(starts[next].at), starts[next].class_);
        if (lower.size() == 1) {
            put(upper, lower[0].class_, {});
        } else {
            Pieces pieces;
            const auto class_ = write_below(lower, pieces);
            if (!class_) {
                release(pieces);
                return std::nullopt;
            }
            put(upper, *class_, std::move(pieces));
            const bool told = next < starts.size() && starts[next].at == Key{upper + 1} << 64;
            if (upper != ~std::uint64_t{0} && !told) put(upper + 1, starts[next - 1].class_, {});
        }
        i = next;
    }
    return out;
}

bool Ipv6Map::replace(std::size_t from, std::size_t to, const Starts<Key>& starts) {
    if (starts.empty()) return false;
    std::vector<Pieces> below;
    const auto upper = upper_starts(starts, below);
    std::vector<Chunk> fresh;
    bool room = upper.has_value();
    const std::size_t count = room ? upper->size() : 0;
    const std::size_t each = count <= kMostStarts ? kMostStarts : kFill;
    for (std::size_t at = 0; room && at < count; at += each) {
        Chunk chunk;
        const std::size_t some = std::min(each, count - at);
        // What the chunks before begin with stays what they begin with.
        chunk.first = at == 0 ? chunks_[from].first : (*upper)[at].at;
        const auto ref = write_chunk(&(*upper)[at], some, chunk.pieces);
        room = ref.has_value();
        if (!room) release(chunk.pieces);
        if (!room) break;
        chunk.ref = *ref;
        fresh.push_back(std::move(chunk));
    }
    room = room && publish(from, to, fresh);
    if (room) {
        for (std::size_t at = 0; at < count; ++at) {
            Pieces& owned = chunks_[from + at / each].pieces;
            owned.insert(owned.end(), below[at].begin(), below[at].end());
        }
        return true;
    }
    for (const Chunk& chunk : fresh)
        release(chunk.pieces);
    for (const Pieces& pieces : below)
        release(pieces);
    return false;
}

/// Puts `fresh` in place of chunks from..to: one word if their number stays, a new top otherwise.
bool Ipv6Map::publish(std::size_t from, std::size_t to, std::vector<Chunk> fresh) {
    const bool in_place = fresh.size() == to - from;
    if (in_place && fresh.size() == 1) {
        std::uint32_t* word = chunks_.size() == 1 ? root_ : refs_ + from;
        __atomic_store_n(word, fresh[0].ref, __ATOMIC_RELEASE);
        retire(chunks_[from].pieces);
        chunks_[from] = std::move(fresh[0]);
        return true;
    }
    std::vector<std::pair<std::uint64_t, Ref>> refs;
    const auto add = [&refs](const Chunk& chunk) { refs.emplace_back(chunk.first, chunk.ref); };
    std::for_each(chunks_.begin(), chunks_.begin() + static_cast<std::ptrdiff_t>(from), add);
    std::for_each(fresh.begin(), fresh.end(), add);
    std::for_each(chunks_.begin() + static_cast<std::ptrdiff_t>(to), chunks_.end(), add);
    Pieces top;
    const std::optional<Ref> ref = refs.size() == 1 ? refs[0].second : write_top(refs, top);
    if (!ref) return false;
    __atomic_store_n(root_, *ref, __ATOMIC_RELEASE);
    retire(top_);
    top_ = std::move(top);
    refs_ = nullptr;
    if (!top_.empty()) {
        std::byte* line = arena_.at(*ref & kOffsetMask) + refs_line((*ref >> kShapeShift) - ipv6::kTop) * kLine;
        refs_ = reinterpret_cast<std::uint32_t*>(line);
    }
    for (std::size_t i = from; i < to; ++i)
        retire(chunks_[i].pieces);
    chunks_.erase(chunks_.begin() + static_cast<std::ptrdiff_t>(from),
                  chunks_.begin() + static_cast<std::ptrdiff_t>(to));
    chunks_.insert(chunks_.begin() + static_cast<std::ptrdiff_t>(from), std::make_move_iterator(fresh.begin()),
                   std::make_move_iterator(fresh.end()));
    return true;
}

void Ipv6Map::release(const Pieces& pieces) {
    for (const auto& [first, lines] : pieces)
        arena_.release(first, lines);
}

void Ipv6Map::retire(const Pieces& pieces) {
    for (const auto& [first, lines] : pieces)
        arena_.retire(first, lines);
}

} // namespace sluice::classifier
