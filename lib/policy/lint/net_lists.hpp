// What the ends of rules hold, as merged ranges, each different list kept once, so that "does this list hold that one"
// is asked often and answered quickly. An address set is one such list, however many rules use it.
#pragma once

#include "net/address.hpp"
#include "policy/model/policy.hpp"

#include <compare>
#include <cstdint>
#include <map>
#include <unordered_map>
#include <utility>
#include <vector>

namespace sluice::policy {

class NetLists {
  public:
    using Id = std::uint32_t;
    /// The empty list, which matches every address.
    static constexpr Id kEverything = 0;

    NetLists()
        : lists_(1) {}

    Id add(const Policy& policy, const Endpoint& endpoint);

    /// Whether every address of `inner` is in `outer`. A "no" may be wrong when large sets meet in one end, a "yes"
    /// never is. Adds the comparisons it took to `steps`.
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

    struct List {
        std::vector<Range> ranges; ///< ascending by family and address, apart
        std::vector<Id> parts;     ///< in place of ranges: all that these hold
    };

    Id add_ranges(const std::vector<net::Prefix>& prefixes);
    Id add_set(const Policy& policy, std::size_t set);
    static Range range_of(const net::Prefix& prefix);
    static bool touches(const Range& earlier, const Range& later);
    static bool holds(const std::vector<Range>& outer, const Range& inner, std::uint64_t& steps);
    bool compare(Id outer, Id inner, std::uint64_t& steps) const;

    std::map<std::pair<std::vector<std::size_t>, std::vector<net::Prefix>>, Id> ids_; ///< by sets and nets
    std::vector<Id> set_ids_;                                                         ///< kEverything: not added yet
    std::vector<List> lists_;
    std::unordered_map<std::uint64_t, bool> known_; ///< answers about long lists
};

} // namespace sluice::policy
