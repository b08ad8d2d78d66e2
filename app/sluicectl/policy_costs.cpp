#include "policy_costs.hpp"

#include "format.hpp"
#include "table.hpp"

#include <fmt/format.h>

#include <array>
#include <chrono>
#include <string>
#include <utility>

namespace sluice::sluicectl {

namespace {

using classifier::BuildReport;

std::string thrift_word(classifier::Thrift thrift) {
    static constexpr std::array<const char*, 4> kWords = {"none", "some", "much", "list"};
    return kWords[static_cast<std::size_t>(thrift)];
}

struct Part {
    const char* name;
    const policy::CompiledClassifier& compiled;
};

std::array<Part, 2> parts_of(const policy::Compilation& compilation) {
    return {Part{"untracked", compilation.untracked}, Part{"tracked", compilation.tracked}};
}

void print_classifiers(Context& context, const policy::Compilation& compilation) {
    const bool human = context.style.human;
    Table table({text_column("CLASSIFIER"), text_column("FAMILY"), number_column("ROWS"), number_column("SOURCES"),
                 number_column("DESTINATIONS"), number_column("BOXES"), number_column("ENTRIES"),
                 number_column("LEAVES"), number_column("TREES"), text_column("THRIFT"), number_column("MEMORY")});
    for (const Part& part : parts_of(compilation)) {
        const BuildReport& report = part.compiled.classifier->report();
        const auto add = [&](const char* family, const BuildReport::Family& one, bool first) {
            const auto count = [human](std::size_t value) { return show_count(value, human); };
            table.add({first ? part.name : "", family, first ? count(part.compiled.row_rules.size()) : "",
                       count(one.source_classes), count(one.destination_classes), count(one.boxes), count(one.entries),
                       count(one.leaves), std::to_string(one.trees), thrift_word(one.thrift),
                       first ? show_size(report.memory_size, human) : ""});
        };
        add("IPv4", report.ipv4, true);
        add("IPv6", report.ipv6, false);
    }
    table.print(context);
}

Json family_json(const BuildReport::Family& family) {
    return {{"source_classes", family.source_classes},
            {"destination_classes", family.destination_classes},
            {"boxes", family.boxes},
            {"entries", family.entries},
            {"leaves", family.leaves},
            {"trees", family.trees},
            {"thrift", thrift_word(family.thrift)}};
}

} // namespace

PolicyCosts::PolicyCosts(const policy::Policy& policy, policy::Diagnostics& diagnostics)
    : policy_(policy) {
    const auto before = std::chrono::steady_clock::now();
    compilation_ = policy::compile_with_report(policy, {}, diagnostics);
    seconds_ = std::chrono::duration<double>(std::chrono::steady_clock::now() - before).count();
}

void PolicyCosts::print(Context& context) const {
    const bool human = context.style.human;
    context.out.line(LineKind::note, "");
    context.out.line(
        LineKind::note,
        fmt::format("The rules compile in {:.3f} s into classes of addresses and boxes over them:", seconds_));
    print_classifiers(context, *compilation_);
    context.out.line(LineKind::note, "");
    Table table({number_column("POSITION"), text_column("RULE"), number_column("BOXES"), number_column("ENTRIES"),
                 number_column("UNTRACKED-BOXES"), number_column("UNTRACKED-ENTRIES")});
    const auto tracked = policy::rule_costs(compilation_->tracked, policy_.rules.size());
    const auto untracked = policy::rule_costs(compilation_->untracked, policy_.rules.size());
    for (std::size_t i = 0; i < policy_.rules.size(); ++i) {
        table.add({std::to_string(i + 1), policy_.rules[i].name, show_count(tracked[i].boxes, human),
                   show_count(tracked[i].entries, human), show_count(untracked[i].boxes, human),
                   show_count(untracked[i].entries, human)});
    }
    table.print(context);
}

Json PolicyCosts::to_json() const {
    Json out = {{"compile_seconds", seconds_}, {"rules", Json::array()}};
    const auto tracked = policy::rule_costs(compilation_->tracked, policy_.rules.size());
    const auto untracked = policy::rule_costs(compilation_->untracked, policy_.rules.size());
    for (std::size_t i = 0; i < policy_.rules.size(); ++i) {
        out["rules"].push_back({{"name", policy_.rules[i].name},
                                {"boxes", tracked[i].boxes},
                                {"entries", tracked[i].entries},
                                {"untracked_boxes", untracked[i].boxes},
                                {"untracked_entries", untracked[i].entries}});
    }
    for (const Part& part : parts_of(*compilation_)) {
        const BuildReport& report = part.compiled.classifier->report();
        out[part.name] = {{"rows", part.compiled.row_rules.size()},
                          {"bytes", report.memory_size},
                          {"ipv4", family_json(report.ipv4)},
                          {"ipv6", family_json(report.ipv6)}};
    }
    return out;
}

} // namespace sluice::sluicectl
