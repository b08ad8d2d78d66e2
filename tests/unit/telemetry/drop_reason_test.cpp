#include "telemetry/drop_reason.hpp"

#include <gtest/gtest.h>

#include <set>

namespace sluice::telemetry {
namespace {

TEST(DropReason, name_and_text_belong_to_the_enumerator) {
    EXPECT_EQ(name(DropReason::no_rule), "no_rule");
    EXPECT_EQ(name(DropReason::handoff_full), "handoff_full");
    EXPECT_EQ(text(DropReason::peer_down), "the peer's link is down");
}

TEST(DropReason, every_name_leads_back_to_its_reason) {
    for (std::size_t i = 0; i < kDropReasonCount; ++i) {
        const auto reason = static_cast<DropReason>(i);
        EXPECT_EQ(drop_reason_from_name(name(reason)), reason) << i;
    }
}

TEST(DropReason, unknown_names_lead_nowhere) {
    EXPECT_EQ(drop_reason_from_name(""), std::nullopt);
    EXPECT_EQ(drop_reason_from_name("no_rul"), std::nullopt);
    EXPECT_EQ(drop_reason_from_name("no_rule "), std::nullopt);
    EXPECT_EQ(drop_reason_from_name("NO_RULE"), std::nullopt);
}

TEST(DropReason, names_are_unique_and_fit_metrics) {
    std::set<std::string_view> seen;
    for (const std::string_view each : kDropReasonNames) {
        EXPECT_TRUE(seen.insert(each).second) << each;
        EXPECT_EQ(each.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_"), std::string_view::npos) << each;
    }
}

TEST(DropReason, texts_are_one_clause_without_a_full_stop) {
    std::set<std::string_view> seen;
    for (const std::string_view each : kDropReasonTexts) {
        ASSERT_FALSE(each.empty());
        EXPECT_NE(each.back(), '.') << each;
        EXPECT_TRUE(seen.insert(each).second) << each;
    }
}

} // namespace
} // namespace sluice::telemetry
