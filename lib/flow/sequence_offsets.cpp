#include "flow/sequence_offsets.hpp"

#include <cassert>

namespace sluice::flow {
namespace {

std::uint32_t slots_for(std::uint32_t flows) {
    constexpr std::uint32_t kFewest = 4;
    return flows / 10 + kFewest;
}

} // namespace

std::size_t SequenceOffsets::memory_size(std::uint32_t flows) {
    constexpr std::size_t kLine = base::kCacheLine;
    return (sizeof(SequenceOffset) * slots_for(flows) + kLine - 1) & ~(kLine - 1);
}

SequenceOffsets::SequenceOffsets(std::span<std::byte> memory, std::uint32_t flows)
    : slots_(reinterpret_cast<SequenceOffset*>(memory.data()))
    , slot_count_(slots_for(flows))
    , limit_(slot_count_ - slot_count_ / 4) {
    assert(memory.size() >= memory_size(flows));
}

SequenceOffset& SequenceOffsets::add(Index index) {
    assert(has_room());
    const std::uint32_t flow = index + 1;
    std::uint32_t slot = home_of(flow);
    while (slots_[slot].flow != 0) {
        slot = next(slot);
    }
    used_.add(1);
    slots_[slot] = {};
    slots_[slot].flow = flow;
    return slots_[slot];
}

SequenceOffset* SequenceOffsets::find(Index index) const {
    const std::uint32_t flow = index + 1;
    for (std::uint32_t slot = home_of(flow); slots_[slot].flow != 0; slot = next(slot)) {
        if (slots_[slot].flow == flow) return &slots_[slot];
    }
    return nullptr;
}

void SequenceOffsets::remove(Index index) {
    SequenceOffset* found = find(index);
    assert(found != nullptr);
    if (found == nullptr) return;
    used_.add(static_cast<std::uint32_t>(-1));
    // Whatever stands behind the gap and may stand in it, because its home is not between the two, moves there
    // (Knuth, volume 3, algorithm 6.4 R).
    auto gap = static_cast<std::uint32_t>(found - slots_);
    for (std::uint32_t slot = next(gap); slots_[slot].flow != 0; slot = next(slot)) {
        const std::uint32_t home = home_of(slots_[slot].flow);
        const bool between = gap < slot ? home > gap && home <= slot : home > gap || home <= slot;
        if (between) continue;
        slots_[gap] = slots_[slot];
        gap = slot;
    }
    slots_[gap] = {};
}

} // namespace sluice::flow
