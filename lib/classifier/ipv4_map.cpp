#include "classifier/ipv4_map.hpp"

#include "classifier/flat_map.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <iterator>

namespace sluice::classifier {
namespace {

using namespace ruleset;
using Key = Ipv4Map::Key;

constexpr std::size_t kRootLines = ipv4::kRoots * sizeof(std::uint32_t) / kLine;
constexpr std::size_t kSpare = std::size_t{1} << 20; // lines, reserved for changes: address space, not memory
constexpr std::array<std::size_t, ipv4::kMaxLevels + 1> kMostBlocks = {0, 1, 32, 1024, 32'768};

std::size_t blocks_for(std::size_t starts) {
    return (starts + ipv4::kFanOut - 1) / ipv4::kFanOut;
}

unsigned levels_for(std::size_t starts) {
    unsigned levels = 1;
    while (kMostBlocks[levels] < blocks_for(starts))
        ++levels;
    return levels;
}

std::size_t lines_for(std::size_t starts) {
    return ipv4::kBlocksAt[levels_for(starts)] + ipv4::kBlockLines * blocks_for(starts);
}

/// The key of a start: counted where key < x. `low` is never 0: the first start of a line has no key.
std::uint16_t key_of(const Start<Key>& start) {
    return static_cast<std::uint16_t>((start.at & 0xffff) - 1);
}

void write_keys(std::byte* line, const std::array<std::uint16_t, ipv4::kFanOut>& keys) {
    std::memcpy(line, keys.data(), sizeof keys);
}

void write_block(std::byte* block, const Start<Key>* starts, std::size_t count) {
    std::array<std::uint16_t, ipv4::kFanOut> keys;
    std::array<Class, ipv4::kFanOut> classes{};
    keys.fill(ipv4::kNone);
    for (std::size_t i = 0; i < count; ++i) {
        if (i > 0) keys[i] = key_of(starts[i]);
        classes[i] = starts[i].class_;
    }
    write_keys(block, keys);
    std::memcpy(block + kLine, classes.data(), sizeof classes);
}

/// Lines that lead to `below` things, each of which stands for `each` starts.
void write_level(std::byte* first, const Starts<Key>& starts, std::size_t each) {
    const std::size_t below = (starts.size() + each - 1) / each;
    for (std::size_t line = 0; line * ipv4::kFanOut < below; ++line) {
        std::array<std::uint16_t, ipv4::kFanOut> keys;
        keys.fill(ipv4::kNone);
        for (std::size_t i = 1; i < ipv4::kFanOut && line * ipv4::kFanOut + i < below; ++i)
            keys[i] = key_of(starts[(line * ipv4::kFanOut + i) * each]);
        write_keys(first + line * kLine, keys);
    }
}

void write_chunk(std::byte* chunk, const Starts<Key>& starts) {
    const unsigned levels = levels_for(starts.size());
    std::size_t each = ipv4::kFanOut;
    for (unsigned level = levels - 1; level >= 1; --level, each *= ipv4::kFanOut)
        write_level(chunk + (level == 1 ? 0 : ipv4::kBlocksAt[level]) * kLine, starts, each);
    for (std::size_t b = 0; b < blocks_for(starts.size()); ++b) {
        const std::size_t first = b * ipv4::kFanOut;
        write_block(chunk + (ipv4::kBlocksAt[levels] + b * ipv4::kBlockLines) * kLine, &starts[first],
                    std::min<std::size_t>(ipv4::kFanOut, starts.size() - first));
    }
}

/// Starts for which a smaller map is worth its while: beyond, its own nodes leave the caches.
constexpr std::size_t kMostShallow = shallow::kMostStarts;

/// A node of a shallow map: every `each`-th start, `count` of them.
void write_node(std::byte* node, const Start<Key>* starts, std::size_t each, std::size_t count) {
    std::array<std::int32_t, shallow::kFanOut> keys;
    keys.fill(shallow::kNone);
    for (std::size_t i = 1; i < std::min<std::size_t>(count, shallow::kFanOut); ++i)
        keys[i] = static_cast<std::int32_t>((starts[i * each].at - 1) ^ kFlip32);
    std::memcpy(node, keys.data(), sizeof keys);
}

} // namespace

Ipv4Map::Ipv4Map(std::size_t expected)
    : arena_(3 + kRootLines + 4 * ipv4::kBlockLines * (ipv4::kRoots + expected / 8) + kSpare)
    , lines_(ipv4::kRoots) {
    if (!arena_.ok()) return;
    // Line 0 has no key, and line 1, where its classes would be, is read in vain: nothing may be written there. Then
    // the word for the smaller map.
    const auto first = arena_.allocate(3);
    std::fill_n(reinterpret_cast<std::uint16_t*>(arena_.at(*first)), ipv4::kFanOut, ipv4::kNone);
    small_ = reinterpret_cast<std::uint32_t*>(arena_.at(*first + 2));
    const auto roots = arena_.allocate(kRootLines);
    roots_ = reinterpret_cast<std::uint32_t*>(arena_.at(*roots));
    std::fill(roots_, roots_ + ipv4::kRoots, ipv4::kIsClass);
}

void Ipv4Map::show_small(const Starts<Key>& starts) {
    std::uint32_t word =
        write_flat<std::int32_t>(arena_, starts, [](Key at) { return static_cast<std::int32_t>((at - 1) ^ kFlip32); });
    std::size_t lines = word != 0 ? kFlatLines<std::int32_t> : 0;
    if (word == 0 && !starts.empty() && starts.size() <= kMostShallow) word = write_shallow(starts, lines);
    const std::uint32_t before = *small_;
    __atomic_store_n(small_, word, __ATOMIC_RELEASE);
    if (before != 0) arena_.retire(before & kOffsetMask, small_lines_);
    small_lines_ = lines;
}

std::uint32_t Ipv4Map::write_shallow(const Starts<Key>& starts, std::size_t& lines) {
    const std::size_t blocks = (starts.size() + shallow::kFanOut - 1) / shallow::kFanOut;
    unsigned levels = 1;
    for (std::size_t reach = shallow::kFanOut; reach < blocks; reach *= shallow::kFanOut)
        ++levels;
    lines = shallow::kNodesAt[levels] + blocks * shallow::kBlockLines;
    const auto first = arena_.allocate(lines);
    if (!first) return 0;
    std::byte* map = arena_.at(*first);
    std::size_t each = shallow::kFanOut; // starts below a key
    for (unsigned level = levels; level-- > 0; each *= shallow::kFanOut) {
        const std::size_t keys = (starts.size() + each - 1) / each;
        for (std::size_t node = 0; node * shallow::kFanOut < keys; ++node)
            write_node(map + (shallow::kNodesAt[level] + node) * kLine, &starts[node * shallow::kFanOut * each], each,
                       keys - node * shallow::kFanOut);
    }
    std::byte* block = map + shallow::kNodesAt[levels] * kLine;
    for (std::size_t b = 0; b < blocks; ++b, block += shallow::kBlockLines * kLine) {
        const std::size_t at = b * shallow::kFanOut;
        const std::size_t count = std::min<std::size_t>(shallow::kFanOut, starts.size() - at);
        write_node(block, &starts[at], 1, count);
        std::array<Class, shallow::kFanOut> classes{};
        for (std::size_t i = 0; i < count; ++i)
            classes[i] = starts[at + i].class_;
        std::memcpy(block + kLine, classes.data(), sizeof classes);
    }
    return *first | (levels + 1) << kShapeShift;
}

bool Ipv4Map::prepare(std::uint32_t first_root, std::uint32_t last_root, const Starts<Key>& starts,
                      std::vector<Change>& changes) {
    if (starts.empty()) return false;
    Starts<Key> of_root;
    auto next = starts.begin();
    for (std::uint32_t root = first_root; root <= last_root; ++root) {
        const Key first = root << 16;
        while (next != starts.end() && next->at <= first)
            ++next;
        of_root.assign(1, {first, std::prev(next)->class_});
        for (; next != starts.end() && next->at >> 16 == root; ++next)
            of_root.push_back(*next);
        if (!prepare_one(root, of_root, changes)) return false;
    }
    return true;
}

bool Ipv4Map::prepare_one(std::uint32_t root, const Starts<Key>& starts, std::vector<Change>& changes) {
    if (starts.size() == 1) {
        const Ref ref = ipv4::kIsClass | starts[0].class_;
        if (roots_[root] != ref) changes.push_back({root, ref, 0});
        return true;
    }
    const std::size_t lines = lines_for(starts.size());
    const auto first = arena_.allocate(lines);
    if (!first) return false;
    write_chunk(arena_.at(*first), starts);
    changes.push_back({root, *first | levels_for(starts.size()) << kShapeShift, lines});
    return true;
}

bool Ipv4Map::give_up(const std::vector<Change>& changes) {
    for (const Change& change : changes) {
        if (change.lines != 0) arena_.release(change.ref & kOffsetMask, change.lines);
    }
    return false;
}

void Ipv4Map::publish(const std::vector<Change>& changes) {
    for (const Change& change : changes) {
        const Ref before = roots_[change.root];
        __atomic_store_n(&roots_[change.root], change.ref, __ATOMIC_RELEASE);
        if (lines_[change.root] != 0) arena_.retire(before & kOffsetMask, lines_[change.root]);
        lines_[change.root] = static_cast<std::uint32_t>(change.lines);
    }
}

} // namespace sluice::classifier
