// Reading small policies in tests, and saying in one string what was found.
#pragma once

#include "policy/diagnostic/diagnostic.hpp"
#include "policy/lint/lint.hpp"
#include "policy/model/policy.hpp"
#include "policy/model/read.hpp"

#include <optional>
#include <string>

namespace sluice::policy {

struct Outcome {
    std::optional<Policy> policy;
    Diagnostics diagnostics;
    /// One line a diagnostic: "6:3 P007 unknown key 'zones' (did you mean 'zone'?)\n".
    std::string found;
};

inline std::string summarised(const Diagnostics& diagnostics) {
    std::string text;
    for (const Diagnostic& d : diagnostics.all()) {
        text += std::to_string(d.where.line) + ":" + std::to_string(d.where.column) + " " + d.code + " " + d.message;
        if (!d.label.empty()) text += " (" + d.label + ")";
        text += "\n";
    }
    return text;
}

inline Outcome read_text(const std::string& text) {
    Outcome outcome;
    outcome.policy = read("policy.yaml", text, outcome.diagnostics);
    outcome.found = summarised(outcome.diagnostics);
    return outcome;
}

/// Lint included; a policy that does not read is not linted.
inline Outcome lint_text(const std::string& text) {
    Outcome outcome = read_text(text);
    if (outcome.policy) lint(*outcome.policy, outcome.diagnostics);
    outcome.found = summarised(outcome.diagnostics);
    return outcome;
}

/// Four lines of a wire between `lan` and `wan`; what follows begins on line 5.
inline const std::string kWire = "version: 1\n"
                                 "interfaces:\n"
                                 "  lan: { device: net_null0, peer: wan }\n"
                                 "  wan: { device: net_null1, peer: lan }\n";

/// The wire, and one rule on line 6 whose text stands between { name: r, … }.
inline std::string with_rule(const std::string& inside) {
    return kWire + "rules:\n- { name: r, " + inside + " }\n";
}

/// The wire, sections from line 5 on, and no rules.
inline std::string with_sections(const std::string& sections) {
    return kWire + sections + "rules: []\n";
}

} // namespace sluice::policy
