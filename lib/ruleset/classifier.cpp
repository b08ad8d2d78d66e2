#include "ruleset/classifier.hpp"

#include <algorithm>

namespace sluice::ruleset {
namespace {

void fill(QueryColumns& columns, unsigned i, net::Family family, const Query& query, std::uint8_t pair) {
    if (family == net::Family::ipv4)
        columns.set_ipv4(i, query.source, query.destination);
    else
        columns.set_ipv6(i, query.source, query.destination);
    columns.set_rest(i, query.source_port.host(), query.destination_port.host(), query.protocol, pair);
}

} // namespace

Kernel best_kernel() {
    return __builtin_cpu_supports("avx2") ? Kernel::avx2 : Kernel::scalar;
}

LookUp look_up_of(Kernel kernel, net::Family family) {
    const bool ipv4 = family == net::Family::ipv4;
    if (kernel == Kernel::avx2) return ipv4 ? look_up_ipv4_avx2 : look_up_ipv6_avx2;
    return ipv4 ? look_up_ipv4_scalar : look_up_ipv6_scalar;
}

void Classifier::classify_with(Kernel kernel, net::Family family, const Query* const* queries, std::uint32_t* results,
                               unsigned count) const {
    const LookUp look_up = look_up_of(kernel, family);
    QueryColumns columns;
    for (unsigned done = 0; done < count; done += kLookUpBatch) {
        const unsigned some = std::min(kLookUpBatch, count - done);
        for (unsigned i = 0; i < some; ++i) {
            const Query& query = *queries[done + i];
            fill(columns, i, family, query, pair(query.from_zone, query.to_zone));
        }
        look_up(tables(family), columns, results + done, some);
    }
}

Found Classifier::find(net::Family family, const Query& query) const {
    const FamilyTables& asked = tables(family);
    if (asked.empty) return {};
    QueryColumns columns;
    fill(columns, 0, family, query, pair(query.from_zone, query.to_zone));
    return find_scalar(family, asked, columns);
}

} // namespace sluice::ruleset
