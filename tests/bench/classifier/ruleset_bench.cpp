// One design with one rule set, in a process of its own: builds it, compares it with the linear search, says what
// building took, and measures when it is told to. tools/bench classifier starts several and lets them take turns.
//
//     ruleset_bench --design sluice --kind acl --family 4 --rules 1000
//     > measure spread 0.5          a trace and for how many seconds
//
// It says {"generated": …} before building, {"build_seconds": …} behind it, {"compared": …} when it agreed with the
// search. Times are the processor's for this thread, so that what else runs on the machine is not in them.
//
// Designs: sluice, sluice-scalar, rte_acl, bit_vectors, tuple_merge. With --set N there is a rule about N prefixes
// before the others (sluice only), "measure members 0.5" asks for those, and "change 1000" puts addresses into it and
// out again. What it writes is one JSON object a line.
#include "../bench_eal.hpp"
#include "design.hpp"
#include "project.hpp"

#include "rule_sets/generate.hpp"
#include "rule_sets/lines.hpp"

#include <sys/resource.h>
#include <time.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <exception>
#include <iostream>
#include <sstream>
#include <string>

namespace sluice::bench {
namespace {

using rule_sets::Trace;

/// Seconds that this thread has had a processor.
double processor_time() {
    timespec now{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

struct Options {
    std::string design = "sluice";
    rule_sets::GenerateOptions rules;
    std::size_t tuples = 100'000;
    std::size_t set = 0;
};

Options options_of(int argc, char** argv) {
    Options options;
    for (int i = 1; i + 1 < argc; i += 2) {
        const std::string name = argv[i];
        const std::string value = argv[i + 1];
        if (name == "--design") {
            options.design = value;
        } else if (name == "--kind") {
            const auto* kind = std::find_if(std::begin(rule_sets::kKinds), std::end(rule_sets::kKinds),
                                            [&value](rule_sets::Kind each) { return value == rule_sets::name(each); });
            if (kind == std::end(rule_sets::kKinds)) throw std::invalid_argument("no such kind: " + value);
            options.rules.kind = *kind;
        } else if (name == "--family") {
            options.rules.family = value == "6" ? net::Family::ipv6 : net::Family::ipv4;
        } else if (name == "--rules") {
            options.rules.count = std::stoul(value);
        } else if (name == "--seed") {
            options.rules.seed = std::stoul(value);
        } else if (name == "--tuples") {
            options.tuples = std::stoul(value);
        } else if (name == "--set") {
            options.set = std::stoul(value);
        } else {
            throw std::invalid_argument("no such option: " + name);
        }
    }
    return options;
}

class Bench {
  public:
    explicit Bench(const Options& options)
        : options_(options)
        , set_(rule_sets::generate(options.rules)) {
        if (options.design == "rte_acl") start_eal();
        if (options.set != 0) members_ = rule_sets::generate_prefixes(options.rules.family, options.set, 1);
    }

    void build() {
        // What was used for getting here is not building's.
        const std::size_t before = peak_size();
        const double start = processor_time();
        design_ = make();
        build_seconds_ = processor_time() - start;
        build_peak_ = peak_size() - before;
    }

    /// Throws when the design says something else than the search from the first rule to the last.
    void check() {
        std::vector<rule_sets::Line> lines;
        if (options_.set != 0) {
            for (const net::Prefix& prefix : members_) {
                rule_sets::Line line;
                line.rule.source = prefix;
                line.rule.destination.address.family = prefix.address.family;
                lines.push_back(line);
            }
        }
        const std::uint32_t first = options_.set != 0 ? 1 : 0;
        for (std::uint32_t i = 0; i < set_.rules.size(); ++i)
            lines.push_back({.rule = set_.rules[i], .owner = first + i});
        const rule_sets::Lines search(set_.family, lines);
        // As many as a second or two allow.
        const std::size_t most = std::clamp<std::size_t>(1'500'000'000 / (lines.size() + 64), 500, options_.tuples);
        for (const char* name : {"spread", "corners", "random"})
            compare(search, name, trace(name), std::string(name) == "spread" ? most : most / 4);
        if (options_.set != 0) compare(search, "members", trace("members"), most);
    }

    [[nodiscard]] std::string built() const {
        std::ostringstream out;
        out << "{\"build_seconds\": " << build_seconds_ << ", \"memory_bytes\": " << design_->memory_size()
            << ", \"build_peak_bytes\": " << build_peak_ << "}";
        return out.str();
    }
    [[nodiscard]] std::size_t compared() const { return compared_; }

    /// Nanoseconds a packet.
    double measure(const std::string& name, double seconds) {
        if (name != loaded_) {
            Trace packets = trace(name);
            if (packets.empty()) throw std::invalid_argument("no such trace: " + name);
            // A single rule may be about one packet: nobody measures batches of one.
            for (std::size_t i = 0; packets.size() % kBatch != 0; ++i)
                packets.push_back(packets[i]);
            design_->load(packets);
            loaded_ = name;
            count_ = packets.size();
        }
        (void)pass();
        std::size_t packets = 0;
        const double start = processor_time();
        double took = 0;
        do {
            packets += pass();
            took = processor_time() - start;
        } while (took < seconds);
        return took * 1e9 / static_cast<double>(packets);
    }

    std::string change(std::size_t count) {
        auto seconds = dynamic_cast<Project&>(*design_).change_sources(count, 7);
        std::sort(seconds.begin(), seconds.end());
        std::ostringstream out;
        out << "{\"median_seconds\": " << seconds[seconds.size() / 2]
            << ", \"p99_seconds\": " << seconds[seconds.size() * 99 / 100] << ", \"worst_seconds\": " << seconds.back()
            << ", \"memory_bytes\": " << design_->memory_size() << "}";
        return out.str();
    }

  private:
    static std::size_t peak_size() {
        rusage usage{};
        getrusage(RUSAGE_SELF, &usage);
        return static_cast<std::size_t>(usage.ru_maxrss) << 10;
    }

    std::unique_ptr<Design> make() {
        const std::string& name = options_.design;
        if (name == "rte_acl") return make_acl_peer(set_);
        if (name == "bit_vectors") return make_bit_vectors(set_);
        if (name == "tuple_merge") return make_tuple_merge(set_);
        if (name != "sluice" && name != "sluice-scalar") throw std::invalid_argument("no such design: " + name);
        const auto kernel = name == "sluice" ? ruleset::Kernel::avx2 : ruleset::Kernel::scalar;
        if (options_.set != 0) return std::make_unique<Project>(set_, members_, kernel);
        return std::make_unique<Project>(set_, kernel);
    }

    [[nodiscard]] Trace trace(const std::string& name) const {
        using rule_sets::Field;
        const std::size_t count = options_.tuples;
        if (name == "spread") return rule_sets::spread_over_rules(set_, count, 1);
        if (name == "corners") return rule_sets::all_corners(set_, count, 2);
        if (name == "random") return rule_sets::random_packets(set_.family, count, 3);
        if (name == "sweep-source") return rule_sets::sweep(set_, Field::source, count, 4);
        if (name == "sweep-destination") return rule_sets::sweep(set_, Field::destination, count, 4);
        if (name == "sweep-source-port") return rule_sets::sweep(set_, Field::source_port, count, 4);
        if (name == "sweep-destination-port") return rule_sets::sweep(set_, Field::destination_port, count, 4);
        if (name != "members") return {};
        // Half from the set.
        rule_sets::RuleSet members{set_.family, {}};
        for (const net::Prefix& prefix : members_) {
            members.rules.emplace_back().source = prefix;
            members.rules.back().destination.address.family = prefix.address.family;
        }
        Trace packets = rule_sets::spread_over_rules(members, count / 2, 5);
        const Trace others = rule_sets::spread_over_rules(set_, count / 2, 6);
        packets.insert(packets.end(), others.begin(), others.end());
        rule_sets::Random random(1);
        for (std::size_t i = packets.size(); i > 1; --i)
            std::swap(packets[i - 1], packets[rule_sets::below(random, i)]);
        return packets;
    }

    /// Once through the trace that is loaded.
    std::size_t pass() {
        std::uint32_t results[kBatch];
        for (std::size_t at = 0; at < count_; at += kBatch) {
            const auto some = static_cast<unsigned>(std::min<std::size_t>(kBatch, count_ - at));
            design_->classify(at, some, results);
            sum_ += results[some - 1];
        }
        return count_;
    }

    void compare(const rule_sets::Lines& search, const std::string& name, Trace packets, std::size_t most) {
        packets.resize(std::min(packets.size(), most));
        design_->load(packets);
        loaded_.clear();
        std::uint32_t results[kBatch];
        for (std::size_t at = 0; at < packets.size(); at += kBatch) {
            const auto some = static_cast<unsigned>(std::min<std::size_t>(kBatch, packets.size() - at));
            design_->classify(at, some, results);
            for (unsigned i = 0; i < some; ++i) {
                const std::uint32_t owner = search.first({packets[at + i], 0, 0});
                const std::uint32_t wanted = owner == rule_sets::Lines::kNobody ? 0 : owner + 1;
                if (results[i] == wanted) continue;
                throw std::runtime_error("WRONG: trace " + name + " packet " + std::to_string(at + i) + ": " +
                                         std::to_string(results[i]) + " in place of " + std::to_string(wanted));
            }
            compared_ += some;
        }
    }

    Options options_;
    rule_sets::RuleSet set_;
    std::vector<net::Prefix> members_;
    std::unique_ptr<Design> design_;
    double build_seconds_ = 0;
    std::size_t build_peak_ = 0;
    std::size_t compared_ = 0;
    std::string loaded_;
    std::size_t count_ = 0;
    std::uint64_t sum_ = 0; ///< so that look-ups have a use
};

void serve(Bench& bench) {
    std::string line;
    while (std::getline(std::cin, line)) {
        std::istringstream words(line);
        std::string what;
        words >> what;
        if (what == "measure") {
            std::string name;
            double seconds = 0;
            words >> name >> seconds;
            std::cout << "{\"nanoseconds\": " << bench.measure(name, seconds) << "}" << std::endl;
        } else if (what == "change") {
            std::size_t count = 0;
            words >> count;
            std::cout << bench.change(count) << std::endl;
        } else {
            throw std::invalid_argument("no such command: " + what);
        }
    }
}

} // namespace
} // namespace sluice::bench

int main(int argc, char** argv) {
    try {
        sluice::bench::Bench bench(sluice::bench::options_of(argc, argv));
        std::cout << "{\"generated\": true}" << std::endl;
        bench.build();
        std::cout << bench.built() << std::endl;
        bench.check();
        std::cout << "{\"compared\": " << bench.compared() << "}" << std::endl;
        serve(bench);
    } catch (const sluice::bench::CannotBuild& reason) {
        std::cout << "{\"cannot\": \"" << reason.what() << "\"}" << std::endl;
        return 3;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "ruleset_bench: %s\n", error.what());
        return 1;
    }
    return 0;
}
