#include "policy/lint/shadow.hpp"

#include "policy/diagnostic/text.hpp"
#include "policy/lint/shape.hpp"

#include <optional>

namespace sluice::policy {
namespace {

/// About a second. 10,000 rules make 50 million pairs, most of which differ in their first comparison.
constexpr std::uint64_t kMaxSteps = 200'000'000;

/// A rule and what is known about it before comparing.
struct Compared {
    const Rule& rule;
    Shape forward;
    std::optional<Shape> mirror;  ///< of an untracked rule that lets answers back
    std::optional<Shape> answers; ///< of a tracked rule, once asked for
};

/// The first earlier rules that take a rule's packets away.
struct Shadow {
    const Rule* forward_by = nullptr;
    bool by_mirror = false; ///< by the reply half of that rule
    const Rule* answers_by = nullptr;
};

std::string place(const Rule& rule) {
    return in_quotes(rule.name) + " (line " + std::to_string(rule.where.line) + ")";
}

class ShadowSearch {
  public:
    ShadowSearch(const Policy& policy, Diagnostics& diagnostics)
        : policy_(policy)
        , diagnostics_(diagnostics) {
        compared_.reserve(policy.rules.size());
        for (const Rule& rule : policy.rules) {
            Compared& compared = compared_.emplace_back(Compared{rule, forward_shape(policy, rule, lists_), {}, {}});
            const bool mirrored = !rule.tracked && rule.action == Action::allow && rule.reply != Reply::none;
            if (mirrored) compared.mirror = answer_shape(policy, rule, lists_);
        }
    }

    void run() {
        for (std::size_t later = 0; later < compared_.size(); ++later) {
            if (compared_[later].forward.wires == 0) {
                report_no_wire(compared_[later].rule);
                continue;
            }
            const Shadow shadow = search(later);
            if (steps_ > kMaxSteps) {
                report_stop(compared_[later].rule, later);
                return;
            }
            report(compared_[later], shadow);
        }
    }

  private:
    Shadow search(std::size_t later) {
        const Compared& rule = compared_[later];
        Shadow shadow;
        for (std::size_t i = 0; i < later && steps_ <= kMaxSteps; ++i) {
            const Compared& earlier = compared_[i];
            const bool as_written = covers(earlier.forward, rule.forward, lists_, steps_);
            if (shadow.forward_by == nullptr && as_written) shadow.forward_by = &earlier.rule;
            if (shadow.forward_by == nullptr && taken_by_mirror(i, rule)) {
                shadow.forward_by = &earlier.rule;
                shadow.by_mirror = true;
            }
            if (rule.mirror && shadow.answers_by == nullptr && takes_answers(earlier, rule, as_written)) {
                shadow.answers_by = &earlier.rule;
            }
            if (shadow.forward_by != nullptr && (!rule.mirror || shadow.answers_by != nullptr)) break;
        }
        return shadow;
    }

    /// Whether the reply half of rule `i` takes all packets of a later rule. What could also answer a tracked rule that
    /// comes first is left to that rule's flows, and if it has none, to the first rule that says something of it.
    bool taken_by_mirror(std::size_t i, const Compared& rule) {
        if (!compared_[i].mirror || !covers(*compared_[i].mirror, rule.forward, lists_, steps_)) return false;
        for (std::size_t k = 0; k < i && steps_ <= kMaxSteps; ++k) {
            Compared& first = compared_[k];
            if (!first.rule.tracked) continue;
            if (!first.answers) first.answers = answer_shape(policy_, first.rule, lists_);
            if (may_overlap(*first.answers, rule.forward, lists_, steps_)) return false;
        }
        return true;
    }

    /// The answers to a rule's packets go to an earlier rule that describes them, or whose own answers they are: those
    /// of a tracked rule belong to its flows, those of an untracked one to its reply half, if it has one.
    bool takes_answers(const Compared& earlier, const Compared& rule, bool as_written) {
        if (as_written && (earlier.rule.tracked || earlier.mirror)) return true;
        return covers(earlier.forward, *rule.mirror, lists_, steps_);
    }

    void report(const Compared& compared, const Shadow& shadow) {
        const Rule& rule = compared.rule;
        if (shadow.forward_by != nullptr) {
            const bool answers_left = compared.mirror && shadow.answers_by == nullptr;
            const std::string taker = place(*shadow.forward_by);
            const std::string what = answers_left ? " can only match answers: " : " can never match: ";
            diagnostics_.warning("W105", rule.where,
                                 "rule " + in_quotes(rule.name) + what +
                                     (shadow.by_mirror ? "the reply half of " + taker + " takes all its packets"
                                                       : taker + " takes all its packets"));
        } else if (shadow.answers_by != nullptr) {
            auto& warning = diagnostics_.warning("W106", rule.track_where,
                                                 "answers to untracked rule " + in_quotes(rule.name) + " go to " +
                                                     place(*shadow.answers_by) + ", which comes first");
            warning.help = "move " + in_quotes(rule.name) + " above " + in_quotes(shadow.answers_by->name) +
                           ", or write 'reply: none' if that rule is meant to judge them";
        }
    }

    void report_no_wire(const Rule& rule) {
        diagnostics_.warning("W103", rule.where,
                             "rule " + in_quotes(rule.name) + " can never match: no wire joins its two ends");
    }

    void report_stop(const Rule& rule, std::size_t compared) {
        diagnostics_.warning("W107", rule.where,
                             "from here on rules were not compared with earlier ones: the " + std::to_string(compared) +
                                 " before this one took all the time there is");
    }

    const Policy& policy_;
    Diagnostics& diagnostics_;
    NetLists lists_;
    std::vector<Compared> compared_;
    std::uint64_t steps_ = 0;
};

} // namespace

void lint_shadowed(const Policy& policy, Diagnostics& diagnostics) {
    ShadowSearch(policy, diagnostics).run();
}

} // namespace sluice::policy
