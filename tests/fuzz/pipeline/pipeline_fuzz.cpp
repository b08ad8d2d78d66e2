// Any sequence of frames through a whole worker: reassembly, trackers, flow table, and what they read of the frames
// that parse() does not. Nothing may be read outside of a frame (the sanitizers watch), and afterwards the accounts and
// tables must agree with themselves.
//
// Input: records of a control byte, a length in two bytes, low one first, and so many bytes of frame. Of the control
// byte bit 0 is the port, bits 1 to 3 say how much time goes by before; bit 4 of the first one switches SYN cookies on,
// and bit 5 has the frame acknowledge the last cookie: nobody would ever guess one.
#include "packet/parse.hpp"
#include "packet/tcp_rewrite.hpp"
#include "packet/transport.hpp"
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

test_support::MemoryApplianceOptions small(bool cookies) {
    test_support::MemoryApplianceOptions options;
    options.flows = flow::share_of({.entries = 16}, 1);
    options.flows.syn_cookies = cookies ? flow::SynCookies::always : flow::SynCookies::never;
    options.rule_slots = 4;
    options.fragments = reassembly::share_of(4, 64, 30'000, 1);
    return options;
}

/// Whether a frame is a whole TCP packet.
bool is_tcp(std::span<const std::byte> frame, packet::Parsed& parsed) {
    packet::parse(frame, parsed);
    return parsed.kind == packet::Kind::ip && parsed.protocol == net::protocol::kTcp &&
           parsed.fragment == packet::FragmentState::whole;
}

/// The sequence number of the last SYN/ACK that was sent back to where its SYN came from.
void find_cookie(const test_support::MemoryPortIo& ports, std::uint32_t& cookie) {
    for (std::uint16_t port = 0; port < 2; ++port) {
        for (const test_support::MemoryFrame* frame : ports.sent(port, 0)) {
            packet::Parsed parsed;
            if (!is_tcp(frame->bytes, parsed) || parsed.tcp_flags != (net::tcp_flag::kSyn | net::tcp_flag::kAck))
                continue;
            packet::TcpSegment segment;
            packet::read_tcp_segment(frame->bytes.data(), parsed, segment);
            cookie = segment.sequence;
        }
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    test_support::MemoryAppliance appliance(small(size != 0 && (data[0] & 0x10) != 0));
    appliance.publish(allowing_ruleset());
    std::span<const std::byte> rest = std::as_bytes(std::span(data, size));
    base::Tick now = 0;
    std::uint32_t cookie = 0;
    while (rest.size() >= 3) {
        const auto control = static_cast<unsigned>(rest[0]);
        const std::size_t length = static_cast<std::size_t>(rest[1]) | static_cast<std::size_t>(rest[2]) << 8;
        rest = rest.subspan(3);
        const auto frame = rest.first(std::min(length, rest.size()));
        rest = rest.subspan(frame.size());
        now += kWaits[control >> 1 & 7];
        test_support::Bytes bytes(frame.begin(), frame.end());
        packet::Parsed parsed;
        if ((control & 0x20) != 0 && is_tcp(bytes, parsed))
            packet::set_tcp_acknowledgment(bytes.data(), parsed, cookie + 1);
        appliance.ports().put_in(control & 1, 0, std::move(bytes));
        appliance.settle(now);
        find_cookie(appliance.ports(), cookie);
    }
    const std::string broken = appliance.broken_account();
    if (!broken.empty()) {
        std::fprintf(stderr, "%s\n", broken.c_str());
        std::abort();
    }
    return 0;
}
