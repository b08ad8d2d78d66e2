// `show stages`.
#include "commands.hpp"
#include "format.hpp"
#include "show_list.hpp"
#include "table.hpp"

#include <fmt/format.h>

namespace sluice::sluicectl {

namespace {

/// Cycles a packet, of one worker's stages; a worker that has had too few bursts for a sample says so by its dashes.
void print_table(Context& context, const Json& workers) {
    Table table({number_column("WORKER"), text_column("STAGE"), number_column("CYCLES/PACKET"),
                 number_column("NS/PACKET"), number_column("SHARE")});
    for (const Json& worker : workers) {
        const double packets = number_of(member(worker, "packets")).value_or(0);
        const double per_second = number_of(member(worker, "cycles_per_second")).value_or(0);
        double all = 0;
        for (const Json& stage : member(worker, "stages"))
            all += number_of(member(stage, "cycles")).value_or(0);
        const auto row = [&](const std::string& name, double cycles) {
            const bool known = packets > 0 && per_second > 0 && all > 0;
            table.add({text_of(member(worker, "worker")), name, known ? fmt::format("{:.1f}", cycles / packets) : "-",
                       known ? fmt::format("{:.1f}", 1e9 * cycles / packets / per_second) : "-",
                       known ? show_share(cycles / all) : "-"});
        };
        for (const Json& stage : member(worker, "stages"))
            row(text_of(member(stage, "stage")), number_of(member(stage, "cycles")).value_or(0));
        row("all", all);
    }
    table.print(context);
}

} // namespace

void add_show_stages(CommandTree& tree, CLI::App& parent) {
    add_show_list(tree, parent, "stages", "what each stage of a packet's way costs, from samples",
                  "The appliance has no workers.", print_table);
}

} // namespace sluice::sluicectl
