#include "policy/lint/lint.hpp"

namespace sluice::policy {
namespace {

/// What a flow waits for at its end, or when nobody answers; an established TCP or SCTP flow is left out, as it
/// lasts as long as its two ends want.
constexpr std::array kDwelling = {Timeout::tcp_new,         Timeout::tcp_closing, Timeout::udp_new,
                                  Timeout::udp_established, Timeout::icmp,        Timeout::sctp_new,
                                  Timeout::sctp_closing,    Timeout::other};

} // namespace

std::vector<Capacity> capacity(const Policy& policy) {
    std::vector<Capacity> out;
    for (const TimeoutProfile& profile : policy.timeouts) {
        for (const Timeout timeout : kDwelling) {
            const auto index = static_cast<std::size_t>(timeout);
            const base::Tick ticks = profile.ticks[index];
            if (ticks == 0) continue; // the reader lets no such timeout pass
            out.push_back({profile.name, kTimeoutNames[index], ticks,
                           policy.flow_table.capacity * base::kTicksPerSecond / ticks});
        }
    }
    return out;
}

} // namespace sluice::policy
