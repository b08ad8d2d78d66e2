#include "project.hpp"

#include "classifier_rows.hpp"

#include "rule_sets/random.hpp"

#include <array>
#include <chrono>
#include <utility>

namespace sluice::bench {

Project::Project(const rule_sets::RuleSet& set, ruleset::Kernel kernel)
    : family_(set.family)
    , kernel_(kernel) {
    build(ClassifierRows(set).rows());
}

Project::Project(const rule_sets::RuleSet& set, std::vector<net::Prefix> sources, ruleset::Kernel kernel)
    : family_(set.family)
    , kernel_(kernel) {
    ClassifierRows rows(set);
    for (classifier::Row& row : rows.rows().rows) {
        ++row.rank;
        ++row.result;
    }
    sources_ = rows.add_list(sources);
    classifier::Row first;
    first.sources = {sources_};
    first.result = 1;
    rows.rows().rows.push_back(std::move(first));
    build(rows.rows());
}

void Project::build(const classifier::Rows& rows) {
    auto built = classifier::Compiled::build(rows);
    if (!built) {
        const bool memory = built.error().kind == classifier::BuildError::Kind::no_memory;
        throw CannotBuild(memory ? "more than the memory budget" : "too many boxes");
    }
    compiled_ = std::move(*built);
}

void Project::load(const rule_sets::Trace& trace) {
    queries_.clear();
    for (const rule_sets::Packet& packet : trace)
        queries_.push_back(query_of(packet));
}

void Project::classify(std::size_t begin, unsigned count, std::uint32_t* results) const {
    std::array<const ruleset::Query*, kBatch> pointers;
    for (unsigned i = 0; i < count; ++i)
        pointers[i] = &queries_[begin + i];
    compiled_->classify_with(kernel_, family_, pointers.data(), results, count);
}

std::size_t Project::memory_size() const {
    return compiled_->memory_size();
}

std::vector<double> Project::change_sources(std::size_t count, std::uint64_t seed) {
    using Kind = classifier::ListChange::Kind;
    rule_sets::Random random(seed);
    std::vector<double> seconds;
    while (seconds.size() < 2 * count) {
        net::Prefix host;
        host.address = rule_sets::any_packet(random, family_).source;
        host.length = static_cast<std::uint8_t>(host.address.width());
        for (const Kind kind : {Kind::add, Kind::remove}) {
            const auto start = std::chrono::steady_clock::now();
            const bool done = compiled_->change({kind, sources_, host});
            seconds.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
            // Nobody reads meanwhile: what the change took out of use is free at once.
            compiled_->reclaim();
            if (!done) throw CannotBuild("a change of the set is refused");
        }
    }
    return seconds;
}

} // namespace sluice::bench
