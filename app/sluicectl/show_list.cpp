#include "show_list.hpp"

#include "appliance.hpp"
#include "commands.hpp"
#include "json_output.hpp"

namespace sluice::sluicectl {

void add_show_list(CommandTree& tree, CLI::App& parent, const std::string& what, const std::string& help,
                   const std::string& none, void (*print)(Context&, const Json&)) {
    add_command(parent, what, help).callback([&tree, what, none, print] {
        tree.chosen = [what, none, print](Context& context) {
            const auto list = ask(context, "show." + what);
            if (!list) return list.error();
            if (context.settings.json)
                print_json(context, what, *list);
            else if (!list->is_array() || list->empty())
                context.out.line(LineKind::note, none);
            else
                print(context, *list);
            return ExitCode::done;
        };
    });
}

} // namespace sluice::sluicectl
