// What a policy's rules take once they are compiled, for `policy check --verbose`.
#pragma once

#include "context.hpp"
#include "policy/compile/compile.hpp"
#include "policy/diagnostic/diagnostic.hpp"
#include "policy/model/policy.hpp"

#include <optional>

namespace sluice::sluicectl {

/// Compiles the policy, which outlives this, in this process. What does not fit, or makes look-ups slow, goes to
/// `diagnostics`.
class PolicyCosts {
  public:
    PolicyCosts(const policy::Policy& policy, policy::Diagnostics& diagnostics);

    [[nodiscard]] bool ok() const { return compilation_.has_value(); }
    void print(Context& context) const;
    [[nodiscard]] Json to_json() const;

  private:
    const policy::Policy& policy_;
    std::optional<policy::Compilation> compilation_;
    double seconds_ = 0;
};

} // namespace sluice::sluicectl
