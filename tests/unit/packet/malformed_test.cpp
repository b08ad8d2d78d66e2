#include "parse_frame.hpp"
#include "support/sample_frames.hpp"

#include <set>
#include <string>

namespace sluice::packet {
namespace {

constexpr auto kLast = Malformed::udp_length;

std::vector<Malformed> all_reasons() {
    std::vector<Malformed> result;
    for (unsigned i = 1; i <= static_cast<unsigned>(kLast); ++i)
        result.push_back(static_cast<Malformed>(i));
    return result;
}

TEST(Malformed, every_sample_is_refused_for_the_reason_in_its_name) {
    for (const auto& [sample, frame] : test_support::malformed_frames()) {
        const Parsed parsed = parse_frame(frame);
        EXPECT_EQ(parsed.kind, Kind::malformed) << sample;
        EXPECT_EQ(name(parsed.malformed), sample.substr(0, sample.find('.'))) << sample;
    }
}

TEST(Malformed, every_reason_has_a_sample) {
    std::set<std::string> seen;
    for (const auto& [sample, frame] : test_support::malformed_frames()) {
        seen.insert(std::string(sample.substr(0, sample.find('.'))));
    }
    for (const Malformed reason : all_reasons())
        EXPECT_TRUE(seen.contains(std::string(name(reason)))) << reason;
}

TEST(Malformed, names_and_texts_are_there_and_differ) {
    std::set<std::string_view> names;
    std::set<std::string_view> texts;
    for (const Malformed reason : all_reasons()) {
        EXPECT_TRUE(names.insert(name(reason)).second) << reason;
        EXPECT_TRUE(texts.insert(text(reason)).second) << reason;
        EXPECT_NE(text(reason).back(), '.');
    }
    EXPECT_EQ(name(Malformed::none), "none");
    EXPECT_FALSE(names.contains("unknown"));
}

TEST(Malformed, a_number_that_is_none_has_words_too) {
    const auto none = static_cast<Malformed>(static_cast<unsigned>(kLast) + 1);
    EXPECT_EQ(name(none), "unknown"); // fails when a reason is added behind kLast
    EXPECT_FALSE(text(none).empty());
}

} // namespace
} // namespace sluice::packet
