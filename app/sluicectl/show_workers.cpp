// `show workers`.
#include "commands.hpp"
#include "format.hpp"
#include "show_list.hpp"
#include "table.hpp"

namespace sluice::sluicectl {

namespace {

/// Of its part of the flow table: what differs between workers when their shares are uneven.
std::string fill(const Json& worker) {
    const auto used = number_of(member(worker, "flows_used"));
    const auto capacity = number_of(member(worker, "flows_capacity"));
    if (!used || !capacity || *capacity <= 0) return std::string();
    return show_share(*used / *capacity);
}

void print_table(Context& context, const Json& workers) {
    const bool human = context.style.human;
    Table table({number_column("WORKER"), number_column("CPU"), number_column("BUSY"), number_column("RECEIVED"),
                 number_column("FORWARDED"), number_column("DROPPED"), number_column("ANSWERED"), number_column("MADE"),
                 number_column("HELD"), number_column("HANDED-OFF"), number_column("HANDED-IN"), number_column("FLOWS"),
                 number_column("CAPACITY"), number_column("FILL"), number_column("LOOPS"), number_column("BURSTS"),
                 number_column("EPOCH")});
    for (const Json& worker : workers) {
        const auto text = [&](const char* key) { return text_of(member(worker, key)); };
        const auto count = [&](const char* key) { return show_count(count_of(member(worker, key)), human); };
        table.add({text("worker"), text("cpu"), show_share(number_of(member(worker, "busy_ratio"))), count("received"),
                   count("forwarded"), count("dropped"), count("answered"), count("made"), count("held"),
                   count("handed_off"), count("handed_in"), count("flows_used"), count("flows_capacity"), fill(worker),
                   count("loops"), count("bursts"), text("epoch")});
    }
    table.print(context);
}

} // namespace

void add_show_workers(CommandTree& tree, CLI::App& parent) {
    add_show_list(tree, parent, "workers", "how busy each worker is, and what it did", "The appliance has no workers.",
                  print_table);
}

} // namespace sluice::sluicectl
