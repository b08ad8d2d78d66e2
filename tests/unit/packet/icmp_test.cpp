#include "parse_frame.hpp"

#include <map>

namespace sluice::packet {
namespace {

using net::Family;

/// Query to answer: RFC 792 and 950; RFC 4443.
const std::map<unsigned, unsigned> kIpv4Pairs = {{8, 0}, {13, 14}, {15, 16}, {17, 18}};
const std::map<unsigned, unsigned> kIpv6Pairs = {{128, 129}};

void expect_exactly(Family family, const std::map<unsigned, unsigned>& pairs) {
    std::map<unsigned, unsigned> answers;
    for (const auto& [query, answer] : pairs)
        answers[answer] = query;
    for (unsigned number = 0; number < 256; ++number) {
        const auto type = static_cast<std::uint8_t>(number);
        const bool query = pairs.contains(number);
        const bool answer = answers.contains(number);
        EXPECT_EQ(is_icmp_query(family, type), query) << number;
        EXPECT_EQ(is_icmp_answer(family, type), answer) << number;
        const unsigned counterpart = query ? pairs.at(number) : answer ? answers.at(number) : number;
        EXPECT_EQ(icmp_counterpart(family, type), counterpart) << number;
    }
}

TEST(Icmp, pairs_are_those_of_rfc_792_and_no_other) {
    expect_exactly(Family::ipv4, kIpv4Pairs);
}

TEST(Icmp, pairs_are_those_of_rfc_4443_and_no_other) {
    expect_exactly(Family::ipv6, kIpv6Pairs);
}

TEST(Icmp, neighbour_and_router_discovery_have_no_identifier) {
    for (unsigned type = 133; type <= 137; ++type) {
        EXPECT_FALSE(is_icmp_query(Family::ipv6, static_cast<std::uint8_t>(type))) << type;
        EXPECT_FALSE(is_icmp_answer(Family::ipv6, static_cast<std::uint8_t>(type))) << type;
    }
}

} // namespace
} // namespace sluice::packet
