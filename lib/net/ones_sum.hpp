// The Internet checksum, verified: for every packet of a flow, so inline, and without a loop where the packet is short.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace sluice::net {

/// A one's-complement sum that is only asked whether it is all ones. That it is in any byte order and at any width (RFC
/// 1071, 2 (B)): 32 bits at a time are added as they lie in memory, so that 64 bits lose no carry below 16 GiB.
class OnesSum {
  public:
    void add_word(std::uint32_t word) { sum_ += word; }

    /// kCount words of 32 bits. Returns what is behind them.
    template <unsigned kCount> const char* add_words(const void* bytes) {
        const char* at = static_cast<const char*>(bytes);
        for (unsigned i = 0; i < kCount; ++i) {
            std::uint32_t word;
            std::memcpy(&word, at + i * sizeof word, sizeof word);
            sum_ += word;
        }
        return at + kCount * sizeof(std::uint32_t);
    }

    /// `size` bytes, an odd last one padded with zero (RFC 1071, 1). What was added before must have an even length.
    void add(const void* bytes, std::size_t size) {
        const char* at = static_cast<const char*>(bytes);
        if (size >= kBlock) [[unlikely]] {
            add_blocks(at, size / kBlock);
            at += size - size % kBlock;
            size %= kBlock;
        }
        if (size & 32) at = add_words<8>(at);
        if (size & 16) at = add_words<4>(at);
        if (size & 8) at = add_words<2>(at);
        if (size & 4) at = add_words<1>(at);
        if (size & 2) {
            std::uint16_t half;
            std::memcpy(&half, at, sizeof half);
            sum_ += half;
            at += sizeof half;
        }
        if (size & 1) sum_ += static_cast<std::uint8_t>(*at);
    }

    [[nodiscard]] bool is_all_ones() const {
        // Added to itself with its halves exchanged, a number has their sum in the upper half, the carry put back in.
        const auto words = static_cast<std::uint32_t>((sum_ + std::rotl(sum_, 32)) >> 32);
        return (words + std::rotl(words, 16)) >> 16 == 0xffff;
    }

  private:
    static constexpr std::size_t kBlock = 64;

    void add_blocks(const char* at, std::size_t count);

    std::uint64_t sum_ = 0;
};

} // namespace sluice::net
