#include "classifier/line_arena.hpp"

#include <sys/mman.h>

#include <algorithm>

namespace sluice::classifier {
namespace {

constexpr std::size_t kMostLines = std::size_t{1} << ruleset::kShapeShift;
constexpr std::size_t kWorthHugePages = std::size_t{4} << 20;

} // namespace

LineArena::LineArena(std::size_t lines)
    : capacity_(std::min(lines, kMostLines)) {
    const std::size_t size = capacity_ * ruleset::kLine;
    void* memory = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) return;
    base_ = static_cast<std::byte*>(memory);
}

LineArena::~LineArena() {
    if (base_ != nullptr) munmap(base_, capacity_ * ruleset::kLine);
}

std::optional<std::uint32_t> LineArena::allocate(std::size_t lines) {
    const auto fitting = free_.find(lines);
    if (fitting != free_.end()) {
        const std::uint32_t first = fitting->second.back();
        fitting->second.pop_back();
        if (fitting->second.empty()) free_.erase(fitting);
        return first;
    }
    if (next_ + lines > capacity_) return std::nullopt;
    const std::size_t first = next_;
    next_ += lines;
    // Large maps are worth huge pages: a look-up touches a random page for each address.
    if (first * ruleset::kLine < kWorthHugePages && next_ * ruleset::kLine >= kWorthHugePages)
        (void)madvise(base_, capacity_ * ruleset::kLine, MADV_HUGEPAGE);
    return static_cast<std::uint32_t>(first);
}

void LineArena::release(std::uint32_t first, std::size_t lines) {
    free_[lines].push_back(first);
}

void LineArena::reclaim() {
    for (const auto& [first, lines] : retired_)
        release(first, lines);
    retired_.clear();
}

} // namespace sluice::classifier
