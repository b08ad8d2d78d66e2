// What a rule matches: its two ends and its transport, which are checked together.
#pragma once

#include "policy/model/reading.hpp"

#include <vector>

namespace sluice::policy {

class RuleParts {
  public:
    RuleParts(Reading& reading, const Fields& rule)
        : reading_(reading)
        , rule_(rule) {}

    void read_endpoints();
    /// After the ends, whose ports become part of the transport.
    void read_transports();
    /// Refuses what no packet can be: from IPv4 to IPv6, ICMP between IPv6 addresses.
    void check_families();

    Endpoint from;
    Endpoint to;
    std::vector<Transport> transports;

  private:
    /// What of an end is not in Endpoint.
    struct End {
        std::vector<net::PortRange> ports;
        const Entry* ports_entry = nullptr;
        const YamlNode* nets = nullptr;
        bool nets_known = true; ///< false: some could not be read
    };

    void read_end(const Entry& entry, Endpoint& endpoint, End& end);
    void read_zones(const YamlNode& node, Endpoint& endpoint);
    void read_nets(const YamlNode& node, Endpoint& endpoint, End& end);
    void add_net(const YamlNode& item, Endpoint& endpoint, End& end);
    [[nodiscard]] Families families_of_end(const Endpoint& endpoint) const;
    void read_named_services(const YamlNode& node);
    void read_plain_transport();
    void refuse_beside_service();
    void add_source_ports();

    Reading& reading_;
    const Fields& rule_;
    End from_end_;
    End to_end_;
    bool transports_known_ = true;
    const YamlNode* transport_node_ = nullptr; ///< what to point at when the transport never fits
};

} // namespace sluice::policy
