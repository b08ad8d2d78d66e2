#include "command_tree.hpp"

#include "commands.hpp"
#include "help_text.hpp"
#include "policy/diagnostic/diagnostic.hpp"

#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <algorithm>
#include <optional>
#include <utility>

namespace sluice::sluicectl {

namespace {

using base::Expected;
using base::Unexpected;

void add_settings(CommandTree& tree) {
    Settings& settings = tree.settings;
    tree.app.add_flag("-j,--json", settings.json, "print JSON");
    tree.app.add_option("-t,--timeout", settings.timeout_seconds, "seconds to wait for the appliance")
        ->type_name("SECONDS")
        ->check(CLI::Validator(
            [](const std::string& text) {
                double seconds = 0;
                const bool good = CLI::detail::lexical_cast(text, seconds) && seconds >= 0.001 && seconds <= 86400;
                return good ? std::string() : "wants seconds, 0.001 to 86400, not '" + text + "'";
            },
            ""))
        ->capture_default_str();
    static const std::map<std::string, ColourWish> kWishes = {
        {"auto", ColourWish::automatic}, {"always", ColourWish::always}, {"never", ColourWish::never}};
    tree.app
        .add_option_function<std::string>(
            "--color", [&settings](const std::string& word) { settings.colour = kWishes.at(word); },
            "colours: auto (on a terminal, without NO_COLOR), always, never")
        ->type_name("WHEN")
        ->check(CLI::IsMember({"auto", "always", "never"}).description(""));
}

void add_program_settings(CommandTree& tree, ScriptSettings& script) {
    tree.app.add_option("-s,--socket", tree.settings.socket, "where the appliance listens")
        ->type_name("SOCKET")
        ->capture_default_str();
    tree.app.add_option("-f,--file", script.file, "run the commands in a file, one a line; - for the standard input")
        ->type_name("FILE");
    tree.app.add_flag("-e,--stop", script.stop_at_error, "end a script at its first error");
    tree.app.set_version_flag("-V,--version", "sluicectl " SLUICE_VERSION, "print sluicectl's own version and exit");
}

/// An option of `command` or of one above it by one of its names, without dashes.
const CLI::Option* find_option(const CLI::App* command, const std::string& name, bool is_long) {
    for (; command != nullptr; command = command->get_parent()) {
        for (const CLI::Option* option : command->get_options()) {
            const auto& names = is_long ? option->get_lnames() : option->get_snames();
            if (std::find(names.begin(), names.end(), name) != names.end()) return option;
        }
    }
    return nullptr;
}

bool wants_value(const CLI::Option& option) {
    return option.get_items_expected_max() > 0;
}

std::string unknown_option(const CLI::App* command, const std::string& word) {
    std::vector<std::string> names;
    for (; command != nullptr; command = command->get_parent()) {
        for (const CLI::Option* option : command->get_options()) {
            for (const std::string& name : option->get_lnames())
                names.push_back("--" + name);
        }
    }
    const std::vector<std::string_view> candidates(names.begin(), names.end());
    const std::string_view near = policy::nearest(word, candidates);
    std::string message = "unknown option '" + word + "'";
    if (!near.empty()) message += "; did you mean '" + std::string(near) + "'?";
    return message;
}

/// Looks at an option word and says whether the next word is its value.
Expected<const CLI::Option*, std::string> option_wanting_more(const CLI::App* command, const std::string& word) {
    constexpr const CLI::Option* kNone = nullptr;
    if (word.starts_with("--")) {
        const std::size_t equals = word.find('=');
        const CLI::Option* option = find_option(command, word.substr(2, equals - 2), true);
        if (option == nullptr) return Unexpected(unknown_option(command, word.substr(0, equals)));
        return wants_value(*option) && equals == std::string::npos ? option : kNone;
    }
    // Short ones may be run together, -je; the first that wants a value takes the rest of the word for it.
    for (std::size_t i = 1; i < word.size(); ++i) {
        const CLI::Option* option = find_option(command, std::string(1, word[i]), false);
        if (option == nullptr) return Unexpected(unknown_option(command, word));
        if (wants_value(*option)) return i + 1 == word.size() ? option : kNone;
    }
    return kNone;
}

Expected<CLI::App*, std::string> find_subcommand(CLI::App& command, const std::string& word) {
    std::vector<CLI::App*> matches;
    std::vector<std::string_view> names;
    std::string list;
    for (CLI::App* candidate : subcommands_of(command)) {
        if (candidate->get_name() == word) return candidate;
        names.push_back(candidate->get_name());
        if (!candidate->get_name().starts_with(word)) continue;
        matches.push_back(candidate);
        list += (list.empty() ? "" : ", ") + candidate->get_name();
    }
    if (matches.size() == 1 && !word.empty()) return matches.front();
    const std::string where = command.get_parent() == nullptr ? "" : " after '" + full_name(command) + "'";
    if (!matches.empty()) return Unexpected("'" + word + "'" + where + " is not unique: " + list);
    const std::string_view near = policy::nearest(word, names);
    std::string message = "unknown command '" + word + "'" + where;
    if (!near.empty()) message += "; did you mean '" + std::string(near) + "'?";
    return Unexpected(message);
}

} // namespace

std::vector<CLI::App*> subcommands_of(CLI::App& command) {
    // An empty group name hides a command.
    return command.get_subcommands([](CLI::App* sub) { return !sub->get_group().empty(); });
}

std::string full_name(const CLI::App& command) {
    if (command.get_parent() == nullptr) return "";
    const std::string before = full_name(*command.get_parent());
    return before.empty() ? command.get_name() : before + " " + command.get_name();
}

Expected<Walk, std::string> walk(CommandTree& tree, const std::vector<std::string>& words) {
    Walk way;
    way.command = &tree.app;
    for (std::string word : words) {
        if (way.open_option != nullptr) {
            if (way.open_option->check_lname("socket")) way.socket = word;
            way.open_option = nullptr;
        } else if (!way.options_over && word == "--") {
            way.options_over = true;
        } else if (!way.options_over && word.size() > 1 && word.front() == '-') {
            const auto option = option_wanting_more(way.command, word);
            if (!option) return Unexpected(option.error());
            way.open_option = *option;
        } else if (!subcommands_of(*way.command).empty()) {
            const auto found = find_subcommand(*way.command, word);
            if (!found) return Unexpected(found.error());
            way.command = *found;
            word = way.command->get_name();
        } else {
            way.own_words.push_back(word);
        }
        way.words.push_back(std::move(word));
    }
    return way;
}

std::unique_ptr<CommandTree> make_tree(const Settings& defaults, ScriptSettings* script) {
    auto tree = std::make_unique<CommandTree>();
    tree->settings = defaults;
    tree->app.set_help_flag("-h,--help", "print this help and exit");
    tree->app.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
    tree->app.require_subcommand(0, 1);
    if (script != nullptr) add_program_settings(*tree, *script);
    add_settings(*tree);
    add_status(*tree);
    CLI::App& show = add_group(*tree, "show", "show what the appliance is doing");
    add_show_interfaces(*tree, show);
    add_show_workers(*tree, show);
    add_show_stages(*tree, show);
    add_show_rules(*tree, show);
    add_show_sets(*tree, show);
    add_show_flows(*tree, show);
    add_show_evictions(*tree, show);
    add_show_drops(*tree, show);
    add_show_policy(*tree, show);
    add_show_version(*tree, show);
    CLI::App& policy = add_group(*tree, "policy", "check, apply and show policies");
    add_policy_check(*tree, policy);
    add_policy_apply(*tree, policy);
    add_show_policy(*tree, policy);
    add_set(*tree);
    add_replay(*tree);
    add_explain(*tree);
    if (script != nullptr) add_completion(*tree);
    add_help(*tree);
    if (script == nullptr) add_exit(*tree);
    // Last, because commands that are added later would have it, too.
    tree->app.footer("Commands and their parts may be shortened as long as they stay unique: sluicectl sh fl.\n"
                     "Without a command: a shell on a terminal, else commands from the standard input.\n"
                     "Exit codes: 0 done, 1 failed, 2 usage, 3 appliance not reachable, 4 not permitted,\n"
                     "5 policy invalid, 6 not found, 7 conflict, 9 timeout.");
    return tree;
}

CLI::App& add_group(CommandTree& tree, const std::string& name, const std::string& help) {
    CLI::App* group = tree.app.add_subcommand(name, help);
    group->require_subcommand(1)->fallthrough();
    return *group;
}

CLI::App& add_command(CLI::App& parent, const std::string& name, const std::string& help) {
    CLI::App* command = parent.add_subcommand(name, help);
    command->fallthrough();
    return *command;
}

CLI::Validator row_count() {
    return CLI::Validator(
        [](const std::string& text) {
            const bool good =
                !text.empty() && text.size() <= 18 && text.find_first_not_of("0123456789") == std::string::npos;
            return good ? std::string() : "wants a number, not '" + text + "'";
        },
        "");
}

std::optional<ExitCode> parse(CommandTree& tree, const std::vector<std::string>& words, Context& context) {
    auto way = walk(tree, words);
    if (!way) return complain(context, ExitCode::usage, way.error());
    // CLI11 takes its words from the back.
    std::vector<std::string> reversed(way->words.rbegin(), way->words.rend());
    try {
        tree.app.parse(reversed);
    } catch (const CLI::CallForHelp&) {
        put_text(context.out, LineKind::row, help_text(*way->command));
        return ExitCode::done;
    } catch (const CLI::CallForVersion& version) {
        context.out.line(LineKind::row, version.what());
        return ExitCode::done;
    } catch (const CLI::ParseError& error) {
        const std::string name = full_name(*way->command);
        std::string what = error.what();
        if (!what.empty() && what.front() >= 'A' && what.front() <= 'Z')
            what.front() = static_cast<char>(what.front() + 32);
        return complain(context, ExitCode::usage,
                        what + "; see: sluicectl " + (name.empty() ? "" : name + " ") + "--help");
    }
    return std::nullopt;
}

} // namespace sluice::sluicectl
