// The oracle with a memory: which flows are open, and what a packet does given them.
#pragma once

#include "flow/sctp.hpp"
#include "flow/tcp_tracker.hpp"
#include "oracle.hpp"

#include <list>

namespace sluice::property {

/// The tag that both ends of every association want to see.
inline constexpr std::uint32_t kSctpTag = 7;

/// TCP's and SCTP's trackers have tests of their own, so this one asks them. All numbers in segments are zero.
class FlowOracle {
  public:
    explicit FlowOracle(const policy::Policy& policy)
        : policy_(&policy) {}

    /// Whether a packet that comes in by interface `port` is forwarded. Opens, moves and ends flows.
    bool forwards(const Tuple& tuple, std::size_t port);

    /// Another policy from here on: flows are judged again by it on their next packet.
    void reload(const policy::Policy& policy);

    [[nodiscard]] std::size_t flow_count() const { return flows_.size(); }

  private:
    struct Flow {
        Tuple opener;
        std::size_t port;
        flow::tcp::Standing standing;
        flow::tcp::Tracker tcp;
        flow::sctp::Tracker sctp;
        bool stale;
    };
    using Place = std::list<Flow>::iterator;

    Place find(const Tuple& tuple, std::size_t port, bool& is_reply);
    bool without_flow(const Tuple& tuple, std::size_t port);
    bool open_flow(const Tuple& tuple, std::size_t port);
    bool in_place_of(Place finished, const Tuple& tuple, std::size_t port);
    bool segment(const Tuple& tuple, std::size_t port, Place place, flow::Direction direction);
    bool chunk(const Tuple& tuple, std::size_t port, Place place, flow::Direction direction);
    bool with_flow(const Tuple& tuple, std::size_t port, Place place, bool is_reply);

    const policy::Policy* policy_;
    std::list<Flow> flows_;
};

} // namespace sluice::property
