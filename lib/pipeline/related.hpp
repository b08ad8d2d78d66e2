// ICMP errors: what they quote decides about them. Few packets are errors, so nothing of this is on the ordinary way.
#pragma once

#include "net/protocol.hpp"
#include "packet/parsed.hpp"
#include "packet/quote.hpp"
#include "pipeline/batch.hpp"
#include "pipeline/query.hpp"

#include <cstring>

namespace sluice::pipeline {

/// Whether row `i` is an ICMP error.
inline bool is_error(const packet::Parsed& parsed) {
    return is_icmp(parsed.protocol) && packet::is_icmp_error(parsed.family, parsed.icmp_type);
}

/// The packet that the error in row `i` quotes: false if it quotes none that could be believed. An error is for whoever
/// sent the packet: the outer destination is the quoted source (CVE-2019-5598).
inline bool read_quoted(const Batch& batch, unsigned i, packet::Parsed& quoted) {
    const packet::Parsed& error = batch.parsed[i];
    if (!packet::read_quote({batch.data[i], batch.length[i]}, error, quoted)) return false;
    quoted.outer_vlan = error.outer_vlan;
    quoted.inner_vlan = error.inner_vlan;
    return std::memcmp(quoted.source, error.destination, sizeof quoted.source) == 0;
}

} // namespace sluice::pipeline
