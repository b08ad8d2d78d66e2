// Seeded simulations. SLUICE_SIMULATION_SEED repeats one, SLUICE_SIMULATION_PACKETS makes it longer (300,000 unless
// said) and tells how far it has come.
#include "simulation.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <iostream>
#include <memory>

namespace sluice::simulation {
namespace {

std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
    const char* text = std::getenv(variable);
    return text != nullptr ? std::strtoull(text, nullptr, 10) : otherwise;
}

constexpr std::uint64_t kShort = 300'000;
constexpr std::uint64_t kLongestEra = 1'000'000;

/// What an appliance is made for, era by era: tables that never fill, and ones that always are full.
constexpr std::array<Options, 8> kEras = {{
    {.capacity = 16384, .evict = false, .workers = 1, .hostile_percent = 10},
    {.capacity = 256, .evict = true, .workers = 1, .hostile_percent = 50},
    {.capacity = 16384, .evict = true, .workers = 2, .hostile_percent = 30},
    {.capacity = 512, .evict = false, .workers = 1, .hostile_percent = 40},
    {.capacity = 16384, .evict = true, .workers = 1, .hostile_percent = 60},
    {.capacity = 128, .evict = true, .workers = 2, .hostile_percent = 60},
    {.capacity = 8192, .evict = false, .workers = 3, .hostile_percent = 3},
    {.capacity = 256, .evict = false, .workers = 2, .hostile_percent = 80},
}};

Report simulate(Options options, std::uint64_t seed, std::span<const NamedRuleset> rulesets, std::uint64_t packets) {
    options.seed = seed;
    const auto simulation = std::make_unique<Simulation>(options, rulesets);
    simulation->run(packets);
    return simulation->report();
}

void show(std::uint64_t era, const Report& report) {
    std::cout << "era " << era << ": " << report.packets << " packets in " << report.milliseconds / 3'600'000
              << " h, forwarded " << report.forwarded << ", had to pass " << report.honest << ", connections "
              << report.connections << " (" << report.reused << " on ports just used), flows " << report.created
              << ", made room " << report.made_room << ", digest " << std::hex << report.digest << std::dec
              << std::endl;
}

TEST(Simulation, HoldsWhatMustHold) {
    const std::uint64_t seed = number_from("SLUICE_SIMULATION_SEED", 1);
    const std::uint64_t packets = number_from("SLUICE_SIMULATION_PACKETS", kShort);
    const std::uint64_t era_packets = std::min(kLongestEra, packets / kEras.size() + 1);
    std::uint64_t sent = 0;
    std::uint64_t honest = 0;
    std::uint64_t fragments = 0;
    for (std::uint64_t era = number_from("SLUICE_SIMULATION_ERA", 0); sent < packets; ++era) {
        const Options& options = kEras[era % kEras.size()];
        const auto rulesets = make_rulesets(options.evict);
        const Report report = simulate(options, seed * 1'000'003 + era, rulesets, era_packets);
        if (packets > kShort || !report.violation.empty()) show(era, report);
        ASSERT_TRUE(report.violation.empty())
            << report.violation << "\n  era " << era << "\n  again: SLUICE_SIMULATION_SEED=" << seed
            << " SLUICE_SIMULATION_PACKETS=" << packets << " SLUICE_SIMULATION_ERA=" << era
            << " build/tests/simulation/simulation_test";
        sent += report.packets;
        honest += report.honest;
        fragments += report.fragments;
    }
    // Not a simulation of nothing: of what came, a good part had to pass.
    EXPECT_GT(honest, sent / 8);
    EXPECT_GT(fragments, sent / 1000);
}

// What a seed does is the same each time, and in every build: a failure can be told by its seed.
TEST(Simulation, RepeatsItself) {
    const auto rulesets = make_rulesets(kEras[1].evict);
    constexpr std::uint64_t kPackets = 20'000;
    const Report first = simulate(kEras[1], 7, rulesets, kPackets);
    const Report second = simulate(kEras[1], 7, rulesets, kPackets);
    const Report third = simulate(kEras[1], 8, rulesets, kPackets);
    EXPECT_EQ(first.violation, "");
    EXPECT_EQ(first.digest, second.digest);
    EXPECT_NE(first.digest, third.digest);
}

} // namespace
} // namespace sluice::simulation
