// What must have become of the packets of a burst, and of the counters.
#include "control/counter_slots.hpp"
#include "running.hpp"

#include <algorithm>

namespace sluice::scenario {

using telemetry::DropReason;
using telemetry::WorkerCounters;
using test_support::MemoryFrame;

Running::Account Running::account() const {
    Account account;
    account.received_packets = appliance_->sum(&WorkerCounters::received_packets);
    account.received_bytes = appliance_->sum(&WorkerCounters::received_bytes);
    account.forwarded_packets = appliance_->sum(&WorkerCounters::forwarded_packets);
    account.forwarded_bytes = appliance_->sum(&WorkerCounters::forwarded_bytes);
    for (std::size_t i = 0; i < telemetry::kDropReasonCount; ++i) {
        account.drops.push_back(appliance_->drops(static_cast<DropReason>(i)));
    }
    account.rule_packets.resize(kRuleSlots);
    account.rule_bytes.resize(kRuleSlots);
    for (std::uint16_t w = 0; w < workers_; ++w) {
        for (std::uint32_t slot = 0; slot < kRuleSlots; ++slot) {
            account.rule_packets[slot] += appliance_->rule_counters(w)[slot].packets.load();
            account.rule_bytes[slot] += appliance_->rule_counters(w)[slot].bytes.load();
        }
    }
    return account;
}

/// Drops that the counters tell and no verdict explains: before the pipeline, or behind it on the way out.
std::vector<DropReason> Running::drops_behind_the_pipeline(const Account& before, const Account& after) const {
    std::vector<std::uint64_t> unexplained(telemetry::kDropReasonCount);
    for (std::size_t i = 0; i < unexplained.size(); ++i) {
        unexplained[i] = after.drops[i] - before.drops[i];
    }
    for (const auto& [handle, verdict] : verdicts_) {
        if (verdict.disposition != pipeline::Disposition::drop) continue; // it has no reason
        std::uint64_t& left = unexplained[static_cast<std::size_t>(verdict.reason)];
        if (left > 0) --left;
    }
    std::vector<DropReason> reasons;
    for (std::size_t i = 0; i < unexplained.size(); ++i) {
        if (unexplained[i] != 0) reasons.push_back(static_cast<DropReason>(i));
    }
    return reasons;
}

std::string Running::rule_of(const MemoryFrame* frame) const {
    const auto verdict = verdicts_.find(frame);
    if (verdict == verdicts_.end() || verdict->second.rule_slot == pipeline::kNoRule) return "none";
    const std::string* name = slots_->name_of(verdict->second.rule_slot);
    return name != nullptr ? *name : "slot " + std::to_string(verdict->second.rule_slot) + ", which is nobody's";
}

std::string Running::got(const Sent& sent, const std::vector<DropReason>& behind_the_pipeline) const {
    switch (sent.frame->fate) {
    case MemoryFrame::Fate::sent: return "forward";
    case MemoryFrame::Fate::waiting: return "not received";
    case MemoryFrame::Fate::taken: {
        const auto held = verdicts_.find(sent.frame);
        const bool by_reassembly = held != verdicts_.end() && held->second.disposition == pipeline::Disposition::held;
        return by_reassembly ? "held" : "neither sent nor released";
    }
    case MemoryFrame::Fate::released: break;
    }
    const auto verdict = verdicts_.find(sent.frame);
    if (verdict != verdicts_.end() && verdict->second.disposition == pipeline::Disposition::drop) {
        return "drop " + std::string(telemetry::name(verdict->second.reason));
    }
    std::string reasons;
    for (const DropReason reason : behind_the_pipeline) {
        reasons += (reasons.empty() ? "" : " or ") + std::string(telemetry::name(reason));
    }
    return "drop " + (reasons.empty() ? "without a reason" : reasons);
}

/// A firewall on a wire changes nothing: same bytes, out of the other end. Empty when that is so.
std::string Running::damage(const Sent& sent) const {
    const MemoryFrame& frame = *sent.frame;
    if (frame.bytes != sent.packet->frame) return "the frame was changed";
    if (frame.fate != MemoryFrame::Fate::sent) return {};
    const auto& interfaces = running_->policy.interfaces;
    if (frame.out_port == interfaces[frame.in_port].peer) return {};
    return "the frame left by '" + interfaces[frame.out_port].name + "', which is not the peer";
}

void Running::check_packet(const Sent& sent, const std::vector<DropReason>& behind_the_pipeline) {
    const Packet& packet = *sent.packet;
    const bool still_held = packet.held && !sent.was_held;
    const std::string wanted = still_held    ? "held"
                               : packet.drop ? "drop " + std::string(telemetry::name(*packet.drop))
                                             : "forward";
    const std::string verdict = got(sent, behind_the_pipeline);
    const std::string rule = rule_of(sent.frame);
    const bool rule_matters = packet.rule && !still_held;
    const bool looked_at = packet.decided || still_held;
    if (looked_at && (verdict != wanted || (rule_matters && *packet.rule != rule))) {
        const std::string wanted_rule = rule_matters ? " rule " + *packet.rule : "";
        fail_at(packet.line,
                packet.text + "\n    expected " + wanted + wanted_rule + "\n    got " + verdict + " rule " + rule);
    }
    if (const std::string wrong = damage(sent); !wrong.empty()) fail_at(packet.line, packet.text + "\n    " + wrong);
}

void Running::check_counters(const std::vector<Sent>& received, const std::vector<Sent>& held_before,
                             const Account& before, const Account& after) {
    Account wanted = before;
    std::uint64_t drops = 0;
    std::vector<Sent> met = held_before;
    for (const Sent& sent : received) {
        ++wanted.received_packets;
        wanted.received_bytes += sent.frame->in_pieces ? 0 : sent.frame->bytes.size();
        met.push_back(sent);
    }
    for (const Sent& sent : met) {
        const std::size_t size = sent.frame->bytes.size();
        if (sent.frame->fate == MemoryFrame::Fate::taken) continue;
        if (sent.frame->fate == MemoryFrame::Fate::sent) {
            ++wanted.forwarded_packets;
            wanted.forwarded_bytes += size;
        } else {
            ++drops;
        }
        const auto verdict = verdicts_.find(sent.frame);
        if (verdict == verdicts_.end() || verdict->second.rule_slot == pipeline::kNoRule) continue;
        ++wanted.rule_packets[verdict->second.rule_slot];
        wanted.rule_bytes[verdict->second.rule_slot] += size;
    }
    expect("received packets counted", wanted.received_packets, after.received_packets);
    expect("received bytes counted", wanted.received_bytes, after.received_bytes);
    expect("forwarded packets counted", wanted.forwarded_packets, after.forwarded_packets);
    expect("forwarded bytes counted", wanted.forwarded_bytes, after.forwarded_bytes);
    std::uint64_t counted_drops = 0;
    for (std::size_t i = 0; i < after.drops.size(); ++i) {
        counted_drops += after.drops[i] - before.drops[i];
    }
    expect("drops counted", drops, counted_drops);
    for (std::uint32_t slot = 0; slot < kRuleSlots; ++slot) {
        const std::string* name = slots_->name_of(slot);
        const std::string rule = "rule " + (name != nullptr ? *name : "of slot " + std::to_string(slot));
        expect(rule + ": packets counted", wanted.rule_packets[slot], after.rule_packets[slot]);
        expect(rule + ": bytes counted", wanted.rule_bytes[slot], after.rule_bytes[slot]);
    }
}

} // namespace sluice::scenario
