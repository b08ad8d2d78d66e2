// Properties over many frames, and the slow reference parser as the judge: samples, every truncation of them, and
// seeded mutations. The fuzzer goes on from here with the same properties.
#include "parse_frame.hpp"
#include "support/sample_frames.hpp"

#include <random>

namespace sluice::packet {
namespace {

using test_support::broken_property;
using test_support::Bytes;
using test_support::SampleFrame;

std::vector<SampleFrame> all_frames() {
    std::vector<SampleFrame> all = test_support::well_formed_frames();
    for (auto& each : test_support::malformed_frames())
        all.push_back(std::move(each));
    return all;
}

void set_u16(Bytes& frame, std::size_t offset, std::size_t value) {
    frame.at(offset) = static_cast<std::byte>(value >> 8);
    frame.at(offset + 1) = static_cast<std::byte>(value);
}

/// What an IP length that agrees with a shorter frame looks like.
void shorten_ip(Bytes& frame, const Parsed& parsed, std::size_t size) {
    frame.resize(size);
    const std::size_t ip_length = size - parsed.l3_offset;
    if (parsed.family == net::Family::ipv4) {
        set_u16(frame, parsed.l3_offset + std::size_t{2}, ip_length);
    } else {
        set_u16(frame, parsed.l3_offset + std::size_t{4}, ip_length - 40);
    }
}

TEST(ParseSamples, well_formed_frames_are_not_refused) {
    for (const auto& [sample, frame] : test_support::well_formed_frames()) {
        const Parsed parsed = parse_frame(frame);
        EXPECT_NE(parsed.kind, Kind::malformed) << sample << ": " << name(parsed.malformed);
    }
}

TEST(ParseSamples, keep_all_properties) {
    for (const auto& [sample, frame] : all_frames())
        EXPECT_EQ(broken_property(frame), "") << sample;
}

// Every byte of a well-formed sample belongs to it, so a frame that lost some is refused: at once where a header is
// cut, by the IP length everywhere else.
TEST(ParseTruncated, a_cut_ip_frame_is_refused_at_every_size) {
    for (const auto& [sample, frame] : test_support::well_formed_frames()) {
        if (parse_frame(frame).kind != Kind::ip) continue;
        for (std::size_t size = 0; size < frame.size(); ++size) {
            const auto cut = std::span(frame).first(size);
            const Malformed reason = parse_frame(cut).malformed;
            EXPECT_TRUE(reason == Malformed::truncated_ethernet || reason == Malformed::truncated_ip ||
                        reason == Malformed::ip_total_length)
                << sample << " cut to " << size << ": " << name(reason);
            EXPECT_EQ(broken_property(cut), "") << sample << " cut to " << size;
        }
    }
}

// The same with an IP length that fits the cut: refused while a header is cut, the same tuple from there on.
TEST(ParseTruncated, a_shorter_ip_packet_is_refused_until_its_headers_fit) {
    for (const auto& [sample, frame] : test_support::well_formed_frames()) {
        const Parsed whole = parse_frame(frame);
        if (whole.kind != Kind::ip) continue;
        bool accepted = false;
        const std::size_t first = whole.l3_offset + std::size_t{whole.family == net::Family::ipv4 ? 20u : 40u};
        for (std::size_t size = first; size <= frame.size(); ++size) {
            Bytes cut = frame;
            shorten_ip(cut, whole, size);
            const Parsed parsed = parse_frame(cut);
            EXPECT_EQ(broken_property(cut), "") << sample << " cut to " << size;
            if (parsed.kind == Kind::malformed) {
                // UDP and fragments say by themselves how long they are; all else is accepted once its headers fit.
                const bool by_length =
                    parsed.malformed == Malformed::udp_length || parsed.malformed == Malformed::fragment_length;
                EXPECT_TRUE(by_length || !accepted) << sample << " cut to " << size << ": " << name(parsed.malformed);
                continue;
            }
            accepted = true;
            Parsed expected = whole;
            expected.ip_length = static_cast<std::uint16_t>(size - whole.l3_offset);
            expected.oddities = parsed.oddities; // the header no longer adds up; compared with the reference above
            EXPECT_EQ(test_support::describe(parsed), test_support::describe(expected)) << sample << ' ' << size;
            EXPECT_GE(size, whole.l4_offset) << sample;
        }
        EXPECT_TRUE(accepted) << sample;
    }
}

TEST(ParseTruncated, frames_that_are_not_ip_are_refused_inside_the_link_header_only) {
    for (const auto& [sample, frame] : test_support::well_formed_frames()) {
        const Parsed whole = parse_frame(frame);
        if (whole.kind == Kind::ip) continue;
        for (std::size_t size = 0; size <= frame.size(); ++size) {
            const Parsed parsed = parse_frame(std::span(frame).first(size));
            EXPECT_EQ(parsed.kind, size < whole.l3_offset ? Kind::malformed : whole.kind) << sample << ' ' << size;
        }
    }
}

/// Changes 1 to 4 places: a byte anywhere, the size, or a byte to a value that means something to a parser.
Bytes mutated(Bytes frame, std::mt19937_64& random) {
    static constexpr unsigned kTelling[] = {0, 1, 4, 5, 6, 8, 17, 43, 44, 51, 58, 59, 60, 0x81, 0x86, 0xdd, 0xff};
    for (auto changes = random() % 4 + 1; changes > 0 && !frame.empty(); --changes) {
        const std::size_t at = random() % frame.size();
        switch (random() % 4) {
        case 0: frame[at] = static_cast<std::byte>(random()); break;
        case 1: frame[at] = static_cast<std::byte>(kTelling[random() % std::size(kTelling)]); break;
        case 2: frame[at] ^= static_cast<std::byte>(1u << random() % 8); break;
        default: frame.resize(random() % 2 == 0 ? at : frame.size() + random() % 16); break;
        }
    }
    return frame;
}

TEST(ParseMutated, agrees_with_the_reference) {
    constexpr std::uint64_t kSeed = 20240229;
    constexpr unsigned kMutationsPerFrame = 400;
    std::mt19937_64 random(kSeed);
    std::size_t kinds[4] = {};
    for (const auto& [sample, frame] : all_frames()) {
        for (unsigned i = 0; i < kMutationsPerFrame; ++i) {
            const Bytes changed = mutated(frame, random);
            ASSERT_EQ(broken_property(changed), "") << "seed " << kSeed << ", " << sample << ", mutation " << i;
            ++kinds[static_cast<unsigned>(parse_frame(changed).kind)];
        }
    }
    // A run that only ever saw one kind of answer would prove little.
    EXPECT_GT(kinds[static_cast<unsigned>(Kind::malformed)], 1000u);
    EXPECT_GT(kinds[static_cast<unsigned>(Kind::ip)], 1000u);
}

} // namespace
} // namespace sluice::packet
