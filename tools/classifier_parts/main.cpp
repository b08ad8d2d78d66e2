// Builds a classifier from a small policy and writes its parts as JSON to standard output: what docs/classifier.md has
// pictures of. The parts are the library's own, not drawn by hand.
#include "classifier/boxes.hpp"
#include "classifier/family.hpp"
#include "classifier/tree.hpp"

#include <nlohmann/json.hpp>

#include <cstdio>
#include <iterator>
#include <map>
#include <string>
#include <vector>

namespace {

using namespace sluice;
using namespace sluice::classifier;
using nlohmann::json;

struct List {
    const char* name;
    std::vector<const char*> prefixes;
};
struct Rule {
    const char* name;
    std::vector<ListId> sources;
    std::vector<ListId> destinations;
    std::optional<std::uint8_t> protocol;
    std::vector<net::PortRange> ports;
};

constexpr std::uint8_t kTcp = 6;
constexpr std::uint8_t kUdp = 17;

const std::vector<List> kLists = {
    {"office", {"10.0.0.0/8"}},
    {"guests", {"10.64.0.0/10"}},
    {"printers", {"10.1.0.0/16", "10.65.0.0/16"}},
    {"admins", {"10.1.2.0/24", "10.200.0.0/16"}},
    {"partners", {"198.51.100.0/24", "203.0.113.0/24"}},
    {"blocked", {"10.65.3.0/24", "203.0.113.128/25"}},
    {"servers", {"192.0.2.0/24"}},
    {"web", {"192.0.2.10/32", "192.0.2.12/31"}},
    {"mail", {"192.0.2.25/32"}},
    {"names", {"192.0.2.53/32", "10.1.0.53/32"}},
};
enum : ListId { office, guests, printers, admins, partners, blocked, servers, web, mail, names };

const std::vector<Rule> kRules = {
    {"blocked", {blocked}, {}, {}, {}},
    {"admins", {admins}, {servers}, kTcp, {{22, 22}, {443, 443}}},
    {"printing", {office}, {printers}, kTcp, {{9100, 9100}}},
    {"guests-web", {guests}, {web}, kTcp, {{80, 80}, {443, 443}}},
    {"guests-nothing", {guests}, {office, servers}, {}, {}},
    {"names", {office, partners}, {names}, kUdp, {{53, 53}}},
    {"mail", {}, {mail}, kTcp, {{25, 25}, {587, 587}}},
    {"web", {office, partners}, {web}, kTcp, {{80, 80}, {443, 443}, {8000, 8999}}},
    {"partners", {partners}, {servers}, kTcp, {{5000, 5999}}},
    {"office", {office}, {}, {}, {}},
};

net::Prefix prefix(const char* text) {
    return *net::Prefix::parse(text);
}

std::uint32_t to_number(const net::IpAddress& address) {
    std::uint32_t number = 0;
    for (unsigned i = 0; i < 4; ++i)
        number = number << 8 | address.bytes[i];
    return number;
}

Rows to_rows(const std::vector<std::vector<net::Prefix>>& lists) {
    Rows rows;
    rows.lists.assign(lists.begin(), lists.end());
    rows.zone_pairs = {{0, 1}};
    for (const Rule& rule : kRules) {
        Row& row = rows.rows.emplace_back();
        row.sources = rule.sources;
        row.destinations = rule.destinations;
        row.protocol = rule.protocol;
        row.destination_ports = rule.ports;
        row.rank = static_cast<std::uint32_t>(rows.rows.size());
        row.result = row.rank;
    }
    return rows;
}

ruleset::Class class_of(const FamilyHalf<Ipv4Map>& half, bool destination, std::uint32_t address) {
    alignas(64) std::uint32_t addresses[ruleset::kLookUpBatch] = {address};
    ruleset::QueryColumns columns;
    ruleset::Query query;
    for (unsigned i = 0; i < 4; ++i)
        (destination ? query.destination : query.source)[i] = static_cast<std::uint8_t>(addresses[0] >> (24 - 8 * i));
    columns.set_ipv4(0, query.source, query.destination);
    columns.set_rest(0, 0, 0, 0, 0);
    const auto found = ruleset::find_scalar(net::Family::ipv4, half.tables(), columns);
    return destination ? found.destination : found.source;
}

/// Where one end's classes begin, asked of the map itself at each place where a prefix begins or ends.
json line_of(const FamilyHalf<Ipv4Map>& half, bool destination, const std::vector<std::vector<net::Prefix>>& lists) {
    std::map<std::uint64_t, ruleset::Class> starts;
    const auto ask = [&](std::uint64_t at) {
        if (at <= 0xffff'ffff) starts[at] = class_of(half, destination, static_cast<std::uint32_t>(at));
    };
    ask(0);
    for (const auto& list : lists) {
        for (const net::Prefix& one : list) {
            const std::uint64_t first = to_number(one.address);
            ask(first);
            ask(first + (std::uint64_t{1} << (32 - one.length)));
        }
    }
    json out = json::array();
    for (const auto& [at, class_] : starts) {
        if (!out.empty() && out.back()["class"] == class_) continue;
        out.push_back({{"at", at}, {"class", class_}});
    }
    return out;
}

json classes_of(const Side<Ipv4Map>& side) {
    json out = json::array();
    for (ruleset::Class class_ = 0; class_ < side.signatures().size(); ++class_)
        out.push_back(side.signatures().lists(class_));
    return out;
}

json tree_of(const TreeBuilder& builder, std::uint64_t word) {
    using ruleset::Word;
    if (Word::is_cut(word)) {
        json children = json::array();
        for (std::uint32_t i = 0; i < 1u << Word::bits(word); ++i)
            children.push_back(tree_of(builder, builder.words[Word::at(word) + i]));
        return {{"dimension", Word::dimension(word)},
                {"shift", Word::shift(word)},
                {"bits", Word::bits(word)},
                {"children", children}};
    }
    json boxes = json::array();
    for (unsigned u = 0; u < Word::units(word); ++u) {
        const ruleset::Unit& unit = builder.units[Word::at(word) + u];
        for (unsigned i = 0; i < ruleset::Unit::kBoxes && unit.zone_pairs[i] != 0; ++i) {
            boxes.push_back({{"order", unit.order[i]},
                             {"source", {unit.source[i], unit.source_span[i]}},
                             {"destination", {unit.destination[i], unit.destination_span[i]}},
                             {"source_port", {unit.source_port[i], unit.source_port_span[i]}},
                             {"destination_port", {unit.destination_port[i], unit.destination_port_span[i]}},
                             {"protocol", {unit.protocol[i], unit.protocol_mask[i]}},
                             {"zone_pairs", unit.zone_pairs[i]}});
        }
    }
    return {{"leaf", Word::at(word)}, {"units", Word::units(word)}, {"boxes", boxes}};
}

} // namespace

int main() {
    std::vector<std::vector<net::Prefix>> lists;
    json out;
    for (const List& list : kLists) {
        lists.emplace_back();
        json prefixes = json::array();
        for (const char* text : list.prefixes) {
            lists.back().push_back(prefix(text));
            prefixes.push_back({{"text", text},
                                {"at", to_number(lists.back().back().address)},
                                {"length", lists.back().back().length}});
        }
        out["lists"].push_back({{"name", list.name}, {"prefixes", prefixes}});
    }
    const Rows rows = to_rows(lists);
    FamilyHalf<Ipv4Map> half(rows, net::Family::ipv4);
    BuildReport report;
    report.row_boxes.resize(rows.rows.size());
    report.row_entries.resize(rows.rows.size());
    if (half.build({std::size_t{1} << 30, {}}, report, report.ipv4)) return 1;
    for (const Rule& rule : kRules)
        out["rows"].push_back(rule.name);
    out["source"] = {{"line", line_of(half, false, lists)}, {"classes", classes_of(half.side(false))}};
    out["destination"] = {{"line", line_of(half, true, lists)}, {"classes", classes_of(half.side(true))}};

    // So few boxes are asked without a tree; the same boxes in one show what many would look like.
    const auto bits_for = [](std::size_t count) {
        unsigned bits = 0;
        while (std::size_t{1} << bits < count)
            ++bits;
        return bits;
    };
    const Bits bits = {bits_for(half.side(false).signatures().size()), bits_for(half.side(true).signatures().size()),
                       16, 16, 8};
    std::vector<Box> boxes;
    for (std::uint32_t order = 0; order < half.rows().size(); ++order)
        emit_boxes(half.rows().data()[order], order, bits, boxes);
    TreeBuilder builder(boxes, 1, bits, {8, 1, false, std::size_t{1} << 30}, {});
    if (builder.build() != TreeBuilder::End::done) return 1;
    out["bits"] = bits;
    for (const Box& box : boxes)
        out["boxes"].push_back({{"order", box.order}, {"first", box.first}, {"last", box.last}});
    out["tree"] = tree_of(builder, builder.trees().at(0).root);
    std::puts(out.dump(1).c_str());
    return 0;
}
