// An appliance that forwards nothing and answers everything: the admin protocol with canned data, for tests of
// sluicectl. Names in its data are hostile where an outsider could choose them.
#pragma once

#include "admin/server.hpp"

#include <cstddef>

namespace sluice::sluicectl::test {

struct FakeData {
    std::size_t flow_count = 250;
    bool empty = false;         ///< no interfaces, no flows, no drops, …
    bool short_of_room = false; ///< rules have reserves and evictions
};

/// Registers every method of docs/admin_protocol.md. Policy texts decide what policy.check and policy.apply say:
/// "same" is the running one, "restart" wants a restart, "broken" is invalid, anything else is applied.
void answer_like_an_appliance(admin::Server& server, const FakeData& data);

} // namespace sluice::sluicectl::test
