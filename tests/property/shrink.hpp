// From a policy and packets about which two implementations differ to the smallest ones about which they still do.
#pragma once

#include "oracle.hpp"
#include "policy/model/policy.hpp"

#include <functional>
#include <string>
#include <vector>

namespace sluice::property {

/// Packets are judged together, in this order: what is wrong may need a full batch.
struct Case {
    policy::Policy policy;
    std::vector<Tuple> packets;
};

/// Whether the two still differ about one of the packets at least. Asked only about policies that read() accepts.
using Differs = std::function<bool(const Case&)>;

/// Leaves out packets and rules, larger parts first; then makes what is left plainer, field by field, as long as
/// `differs` says that the difference is still there. `start` must differ. Deterministic if `differs` is.
Case shrink(Case start, const Differs& differs);

/// The policy as YAML and the packets, for a person.
std::string to_string(const Case& shown);
std::string to_string(const Tuple& tuple);

} // namespace sluice::property
