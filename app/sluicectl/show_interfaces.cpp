// `show interfaces`.
#include "commands.hpp"
#include "format.hpp"
#include "show_list.hpp"
#include "table.hpp"

#include <string>

namespace sluice::sluicectl {

namespace {

std::string link_text(const Json& link, bool human) {
    const Json& up = member(link, "up");
    if (!up.is_boolean()) return "";
    if (!up.get<bool>()) return "down";
    const auto speed = count_of(member(link, "speed_mbps"));
    if (!speed || *speed == 0) return "up";
    if (human && *speed >= 1000 && *speed % 1000 == 0) return "up " + std::to_string(*speed / 1000) + "G";
    return "up " + std::to_string(*speed) + "M";
}

std::string text_or_empty(const Json& value) {
    return value.is_null() ? "" : text_of(value);
}

void print_tables(Context& context, const Json& interfaces) {
    const bool human = context.style.human;
    Table state({text_column("NAME"), number_column("PORT"), text_column("LINK"), text_column("ZONE"),
                 text_column("PEER"), text_column("MAC"), number_column("MTU"), text_column("PROMISC"),
                 number_column("QUEUES"), text_column("RSS"), text_column("DRIVER"), text_column("DEVICE")});
    Table traffic({text_column("NAME"), number_column("RX-PACKETS"), number_column("RX-BYTES"),
                   number_column("TX-PACKETS"), number_column("TX-BYTES"), number_column("RX-MISSED"),
                   number_column("RX-NOMBUF"), number_column("RX-ERRORS"), number_column("TX-ERRORS")});
    for (const Json& interface : interfaces) {
        const auto text = [&](const char* key) { return text_or_empty(member(interface, key)); };
        const auto count = [&](const char* key) { return show_count(count_of(member(interface, key)), human); };
        const auto size = [&](const char* key) { return show_size(count_of(member(interface, key)), human); };
        state.add({text("name"), text("port"), link_text(member(interface, "link"), human), text("zone"), text("peer"),
                   text("mac"), text("mtu"), text("promiscuous"), text("queues"), text("rss"), text("driver"),
                   text("device")});
        traffic.add({text("name"), count("rx_packets"), size("rx_bytes"), count("tx_packets"), size("tx_bytes"),
                     count("rx_missed"), count("rx_nombuf"), count("rx_errors"), count("tx_errors")});
    }
    state.print(context);
    context.out.line(LineKind::note, "");
    traffic.print(context);
}

} // namespace

void add_show_interfaces(CommandTree& tree, CLI::App& parent) {
    add_show_list(tree, parent, "interfaces", "ports, their links and their counters",
                  "The appliance has no interfaces.", print_tables);
}

} // namespace sluice::sluicectl
