// `show stages`.
#include "appliance.hpp"
#include "commands.hpp"
#include "format.hpp"
#include "json_output.hpp"
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

ExitCode run_show_stages(Context& context) {
    const auto workers = ask(context, "show.stages");
    if (!workers) return workers.error();
    if (context.settings.json) {
        print_json(context, "stages", *workers);
    } else if (!workers->is_array() || workers->empty()) {
        context.out.line(LineKind::note, "The appliance has no workers.");
    } else {
        print_table(context, *workers);
    }
    return ExitCode::done;
}

} // namespace

void add_show_stages(CommandTree& tree, CLI::App& parent) {
    CLI::App& command = add_command(parent, "stages", "what each stage of a packet's way costs, from samples");
    command.callback([&tree] { tree.chosen = run_show_stages; });
}

} // namespace sluice::sluicectl
