#include "help_text.hpp"

#include <string>
#include <utility>
#include <vector>

namespace sluice::sluicectl {

namespace {

using Rows = std::vector<std::pair<std::string, std::string>>;

/// "FILE", "[NAME]", "[KEY VALUE…]".
std::string positional_text(const CLI::Option& option) {
    std::string text = option.get_type_name();
    if (option.get_items_expected_max() > 1) text += "…";
    return option.get_required() ? text : "[" + text + "]";
}

Rows option_rows(const CLI::App& command, bool with_help) {
    Rows rows;
    for (const CLI::Option* option : command.get_options()) {
        if (option->nonpositional() && (with_help || option != command.get_help_ptr())) {
            std::string names;
            for (const std::string& name : option->get_snames())
                names += "-" + name + ", ";
            if (names.empty()) names = "    ";
            for (const std::string& name : option->get_lnames())
                names += "--" + name;
            if (option->get_items_expected_max() > 0) names += " " + option->get_type_name();
            std::string help = option->get_description();
            if (!option->get_default_str().empty()) help += " (" + option->get_default_str() + ")";
            rows.emplace_back(std::move(names), std::move(help));
        }
    }
    return rows;
}

Rows positional_rows(const CLI::App& command) {
    Rows rows;
    for (const CLI::Option* option : command.get_options()) {
        if (!option->nonpositional()) rows.emplace_back(option->get_type_name(), option->get_description());
    }
    return rows;
}

std::string section(const std::string& head, const Rows& rows) {
    constexpr std::size_t kWidth = 26;
    if (rows.empty()) return {};
    std::string text = "\n" + head + ":\n";
    for (const auto& [names, help] : rows) {
        std::string line = "  " + names;
        line.resize(std::max(kWidth, line.size() + 2), ' ');
        text += line + help + "\n";
    }
    return text;
}

} // namespace

std::string help_text(CLI::App& command) {
    const std::string name = full_name(command);
    const auto subcommands = subcommands_of(command);
    std::string text = "Usage: sluicectl [OPTION…]" + (name.empty() ? "" : " " + name);
    if (!subcommands.empty()) text += name.empty() ? " [COMMAND]" : " COMMAND";
    for (const CLI::Option* option : command.get_options()) {
        if (!option->nonpositional()) text += " " + positional_text(*option);
    }
    text += "\n" + command.get_description() + "\n";

    Rows rows;
    for (const CLI::App* sub : subcommands)
        rows.emplace_back(sub->get_name(), sub->get_description());
    text += section("Commands", rows);
    text += section("Words", positional_rows(command));
    const CLI::App* top = command.get_parent();
    text += section("Options", option_rows(command, top == nullptr));
    while (top != nullptr && top->get_parent() != nullptr)
        top = top->get_parent();
    if (top != nullptr) text += section("Options of every command", option_rows(*top, true));
    if (!command.get_footer().empty()) text += "\n" + command.get_footer() + "\n";
    return text;
}

} // namespace sluice::sluicectl
