// Stage 5: flow keys, their owners, and the look-up of the whole batch.
#include "packet/parse.hpp"
#include "pipeline/pipeline.hpp"
#include "pipeline/related.hpp"
#include "pipeline/vlan.hpp"

namespace sluice::pipeline {
namespace {

/// ICMP queries are told apart by identifier, by what is asked (an echo is no timestamp), and by who asks: two hosts
/// may ping each other with one identifier. Query and answer get the same key.
void identify_query(const packet::Parsed& parsed, bool sender_is_second, flow::Key& key) {
    const bool answer = packet::is_icmp_answer(parsed.family, parsed.icmp_type);
    const std::uint8_t question = answer ? packet::icmp_counterpart(parsed.family, parsed.icmp_type) : parsed.icmp_type;
    const bool asker_is_second = sender_is_second != answer;
    key.port[0] = parsed.source_port.raw();
    key.port[1] = static_cast<std::uint16_t>(question | (asker_is_second ? 0x8000u : 0u));
}

/// Writes the key where it stays. Says whether the sender is end 1.
bool write_key(const packet::Parsed& parsed, std::uint16_t wire, flow::Key& key) {
    const bool sender_is_second = flow::orient_into(key, parsed.source, parsed.destination, parsed.source_port.raw(),
                                                    parsed.destination_port.raw());
    key.outer_vlan = vlan_of(parsed.outer_vlan);
    key.inner_vlan = vlan_of(parsed.inner_vlan);
    key.protocol = parsed.protocol;
    key.family = parsed.family;
    key.wire = wire;
    if (is_icmp(parsed.protocol)) identify_query(parsed, sender_is_second, key);
    return sender_is_second;
}

/// An ICMP error belongs where the packet belongs that it quotes; one that quotes none that could be believed, nowhere.
const packet::Parsed& keyed_by(Batch& batch, unsigned i, unsigned n) {
    batch.error[n] = is_error(batch.parsed[i]);
    if (!batch.error[n]) [[likely]]
        return batch.parsed[i];
    return read_quoted(batch, i, batch.quoted[n]) ? batch.quoted[n] : batch.parsed[i];
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

// Keys are written for the whole batch before any is hashed: words that were just written byte by byte cannot be read
// as wholes without waiting.
void dispatch(Batch& batch, const Context& context) {
    batch.tracked.clear();
    for (unsigned i = 0; i < batch.count; ++i) {
        if (batch.disposition[i] != Disposition::pending) continue;
        const unsigned n = batch.tracked.count;
        batch.sender_is_second[n] =
            write_key(keyed_by(batch, i, n), context.ruleset->port(batch.port[i]).wire, batch.key[n]);
        batch.tracked.add(i);
    }
    for (unsigned n = 0; n < batch.tracked.count; ++n) {
        batch.hash[n] = context.flows->hash_of(batch.key[n]);
    }
    if (context.ownership.workers > 1) keep_what_is_ours(batch, context);
}

void look_up_flows(Batch& batch, const Context& context) {
    const unsigned count = batch.tracked.count;
    if (count == 0) return;
    context.flows->find_batch(batch.key.data(), batch.hash.data(), count, batch.flow.data());
    for (unsigned n = 0; n < count; ++n) {
        if (batch.flow[n] != flow::kNone) batch.generation[n] = context.flows->entry(batch.flow[n]).generation.load();
    }
}

} // namespace sluice::pipeline
