// Changes of address sets while traffic passes.
//
// Workers find an address's class in tables that are changed under them, one store a step. What they have decided of
// flows is taken back by a ruleset that differs in nothing but its epoch: each flow is judged again on its next packet.
// Neither waits for a worker: what was taken out of use is freed when a grace period that began behind it is over.
#include "control/running_policy.hpp"

#include "policy/diagnostic/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace sluice::control {
namespace {

using classifier::ListChange;
using Kind = SetOutcome::Kind;

/// Beyond that, compiling the classifiers anew is quicker.
constexpr std::size_t kMostLiveChanges = 65'536;
/// Rulesets that may wait for their grace period; workers report every few microseconds.
constexpr std::size_t kMostLeft = 64;

SetOutcome refused(Kind kind, std::string message) {
    SetOutcome outcome;
    outcome.kind = kind;
    outcome.message = std::move(message);
    return outcome;
}

/// Why a prefix cannot be taken out of a set in which it is not written.
SetOutcome not_in_set(const Generation& running, std::size_t set, const net::Prefix& prefix) {
    const policy::AddressSet& written = running.policy.address_sets[set];
    std::string why = fmt::format("{} is not in set '{}'", prefix.to_string(), written.name);
    for (const std::size_t inner : written.inner) {
        if (running.sets.holds(inner, prefix)) {
            why += fmt::format(", but in '{}', which is in it", running.policy.address_sets[inner].name);
            return refused(Kind::not_in_set, std::move(why));
        }
    }
    net::Prefix wider = prefix;
    while (wider.length > 0) {
        --wider.length;
        wider.address.bytes[wider.length / 8u] &= static_cast<std::uint8_t>(0xff00 >> wider.length % 8u);
        if (running.sets.holds(set, wider)) {
            why += fmt::format(" by itself, only as part of {}", wider.to_string());
            break;
        }
    }
    return refused(Kind::not_in_set, std::move(why));
}

ListChange turned(ListChange change) {
    change.kind = change.kind == ListChange::Kind::add ? ListChange::Kind::remove : ListChange::Kind::add;
    return change;
}

/// What comes in first: an address that a wider prefix gives way to is never out of the set.
std::vector<ListChange> changes_of(const SetDifference& difference) {
    std::vector<ListChange> changes;
    for (const net::Prefix& prefix : difference.added) {
        changes.push_back({ListChange::Kind::add, 0, prefix});
    }
    for (const net::Prefix& prefix : difference.removed) {
        changes.push_back({ListChange::Kind::remove, 0, prefix});
    }
    return changes;
}

} // namespace

SetOutcome RunningPolicy::change_set(const SetChange& change) {
    reclaim();
    if (left_.size() >= kMostLeft) wait_for_workers();
    if (left_.size() >= kMostLeft) return refused(Kind::failed, "a worker has not reported for too long");
    const auto set = running_->sets.find(change.name);
    if (!set) {
        return refused(Kind::no_such_set, fmt::format("no address set is named '{}'", policy::printable(change.name)));
    }
    SetDifference difference = running_->sets.difference(*set, change);
    if (change.kind == SetChange::Kind::remove) {
        const auto missing = std::find_if(change.prefixes.begin(), change.prefixes.end(),
                                          [&](const net::Prefix& one) { return !running_->sets.holds(*set, one); });
        if (missing != change.prefixes.end()) return not_in_set(*running_, *set, *missing);
    }
    SetOutcome outcome;
    outcome.added = difference.added.size();
    outcome.removed = difference.removed.size();
    outcome.prefixes = running_->sets.size(*set) + outcome.added - outcome.removed;
    outcome.kind = Kind::unchanged;
    if (difference.size() == 0) return outcome;
    if (outcome.prefixes > policy::kMaxSetPrefixes) {
        return refused(Kind::too_large, fmt::format("a set holds at most {} prefixes", policy::kMaxSetPrefixes));
    }
    const bool changed = difference.size() <= kMostLiveChanges && change_tables(*set, difference);
    if (!changed && !compile_with(*set, difference, outcome)) return outcome;
    running_->sets.apply(*set, difference, std::chrono::system_clock::now());
    outcome.kind = Kind::changed;
    return outcome;
}

bool RunningPolicy::change_tables(std::size_t set, const SetDifference& difference) {
    const bool named = running_->untracked.set_lists[set] || running_->tracked.set_lists[set];
    if (!named) return true; // no rule uses it
    const std::vector<ListChange> changes = changes_of(difference);
    for (std::size_t done = 0; done < changes.size(); ++done) {
        if (change_tables(set, changes[done])) continue;
        // There may be room once what earlier changes left is free.
        wait_for_workers();
        if (change_tables(set, changes[done])) continue;
        while (done-- > 0) {
            (void)change_tables(set, turned(changes[done]));
        }
        return false;
    }
    auto next = running_->ruleset->with_epoch(++last_epoch_);
    const rcu::Domain::Grace grace = plane_.publish_soon(next.get());
    left_.push_back({grace, std::exchange(running_->ruleset, std::move(next))});
    return true;
}

/// In both classifiers, or in none.
bool RunningPolicy::change_tables(std::size_t set, const ListChange& change) {
    const auto change_one = [set](const policy::CompiledClassifier& compiled, ListChange one) {
        if (!compiled.set_lists[set]) return true;
        one.list = *compiled.set_lists[set];
        return compiled.classifier->change(one);
    };
    if (!change_one(running_->untracked, change)) return false;
    if (change_one(running_->tracked, change)) return true;
    (void)change_one(running_->untracked, turned(change));
    return false;
}

/// All sets as they will be, in classifiers of their own.
bool RunningPolicy::compile_with(std::size_t set, const SetDifference& difference, SetOutcome& outcome) {
    LiveSets sets = running_->sets;
    sets.apply(set, difference, {});
    policy::Policy policy = running_->policy;
    for (std::size_t i = 0; i < policy.address_sets.size(); ++i) {
        if (!sets.differs(i)) continue;
        policy.address_sets[i].own = std::make_shared<const std::vector<net::Prefix>>(sets.all(i));
    }
    PolicyOutcome compiled;
    auto compilation = compile(policy, compiled);
    if (!compilation) {
        outcome.kind = Kind::failed;
        outcome.message = compiled.message.empty() ? compiled.diagnostics.render(false) : compiled.message;
        return false;
    }
    last_epoch_ = compilation->ruleset->epoch();
    auto previous = std::make_unique<Generation>();
    previous->ruleset = std::exchange(running_->ruleset, std::move(compilation->ruleset));
    previous->untracked = std::exchange(running_->untracked, std::move(compilation->untracked));
    previous->tracked = std::exchange(running_->tracked, std::move(compilation->tracked));
    retire(std::move(previous), plane_.publish(running_->ruleset.get()));
    outcome.recompiled = true;
    return true;
}

void RunningPolicy::wait_for_workers() {
    if (!plane_.synchronize()) return; // what is left stays until they report
    left_.clear();
    running_->untracked.classifier->reclaim();
    running_->tracked.classifier->reclaim();
}

void RunningPolicy::reclaim() {
    if (left_.empty()) return;
    while (!left_.empty() && plane_.is_over(left_.front().grace)) {
        left_.pop_front();
    }
    // The last of them began behind the last change.
    if (!left_.empty()) return;
    running_->untracked.classifier->reclaim();
    running_->tracked.classifier->reclaim();
}

} // namespace sluice::control
