#include "player.hpp"

#include "policy/compile/compile.hpp"
#include "policy/lint/lint.hpp"
#include "policy/model/read.hpp"
#include "support/memory_appliance.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>

namespace sluice::golden {
namespace {

using test_support::MemoryAppliance;
using test_support::MemoryApplianceOptions;
using test_support::MemoryFrame;

/// A few milliseconds before the clock's 32 bits wrap: most scenarios cross that.
constexpr base::Tick kStart = 0xffffffff - 3;
/// Frames that are given to the appliance at once, at least: more than a burst.
constexpr std::size_t kAtOnce = 48;

class Player final : public worker::Observer {
  public:
    Player(std::span<const Scenario> scenarios, const ruleset::Ruleset& ruleset, std::uint16_t workers)
        : scenarios_(scenarios)
        , workers_(workers)
        , appliance_(options(scenarios.size(), workers)) {
        appliance_.publish(ruleset);
        appliance_.set_observer(this);
    }

    Played play() {
        for (const Scenario& scenario : scenarios_) {
            played_.fates.emplace_back(scenario.steps.size());
        }
        const auto longest = std::max_element(scenarios_.begin(), scenarios_.end(), [](const auto& a, const auto& b) {
            return a.steps.size() < b.steps.size();
        });
        for (std::size_t step = 0; step < longest->steps.size(); ++step) {
            take(step, Side::client);
            take(step, Side::server);
            ++now_;
        }
        if (const std::string wrong = appliance_.broken_account(); !wrong.empty()) played_.broken.push_back(wrong);
        return std::move(played_);
    }

  private:
    struct Sent {
        std::size_t scenario;
        std::size_t step;
        std::size_t frame;
        const MemoryFrame* what;
    };

    static MemoryApplianceOptions options(std::size_t scenarios, std::uint16_t workers) {
        MemoryApplianceOptions options;
        options.workers = workers;
        options.flows = flow::share_of({.entries = scenarios == 1 ? 256u : 16384u}, 1);
        options.ring_capacity = 256;
        options.start = kStart;
        return options;
    }

    void decided(const pipeline::Batch& batch) override {
        for (unsigned i = 0; i < batch.count; ++i) {
            if (batch.disposition[i] != pipeline::Disposition::drop) continue;
            reasons_[batch.handle[i]] = telemetry::name(batch.reason[i]);
        }
    }

    /// The step of all scenarios in which that side sends.
    void take(std::size_t step, Side side) {
        for (std::size_t i = 0; i < scenarios_.size(); ++i) {
            const auto& steps = scenarios_[i].steps;
            if (step >= steps.size() || steps[step].from != side) continue;
            // Frames of a step keep their order: what becomes of overlapping fragments depends on it.
            const auto queue = static_cast<std::uint16_t>(steps_++ % workers_);
            for (std::size_t frame = 0; frame < steps[step].frames.size(); ++frame) {
                const auto& put =
                    appliance_.ports().put_in(static_cast<std::uint16_t>(side), queue, steps[step].frames[frame].bytes);
                sent_.push_back({i, step, frame, &put});
            }
            if (sent_.size() >= kAtOnce) settle();
        }
        settle();
    }

    void settle() {
        appliance_.settle(now_);
        for (const Sent& sent : sent_) {
            auto& fates = played_.fates[sent.scenario][sent.step];
            fates.resize(scenarios_[sent.scenario].steps[sent.step].frames.size());
            fates[sent.frame] = fate(sent);
        }
        sent_.clear();
        reasons_.clear();
        appliance_.ports().forget();
    }

    Fate fate(const Sent& sent) {
        const MemoryFrame& frame = *sent.what;
        const Scenario& scenario = scenarios_[sent.scenario];
        if (frame.bytes != scenario.steps[sent.step].frames[sent.frame].bytes)
            played_.broken.push_back(scenario.name + " #" + std::to_string(sent.step) + ": the frame was changed");
        if (frame.fate != MemoryFrame::Fate::sent) {
            const auto reason = reasons_.find(sent.what);
            if (reason != reasons_.end()) return {false, reason->second};
            return {false, frame.fate == MemoryFrame::Fate::taken ? "(held)" : "(no reason told)"};
        }
        if (frame.out_port == frame.in_port)
            played_.broken.push_back(scenario.name + " #" + std::to_string(sent.step) + ": left where it came in");
        return {true, {}};
    }

    std::span<const Scenario> scenarios_;
    std::uint16_t workers_;
    MemoryAppliance appliance_;
    base::Tick now_ = kStart;
    std::uint64_t steps_ = 0; ///< taken, of all scenarios
    std::vector<Sent> sent_;
    std::map<const void*, std::string> reasons_; ///< of what was dropped since the last settle()
    Played played_;
};

} // namespace

std::unique_ptr<const ruleset::Ruleset> compile(const std::filesystem::path& policy, std::string& problem) {
    std::ifstream in(policy, std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    policy::Diagnostics diagnostics;
    const auto read = policy::read(policy.filename(), text, diagnostics);
    if (read) policy::lint(*read, diagnostics);
    std::unique_ptr<const ruleset::Ruleset> ruleset;
    if (read && !diagnostics.has_errors()) ruleset = policy::compile(*read, {}, diagnostics);
    problem = diagnostics.render(false);
    return ruleset;
}

Played play(std::span<const Scenario> scenarios, const ruleset::Ruleset& ruleset, std::uint16_t workers) {
    return Player(scenarios, ruleset, workers).play();
}

Played play_each_alone(std::span<const Scenario> scenarios, const ruleset::Ruleset& ruleset, std::uint16_t workers) {
    Played all;
    for (std::size_t i = 0; i < scenarios.size(); ++i) {
        Played one = play(scenarios.subspan(i, 1), ruleset, workers);
        all.fates.push_back(std::move(one.fates.front()));
        std::move(one.broken.begin(), one.broken.end(), std::back_inserter(all.broken));
    }
    return all;
}

} // namespace sluice::golden
