// Asking the appliance on behalf of a command.
#pragma once

#include "admin/client.hpp"
#include "base/expected.hpp"
#include "command_tree.hpp"
#include "context.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace sluice::sluicectl {

/// Connects, asks, and waits. Without an answer the reason has been printed, and the error is what to end with.
base::Expected<Json, ExitCode> ask(Context& context, std::string_view method, const Json& params = Json::object(),
                                   const admin::PartialHandler& on_partial = {});

/// The same without printing anything.
base::Expected<Json, admin::Failure> try_ask(Context& context, std::string_view method,
                                             const Json& params = Json::object(),
                                             const admin::PartialHandler& on_partial = {});

/// The names in a list that the appliance gives, for completion: members `key` of the elements. Empty when it does not
/// answer quickly.
std::vector<Candidate> names_from(Context& context, std::string_view method, std::string_view key,
                                  std::string_view help_key);

} // namespace sluice::sluicectl
