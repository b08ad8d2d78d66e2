#include "appliance.hpp"

#include "format.hpp"

#include <algorithm>
#include <utility>

namespace sluice::sluicectl {

using base::Expected;
using base::Unexpected;

Expected<Json, admin::Failure> try_ask(Context& context, std::string_view method, const Json& params,
                                       const admin::PartialHandler& on_partial) {
    auto client = admin::Client::connect(context.settings.socket, context.settings.timeout());
    if (!client) return Unexpected(std::move(client.error()));
    if (context.interrupted != nullptr) client->set_interrupt(context.interrupted);
    return client->call(method, params, on_partial);
}

Expected<Json, ExitCode> ask(Context& context, std::string_view method, const Json& params,
                             const admin::PartialHandler& on_partial) {
    auto result = try_ask(context, method, params, on_partial);
    if (result) return std::move(*result);
    const admin::Failure& failure = result.error();
    if (failure.exit == ExitCode::done) return Unexpected(ExitCode::done);
    return Unexpected(complain(context, failure.exit, failure.message));
}

std::vector<Candidate> names_from(Context& context, std::string_view method, std::string_view key,
                                  std::string_view help_key) {
    // Somebody waits at the keyboard.
    constexpr double kPatienceSeconds = 1;
    Context quick{context.settings, context.style, context.out, context.errors, context.interrupted};
    quick.settings.timeout_seconds = std::min(quick.settings.timeout_seconds, kPatienceSeconds);
    std::vector<Candidate> names;
    const auto result = try_ask(quick, method);
    if (!result || !result->is_array()) return names;
    for (const Json& element : *result) {
        const std::string name = text_of(member(element, key));
        const bool known = std::any_of(names.begin(), names.end(), [&](const Candidate& c) { return c.text == name; });
        if (name != kNothing && !known) {
            names.push_back({name, help_key.empty() ? "" : text_of(member(element, help_key))});
        }
    }
    return names;
}

} // namespace sluice::sluicectl
