#include "traffic_generator/plan_arguments.hpp"

#include "loadgen/endpoint.hpp"

namespace sluice::traffic {

void describe(CLI::App& app, PlanArguments& arguments) {
    app.add_flag("-6,--ipv6", arguments.ipv6, "IPv6 instead of IPv4");
    app.add_option("--clients", arguments.clients, "client addresses (default: 10.16.0.0/16, 2001:db8:16::/112)")
        ->type_name("PREFIX");
    app.add_option("--servers", arguments.servers, "server addresses (default: 10.32.0.0/28, 2001:db8:32::/124)")
        ->type_name("PREFIX");
    app.add_option("--client-ports", arguments.client_ports, "client ports")
        ->type_name("FIRST-LAST")
        ->capture_default_str();
    app.add_option("--server-ports", arguments.server_ports, "server ports")
        ->type_name("FIRST-LAST")
        ->capture_default_str();
    app.add_option("--seed", arguments.seed, "of all that is random")->capture_default_str();
}

base::Expected<net::Prefix, std::string> prefix_of(const std::string& text, const std::string& option, bool ipv6) {
    auto prefix = net::Prefix::parse(text);
    if (!prefix) return base::Unexpected(option + ": " + prefix.error());
    const auto family = ipv6 ? net::Family::ipv6 : net::Family::ipv4;
    if (prefix->address.family != family)
        return base::Unexpected(option + ": " + text + " is no " +
                                (ipv6 ? "IPv6 prefix" : "IPv4 prefix; IPv6 wants --ipv6"));
    return prefix;
}

base::Expected<TuplePlan, std::string> plan_of(const PlanArguments& arguments) {
    const auto or_default = [&arguments](const std::string& text, const char* ipv4, const char* ipv6) {
        return !text.empty() ? text : std::string(arguments.ipv6 ? ipv6 : ipv4);
    };
    const auto clients =
        prefix_of(or_default(arguments.clients, "10.16.0.0/16", "2001:db8:16::/112"), "--clients", arguments.ipv6);
    if (!clients) return base::Unexpected(clients.error());
    const auto servers =
        prefix_of(or_default(arguments.servers, "10.32.0.0/28", "2001:db8:32::/124"), "--servers", arguments.ipv6);
    if (!servers) return base::Unexpected(servers.error());
    const auto client_ports = loadgen::parse_ports(arguments.client_ports);
    if (!client_ports) return base::Unexpected("--client-ports: " + client_ports.error());
    const auto server_ports = loadgen::parse_ports(arguments.server_ports);
    if (!server_ports) return base::Unexpected("--server-ports: " + server_ports.error());
    return TuplePlan::make(
        {*clients, *servers, {client_ports->first, client_ports->last}, {server_ports->first, server_ports->last}});
}

} // namespace sluice::traffic
