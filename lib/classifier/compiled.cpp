#include "classifier/compiled.hpp"

#include "classifier/family.hpp"

#include <algorithm>
#include <array>

namespace sluice::classifier {
namespace {

using ruleset::PlainRow;

/// Each pair once, in the order in which they come.
std::vector<ZonePair> different(const std::vector<ZonePair>& pairs) {
    std::vector<ZonePair> out;
    for (const ZonePair& pair : pairs) {
        if (std::find(out.begin(), out.end(), pair) == out.end() && out.size() < kMaxZonePairs) out.push_back(pair);
    }
    return out;
}

Rows tidied(const Rows& rows) {
    Rows out = rows;
    out.zone_pairs = different(rows.zone_pairs);
    return out;
}

bool overlap(const ruleset::View<ruleset::ClassRange>& a, const ruleset::View<ruleset::ClassRange>& b) {
    const auto* x = a.begin();
    const auto* y = b.begin();
    while (x != a.end() && y != b.end()) {
        if (x->first <= y->last && y->first <= x->last) return true;
        x->last < y->last ? ++x : ++y;
    }
    return false;
}

bool overlap(const ruleset::View<ruleset::PortSpan>& a, const ruleset::View<ruleset::PortSpan>& b) {
    if (a.count == 0 || b.count == 0) return true;
    return std::any_of(a.begin(), a.end(), [&b](const auto& x) {
        return std::any_of(b.begin(), b.end(), [&x](const auto& y) { return x.first <= y.last && y.first <= x.last; });
    });
}

bool overlap(const PlainRow::End& a, const PlainRow::End& b) {
    return (a.any || b.any || overlap(a.classes, b.classes)) && overlap(a.ports, b.ports);
}

bool overlap(const PlainRow& a, const PlainRow& b) {
    const std::uint8_t both = a.protocol_mask & b.protocol_mask;
    return (a.zone_pairs & b.zone_pairs) != 0 && (a.protocol & both) == (b.protocol & both) &&
           overlap(a.source, b.source) && overlap(a.destination, b.destination);
}

} // namespace

struct Compiled::State {
    explicit State(const Rows& rows)
        : ipv4(rows, net::Family::ipv4)
        , ipv6(rows, net::Family::ipv6) {
        pair_of_zones.fill(ruleset::kNoPair);
        for (std::size_t i = 0; i < rows.zone_pairs.size(); ++i)
            pair_of_zones[rows.zone_pairs[i].from * 256u + rows.zone_pairs[i].to] = static_cast<std::uint8_t>(i);
    }

    template <typename Half>
    [[nodiscard]] Explanation explain(const Half& half, Class source, Class destination, std::uint32_t order) const {
        Explanation out;
        out.source_class = source;
        out.destination_class = destination;
        out.source_lists = half.side(false).lists_of(source);
        out.destination_lists = half.side(true).lists_of(destination);
        out.found = order != ~std::uint32_t{0};
        if (!out.found) return out;
        const PlainRow* rows = half.rows().data();
        out.row = half.rows().row(order);
        for (std::uint32_t before = 0; before < order; ++before) {
            if (overlap(rows[before], rows[order])) out.overlaps.push_back(half.rows().row(before));
        }
        return out;
    }

    std::array<std::uint8_t, 65'536> pair_of_zones{};
    FamilyHalf<Ipv4Map> ipv4;
    FamilyHalf<Ipv6Map> ipv6;
    BuildReport report;
};

Compiled::Compiled(std::unique_ptr<State> state)
    : state_(std::move(state)) {
    ipv4_ = state_->ipv4.tables();
    ipv6_ = state_->ipv6.tables();
    pair_of_zones_ = state_->pair_of_zones.data();
}

Compiled::~Compiled() = default;

base::Expected<std::shared_ptr<Compiled>, BuildError> Compiled::build(const Rows& rows, const BuildOptions& options) {
    auto state = std::make_unique<State>(tidied(rows));
    BuildReport& report = state->report;
    report.row_boxes.resize(rows.rows.size());
    report.row_entries.resize(rows.rows.size());
    FamilyOptions half;
    half.memory_budget = options.memory_budget;
    half.progress = [&options](double done) { return !options.progress || options.progress(done / 2); };
    if (const auto error = state->ipv4.build(half, report, report.ipv4)) return base::Unexpected(*error);
    const std::size_t taken = state->ipv4.memory_size();
    half.memory_budget = options.memory_budget > taken ? options.memory_budget - taken : 0;
    half.progress = [&options](double done) { return !options.progress || options.progress(0.5 + done / 2); };
    if (const auto error = state->ipv6.build(half, report, report.ipv6)) return base::Unexpected(*error);
    report.memory_size = sizeof(State) + taken + state->ipv6.memory_size();
    return std::shared_ptr<Compiled>(new Compiled(std::move(state)));
}

const BuildReport& Compiled::report() const {
    return state_->report;
}

std::size_t Compiled::memory_size() const {
    return sizeof(State) + state_->ipv4.memory_size() + state_->ipv6.memory_size();
}

Explanation Compiled::explain(net::Family family, const ruleset::Query& query) const {
    const ruleset::Found found = find(family, query);
    if (family == net::Family::ipv4) return state_->explain(state_->ipv4, found.source, found.destination, found.order);
    return state_->explain(state_->ipv6, found.source, found.destination, found.order);
}

bool Compiled::change(const ListChange& change) {
    const bool add = change.kind == ListChange::Kind::add;
    const auto change_half = [&](auto& half) {
        std::array<bool, 2> done{};
        for (const bool destination : {false, true}) {
            auto& side = half.side(destination);
            if (change.list >= half.naming(destination).size() || !side.names(change.list)) continue;
            if (side.holds(change.list, change.prefix) == add) return false;
        }
        for (const bool destination : {false, true}) {
            auto& side = half.side(destination);
            if (change.list >= half.naming(destination).size() || !side.names(change.list)) continue;
            done[destination] = side.change(change.list, change.prefix, add, half.naming(destination));
            if (done[destination]) continue;
            if (destination && done[0])
                (void)half.side(false).change(change.list, change.prefix, !add, half.naming(false));
            return false;
        }
        return true;
    };
    return change.prefix.address.family == net::Family::ipv4 ? change_half(state_->ipv4) : change_half(state_->ipv6);
}

void Compiled::reclaim() {
    for (const bool destination : {false, true}) {
        state_->ipv4.side(destination).reclaim(state_->ipv4.naming(destination));
        state_->ipv6.side(destination).reclaim(state_->ipv6.naming(destination));
    }
}

} // namespace sluice::classifier
