// Which ICMP and ICMPv6 messages come in pairs with an identifier to match them by. Neighbour and router discovery do
// not: their bytes 4 and 5 mean something else, and their questions go to multicast addresses that never answer.
#include "packet/parse.hpp"

namespace sluice::packet {
namespace {

using net::Family;

struct Pair {
    std::uint8_t query;
    std::uint8_t answer;
};

constexpr Pair kIcmpPairs[] = {
    {net::icmp::kEchoRequest, net::icmp::kEchoReply},
    {net::icmp::kTimestampRequest, net::icmp::kTimestampReply},
    {net::icmp::kInformationRequest, net::icmp::kInformationReply},
    {net::icmp::kAddressMaskRequest, net::icmp::kAddressMaskReply},
};
constexpr Pair kIcmpv6Pairs[] = {
    {net::icmpv6::kEchoRequest, net::icmpv6::kEchoReply},
};

/// For each type its counterpart, and whether it asks or answers; filled when compiled.
struct Table {
    enum class Role : std::uint8_t { none, query, answer };
    Role role[256] = {};
    std::uint8_t counterpart[256] = {};

    constexpr explicit Table(std::span<const Pair> pairs) {
        for (unsigned type = 0; type < 256; ++type)
            counterpart[type] = static_cast<std::uint8_t>(type);
        for (const Pair& pair : pairs) {
            role[pair.query] = Role::query;
            role[pair.answer] = Role::answer;
            counterpart[pair.query] = pair.answer;
            counterpart[pair.answer] = pair.query;
        }
    }
};

constexpr Table kIcmp{kIcmpPairs};
constexpr Table kIcmpv6{kIcmpv6Pairs};

const Table& table_of(Family family) {
    return family == Family::ipv4 ? kIcmp : kIcmpv6;
}

} // namespace

bool is_icmp_query(Family family, std::uint8_t type) {
    return table_of(family).role[type] == Table::Role::query;
}

bool is_icmp_answer(Family family, std::uint8_t type) {
    return table_of(family).role[type] == Table::Role::answer;
}

std::uint8_t icmp_counterpart(Family family, std::uint8_t type) {
    return table_of(family).counterpart[type];
}

} // namespace sluice::packet
