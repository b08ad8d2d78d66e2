// The oracle with a memory: which flows are open, and what a packet does given them.
#pragma once

#include "flow/state.hpp"
#include "oracle.hpp"

#include <list>

namespace sluice::property {

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
        flow::State tcp_state;
        bool stale;
    };
    using Place = std::list<Flow>::iterator;

    Place find(const Tuple& tuple, std::size_t port, bool& is_reply);
    bool without_flow(const Tuple& tuple, std::size_t port);
    bool with_flow(const Tuple& tuple, std::size_t port, Place place, bool is_reply);

    const policy::Policy* policy_;
    std::list<Flow> flows_;
};

} // namespace sluice::property
