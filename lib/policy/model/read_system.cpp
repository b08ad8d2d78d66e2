// `system:`, `tables:` and `default:`.
#include "policy/diagnostic/text.hpp"
#include "policy/model/reading.hpp"

#include <algorithm>

namespace sluice::policy {
namespace {

constexpr std::uint64_t kMinMemorySize = std::uint64_t{16} << 20;
constexpr std::uint64_t kMaxMemorySize = std::uint64_t{16} << 40;
constexpr std::uint64_t kMinBuffers = 1024;
constexpr std::uint64_t kMinBufferSize = 64;
constexpr std::uint64_t kMaxBufferSize = std::uint64_t{16} << 10;
constexpr std::uint64_t kMaxBuffers = std::uint64_t{1} << 26;
constexpr std::uint64_t kMinFlows = 64;
constexpr std::uint64_t kMaxFlows = std::uint64_t{1} << 30;
constexpr std::uint64_t kMinDatagrams = 16;
constexpr std::uint64_t kMaxDatagrams = std::uint64_t{1} << 20;
constexpr std::uint64_t kMinPerDatagram = 2;
constexpr std::uint64_t kMaxPerDatagram = 1024;
constexpr base::Tick kMinFragmentTimeout = base::kTicksPerSecond;
constexpr base::Tick kMaxFragmentTimeout = 120 * base::kTicksPerSecond; // RFC 1122, 3.3.2: 60 to 120 seconds
constexpr std::size_t kMaxWorkers = 128;
constexpr std::uint64_t kMinRuleMemorySize = std::uint64_t{1} << 20;

void read_workers(Reading& reading, const YamlNode& node) {
    System& system = reading.policy.system;
    if (node.kind == NodeKind::scalar && node.text == "auto") return;
    system.workers_auto = false;
    std::vector<unsigned>& cpus = system.worker_cpus;
    for (const YamlNode* item : as_one_or_more(node, "write 'auto' or CPU numbers", reading.diagnostics)) {
        const auto part =
            read_scalar(*item, "'auto' or CPU numbers such as 2-9", "P012", reading.diagnostics, parse_cpu_list);
        if (!part) return;
        for (const unsigned cpu : *part) {
            if (std::find(cpus.begin(), cpus.end(), cpu) != cpus.end()) {
                reading.error("P012", item->where, "CPU " + std::to_string(cpu) + " is named twice");
                return;
            }
            cpus.push_back(cpu);
        }
    }
    std::sort(cpus.begin(), cpus.end());
    if (cpus.size() > kMaxWorkers) {
        reading.error("P026", node.where, "more than " + std::to_string(kMaxWorkers) + " workers");
    }
}

void read_memory(Reading& reading, const YamlNode& node) {
    const Fields fields(node, words::kMemory, reading.diagnostics);
    if (const Entry* entry = fields.find("hugepages")) {
        const auto size =
            read_scalar(entry->value, "a size such as 8Gi", "P012", reading.diagnostics,
                        [](std::string_view text) { return parse_size(text, kMinMemorySize, kMaxMemorySize); });
        reading.policy.system.memory_size = size.value_or(0);
    }
}

std::optional<std::uint64_t> read_percent(Reading& reading, const Entry* entry, std::uint64_t minimum,
                                          std::uint64_t maximum) {
    if (entry == nullptr) return std::nullopt;
    return read_scalar(entry->value, "a percentage such as 90%", "P012", reading.diagnostics,
                       [&](std::string_view text) { return parse_percent(text, minimum, maximum); });
}

void read_pressure(Reading& reading, const Entry& pressure) {
    FlowTable& table = reading.policy.flow_table;
    const Fields fields(pressure.value, words::kPressure, reading.diagnostics);
    const auto set = [&](std::string_view key, std::uint64_t minimum, std::uint64_t maximum, std::uint8_t& out) {
        if (const auto percent = read_percent(reading, fields.find(key), minimum, maximum))
            out = static_cast<std::uint8_t>(*percent);
    };
    set("enter", 10, 100, table.pressure_enter);
    set("leave", 1, 99, table.pressure_leave);
    set("timeout_scale", 1, 100, table.timeout_scale);
    if (table.pressure_leave >= table.pressure_enter) {
        auto& error =
            reading.error("P031", pressure.key_where,
                          "pressure is left at " + std::to_string(table.pressure_leave) + "%, which is not below the " +
                              std::to_string(table.pressure_enter) + "% at which it is entered");
        error.help = "leave some room between the two, such as 'enter: 90%, leave: 70%'";
    }
}

void read_flows(Reading& reading, const Entry& flows) {
    FlowTable& table = reading.policy.flow_table;
    table.where = flows.key_where;
    const Fields fields(flows.value, words::kFlows, reading.diagnostics);
    if (const Entry* entry = fields.find("size")) {
        const auto size = read_scalar(entry->value, "a number of entries such as 8Mi", "P012", reading.diagnostics,
                                      [](std::string_view text) { return parse_size(text, kMinFlows, kMaxFlows); });
        table.capacity = size.value_or(table.capacity);
    }
    if (const Entry* entry = fields.find("on_full")) {
        if (const auto choice = read_choice(entry->value, {"evict", "drop_new"}, {}, reading.diagnostics)) {
            table.on_full = *choice == 0 ? OnFull::evict : OnFull::drop_new;
        }
    }
    if (const auto percent = read_percent(reading, fields.find("half_open"), 1, 100))
        table.half_open_percent = static_cast<std::uint8_t>(*percent);
    if (const Entry* entry = fields.find("pressure")) read_pressure(reading, *entry);
    if (const Entry* entry = fields.find("syn_cookies")) {
        constexpr SynCookies kChoices[] = {SynCookies::automatic, SynCookies::always, SynCookies::never};
        if (const auto choice = read_choice(entry->value, {"auto", "always", "never"}, {}, reading.diagnostics))
            table.syn_cookies = kChoices[*choice];
    }
}

Meaning<base::Tick> parse_fragment_timeout(std::string_view text) {
    auto ticks = parse_duration(text);
    if (ticks && (*ticks < kMinFragmentTimeout || *ticks > kMaxFragmentTimeout)) {
        return base::Unexpected(TextError{in_quotes(text) + " is not from " + duration_text(kMinFragmentTimeout) +
                                              " to " + duration_text(kMaxFragmentTimeout),
                                          ""});
    }
    return ticks;
}

void read_fragments(Reading& reading, const Entry& fragments) {
    FragmentTable& table = reading.policy.fragment_table;
    table.where = fragments.key_where;
    const Fields fields(fragments.value, words::kFragments, reading.diagnostics);
    if (const Entry* entry = fields.find("size")) {
        const auto size =
            read_scalar(entry->value, "a number of datagrams such as 4Ki", "P012", reading.diagnostics,
                        [](std::string_view text) { return parse_size(text, kMinDatagrams, kMaxDatagrams); });
        table.datagrams = size.value_or(table.datagrams);
    }
    if (const Entry* entry = fields.find("per_datagram")) {
        const auto count =
            read_scalar(entry->value, "a number of fragments such as 64", "P012", reading.diagnostics,
                        [](std::string_view text) { return parse_size(text, kMinPerDatagram, kMaxPerDatagram); });
        table.per_datagram = static_cast<std::uint32_t>(count.value_or(table.per_datagram));
    }
    if (const Entry* entry = fields.find("timeout")) {
        const auto ticks =
            read_scalar(entry->value, "a duration such as 30s", "P012", reading.diagnostics, parse_fragment_timeout);
        table.timeout = ticks.value_or(table.timeout);
    }
}

void read_rule_table(Reading& reading, const Entry& rules) {
    RuleTable& table = reading.policy.rule_table;
    table.where = rules.key_where;
    const Fields fields(rules.value, words::kRuleTable, reading.diagnostics);
    if (const Entry* entry = fields.find("memory")) {
        const auto size =
            read_scalar(entry->value, "a size such as 2Gi", "P012", reading.diagnostics,
                        [](std::string_view text) { return parse_size(text, kMinRuleMemorySize, kMaxMemorySize); });
        table.memory_size = size.value_or(table.memory_size);
    }
}

} // namespace

void read_system(Reading& reading, const YamlNode& node) {
    const Fields fields(node, words::kSystem, reading.diagnostics);
    if (const Entry* entry = fields.find("workers")) read_workers(reading, entry->value);
    if (const Entry* entry = fields.find("memory")) read_memory(reading, entry->value);
    if (const Entry* entry = fields.find("buffers")) {
        const auto count =
            read_scalar(entry->value, "a number of packet buffers such as 64Ki", "P012", reading.diagnostics,
                        [](std::string_view text) { return parse_size(text, kMinBuffers, kMaxBuffers); });
        reading.policy.system.buffers = count.value_or(0);
    }
    if (const Entry* entry = fields.find("buffer_size")) {
        const auto size =
            read_scalar(entry->value, "a number of bytes such as 2Ki", "P012", reading.diagnostics,
                        [](std::string_view text) { return parse_size(text, kMinBufferSize, kMaxBufferSize); });
        reading.policy.system.buffer_size = static_cast<std::uint16_t>(size.value_or(0));
        reading.buffer_size_where = entry->value.where;
    }
    if (const Entry* entry = fields.find("idle")) {
        const auto choice = read_choice(entry->value, {"poll", "sleep"}, {}, reading.diagnostics);
        reading.policy.system.sleep_when_idle = choice == std::size_t{1};
    }
}

void read_tables(Reading& reading, const YamlNode& node) {
    const Fields fields(node, words::kTables, reading.diagnostics);
    if (const Entry* entry = fields.find("flows")) read_flows(reading, *entry);
    if (const Entry* entry = fields.find("fragments")) read_fragments(reading, *entry);
    if (const Entry* entry = fields.find("rules")) read_rule_table(reading, *entry);
}

void read_default(Reading& reading, const YamlNode& node) {
    Fields fields(node, words::kDefault, reading.diagnostics);
    if (const Entry* entry = fields.require("action", node.where, "write default: { action: drop }")) {
        reading.policy.default_action = read_action(reading, entry->value).value_or(Action::drop);
    }
}

std::optional<Action> read_action(Reading& reading, const YamlNode& node) {
    const auto choice = read_choice(node, {"allow", "drop"}, {"reject"}, reading.diagnostics);
    if (!choice) return std::nullopt;
    return *choice == 0 ? Action::allow : Action::drop;
}

} // namespace sluice::policy
