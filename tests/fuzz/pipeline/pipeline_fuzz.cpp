// Any sequence of frames through a whole worker: reassembly, trackers, flow table, and what they read of the frames
// that parse() does not. Nothing may be read outside of a frame (the sanitizers watch), and afterwards the accounts and
// tables must agree with themselves.
//
// Input: records of a control byte (bit 0: port, bits 1 to 3: how much time goes by before), a length in two bytes, low
// one first, and so many bytes of frame.
#include "support/handmade_ruleset.hpp"
#include "support/memory_appliance.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <span>

namespace {

using namespace sluice;

constexpr base::Tick kWaits[] = {0, 0, 1, 10, 1'000, 11'000, 31'000, 301'000};

const ruleset::Ruleset& allowing_ruleset() {
    static const auto made = [] {
        test_support::RulesetFields fields;
        fields.profiles[0].pickup_loose = true;
        return test_support::make_ruleset(fields);
    }();
    return *made;
}

test_support::MemoryApplianceOptions small() {
    test_support::MemoryApplianceOptions options;
    options.table_capacity = 16;
    options.rule_slots = 4;
    options.fragments = reassembly::share_of(4, 64, 30'000, 1);
    return options;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    test_support::MemoryAppliance appliance(small());
    appliance.publish(allowing_ruleset());
    std::span<const std::byte> rest = std::as_bytes(std::span(data, size));
    base::Tick now = 0;
    while (rest.size() >= 3) {
        const auto control = static_cast<unsigned>(rest[0]);
        const std::size_t length = static_cast<std::size_t>(rest[1]) | static_cast<std::size_t>(rest[2]) << 8;
        rest = rest.subspan(3);
        const auto frame = rest.first(std::min(length, rest.size()));
        rest = rest.subspan(frame.size());
        now += kWaits[control >> 1 & 7];
        appliance.ports().put_in(control & 1, 0, {frame.begin(), frame.end()});
        appliance.settle(now);
    }
    const std::string broken = appliance.broken_account();
    if (!broken.empty()) {
        std::fprintf(stderr, "%s\n", broken.c_str());
        std::abort();
    }
    return 0;
}
