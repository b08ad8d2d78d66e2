// A scenario while it runs: the policy in force, the appliance in memory, the clock.
#pragma once

#include "control/counter_slots.hpp"
#include "policy/model/policy.hpp"
#include "run.hpp"
#include "script.hpp"
#include "support/memory_appliance.hpp"

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sluice::scenario {

class Running final : public worker::Observer {
  public:
    Running(const Files& files, std::uint16_t workers, Outcome& outcome);

    /// Reads policy.yaml and makes the appliance. False after a failure that leaves nothing to run.
    bool begin();
    void at_line(unsigned line) { line_ = line; }

    void take(const Burst& step);
    void take(const Wait& step);
    void take(const Reload& step);
    void take(const FlowCount& step);
    void take(const EndedCount& step);
    void take(const RuleCount& step);
    void take(const Link& step);
    void take(const TransmitLimit& step);

    /// What must hold after every scenario.
    void finish();

  private:
    /// What the pipeline said of a frame.
    struct Verdict {
        pipeline::Disposition disposition{};
        telemetry::DropReason reason{};
        std::uint32_t rule_slot = 0;
    };
    /// All that the workers count, to compare before and after.
    struct Account {
        std::uint64_t received_packets = 0;
        std::uint64_t received_bytes = 0;
        std::uint64_t forwarded_packets = 0;
        std::uint64_t forwarded_bytes = 0;
        std::vector<std::uint64_t> drops;        ///< by reason
        std::vector<std::uint64_t> rule_packets; ///< by slot
        std::vector<std::uint64_t> rule_bytes;
    };
    /// A packet of the burst that is being run.
    struct Sent {
        const Packet* packet;
        const test_support::MemoryFrame* frame;
        bool was_held = false; ///< since an earlier burst
    };

    void decided(const pipeline::Batch& batch) override;
    void shares(const pipeline::Batch& batch, unsigned row, void* handle) override;
    void discarded(const reassembly::Discarded& fragment) override;

    struct Compiled {
        policy::Policy policy;
        std::vector<std::uint32_t> slots;
        std::unique_ptr<const ruleset::Ruleset> ruleset;
    };
    std::optional<Compiled> compile(const std::string& file);
    std::optional<policy::Policy> read_policy(const std::string& file);

    void fail(const std::string& message) { fail_at(line_, message); }
    void fail_at(unsigned line, const std::string& message);
    template <typename Got> void expect(const std::string& what, Got wanted, Got got);
    [[nodiscard]] std::optional<std::uint16_t> port_of(const std::string& interface);
    [[nodiscard]] base::Tick now() const { return kStart + passed_; }

    [[nodiscard]] Account account() const;
    void check_counters(const std::vector<Sent>& received, const std::vector<Sent>& held_before, const Account& before,
                        const Account& after);
    void check_packet(const Sent& sent, const std::vector<telemetry::DropReason>& behind_the_pipeline);
    /// Fragments of earlier bursts that are held no longer.
    std::vector<Sent> take_no_longer_held();
    [[nodiscard]] std::vector<telemetry::DropReason> drops_behind_the_pipeline(const Account& before,
                                                                               const Account& after) const;
    [[nodiscard]] std::string got(const Sent& sent,
                                  const std::vector<telemetry::DropReason>& behind_the_pipeline) const;
    [[nodiscard]] std::string rule_of(const test_support::MemoryFrame* frame) const;
    [[nodiscard]] std::string damage(const Sent& sent) const;

    /// Five seconds before the clock's 32 bits wrap: most scenarios cross that.
    static constexpr base::Tick kStart = 0xffffffff - 5000;
    static constexpr std::uint32_t kRuleSlots = 64;
    /// Tables are no larger than this, however large the policy wants them.
    static constexpr std::uint64_t kMostFlows = 4096;

    const Files& files_;
    std::uint16_t workers_;
    Outcome& outcome_;
    unsigned line_ = 0;
    base::Tick passed_ = 0;
    std::uint32_t epoch_ = 0;
    std::optional<Compiled> running_;
    std::unique_ptr<test_support::MemoryAppliance> appliance_;
    std::unique_ptr<control::CounterSlots> slots_;
    std::map<const void*, Verdict> verdicts_; ///< of the frames of this burst, and of held ones that it decided
    std::vector<Sent> held_;                  ///< fragments of earlier bursts
};

} // namespace sluice::scenario
