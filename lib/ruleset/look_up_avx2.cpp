#include "ruleset/classifier.hpp"
#include "ruleset/look_up.hpp"

namespace sluice::ruleset {

void look_up_ipv4_avx2(const FamilyTables& tables, const QueryColumns& queries, std::uint32_t* results,
                       unsigned count) {
    look_up<Avx2Lanes, net::Family::ipv4>(tables, queries, results, count);
}

void look_up_ipv6_avx2(const FamilyTables& tables, const QueryColumns& queries, std::uint32_t* results,
                       unsigned count) {
    look_up<Avx2Lanes, net::Family::ipv6>(tables, queries, results, count);
}

} // namespace sluice::ruleset
