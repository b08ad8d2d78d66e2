// Stage 4: flow keys, their owners, and the look-up of the whole batch.
#include "packet/parse.hpp"
#include "pipeline/pipeline.hpp"

namespace sluice::pipeline {
namespace {

/// ICMP queries are told apart by identifier, by what is asked (an echo is no timestamp), and by who asks: two hosts
/// may ping each other with one identifier. Query and answer get the same key.
void identify_query(const packet::Parsed& parsed, flow::OrientedKey& oriented) {
    const bool answer = packet::is_icmp_answer(parsed.family, parsed.icmp_type);
    const std::uint8_t question = answer ? packet::icmp_counterpart(parsed.family, parsed.icmp_type) : parsed.icmp_type;
    const bool asker_is_second = oriented.sender_is_second != answer;
    oriented.key.port[0] = parsed.source_port.raw();
    oriented.key.port[1] = static_cast<std::uint16_t>(question | (asker_is_second ? 0x8000u : 0u));
}

/// VLAN id 0 marks a priority, not a VLAN (IEEE 802.1Q, 6.9): its answers may come without a tag.
std::uint16_t vlan_of(std::uint16_t parsed) {
    constexpr std::uint16_t kPriorityTag = 0x1000;
    return parsed == kPriorityTag ? std::uint16_t{0} : parsed;
}

flow::OrientedKey key_of(const packet::Parsed& parsed, std::uint16_t wire) {
    flow::OrientedKey oriented =
        flow::orient(parsed.source, parsed.destination, parsed.source_port.raw(), parsed.destination_port.raw());
    oriented.key.outer_vlan = vlan_of(parsed.outer_vlan);
    oriented.key.inner_vlan = vlan_of(parsed.inner_vlan);
    oriented.key.protocol = parsed.protocol;
    oriented.key.family = parsed.family;
    oriented.key.wire = wire;
    if (parsed.protocol == net::protocol::kIcmp || parsed.protocol == net::protocol::kIcmpv6) {
        identify_query(parsed, oriented);
    }
    return oriented;
}

} // namespace

void dispatch(Batch& batch, const Context& context) {
    const Ownership& ownership = context.ownership;
    const bool may_leave = ownership.workers > 1 && !batch.handed_in;
    batch.tracked.clear();
    for (unsigned i = 0; i < batch.count; ++i) {
        if (batch.disposition[i] != Disposition::pending) continue;
        const unsigned n = batch.tracked.count;
        const flow::OrientedKey oriented = key_of(batch.parsed[i], context.ruleset->port(batch.port[i]).wire);
        batch.key[n] = oriented.key;
        batch.sender_is_second[n] = oriented.sender_is_second;
        batch.hash[n] = context.flows->hash_of(oriented.key);
        if (may_leave) {
            const std::uint16_t owner = ownership.owner(batch.key[n], batch.hash[n], context.toeplitz);
            if (owner != ownership.self) {
                batch.disposition[i] = Disposition::hand_off;
                batch.owner[i] = owner;
                continue;
            }
        }
        batch.tracked.add(i);
    }
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
