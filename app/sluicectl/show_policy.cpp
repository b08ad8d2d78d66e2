// `show policy` (also `policy show`) and `show version`.
#include "appliance.hpp"
#include "commands.hpp"
#include "format.hpp"
#include "json_output.hpp"

#include <memory>
#include <string>

namespace sluice::sluicectl {

namespace {

ExitCode run_show_policy(Context& context, bool text_only) {
    const auto policy = ask(context, "show.policy");
    if (!policy) return policy.error();
    if (context.settings.json) {
        print_json(context, "policy", *policy);
        return ExitCode::done;
    }
    const auto field = [&](const char* key) { return text_of(member(*policy, key)); };
    if (!text_only) {
        // Comments of YAML, so that the whole output is a policy still.
        context.out.line(LineKind::note, "# " + field("name") + ", generation " + field("generation") + ", applied " +
                                             field("applied_at"));
        context.out.line(LineKind::note, "# file " + field("file") + ", hash " + field("hash"));
    }
    const Json& text = member(*policy, "text");
    if (!text.is_string()) return ExitCode::done;
    // Into a file it goes as it is; a terminal is kept from obeying it.
    if (text_only && !context.style.terminal) {
        put_exact_text(context.out, text.get_ref<const std::string&>());
    } else {
        put_text(context.out, LineKind::row, text.get_ref<const std::string&>());
    }
    return ExitCode::done;
}

ExitCode run_show_version(Context& context) {
    const auto version = ask(context, "version");
    if (!version) return version.error();
    if (context.settings.json) {
        Json data = version->is_object() ? *version : Json::object();
        data["sluicectl"] = SLUICE_VERSION;
        print_json(context, "version", data);
        return ExitCode::done;
    }
    const auto put = [&](const char* label, const std::string& text) {
        context.out.line(LineKind::row, std::string(label) + text);
    };
    put("sluiced    ", text_of(member(*version, "version")));
    put("sluicectl  ", SLUICE_VERSION);
    put("dpdk       ", text_of(member(*version, "dpdk")));
    put("protocol   ", text_of(member(*version, "protocol")));
    return ExitCode::done;
}

} // namespace

void add_show_policy(CommandTree& tree, CLI::App& parent) {
    const bool is_show = parent.get_name() == "show";
    CLI::App& command = add_command(parent, is_show ? "policy" : "show", "the policy that runs, as it was written");
    const auto text_only = std::make_shared<bool>(false);
    command.add_flag("-r,--raw", *text_only, "its text only, without the lines about it");
    command.callback([&tree, text_only] {
        tree.chosen = [text_only](Context& context) { return run_show_policy(context, *text_only); };
    });
}

void add_show_version(CommandTree& tree, CLI::App& parent) {
    CLI::App& command = add_command(parent, "version", "versions of the appliance, of DPDK and of sluicectl");
    command.callback([&tree] { tree.chosen = run_show_version; });
}

} // namespace sluice::sluicectl
