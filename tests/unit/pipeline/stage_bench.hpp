// One worker's context and one batch, for looking at stages one by one.
#pragma once

#include "pipeline/pipeline.hpp"
#include "support/handmade_ruleset.hpp"
#include "support/packet_builder.hpp"

#include <cstdlib>
#include <cstring>
#include <memory>
#include <vector>

namespace sluice::pipeline {

class StageBench {
  public:
    static constexpr std::uint32_t kSlots = 16;

    explicit StageBench(const test_support::RulesetFields& fields = {}, std::uint32_t capacity = 64)
        : memory_(static_cast<std::byte*>(std::aligned_alloc(64, size_for(capacity)))) {
        std::memset(memory_.get(), 0, size_for(capacity));
        flow::Config config;
        config.capacity = capacity;
        config.seed = {{1, 2, 3, 4}};
        flows_ = std::make_unique<flow::Table>(std::span(memory_.get(), size_for(capacity)), config, 1000);
        context.flows = flows_.get();
        reassembly::Config fragments = reassembly::share_of(16, 4, 30'000, 1);
        fragments.seed = {{5, 6, 7, 8}};
        fragment_memory_.reset(
            static_cast<std::byte*>(std::aligned_alloc(64, reassembly::Table::memory_size(fragments))));
        fragments_ = std::make_unique<reassembly::Table>(
            std::span(fragment_memory_.get(), reassembly::Table::memory_size(fragments)), fragments);
        context.fragments = fragments_.get();
        context.counters = &counters;
        context.rule_counters = {rule_counters, kSlots};
        context.now = 1000;
        use(fields);
    }

    void use(const test_support::RulesetFields& fields) {
        ruleset_ = test_support::make_ruleset(fields);
        context.ruleset = ruleset_.get();
    }

    /// Its row in the batch.
    unsigned add(std::uint16_t port, test_support::Bytes frame) {
        frames_.push_back(std::move(frame));
        const unsigned row = batch.count++;
        batch.data[row] = frames_.back().data();
        batch.length[row] = static_cast<std::uint16_t>(frames_.back().size());
        batch.handle[row] = frames_.back().data();
        batch.port[row] = port;
        batch.arrival[row] = Arrival::port;
        batch.checksum[row] = Checksum::unknown;
        return row;
    }

    /// A batch of one, through all stages.
    void pass(std::uint16_t port, test_support::Bytes frame) {
        clear();
        add(port, std::move(frame));
        run(batch, context);
    }
    void clear() {
        batch.count = 0;
        frames_.clear();
    }

    [[nodiscard]] std::uint64_t drops(telemetry::DropReason reason) const {
        return counters.drops[static_cast<std::size_t>(reason)].load();
    }
    [[nodiscard]] flow::Table& flows() { return *flows_; }
    [[nodiscard]] reassembly::Table& fragments() { return *fragments_; }

    Batch batch;
    Context context;
    telemetry::WorkerCounters counters;
    telemetry::RuleCounters rule_counters[kSlots];

  private:
    static std::size_t size_for(std::uint32_t capacity) { return (flow::Table::memory_size(capacity) + 63) / 64 * 64; }
    struct Free {
        void operator()(std::byte* memory) const { std::free(memory); }
    };

    std::unique_ptr<std::byte, Free> memory_;
    std::unique_ptr<std::byte, Free> fragment_memory_;
    std::unique_ptr<flow::Table> flows_;
    std::unique_ptr<reassembly::Table> fragments_;
    std::unique_ptr<const ruleset::Ruleset> ruleset_;
    std::vector<test_support::Bytes> frames_;
};

inline test_support::Bytes tcp(const char* source, std::uint16_t source_port, const char* destination,
                               std::uint16_t destination_port, std::uint8_t flags) {
    return test_support::PacketBuilder()
        .ip(source, destination)
        .tcp({.source_port = source_port, .destination_port = destination_port, .flags = flags})
        .build();
}

inline test_support::Bytes udp(const char* source, std::uint16_t source_port, const char* destination,
                               std::uint16_t destination_port) {
    return test_support::PacketBuilder()
        .ip(source, destination)
        .udp({.source_port = source_port, .destination_port = destination_port})
        .build();
}

inline test_support::Bytes icmp(const char* source, const char* destination, std::uint8_t type,
                                std::uint16_t identifier, std::uint8_t code = 0) {
    return test_support::PacketBuilder()
        .ip(source, destination)
        .icmp({.type = type, .code = code, .identifier = identifier})
        .build();
}

} // namespace sluice::pipeline
