#include "complete.hpp"

#include "words.hpp"

#include <algorithm>
#include <filesystem>
#include <system_error>

namespace sluice::sluicectl {

namespace {

namespace fs = std::filesystem;

void keep_matching(std::vector<Candidate>& candidates, const std::string& partial) {
    std::erase_if(candidates, [&](const Candidate& candidate) {
        return candidate.text.empty() ? !partial.empty() : !candidate.text.starts_with(partial);
    });
}

std::vector<Candidate> option_names(const CLI::App* command) {
    std::vector<Candidate> names;
    for (; command != nullptr; command = command->get_parent()) {
        for (const CLI::Option* option : command->get_options()) {
            for (const std::string& name : option->get_lnames()) {
                const std::string text = "--" + name;
                const bool known =
                    std::any_of(names.begin(), names.end(), [&](const auto& c) { return c.text == text; });
                if (!known) names.push_back({text, option->get_description()});
            }
        }
    }
    return names;
}

Completion option_values(const CLI::Option& option) {
    const auto& names = option.get_lnames();
    const auto is = [&](const char* name) { return std::find(names.begin(), names.end(), name) != names.end(); };
    Completion completion;
    if (is("color")) completion.candidates = {{"auto", ""}, {"always", ""}, {"never", ""}};
    completion.files = is("file") || is("socket") || is("policy") || is("write");
    if (completion.candidates.empty() && !completion.files) {
        completion.candidates.push_back({"", option.get_type_name() + ": " + option.get_description()});
    }
    return completion;
}

Completion complete_stage(const std::vector<std::string>& before) {
    if (before.empty()) {
        return {{{"grep", "[-i] [-v] PATTERN: only rows that match"}, {"count", "how many rows"}, {"json", "as JSON"}},
                false};
    }
    if (before.front() == "grep") return {{{"", "PATTERN: an extended regular expression"}}, false};
    return {};
}

} // namespace

Completion complete(CommandTree& tree, Context& context, const std::vector<std::string>& before,
                    const std::string& partial) {
    Completion completion;
    const auto way = walk(tree, before);
    if (!way) return completion;
    const auto subcommands = subcommands_of(*way->command);
    if (way->open_option != nullptr) {
        completion = option_values(*way->open_option);
    } else if (partial.starts_with('-') && !way->options_over) {
        completion.candidates = option_names(way->command);
    } else if (!subcommands.empty()) {
        for (const CLI::App* sub : subcommands) {
            completion.candidates.push_back({sub->get_name(), sub->get_description()});
        }
    } else {
        completion.files = tree.file_commands.contains(way->command);
        if (const auto completer = tree.completers.find(way->command); completer != tree.completers.end()) {
            // Names come from the appliance that the line so far talks to.
            Context there{context.settings, context.style, context.out, context.errors, context.interrupted};
            if (!way->socket.empty()) there.settings.socket = way->socket;
            completion.candidates = completer->second(there, way->own_words);
        }
    }
    keep_matching(completion.candidates, partial);
    return completion;
}

Completion complete_line(const Settings& settings, Context& context, std::string_view text) {
    Line line = split_line(text);
    std::vector<std::string> before = line.stages.back();
    std::string partial;
    if ((line.open_word || line.open_quote) && !before.empty()) {
        partial = before.back();
        before.pop_back();
    }
    if (line.stages.size() > 1) {
        Completion completion = complete_stage(before);
        keep_matching(completion.candidates, partial);
        return completion;
    }
    const auto tree = make_tree(settings, nullptr);
    Completion completion = complete(*tree, context, before, partial);
    if (completion.files) {
        for (Candidate& file : complete_file(partial))
            completion.candidates.push_back(std::move(file));
    }
    return completion;
}

std::vector<Candidate> complete_file(const std::string& partial) {
    constexpr std::size_t kMost = 1000;
    std::vector<Candidate> files;
    const std::size_t slash = partial.rfind('/');
    const std::string folder = slash == std::string::npos ? "" : partial.substr(0, slash + 1);
    const std::string begin = partial.substr(folder.size());
    std::error_code error;
    for (fs::directory_iterator entry(folder.empty() ? "." : folder, error), end; !error && entry != end;
         entry.increment(error)) {
        const std::string name = entry->path().filename().string();
        if (!name.starts_with(begin) || (name.front() == '.' && begin.empty())) continue;
        std::error_code ignored;
        files.push_back({folder + name + (entry->is_directory(ignored) ? "/" : ""), ""});
        if (files.size() == kMost) break;
    }
    std::sort(files.begin(), files.end(), [](const Candidate& a, const Candidate& b) { return a.text < b.text; });
    return files;
}

std::string common_prefix(const std::vector<Candidate>& candidates) {
    if (candidates.empty()) return {};
    std::string prefix = candidates.front().text;
    for (const Candidate& candidate : candidates) {
        const auto ends = std::mismatch(prefix.begin(), prefix.end(), candidate.text.begin(), candidate.text.end());
        prefix.erase(ends.first, prefix.end());
    }
    return prefix;
}

} // namespace sluice::sluicectl
