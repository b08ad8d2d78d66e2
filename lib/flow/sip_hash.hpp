// SipHash-2-4 (Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012): a keyed hash whose values say nothing
// about the key or about each other, unlike those of the hash that places flows.
#pragma once

#include <bit>
#include <cstdint>

namespace sluice::flow {

/// Takes the message as little-endian words of 64 bits. A copy goes on by itself: messages that begin alike share the
/// work of their beginning.
class SipHash {
  public:
    SipHash(std::uint64_t key0, std::uint64_t key1)
        : v0_(key0 ^ 0x736f6d6570736575u)
        , v1_(key1 ^ 0x646f72616e646f6du)
        , v2_(key0 ^ 0x6c7967656e657261u)
        , v3_(key1 ^ 0x7465646279746573u) {}

    void add(std::uint64_t word) {
        v3_ ^= word;
        round();
        round();
        v0_ ^= word;
    }

    /// `last` holds the bytes behind the last whole word, at most seven; its highest byte is the message's length
    /// modulo 256. Leaves the hash as it was.
    [[nodiscard]] std::uint64_t finish(std::uint64_t last) const {
        SipHash rest = *this;
        rest.add(last);
        rest.v2_ ^= 0xff;
        for (unsigned i = 0; i < 4; ++i) {
            rest.round();
        }
        return rest.v0_ ^ rest.v1_ ^ rest.v2_ ^ rest.v3_;
    }

  private:
    void round() {
        v0_ += v1_;
        v1_ = std::rotl(v1_, 13) ^ v0_;
        v0_ = std::rotl(v0_, 32);
        v2_ += v3_;
        v3_ = std::rotl(v3_, 16) ^ v2_;
        v0_ += v3_;
        v3_ = std::rotl(v3_, 21) ^ v0_;
        v2_ += v1_;
        v1_ = std::rotl(v1_, 17) ^ v2_;
        v2_ = std::rotl(v2_, 32);
    }

    std::uint64_t v0_;
    std::uint64_t v1_;
    std::uint64_t v2_;
    std::uint64_t v3_;
};

} // namespace sluice::flow
