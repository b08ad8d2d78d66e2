// Stage 5: flow keys, their owners, and the look-up of the whole batch.
#include "packet/parse.hpp"
#include "pipeline/pipeline.hpp"
#include "pipeline/related.hpp"
#include "pipeline/vlan.hpp"

namespace sluice::pipeline {
namespace {

/// ICMP queries are told apart by identifier, by what is asked (an echo is no timestamp), and by who asks: two hosts
/// may ping each other with one identifier. Query and answer get the same key. In the place of ports.
std::uint32_t identity_of_query(const packet::Parsed& parsed, bool sender_is_second) {
    const bool answer = packet::is_icmp_answer(parsed.family, parsed.icmp_type);
    const std::uint8_t question = answer ? packet::icmp_counterpart(parsed.family, parsed.icmp_type) : parsed.icmp_type;
    const bool asker_is_second = sender_is_second != answer;
    const std::uint32_t asked = question | (asker_is_second ? 0x8000u : 0u);
    return asked << 16 | parsed.source_port.raw();
}

/// Makes row n of the dense columns of what `parsed` says. `kIcmp`: it may be an ICMP query.
template <net::Family kFamily, bool kIcmp>
[[gnu::always_inline]] inline void make_key(Batch& batch, unsigned n, const packet::Parsed& parsed, std::uint16_t wire,
                                            const flow::Table& flows) {
    flow::KeyWords key;
    const bool sender_is_second = flow::sort_ends<kFamily>(parsed.source, parsed.destination, parsed.source_port.raw(),
                                                           parsed.destination_port.raw(), key);
    key.vlans = 0;
    if ((parsed.outer_vlan | parsed.inner_vlan) != 0) [[unlikely]] {
        const std::uint32_t inner_vlan = vlan_of(parsed.inner_vlan);
        key.vlans = inner_vlan << 16 | vlan_of(parsed.outer_vlan);
    }
    key.rest = std::uint32_t{wire} << 16 | static_cast<std::uint32_t>(kFamily) << 8 | parsed.protocol;
    if (kIcmp && is_icmp(parsed.protocol)) key.ports = identity_of_query(parsed, sender_is_second);
    const std::uint64_t hash = flows.hash_of<kFamily>(key);
    flows.prefetch(hash);
    batch.sender_is_second[n] = sender_is_second;
    batch.hash[n] = hash;
    flow::write(key, batch.key[n]);
}

template <bool kIcmp>
[[gnu::always_inline]] inline void make_key(Batch& batch, unsigned n, const packet::Parsed& parsed, std::uint16_t wire,
                                            const flow::Table& flows) {
    if (parsed.family == net::Family::ipv4)
        make_key<net::Family::ipv4, kIcmp>(batch, n, parsed, wire, flows);
    else
        make_key<net::Family::ipv6, kIcmp>(batch, n, parsed, wire, flows);
}

/// An ICMP error belongs where the packet belongs that it quotes; one that quotes none that could be believed, nowhere.
[[gnu::cold]] void make_key_of_icmp(Batch& batch, unsigned i, unsigned n, std::uint16_t wire,
                                    const flow::Table& flows) {
    batch.error[n] = is_error(batch.parsed[i]);
    const bool quotes = batch.error[n] && read_quoted(batch, i, batch.quoted[n]);
    make_key<true>(batch, n, quotes ? batch.quoted[n] : batch.parsed[i], wire, flows);
}

} // namespace

namespace {

/// Takes out of the dense columns what another worker owns.
void keep_what_is_ours(Batch& batch, const Context& context) {
    const Selection all = batch.tracked;
    batch.tracked.clear();
    for (unsigned from = 0; from < all.count; ++from) {
        const unsigned i = all.row[from];
        if (batch.arrival[i] != Arrival::judge) {
            const std::uint16_t owner = context.ownership.owner(batch.key[from], batch.hash[from], context.toeplitz);
            if (owner != context.ownership.self) {
                batch.disposition[i] = Disposition::hand_off;
                batch.owner[i] = owner;
                continue;
            }
        }
        const unsigned to = batch.tracked.count;
        batch.tracked.add(i);
        if (to == from) continue;
        batch.key[to] = batch.key[from];
        batch.hash[to] = batch.hash[from];
        batch.sender_is_second[to] = batch.sender_is_second[from];
        batch.error[to] = batch.error[from];
        if (batch.error[to]) batch.quoted[to] = batch.quoted[from];
    }
}

} // namespace

void dispatch(Batch& batch, const Context& context) {
    const flow::Table& flows = *context.flows;
    const ruleset::Ruleset& ruleset = *context.ruleset;
    const unsigned count = batch.count;
    batch.tracked.count = 0;
    if (!any_is(batch.disposition, count, Disposition::pending)) return;
    unsigned n = 0;
    for (unsigned i = 0; i < count; ++i) {
        if (batch.disposition[i] != Disposition::pending) continue;
        const std::uint16_t wire = ruleset.port(batch.port[i]).wire;
        if (is_icmp(batch.parsed[i].protocol)) [[unlikely]] {
            make_key_of_icmp(batch, i, n, wire, flows);
        } else {
            batch.error[n] = false;
            make_key<false>(batch, n, batch.parsed[i], wire, flows);
        }
        batch.tracked.row[n++] = static_cast<std::uint8_t>(i);
    }
    batch.tracked.count = n;
    if (context.ownership.workers > 1) keep_what_is_ours(batch, context);
}

namespace {

/// While the table's place is being taken by another one: what is not there yet is fetched.
[[gnu::cold]] void fetch_from_leaving(Batch& batch, const Context& context) {
    for (unsigned n = 0; n < batch.tracked.count; ++n) {
        if (batch.flow[n] != flow::kNone) continue;
        const flow::Index there = context.leaving->find(batch.key[n], batch.hash[n]);
        // An earlier packet of the batch may have fetched it.
        batch.flow[n] = there != flow::kNone ? context.flows->adopt(*context.leaving, there, context.now)
                                             : context.flows->find(batch.key[n], batch.hash[n]);
        if (batch.flow[n] != flow::kNone) batch.generation[n] = context.flows->entry(batch.flow[n]).generation.load();
    }
}

} // namespace

void look_up_flows(Batch& batch, const Context& context) {
    const unsigned count = batch.tracked.count;
    if (count == 0) return;
    context.flows->find_batch(batch.key.data(), batch.hash.data(), count, batch.flow.data());
    unsigned unknown = 0;
    for (unsigned n = 0; n < count; ++n) {
        if (batch.flow[n] == flow::kNone) {
            ++unknown;
            continue;
        }
        const flow::Entry& entry = context.flows->entry(batch.flow[n]);
        batch.generation[n] = entry.generation.load();
        base::prefetch(&entry.packets); // the second line: counters and windows
    }
    if (unknown == 0) return;
    context.flows->prefetch_free(unknown);
    // Behind the generations: a flow that is fetched may take the entry of one that was found.
    if (context.leaving != nullptr) [[unlikely]]
        fetch_from_leaving(batch, context);
}

} // namespace sluice::pipeline
