#include "policy/model/read.hpp"

#include "policy/diagnostic/text.hpp"
#include "policy/model/reading.hpp"

namespace sluice::policy {
namespace {

/// FNV-1a, 64 bits (RFC draft-eastlake-fnv): tells one text from another, and is no secret.
class Fingerprint {
  public:
    void add(std::string_view text) {
        for (const char c : text) {
            add_byte(static_cast<std::uint8_t>(c));
        }
        for (std::size_t size = text.size(), i = 0; i < sizeof size; ++i, size >>= 8) {
            add_byte(static_cast<std::uint8_t>(size & 0xff));
        }
    }
    [[nodiscard]] std::uint64_t value() const { return value_; }

  private:
    void add_byte(std::uint8_t byte) { value_ = (value_ ^ byte) * 0x100000001b3; }
    std::uint64_t value_ = 0xcbf29ce484222325;
};

/// The value of a section, also when it is empty: its reader says so. Null when the section is absent.
const YamlNode* section(const YamlNode& root, std::string_view key) {
    for (const Entry& entry : root.entries) {
        if (entry.key == key) return &entry.value;
    }
    return nullptr;
}

/// False when the rest need not be looked at: it is written for another version, or is no map at all.
bool check_version(Reading& reading, const YamlNode& root) {
    if (root.kind != NodeKind::map) {
        report_shape(root, "a policy as a map", "the smallest one has 'version', 'interfaces' and 'rules'",
                     reading.diagnostics);
        return false;
    }
    const YamlNode* version = section(root, "version");
    if (version == nullptr || version->kind != NodeKind::scalar || version->text == "1") return true;
    auto& error = reading.error("P013", version->where, "version " + in_quotes(version->text) + " is not known");
    error.help = "this Sluice reads 'version: 1'";
    return false;
}

/// References point to sections read before; this is the only place where their order stands.
void read_sections(Reading& reading, const YamlNode& root) {
    using Reader = void (*)(Reading&, const YamlNode&);
    const auto read = [&](std::string_view key, Reader reader) {
        const YamlNode* node = section(root, key);
        if (node != nullptr && node->kind != NodeKind::null && node->kind != NodeKind::invalid) reader(reading, *node);
    };
    const auto is_lost = [&](std::string_view key) {
        const YamlNode* node = section(root, key);
        return node != nullptr && (node->kind == NodeKind::null || node->kind == NodeKind::invalid);
    };
    if (is_lost("interfaces") || section(root, "interfaces") == nullptr) {
        reading.interfaces.set_incomplete();
        reading.zones.set_incomplete();
    }
    if (is_lost("address_sets")) reading.sets.set_incomplete();
    if (is_lost("services")) reading.services.set_incomplete();

    read("system", read_system);
    read("interfaces", read_interfaces);
    const YamlNode* zones = section(root, "zones");
    if (is_lost("zones")) reading.zones.set_incomplete();
    read_zones(reading, is_lost("zones") ? nullptr : zones);
    read("tables", read_tables);
    read("address_sets", read_address_sets);
    read("services", read_services);
    read("sanity", read_sanity);
    if (is_lost("timeouts")) reading.profiles.set_incomplete();
    read_timeouts(reading, is_lost("timeouts") ? nullptr : section(root, "timeouts"));
    read("rules", read_rules);
    read("default", read_default);
}

void collect_unused(Reading& reading) {
    for (const Names* names : {&reading.zones, &reading.sets, &reading.services, &reading.profiles}) {
        for (const Names::Definition& definition : names->all()) {
            if (!definition.used) reading.policy.unused.push_back({names->what(), definition.name, definition.where});
        }
    }
}

std::optional<Policy> read_text(Reading& reading) {
    const auto root = parse_yaml(reading.file, reading.diagnostics);
    if (!root) return std::nullopt;
    if (!check_version(reading, *root)) return std::nullopt;
    Fields fields(*root, words::kTop, reading.diagnostics);
    if (const Entry* version = fields.require("version", root->where, "write 'version: 1' at the top")) {
        as_scalar(version->value, "a version", reading.diagnostics);
    }
    if (const Entry* name = fields.find("name")) {
        reading.policy.name = read_scalar(name->value, "a name", "P016", reading.diagnostics, parse_name).value_or("");
    }
    fields.require("interfaces", root->where, "two interfaces, each with the other as its 'peer', make a wire");
    fields.require("rules", root->where, "write 'rules: []' if the default action is all there is");
    read_sections(reading, *root);
    collect_unused(reading);
    return std::move(reading.policy);
}

} // namespace

std::optional<Policy> read(std::string file_name, std::string text, Diagnostics& diagnostics, SetFiles set_files) {
    const std::size_t errors_before = diagnostics.error_count();
    const std::size_t files_before = diagnostics.files().size();
    const std::size_t slash = file_name.rfind('/');
    std::string folder = slash == std::string::npos ? "" : file_name.substr(0, slash + 1);
    const std::uint32_t file = diagnostics.add_file(std::move(file_name), normalised(std::move(text)));
    Reading reading(diagnostics, file, std::move(folder));
    reading.set_files = set_files;
    std::optional<Policy> policy = read_text(reading);
    diagnostics.sort();
    if (!policy || diagnostics.error_count() != errors_before) return std::nullopt;
    Fingerprint fingerprint;
    for (std::size_t i = files_before; i < diagnostics.files().size(); ++i) {
        fingerprint.add(diagnostics.files()[i].text);
    }
    policy->content_hash = fingerprint.value();
    return policy;
}

std::optional<Policy> read_file(const std::string& path, Diagnostics& diagnostics) {
    auto text = load_file(path, kMaxFileSize);
    if (text) return read(path, std::move(*text), diagnostics);
    const std::uint32_t file = diagnostics.add_file(path, "");
    diagnostics.error("P001", {file, 0, 0, 0}, "cannot read the policy: " + text.error());
    return std::nullopt;
}

} // namespace sluice::policy
