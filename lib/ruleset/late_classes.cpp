#include "ruleset/late_classes.hpp"

#include <algorithm>

namespace sluice::ruleset {
namespace {

const LateClass* late_of(const LateClass* const* table, Class& class_) {
    if ((class_ & kLate) == 0) return nullptr;
    const LateClass* late = __atomic_load_n(&table[class_ & ~kLate], __ATOMIC_ACQUIRE);
    class_ = late->base;
    return late;
}

bool holds(const View<ClassRange>& ranges, Class class_) {
    const ClassRange* found = std::upper_bound(ranges.begin(), ranges.end(), class_,
                                               [](Class c, const ClassRange& range) { return c < range.first; });
    return found != ranges.begin() && class_ <= (found - 1)->last;
}

bool share(const View<std::uint32_t>& a, const std::uint32_t* b, std::uint32_t count) {
    const std::uint32_t* x = a.begin();
    for (const std::uint32_t* y = b; y != b + count; ++y) {
        while (x != a.end() && *x < *y)
            ++x;
        if (x != a.end() && *x == *y) return true;
    }
    return false;
}

bool in_end(const PlainRow::End& end, Class class_, const LateClass* late, std::uint16_t port) {
    if (!end.any && !holds(end.classes, class_) &&
        (late == nullptr || !share(end.lists, late->lists, late->list_count)))
        return false;
    if (end.ports.count == 0) return true;
    return std::any_of(end.ports.begin(), end.ports.end(),
                       [port](const PortSpan& span) { return port >= span.first && port <= span.last; });
}

} // namespace

bool PlainPacket::lies_in(const PlainRow& row, const LateClass* source_late, const LateClass* destination_late) const {
    return (row.zone_pairs >> pair & 1) != 0 && (protocol & row.protocol_mask) == row.protocol &&
           in_end(row.source, source, source_late, source_port) &&
           in_end(row.destination, destination, destination_late, destination_port);
}

void LatePackets::take_bases() {
    for (unsigned i = 0; i < count_; ++i) {
        source_late_[i] = late_of(tables_.source_late, sources_[i]);
        destination_late_[i] = late_of(tables_.destination_late, destinations_[i]);
    }
}

void LatePackets::ask(const QueryColumns& queries, std::uint32_t* best) const {
    for (unsigned i = 0; i < count_; ++i) {
        if (queries.pair[i] == kNoPair) continue;
        const PlainPacket packet = {sources_[i],
                                    destinations_[i],
                                    queries.port[QueryColumns::source][i],
                                    queries.port[QueryColumns::destination][i],
                                    queries.protocol[i],
                                    queries.pair[i]};
        for (const LateClass* late : {source_late_[i], destination_late_[i]}) {
            if (late == nullptr) continue;
            for (std::uint32_t n = 0; n < late->order_count && late->orders[n] < best[i]; ++n) {
                if (packet.lies_in(tables_.rows[late->orders[n]], source_late_[i], destination_late_[i]))
                    best[i] = late->orders[n];
            }
        }
    }
}

} // namespace sluice::ruleset
