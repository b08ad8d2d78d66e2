#include "flow/entry.hpp"

#include <cstddef>
#include <cstring>

namespace sluice::flow {
namespace {

// The key is plain memory for its owner, who compares it for every packet, and a row of atomic words for readers: as
// many of eight bytes as fit, and one of four.
constexpr std::size_t kKeyWords = sizeof(Key) / sizeof(std::uint64_t);
static_assert(sizeof(Key) == kKeyWords * sizeof(std::uint64_t) + sizeof(std::uint32_t));
static_assert(offsetof(Entry, key) == 0 && alignof(Entry) >= alignof(std::uint64_t));

template <typename Word> std::atomic_ref<Word> word_of(Key& key, std::size_t number) {
    return std::atomic_ref(reinterpret_cast<Word*>(&key)[number]);
}

} // namespace

void store_key(Entry& entry, const Key& key) {
    for (std::size_t i = 0; i < kKeyWords; ++i) {
        word_of<std::uint64_t>(entry.key, i).store(detail::word_at(&key, 8 * i), std::memory_order_release);
    }
    std::uint32_t last;
    std::memcpy(&last, reinterpret_cast<const char*>(&key) + 8 * kKeyWords, sizeof last);
    word_of<std::uint32_t>(entry.key, 2 * kKeyWords).store(last, std::memory_order_release);
}

std::optional<FlowView> snapshot(const Entry& entry) {
    const std::uint16_t before = entry.generation.load();
    if ((before & 1) == 0) return std::nullopt;

    FlowView view{};
    // atomic_ref wants a mutable object even for loads (C++20); nothing is written.
    auto& key = const_cast<Entry&>(entry).key;
    auto* copy = reinterpret_cast<char*>(&view.key);
    for (std::size_t i = 0; i < kKeyWords; ++i) {
        const std::uint64_t word = word_of<std::uint64_t>(key, i).load(std::memory_order_acquire);
        std::memcpy(copy + 8 * i, &word, sizeof word);
    }
    const std::uint32_t last = word_of<std::uint32_t>(key, 2 * kKeyWords).load(std::memory_order_acquire);
    std::memcpy(copy + 8 * kKeyWords, &last, sizeof last);
    const std::uint8_t flags = entry.flags.load();
    view.original_is_second = flags & entry_flag::kOriginalIsSecond;
    view.assured = flags & entry_flag::kAssured;
    view.opened_at_peer = flags & entry_flag::kOpenedAtPeer;
    view.state = entry.state.load();
    view.rule_slot = entry.rule_slot.load();
    view.epoch = entry.epoch.load();
    view.created_tick = entry.created_tick.load();
    view.last_seen_tick = entry.last_seen_tick.load();
    view.timeout_ticks = entry.timeout_ticks.load();
    for (unsigned d = 0; d < 2; ++d) {
        view.bytes[d] = entry.bytes(d);
        view.packets[d] = entry.packets[d].load();
    }
    if (entry.generation.load() != before) return std::nullopt;
    return view;
}

} // namespace sluice::flow
