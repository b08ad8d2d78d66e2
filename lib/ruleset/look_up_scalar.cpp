#include "ruleset/classifier.hpp"
#include "ruleset/look_up.hpp"

namespace sluice::ruleset {

void look_up_ipv4_scalar(const FamilyTables& tables, const QueryColumns& queries, std::uint32_t* results,
                         unsigned count) {
    look_up<ScalarLanes, net::Family::ipv4>(tables, queries, results, count);
}

void look_up_ipv6_scalar(const FamilyTables& tables, const QueryColumns& queries, std::uint32_t* results,
                         unsigned count) {
    look_up<ScalarLanes, net::Family::ipv6>(tables, queries, results, count);
}

Found find_scalar(net::Family family, const FamilyTables& tables, const QueryColumns& queries) {
    if (family == net::Family::ipv4) return BatchLookUp<ScalarLanes, net::Family::ipv4>(tables, queries, 1).find();
    return BatchLookUp<ScalarLanes, net::Family::ipv6>(tables, queries, 1).find();
}

} // namespace sluice::ruleset
