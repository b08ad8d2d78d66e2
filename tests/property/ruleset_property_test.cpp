// The most valuable test of the project: compiled rules and the pipeline against a linear oracle, on random policies
// and packets, in both orientations, with flows, across reloads.
//
// SLUICE_PROPERTY_SEED repeats a run, SLUICE_PROPERTY_CASES makes it longer (packets; 60,000 unless said).
#include "flow_oracle.hpp"
#include "oracle.hpp"
#include "random_policy.hpp"

#include "pipeline/pipeline.hpp"
#include "policy/compile/compile.hpp"
#include "support/packet_builder.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <iostream>
#include <memory>
#include <random>
#include <sstream>

namespace sluice::property {
namespace {

std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
    const char* text = std::getenv(variable);
    return text != nullptr ? std::strtoull(text, nullptr, 10) : otherwise;
}

std::unique_ptr<const ruleset::Ruleset> compiled(const policy::Policy& policy, std::uint32_t epoch) {
    policy::Diagnostics diagnostics;
    auto ruleset = policy::compile(policy, {.epoch = epoch, .counter_slots = {}, .progress = {}}, diagnostics);
    EXPECT_NE(ruleset, nullptr) << diagnostics.render(false);
    return ruleset;
}

test_support::Bytes frame_of(const Tuple& tuple) {
    test_support::PacketBuilder builder;
    builder.ip(tuple.source, tuple.destination);
    if (tuple.protocol == net::protocol::kSctp) {
        const std::uint8_t chunk = tuple.sctp_chunk;
        return builder
            .sctp({.source_port = tuple.source_port,
                   .destination_port = tuple.destination_port,
                   .verification_tag = chunk == 1 ? 0u : kSctpTag})
            .payload(test_support::bytes({chunk, 0, 0, 20, 0, 0, 0, kSctpTag, 0, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0}))
            .build();
    }
    return builder
        .transport({.protocol = tuple.protocol,
                    .source_port = tuple.source_port,
                    .destination_port = tuple.destination_port,
                    .tcp_flags = tuple.tcp_flags,
                    .icmp_type = tuple.icmp_type,
                    .icmp_identifier = 7})
        .build();
}

std::string show(const Tuple& tuple, std::size_t port) {
    std::ostringstream out;
    out << "port " << port << " protocol " << int{tuple.protocol} << ' ' << tuple.source.to_string() << ':'
        << tuple.source_port << " > " << tuple.destination.to_string() << ':' << tuple.destination_port << " type "
        << int{tuple.icmp_type} << " flags " << int{tuple.tcp_flags};
    return out.str();
}

/// A pipeline of one worker with a table of its own.
class Bench {
  public:
    Bench()
        : memory_(flow::Table::memory_size(kCapacity) + 64)
        , rule_counters_(new telemetry::RuleCounters[256]) {
        void* start = memory_.data();
        std::size_t space = memory_.size();
        std::align(64, space - 64, start, space);
        flow::Config config;
        config.capacity = kCapacity;
        config.seed = {{1, 2, 3, 4}};
        table_ = std::make_unique<flow::Table>(
            std::span(static_cast<std::byte*>(start), flow::Table::memory_size(kCapacity)), config, 1000);
        context_.flows = table_.get();
        context_.counters = &counters_;
        context_.rule_counters = {rule_counters_.get(), 256};
        context_.now = 1000;
    }

    void use(const ruleset::Ruleset& ruleset) { context_.ruleset = &ruleset; }

    void add(const Tuple& tuple, std::size_t port) {
        frames_.push_back(frame_of(tuple));
        const unsigned i = batch_.count++;
        batch_.data[i] = frames_.back().data();
        batch_.length[i] = static_cast<std::uint16_t>(frames_.back().size());
        batch_.port[i] = static_cast<std::uint16_t>(port);
        batch_.checksum[i] = pipeline::Checksum::unknown;
        batch_.arrival[i] = pipeline::Arrival::port;
    }

    const pipeline::Batch& run() {
        pipeline::run(batch_, context_);
        return batch_;
    }
    void clear() {
        batch_.count = 0;
        frames_.clear();
    }
    [[nodiscard]] const flow::Table& table() const { return *table_; }

  private:
    static constexpr std::uint32_t kCapacity = 4096;
    std::vector<std::byte> memory_;
    std::unique_ptr<telemetry::RuleCounters[]> rule_counters_;
    telemetry::WorkerCounters counters_;
    std::unique_ptr<flow::Table> table_;
    pipeline::Context context_;
    pipeline::Batch batch_;
    std::vector<test_support::Bytes> frames_;
};

/// Packets and the interfaces they came in by.
using Packets = std::vector<std::pair<Tuple, std::size_t>>;

/// Puts a batch of random packets through both and compares. Returns false at the first difference. `seen` are those
/// of the batches before, also under another policy: their flows are met again.
bool agree_on_a_batch(Random& random, Bench& bench, FlowOracle& oracle, const policy::Policy& policy, Packets& seen) {
    bench.clear();
    const std::size_t before = seen.size();
    for (std::size_t n = 1 + random() % pipeline::kBatchSize; n > 0; --n) {
        const std::size_t port = random() % policy.interfaces.size();
        // Repeating packets and answering them is what makes flows move.
        Tuple tuple = random_tuple(random, policy, port);
        std::size_t in = port;
        if (!seen.empty() && random() % 2 == 0) {
            std::tie(tuple, in) = seen[random() % seen.size()];
            if (random() % 2 == 0) {
                tuple = answered_by(tuple);
                in ^= 1;
            }
            if (tuple.protocol == 6) tuple.tcp_flags = random() % 2 ? 0x10 : 0x12;
            if (tuple.protocol == 132) tuple.sctp_chunk = random_chunk(random);
        }
        seen.emplace_back(tuple, in);
        bench.add(tuple, in);
    }
    const pipeline::Batch& batch = bench.run();
    for (unsigned i = 0; i < batch.count; ++i) {
        const bool forwarded = batch.disposition[i] == pipeline::Disposition::forward;
        const auto& [tuple, port] = seen[before + i];
        const bool wanted = oracle.forwards(tuple, port);
        if (forwarded == wanted) continue;
        ADD_FAILURE() << "packet " << i << ": " << show(tuple, port) << ": pipeline "
                      << (forwarded ? "forwards" : "drops") << ", oracle says " << (wanted ? "forward" : "drop")
                      << (forwarded ? "" : std::string(", reason ") + std::string(telemetry::name(batch.reason[i])));
        return false;
    }
    EXPECT_EQ(bench.table().stats().used.load(), oracle.flow_count());
    return bench.table().stats().used.load() == oracle.flow_count();
}

TEST(RulesetProperty, PipelineAgreesWithTheOracle) {
    const std::uint64_t seed = number_from("SLUICE_PROPERTY_SEED", std::random_device{}());
    const std::uint64_t cases = number_from("SLUICE_PROPERTY_CASES", 60'000);
    std::cout << "seed " << seed << ", at least " << cases << " packets\n";
    Random random(seed);
    std::uint64_t packets = 0;
    std::uint32_t epoch = 0;
    for (std::uint64_t round = 0; packets < cases; ++round) {
        SCOPED_TRACE("SLUICE_PROPERTY_SEED=" + std::to_string(seed) + " round " + std::to_string(round));
        const policy::Policy first = random_policy(random, random() % 20);
        policy::Policy second = random_policy(random, random() % 20);
        second.interfaces = first.interfaces;
        second.zones = first.zones;
        for (policy::Rule& rule : second.rules) {
            for (auto* zones : {&rule.from.zones, &rule.to.zones}) {
                for (std::size_t& zone : *zones) {
                    zone %= first.zones.size();
                }
            }
        }
        Bench bench;
        FlowOracle oracle(first);
        const policy::Policy* running = &first;
        std::unique_ptr<const ruleset::Ruleset> ruleset = compiled(first, ++epoch);
        bench.use(*ruleset);
        Packets seen;
        for (unsigned batch = 0; batch < 24; ++batch) {
            if (batch == 12) {
                running = &second;
                ruleset = compiled(second, ++epoch);
                bench.use(*ruleset);
                oracle.reload(second);
            }
            ASSERT_TRUE(agree_on_a_batch(random, bench, oracle, *running, seen)) << "batch " << batch;
            packets += 16;
        }
        ASSERT_TRUE(bench.table().consistent());
    }
}

/// The path alone, for many packets and larger policies: which rule takes a packet before any flow is looked at.
TEST(RulesetProperty, UntrackedClassifierAgreesWithTheOracle) {
    const std::uint64_t seed = number_from("SLUICE_PROPERTY_SEED", std::random_device{}());
    const std::uint64_t cases = number_from("SLUICE_PROPERTY_CASES", 60'000);
    std::cout << "seed " << seed << ", " << cases << " packets\n";
    Random random(seed);
    std::uint32_t epoch = 1'000'000;
    for (std::uint64_t done = 0; done < cases;) {
        const policy::Policy policy = random_policy(random, random() % 60);
        const auto ruleset = compiled(policy, ++epoch);
        Bench bench;
        bench.use(*ruleset);
        for (unsigned i = 0; i < 500; ++i, ++done) {
            const std::size_t port = random() % policy.interfaces.size();
            const Tuple tuple = random_tuple(random, policy, port);
            bench.clear();
            bench.add(tuple, port);
            const pipeline::Batch& batch = bench.run();
            if (tuple.source == tuple.destination) {
                ASSERT_EQ(batch.disposition[0], pipeline::Disposition::drop);
                continue;
            }
            const First first = first_concerned(policy, tuple);
            const ruleset::Path path = batch.path[0];
            const bool direct = path == ruleset::Path::direct;
            const bool answer = path == ruleset::Path::mirror || path == ruleset::Path::mirror_any;
            ASSERT_EQ(direct, first.how == First::How::untracked_direct)
                << "SLUICE_PROPERTY_SEED=" << seed << ' ' << show(tuple, port);
            ASSERT_EQ(answer, first.how == First::How::untracked_answer)
                << "SLUICE_PROPERTY_SEED=" << seed << ' ' << show(tuple, port);
            if (direct || answer) {
                ASSERT_EQ(batch.rule_slot[0], first.rule);
            }
        }
    }
}

} // namespace
} // namespace sluice::property
