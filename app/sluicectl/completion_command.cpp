// `completion bash|zsh|fish`: a script for the user's own shell, which asks `sluicectl __complete` what may follow.
#include "commands.hpp"

#include <map>
#include <memory>
#include <string>
#include <string_view>

namespace sluice::sluicectl {

namespace {

// Without candidates, the shell's own completion of file names takes over.
constexpr std::string_view kBash =
    R"script(# bash completion for sluicectl; install as /usr/share/bash-completion/completions/sluicectl
_sluicectl() {
    local IFS=$'\n'
    COMPREPLY=($(sluicectl __complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null | cut -f 1))
}
complete -o default -F _sluicectl sluicectl
)script";

constexpr std::string_view kZsh = R"script(#compdef sluicectl
# zsh completion for sluicectl; install as _sluicectl in a folder of $fpath
_sluicectl() {
    local -a candidates
    local line
    for line in "${(@f)$(sluicectl __complete "${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
        [[ -n $line ]] && candidates+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}")
    done
    if (( $#candidates )); then
        _describe sluicectl candidates
    else
        _files
    fi
}
compdef _sluicectl sluicectl
)script";

constexpr std::string_view kFish =
    R"script(# fish completion for sluicectl; install as ~/.config/fish/completions/sluicectl.fish
function __sluicectl_words
    set -l words (commandline -opc) (commandline -ct)
    sluicectl __complete $words[2..-1] 2>/dev/null
end
complete -c sluicectl -f -a "(__sluicectl_words)"
complete -c sluicectl -n "__fish_seen_subcommand_from check apply replay" -F
)script";

} // namespace

void add_completion(CommandTree& tree) {
    CLI::App& command = add_command(tree.app, "completion", "print the completion script for a shell");
    static const std::map<std::string, std::string_view> kScripts = {{"bash", kBash}, {"fish", kFish}, {"zsh", kZsh}};
    const auto shell = std::make_shared<std::string>();
    command.add_option("shell", *shell, "bash, zsh or fish")
        ->type_name("SHELL")
        ->required()
        ->check(CLI::IsMember({"bash", "zsh", "fish"}).description(""));
    command.callback([&tree, shell] {
        tree.chosen = [shell](Context& context) {
            put_exact_text(context.out, kScripts.at(*shell));
            return ExitCode::done;
        };
    });
    tree.completers[&command] = [](Context&, const std::vector<std::string>& before) {
        std::vector<Candidate> shells;
        for (const auto& [name, script] : kScripts)
            shells.push_back({name, ""});
        return before.empty() ? shells : std::vector<Candidate>();
    };
}

} // namespace sluice::sluicectl
