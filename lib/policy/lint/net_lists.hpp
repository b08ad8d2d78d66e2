// Lists of prefixes as merged ranges, each different list kept once, so that "does this list hold that one" is asked
// often and answered quickly.
#pragma once

#include "net/address.hpp"

#include <compare>
#include <cstdint>
#include <map>
#include <unordered_map>
#include <vector>

namespace sluice::policy {

class NetLists {
  public:
    using Id = std::uint32_t;
    /// The empty list, which matches every address.
    static constexpr Id kEverything = 0;

    NetLists()
        : lists_(1) {}

    Id add(const std::vector<net::Prefix>& prefixes);

    /// Whether every address of `inner` is in `outer`. Adds the comparisons it took to `steps`.
    bool covers(Id outer, Id inner, std::uint64_t& steps);

    /// Whether some address is in both. Adds the comparisons it took to `steps`.
    [[nodiscard]] bool overlap(Id a, Id b, std::uint64_t& steps) const;

  private:
    /// An address as a number; IPv4 uses the low 32 bits.
    struct Address {
        std::uint64_t high = 0;
        std::uint64_t low = 0;
        friend auto operator<=>(const Address&, const Address&) = default;
    };
    struct Range {
        net::Family family = net::Family::ipv4;
        Address first;
        Address last;
    };

    static Range range_of(const net::Prefix& prefix);
    static bool touches(const Range& earlier, const Range& later);
    static bool holds(const std::vector<Range>& outer, const Range& inner, std::uint64_t& steps);
    bool compare(Id outer, Id inner, std::uint64_t& steps) const;

    std::map<std::vector<net::Prefix>, Id> ids_;
    std::vector<std::vector<Range>> lists_;         ///< ascending by family and address, apart
    std::unordered_map<std::uint64_t, bool> known_; ///< answers about long lists
};

} // namespace sluice::policy
