// `help [COMMAND…]`, and the words that leave the shell.
#include "commands.hpp"
#include "help_text.hpp"

#include <memory>
#include <string>
#include <vector>

namespace sluice::sluicectl {

namespace {

ExitCode run_help(Context& context, CommandTree& tree, const std::vector<std::string>& words) {
    const auto way = walk(tree, words);
    if (!way) return complain(context, ExitCode::usage, way.error());
    put_text(context.out, LineKind::row, help_text(*way->command));
    return ExitCode::done;
}

} // namespace

void add_help(CommandTree& tree) {
    CLI::App& command = add_command(tree.app, "help", "help for a command");
    const auto words = std::make_shared<std::vector<std::string>>();
    command.add_option("command", *words, "such as: show flows")->type_name("COMMAND");
    command.callback(
        [&tree, words] { tree.chosen = [&tree, words](Context& context) { return run_help(context, tree, *words); }; });
    tree.completers[&command] = [&tree](Context&, const std::vector<std::string>& before) {
        std::vector<Candidate> commands;
        const auto way = walk(tree, before);
        if (!way) return commands;
        for (const CLI::App* sub : subcommands_of(*way->command))
            commands.push_back({sub->get_name(), sub->get_description()});
        return commands;
    };
}

void add_exit(CommandTree& tree) {
    for (const char* name : {"exit", "quit"}) {
        CLI::App& command = add_command(tree.app, name, "leave");
        command.callback([&tree] {
            tree.leave = true;
            tree.chosen = [](Context&) { return ExitCode::done; };
        });
    }
}

} // namespace sluice::sluicectl
