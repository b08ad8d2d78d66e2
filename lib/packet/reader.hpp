// The one way from bytes to a header.
#pragma once

#include <cstddef>
#include <span>
#include <type_traits>

namespace sluice::packet {

/// Bytes that headers are read from; offsets count from the first byte of the frame.
class Reader {
  public:
    explicit Reader(std::span<const std::byte> bytes)
        : bytes_(bytes) {}

    [[nodiscard]] std::size_t size() const { return bytes_.size(); }

    /// The header at `offset`, or nullptr when its bytes are not all there.
    template <typename Header> [[nodiscard]] const Header* at(std::size_t offset) const {
        // Laid over the bytes, not copied: alignment 1 fits anywhere, and std::byte storage gives life to such types.
        static_assert(alignof(Header) == 1 && std::is_trivially_copyable_v<Header>);
        if (bytes_.size() < sizeof(Header) || offset > bytes_.size() - sizeof(Header)) [[unlikely]]
            return nullptr;
        return reinterpret_cast<const Header*>(bytes_.data() + offset);
    }

    /// The bytes before `end`, which must not be behind size().
    [[nodiscard]] Reader before(std::size_t end) const { return Reader(bytes_.first(end)); }

  private:
    std::span<const std::byte> bytes_;
};

} // namespace sluice::packet
