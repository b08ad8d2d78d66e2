// Any bytes as a policy: reading, linting and showing what was found must end, and keep what they promise.
// See tests/fuzz/policy/README.md for how to run it.
#include "policy/diagnostic/codes.hpp"
#include "policy/lint/lint.hpp"
#include "policy/model/read.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

namespace {

using namespace sluice::policy;

void require(bool held, const char* promise) {
    if (held) return;
    std::fprintf(stderr, "broken promise: %s\n", promise);
    std::abort();
}

void check_diagnostics(const Diagnostics& diagnostics) {
    const std::string text = diagnostics.render(false);
    require(text.empty() == diagnostics.all().empty(), "something is shown exactly when something was found");
    require(std::none_of(text.begin(), text.end(),
                         [](char c) { return c == '\x1b' || c == '\r' || c == '\0' || c == '\a'; }),
            "nothing from the file steers the terminal");
    for (const Diagnostic& diagnostic : diagnostics.all()) {
        require(find_code(diagnostic.code) != nullptr, "every code is explained");
        require(!diagnostic.message.empty(), "every diagnostic says something");
        require(diagnostic.where.file < diagnostics.files().size(), "every place is in a file");
    }
}

void check_policy(const Policy& policy) {
    require(policy.interfaces.size() >= 2 && policy.interfaces.size() <= kMaxInterfaces, "interfaces");
    require(!policy.zones.empty() && policy.zones.size() <= kMaxZones, "zones");
    for (std::size_t i = 0; i < policy.interfaces.size(); ++i) {
        const Interface& interface = policy.interfaces[i];
        require(interface.peer < policy.interfaces.size() && interface.peer != i, "a peer");
        require(policy.interfaces[interface.peer].peer == i, "peers are mutual");
        require(interface.zone < policy.zones.size(), "a zone");
    }
    require(policy.flow_table.capacity >= 64, "a flow table");
    require(!policy.timeouts.empty() && policy.timeouts[0].name == "default", "a default profile");
    for (const TimeoutProfile& profile : policy.timeouts) {
        for (const sluice::base::Tick ticks : profile.ticks) {
            require(ticks > 0 && ticks <= sluice::base::kMaxInterval, "timeouts that ticks can tell");
        }
    }
    for (const Rule& rule : policy.rules) {
        require(!rule.name.empty() && !rule.transports.empty() && rule.timeouts < policy.timeouts.size(), "a rule");
        for (const Endpoint* end : {&rule.from, &rule.to}) {
            for (const std::size_t zone : end->zones) {
                require(zone < policy.zones.size(), "a rule's zone");
            }
        }
        for (const Transport& transport : rule.transports) {
            const bool ports = !transport.source_ports.empty() || !transport.destination_ports.empty();
            require(!ports || transport.protocol, "ports have a protocol");
        }
        require(rule.reply == Reply::none || (!rule.tracked && rule.action == Action::allow), "reply");
    }
    for (const Capacity& line : capacity(policy)) {
        require(line.dwell_ticks > 0, "capacity");
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Diagnostics diagnostics;
    const auto policy = read("policy.yaml", std::string(reinterpret_cast<const char*>(data), size), diagnostics);
    require(policy.has_value() == !diagnostics.has_errors(), "a policy comes back exactly when there are no errors");
    if (policy) {
        check_policy(*policy);
        lint(*policy, diagnostics);
    }
    check_diagnostics(diagnostics);
    return 0;
}
