#include "flow/entry.hpp"

#include <array>

namespace sluice::flow {
namespace {

constexpr std::size_t kKeyWords = sizeof(Key) / sizeof(std::uint32_t);
static_assert(sizeof(Key) % sizeof(std::uint32_t) == 0 && alignof(Entry) >= alignof(std::uint32_t));
using KeyWords = std::array<std::uint32_t, kKeyWords>;

// The key is plain memory for its owner, who compares it for every packet, and a row of atomic words for readers.
std::uint32_t* words_of(Key& key) {
    return reinterpret_cast<std::uint32_t*>(&key);
}

} // namespace

void store_key(Entry& entry, const Key& key) {
    const KeyWords words = std::bit_cast<KeyWords>(key);
    std::uint32_t* target = words_of(entry.key);
    for (std::size_t i = 0; i < kKeyWords; ++i) {
        std::atomic_ref(target[i]).store(words[i], std::memory_order_release);
    }
}

std::optional<FlowView> snapshot(const Entry& entry) {
    const std::uint16_t before = entry.generation.load();
    if ((before & 1) == 0) return std::nullopt;

    FlowView view{};
    KeyWords words{};
    // atomic_ref wants a mutable object even for loads (C++20); nothing is written.
    std::uint32_t* source = words_of(const_cast<Entry&>(entry).key);
    for (std::size_t i = 0; i < kKeyWords; ++i) {
        words[i] = std::atomic_ref(source[i]).load(std::memory_order_acquire);
    }
    view.key = std::bit_cast<Key>(words);
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
