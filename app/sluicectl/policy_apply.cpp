// `policy apply FILE [--dry-run]`: the appliance reads, checks and replaces its policy in one step, or says why not.
#include "appliance.hpp"
#include "commands.hpp"
#include "format.hpp"
#include "json_output.hpp"
#include "policy_file.hpp"

#include <filesystem>
#include <memory>
#include <ostream>
#include <string>

namespace sluice::sluicectl {

namespace {

struct ApplyParams {
    std::string path;
    bool dry_run = false;
};

Json request_from(const std::string& path, const std::string& text) {
    Json request = {{"text", text}, {"name", path == "-" ? "<standard input>" : path}};
    std::error_code error;
    const auto absolute = std::filesystem::absolute(path, error);
    if (path != "-" && !error) request["file"] = absolute.lexically_normal().string();
    return request;
}

/// The appliance renders without colours; what a name in the policy could do to a terminal it shall not.
void print_diagnostics(Context& context, const Json& data) {
    const Json& rendered = member(data, "rendered");
    if (!rendered.is_string() || rendered.get_ref<const std::string&>().empty()) return;
    StreamSink errors(context.errors);
    put_text(errors, LineKind::row, rendered.get_ref<const std::string&>());
}

std::string verdict(const ApplyParams& params, const Json& result, bool human) {
    const std::string path = params.path == "-" ? "The policy" : params.path;
    const std::string generation = text_of(member(result, "generation"));
    const std::uint64_t warnings = count_of(member(result, "warnings")).value_or(0);
    const std::string tail = warnings == 0 ? "" : ", " + show_plural(warnings, "warning", human);
    if (member(result, "changed") == Json(false)) {
        return path + " is what runs already, generation " + generation + tail;
    }
    if (params.dry_run) return path + " could be applied" + tail + "; generation " + generation + " runs on";
    return path + " applied, generation " + generation + tail;
}

ExitCode run_policy_apply(Context& context, const ApplyParams& params) {
    const auto text = read_policy_text(params.path);
    if (!text) return complain(context, ExitCode::failed, text.error());
    // JSON carries UTF-8 only, and mending the text on the way would apply something else than the file.
    if (text->find('\0') != std::string::npos || !is_utf8(*text)) {
        return complain(context, ExitCode::policy_invalid,
                        params.path + " is not UTF-8 text; sluicectl policy check shows where");
    }
    const std::string_view method = params.dry_run ? "policy.check" : "policy.apply";
    const std::string_view schema = params.dry_run ? "policy_check" : "policy_apply";
    const auto result = try_ask(context, method, request_from(params.path, *text));
    const Json& data = result ? *result : result.error().data;
    if (context.settings.json && !data.is_null()) {
        print_json(context, schema, data);
    } else {
        print_diagnostics(context, data);
    }
    if (!result) return complain(context, result.error().exit, result.error().message);
    if (!context.settings.json) put_text(context.out, LineKind::row, verdict(params, *result, context.style.human));
    return ExitCode::done;
}

} // namespace

void add_policy_apply(CommandTree& tree, CLI::App& parent) {
    CLI::App& command = add_command(parent, "apply", "replace the running policy, in one step or not at all");
    const auto params = std::make_shared<ApplyParams>();
    command.add_option("file", params->path, "policy file; - for the standard input")->type_name("FILE")->required();
    command.add_flag("-n,--dry-run", params->dry_run, "let the appliance check it only");
    command.callback(
        [&tree, params] { tree.chosen = [params](Context& context) { return run_policy_apply(context, *params); }; });
    tree.file_commands.insert(&command);
}

} // namespace sluice::sluicectl
