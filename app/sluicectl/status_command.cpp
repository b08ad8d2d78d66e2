// `status`: one screen about the appliance.
#include "appliance.hpp"
#include "commands.hpp"
#include "format.hpp"
#include "json_output.hpp"
#include "table.hpp"

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::sluicectl {

namespace {

class Screen {
  public:
    explicit Screen(Context& context)
        : context_(context)
        , human_(context.style.human) {}

    void print(const Json& status) {
        head(status);
        policy(member(status, "policy"));
        put("workers", show_count(count_of(member(status, "workers")), human_));
        flows(member(status, "flows"));
        fragments(member(status, "fragments"));
        syn_cookies(member(status, "syn_cookies"));
        packets(member(status, "packets"), member(status, "rates"));
        drops(member(status, "worst_drops"));
        memory(member(status, "memory"));
        warnings(member(status, "warnings"));
    }

  private:
    void put(std::string_view label, const std::string& text) {
        constexpr std::size_t kLabelWidth = 10;
        std::string line(label);
        line.resize(std::max(kLabelWidth, line.size() + 1), ' ');
        context_.out.line(LineKind::row, line + text);
    }

    void head(const Json& status) {
        const std::string state = text_of(member(status, "state"));
        const Colour colour = state == "forwarding" ? Colour::good : Colour::bad;
        put("sluiced", text_of(member(status, "version")) + ", " + coloured(context_.style, colour, state) + ", up " +
                           duration(member(status, "uptime_seconds")) + ", pid " + text_of(member(status, "pid")));
    }

    void policy(const Json& policy) {
        if (!policy.is_object()) return put("policy", std::string(kNothing));
        put("policy", text_of(member(policy, "name")) + ", generation " + text_of(member(policy, "generation")) + ", " +
                          show_plural(count_of(member(policy, "rules")).value_or(0), "rule", human_) + ", applied " +
                          text_of(member(policy, "applied_at")) + ", " + text_of(member(policy, "file")));
    }

    void flows(const Json& flows) {
        const auto used = count_of(member(flows, "used"));
        const auto capacity = count_of(member(flows, "capacity"));
        std::string text = show_count(used, human_) + " of " + show_count(capacity, human_);
        if (used && capacity && *capacity > 0) {
            text += " (" + show_share(static_cast<double>(*used) / static_cast<double>(*capacity)) + ")";
        }
        put("flows", text);
        turnover(flows);
        std::vector<std::pair<std::uint64_t, std::string>> states;
        const Json& per_state = member(flows, "per_state");
        for (const auto& [state, count] : per_state.items()) {
            if (count_of(count).value_or(0) > 0) states.emplace_back(*count_of(count), text_of(state));
        }
        std::stable_sort(states.begin(), states.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
        for (const auto& [count, state] : states)
            put("", state + " " + show_count(count, human_));
    }

    /// Only when there were any.
    void fragments(const Json& fragments) {
        const auto held = count_of(member(fragments, "held")).value_or(0);
        const auto completed = count_of(member(fragments, "completed")).value_or(0);
        if (held == 0 && completed == 0) return;
        put("fragments", show_count(held, human_) + " held, of " +
                             show_count(count_of(member(fragments, "datagrams")), human_) + " of " +
                             show_count(count_of(member(fragments, "capacity")), human_) + " datagrams; " +
                             show_plural(completed, "datagram", human_) + " completed");
    }

    /// Only when there were any.
    void syn_cookies(const Json& cookies) {
        const auto count = [&](const char* key) { return show_count(count_of(member(cookies, key)), human_); };
        if (count_of(member(cookies, "sent")).value_or(0) == 0) return;
        put("cookies", count("sent") + " sent, " + count("accepted") + " accepted, " + count("refused") + " refused; " +
                           show_plural(count_of(member(cookies, "flows")).value_or(0), "flow", human_) + " translated");
    }

    /// Only when the table was too small at some time, or nearly.
    void turnover(const Json& flows) {
        Json evicted = Json::object();
        for (const auto& [reason, count] : member(flows, "ended").items()) {
            constexpr std::string_view kPrefix = "evicted_";
            if (reason.starts_with(kPrefix)) evicted[reason.substr(kPrefix.size())] = count;
        }
        const std::uint64_t total = sum_of(evicted);
        const std::uint64_t refused = count_of(member(flows, "refused")).value_or(0);
        const std::uint64_t entered = count_of(member(flows, "pressure_entered")).value_or(0);
        if (total + refused + entered == 0) return;
        warn(pressure_text(flows, entered));
        if (total + refused != 0) {
            warn("room was short: " + show_count(total, human_) + " evicted" +
                 (total == 0 ? "" : " (" + show_counts(evicted, human_) + ")") + ", " + show_count(refused, human_) +
                 " refused");
        }
        const std::string classes = show_counts(member(flows, "per_class"), human_);
        if (classes.empty()) return;
        put("", classes + "; half_open at most " + show_count(count_of(member(flows, "half_open_limit")), human_));
    }

    [[nodiscard]] std::string pressure_text(const Json& flows, std::uint64_t entered) const {
        const std::string times = show_plural(entered, "time", human_) + " since start";
        const auto pressed = count_of(member(flows, "under_pressure")).value_or(0);
        if (pressed != 0) {
            return "under pressure for " + duration(member(flows, "pressure_seconds")) + ", entered " + times;
        }
        return entered == 0 ? "" : "under pressure " + times + ", not now";
    }

    void warn(const std::string& text) {
        if (!text.empty()) put("", coloured(context_.style, Colour::warning, text));
    }

    void packets(const Json& packets, const Json& rates) {
        const auto amount = [&](const char* key) {
            return std::string(key) + " " + show_count(count_of(member(packets, key)), human_);
        };
        const auto rate = [&](const char* key, const char* name) {
            return std::string(name) + " " + show_rate(number_of(member(rates, key)), human_);
        };
        put("packets",
            amount("received") + ", " + amount("forwarded") + ", " + amount("dropped") + ", " + amount("held"));
        const bool spoke = count_of(member(packets, "answered")).value_or(0) > 0;
        if (spoke) put("", amount("answered") + " for servers, " + amount("made"));
        put("rates", rate("received_pps", "received") + ", " + rate("forwarded_pps", "forwarded") + ", " +
                         rate("dropped_pps", "dropped"));
    }

    void drops(const Json& worst) {
        std::string text;
        if (worst.is_array()) {
            for (const Json& drop : worst) {
                text += (text.empty() ? "" : ", ") + text_of(member(drop, "reason")) + " " +
                        show_count(count_of(member(drop, "packets")), human_);
            }
        }
        put("drops", text.empty() ? "none since start" : text);
    }

    void memory(const Json& memory) {
        const bool huge = member(memory, "hugepages") == Json(true);
        put("memory", "flow table " + show_size(count_of(member(memory, "flow_table_bytes")), human_) +
                          (human_ ? "" : " bytes") + (huge ? ", in hugepages" : ", without hugepages"));
    }

    void warnings(const Json& warnings) {
        if (!warnings.is_array()) return;
        for (const Json& warning : warnings) {
            put("warning", coloured(context_.style, Colour::warning, text_of(warning)));
        }
    }

    [[nodiscard]] std::string duration(const Json& seconds) const {
        return show_duration(number_of(seconds), human_) + (human_ ? "" : " s");
    }

    Context& context_;
    bool human_;
};

ExitCode run_status(Context& context) {
    const auto status = ask(context, "status");
    if (!status) return status.error();
    if (context.settings.json) {
        print_json(context, "status", *status);
    } else {
        Screen(context).print(*status);
    }
    return ExitCode::done;
}

} // namespace

void add_status(CommandTree& tree) {
    CLI::App& command = add_command(tree.app, "status", "one screen: health, load, flow table, worst drop reasons");
    command.callback([&tree] { tree.chosen = run_status; });
}

} // namespace sluice::sluicectl
