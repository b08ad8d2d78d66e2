#include "classifier/boxes.hpp"

#include <algorithm>
#include <numeric>

namespace sluice::classifier {
namespace {

using ruleset::ClassRange;
using ruleset::PlainRow;
using ruleset::PortSpan;

bool contains(const std::vector<std::uint8_t>& zones, std::uint8_t zone) {
    return zones.empty() || std::find(zones.begin(), zones.end(), zone) != zones.end();
}

std::uint32_t pairs_of(const Row& row, const std::vector<ZonePair>& pairs) {
    std::uint32_t bits = 0;
    for (std::size_t i = 0; i < pairs.size(); ++i) {
        const bool in = contains(row.from_zones, pairs[i].from) && contains(row.to_zones, pairs[i].to);
        bits |= static_cast<std::uint32_t>(in) << i;
    }
    return bits;
}

std::vector<ClassRange> ranges_of(std::vector<Class> classes) {
    std::sort(classes.begin(), classes.end());
    std::vector<ClassRange> ranges;
    for (const Class class_ : classes) {
        if (!ranges.empty() && class_ <= ranges.back().last + 1)
            ranges.back().last = class_;
        else
            ranges.push_back({class_, class_});
    }
    return ranges;
}

template <typename T> ruleset::View<T> view_of(const std::vector<T>& held) {
    return {held.data(), static_cast<std::uint32_t>(held.size())};
}

std::size_t choices(const PlainRow::End& end) {
    return (end.any ? 1 : end.classes.count) * std::max<std::size_t>(1, end.ports.count);
}

constexpr PortSpan kEveryPort{0, 0xffff};

struct Ranges {
    const ClassRange* classes;
    std::uint32_t class_count;
    const PortSpan* ports;
    std::uint32_t port_count;
};

Ranges ranges_of(const PlainRow::End& end, const ClassRange& everything) {
    const bool every_port = end.ports.count == 0;
    return {end.any ? &everything : end.classes.data, end.any ? 1 : end.classes.count,
            every_port ? &kEveryPort : end.ports.data, every_port ? 1 : end.ports.count};
}

} // namespace

PlainRows::PlainRows(const Rows& rows, net::Family family)
    : rows_(&rows) {
    for (std::uint32_t i = 0; i < rows.rows.size(); ++i) {
        const Row& row = rows.rows[i];
        if (family == net::Family::ipv4 ? row.ipv4 : row.ipv6) row_of_order_.push_back(i);
    }
    std::stable_sort(row_of_order_.begin(), row_of_order_.end(),
                     [&rows](std::uint32_t a, std::uint32_t b) { return rows.rows[a].rank < rows.rows[b].rank; });
    plain_.resize(row_of_order_.size());
    for (std::size_t order = 0; order < row_of_order_.size(); ++order) {
        const Row& row = rows.rows[row_of_order_[order]];
        results_.push_back(row.result);
        plain_[order].zone_pairs = pairs_of(row, rows.zone_pairs);
        plain_[order].protocol = row.protocol.value_or(0);
        plain_[order].protocol_mask = row.protocol ? 0xff : 0;
    }
}

std::vector<std::vector<std::uint32_t>> PlainRows::naming(bool destination, std::size_t lists) const {
    std::vector<std::vector<std::uint32_t>> naming(lists);
    for (std::uint32_t order = 0; order < size(); ++order) {
        const Row& row = rows_->rows[row_of_order_[order]];
        for (const ListId list : destination ? row.destinations : row.sources)
            naming[list].push_back(order);
    }
    return naming;
}

void PlainRows::fill_end(PlainRow::End& end, const std::vector<ListId>& lists, const std::vector<net::PortRange>& ports,
                         std::vector<Class> classes) {
    end.any = lists.empty();
    if (!lists.empty()) {
        classes_.push_back(ranges_of(std::move(classes)));
        end.classes = view_of(classes_.back());
        lists_.push_back(lists);
        std::sort(lists_.back().begin(), lists_.back().end());
        end.lists = view_of(lists_.back());
    }
    const bool any_port =
        ports.empty() || std::any_of(ports.begin(), ports.end(), [](const auto& range) { return range.is_any(); });
    if (any_port) return;
    auto& spans = ports_.emplace_back();
    for (const net::PortRange& range : ports)
        spans.push_back({range.first, range.last});
    end.ports = view_of(spans);
}

std::size_t PlainRows::memory_size() const {
    std::size_t size = plain_.size() * sizeof(PlainRow) + results_.size() * 8;
    for (const auto& held : classes_)
        size += held.size() * sizeof(ClassRange) + sizeof held;
    for (const auto& held : lists_)
        size += held.size() * sizeof(ListId) + sizeof held;
    for (const auto& held : ports_)
        size += held.size() * sizeof(PortSpan) + sizeof held;
    return size;
}

std::size_t box_count(const PlainRow& row) {
    return row.zone_pairs == 0 ? 0 : choices(row.source) * choices(row.destination);
}

void emit_boxes(const PlainRow& row, std::uint32_t order, const Bits& bits, std::vector<Box>& boxes) {
    using namespace ruleset;
    if (row.zone_pairs == 0) return;
    const ClassRange sources{0, (1u << bits[kSource]) - 1};
    const ClassRange destinations{0, (1u << bits[kDestination]) - 1};
    const Ranges from = ranges_of(row.source, sources);
    const Ranges to = ranges_of(row.destination, destinations);
    Box box;
    box.order = order;
    box.zone_pairs = row.zone_pairs;
    box.first[kProtocol] = row.protocol;
    box.last[kProtocol] = row.protocol_mask != 0 ? row.protocol : 0xffu;
    for (std::uint32_t a = 0; a < from.class_count * to.class_count; ++a) {
        const ClassRange& source = from.classes[a / to.class_count];
        const ClassRange& destination = to.classes[a % to.class_count];
        box.first[kSource] = source.first;
        box.last[kSource] = source.last;
        box.first[kDestination] = destination.first;
        box.last[kDestination] = destination.last;
        for (std::uint32_t p = 0; p < from.port_count * to.port_count; ++p) {
            const PortSpan& source_port = from.ports[p / to.port_count];
            const PortSpan& destination_port = to.ports[p % to.port_count];
            box.first[kSourcePort] = source_port.first;
            box.last[kSourcePort] = source_port.last;
            box.first[kDestinationPort] = destination_port.first;
            box.last[kDestinationPort] = destination_port.last;
            boxes.push_back(box);
        }
    }
}

} // namespace sluice::classifier
