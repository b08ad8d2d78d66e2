// The editors' schema against the reader: the same keys, the same words.
#include "policy/model/protocols.hpp"
#include "policy/model/words.hpp"
#include "policy_text.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <fstream>
#include <set>

namespace sluice::policy {
namespace {

using Json = nlohmann::json;

const Json& schema() {
    static const Json loaded = Json::parse(std::ifstream(SLUICE_SOURCE_ROOT "/conf/schema/policy.schema.json"));
    return loaded;
}

/// Follows "$ref": "#/definitions/…".
const Json& resolved(const Json& node) {
    if (!node.contains("$ref")) return node;
    const std::string prefix = "#/definitions/";
    const auto reference = node.at("$ref").get<std::string>();
    EXPECT_TRUE(reference.starts_with(prefix)) << reference;
    return schema().at("definitions").at(reference.substr(prefix.size()));
}

/// The schema of the map that words::Keys::path names: "tables.flows", "zones.*", "rules[].from".
const Json& at_path(std::string_view path) {
    const Json* node = &schema();
    while (!path.empty()) {
        const std::size_t dot = std::min(path.find('.'), path.size());
        std::string_view step = path.substr(0, dot);
        path.remove_prefix(std::min(dot + 1, path.size()));
        const bool items = step.ends_with("[]");
        if (items) step.remove_suffix(2);
        node = step == "*" ? &node->at("additionalProperties") : &node->at("properties").at(std::string(step));
        node = &resolved(*node);
        if (items) node = &resolved(node->at("items"));
        // "one, or a list of them": the map is the form that has properties.
        if (!node->contains("oneOf")) continue;
        for (const Json& form : node->at("oneOf")) {
            if (resolved(form).contains("properties")) {
                node = &resolved(form);
                break;
            }
        }
    }
    return *node;
}

TEST(Schema, HasTheReadersKeysAndNoOthers) {
    for (const words::Keys* keys : words::all_keys()) {
        const Json& map = at_path(keys->path);
        ASSERT_TRUE(map.contains("properties")) << keys->path;
        std::set<std::string> in_schema;
        for (const auto& [key, value] : map.at("properties").items()) {
            in_schema.insert(key);
        }
        EXPECT_EQ(in_schema, std::set<std::string>(keys->known.begin(), keys->known.end())) << keys->path;
        EXPECT_EQ(map.value("additionalProperties", Json(true)), Json(false)) << keys->path;
    }
}

/// Every word of an enum in a rule that is otherwise right.
TEST(Schema, HasTheReadersWords) {
    const auto accepts = [](const std::string& text) { return read_text(text).policy.has_value(); };
    const auto words_of = [](const Json& node) { return resolved(node).at("enum").get<std::vector<std::string>>(); };
    const Json& rule = at_path("rules[]").at("properties");
    EXPECT_EQ(words_of(rule.at("action")).size(), 2u);
    for (const std::string& word : words_of(rule.at("action"))) {
        EXPECT_TRUE(accepts(with_rule("action: " + word))) << word;
        EXPECT_TRUE(accepts(with_sections("default: { action: " + word + " }\n"))) << word;
    }
    EXPECT_EQ(words_of(rule.at("reply")).size(), 3u);
    for (const std::string& word : words_of(rule.at("reply"))) {
        EXPECT_TRUE(accepts(with_rule("action: allow, track: false, reply: " + word))) << word;
    }
    for (const std::string& word : words_of(at_path("system").at("properties").at("idle"))) {
        EXPECT_TRUE(accepts(with_sections("system: { idle: " + word + " }\n"))) << word;
    }
    for (const std::string& word : words_of(at_path("tables.flows").at("properties").at("on_full"))) {
        EXPECT_TRUE(accepts(with_sections("tables: { flows: { on_full: " + word + " } }\n"))) << word;
    }
    EXPECT_EQ(words_of(at_path("tables.flows").at("properties").at("syn_cookies")).size(), 3u);
    for (const std::string& word : words_of(at_path("tables.flows").at("properties").at("syn_cookies"))) {
        EXPECT_TRUE(accepts(with_sections("tables: { flows: { syn_cookies: " + word + " } }\n"))) << word;
    }
    for (const std::string& word : words_of(at_path("timeouts.*").at("properties").at("pickup"))) {
        EXPECT_TRUE(accepts(with_sections("timeouts: { default: { pickup: " + word + " } }\n"))) << word;
    }
    const Json& ethertype = resolved(at_path("sanity").at("properties").at("ethertypes").at("items"));
    EXPECT_EQ(words_of(ethertype.at("oneOf").at(0)).size(), 9u);
    for (const std::string& word : words_of(ethertype.at("oneOf").at(0))) {
        EXPECT_TRUE(accepts(with_sections("sanity: { ethertypes: [" + word + "] }\n"))) << word;
    }
}

TEST(Schema, RequiresWhatTheReaderRequires) {
    const auto required = [](std::string_view path) {
        return at_path(path).at("required").get<std::set<std::string>>();
    };
    EXPECT_EQ(required(""), (std::set<std::string>{"version", "interfaces", "rules"}));
    EXPECT_EQ(required("interfaces.*"), (std::set<std::string>{"device", "peer"}));
    EXPECT_EQ(required("rules[]"), (std::set<std::string>{"name", "action"}));
    EXPECT_EQ(required("zones.*"), (std::set<std::string>{"interfaces"}));
    EXPECT_EQ(required("services.*"), (std::set<std::string>{"protocol"}));
    EXPECT_EQ(required("address_sets.*"), (std::set<std::string>{"file"}));
    EXPECT_EQ(required("default"), (std::set<std::string>{"action"}));
}

} // namespace
} // namespace sluice::policy
