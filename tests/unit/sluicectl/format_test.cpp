#include "format.hpp"

#include "recording.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace sluice::sluicectl {
namespace {

TEST(SluicectlFormat, CountsAreShortForPeopleAndExactElsewhere) {
    EXPECT_EQ(show_count(0, true), "0");
    EXPECT_EQ(show_count(9999, true), "9999");
    EXPECT_EQ(show_count(10'000, true), "10.0k");
    EXPECT_EQ(show_count(99'949, true), "99.9k");
    EXPECT_EQ(show_count(99'950, true), "100k");
    EXPECT_EQ(show_count(999'499, true), "999k");
    EXPECT_EQ(show_count(999'500, true), "1.00M");
    EXPECT_EQ(show_count(1'234'567'890, true), "1.23G");
    EXPECT_EQ(show_count(std::numeric_limits<std::uint64_t>::max(), true), "18.4E");
    EXPECT_EQ(show_count(std::numeric_limits<std::uint64_t>::max(), false), "18446744073709551615");
    EXPECT_EQ(show_count(std::nullopt, true), "-");
}

TEST(SluicectlFormat, SizesAreBinary) {
    EXPECT_EQ(show_size(1023, true), "1023");
    EXPECT_EQ(show_size(1024, true), "1.00KiB");
    EXPECT_EQ(show_size(38'797'312, true), "37.0MiB");
    EXPECT_EQ(show_size(38'797'312, false), "38797312");
    EXPECT_EQ(show_size(std::nullopt, false), "-");
}

TEST(SluicectlFormat, Rates) {
    EXPECT_EQ(show_rate(0.0, true), "0/s");
    EXPECT_EQ(show_rate(300.5, true), "300.5/s");
    EXPECT_EQ(show_rate(15'300.5, true), "15.3k/s");
    EXPECT_EQ(show_rate(15'300.5, false), "15300.5/s");
    EXPECT_EQ(show_rate(-1.0, true), "-");
    EXPECT_EQ(show_rate(std::nullopt, true), "-");
}

TEST(SluicectlFormat, Durations) {
    EXPECT_EQ(show_duration(0.21, true), "0.2s");
    EXPECT_EQ(show_duration(9.0, true), "9s");
    EXPECT_EQ(show_duration(59.4, true), "59s");
    EXPECT_EQ(show_duration(59.6, true), "1m");
    EXPECT_EQ(show_duration(200.0, true), "3m 20s");
    EXPECT_EQ(show_duration(11'520.0, true), "3h 12m");
    EXPECT_EQ(show_duration(2 * 86'400 + 4 * 3'600.0, true), "2d 4h");
    EXPECT_EQ(show_duration(1e300, true), ">1e15s");
    EXPECT_EQ(show_duration(11'520.44, false), "11520.4");
    EXPECT_EQ(show_duration(std::numeric_limits<double>::quiet_NaN(), true), "-");
    EXPECT_EQ(show_duration(std::nullopt, true), "-");
}

TEST(SluicectlFormat, Shares) {
    EXPECT_EQ(show_share(0.312), "31.2%");
    EXPECT_EQ(show_share(std::nullopt), "-");
}

TEST(SluicectlFormat, Plurals) {
    EXPECT_EQ(show_plural(1, "rule", true), "1 rule");
    EXPECT_EQ(show_plural(0, "rule", true), "0 rules");
    EXPECT_EQ(show_plural(20'000, "flow", true), "20.0k flows");
}

TEST(SluicectlFormat, CountsByNameLargestFirstAndWithoutZeros) {
    const Json counts = {{"closing", 3}, {"half_open", 12'000}, {"answered", 0}};
    EXPECT_EQ(show_counts(counts, false), "half_open 12000, closing 3");
    EXPECT_EQ(show_counts(counts, true), "half_open 12.0k, closing 3");
    EXPECT_EQ(sum_of(counts), 12'003u);
    for (const Json& wrong : {Json(), Json(5), Json::array({1, 2}), Json{{"a", "b"}}, Json{{"a", -1}}}) {
        EXPECT_EQ(show_counts(wrong, false), "") << wrong;
        EXPECT_EQ(sum_of(wrong), 0u) << wrong;
    }
}

TEST(SluicectlFormat, Ends) {
    EXPECT_EQ(show_end("192.0.2.80", 443), "192.0.2.80:443");
    EXPECT_EQ(show_end("2001:db8::1", 443), "[2001:db8::1]:443");
    EXPECT_EQ(show_end("2001:db8::1", nullptr), "2001:db8::1");
}

TEST(SluicectlFormat, MembersOfTheWrongShapeAreNothing) {
    const Json object = {{"a", 1}, {"b", {{"c", "x"}}}};
    EXPECT_EQ(member(object, "a"), 1);
    EXPECT_EQ(member(object, "b", "c"), "x");
    EXPECT_TRUE(member(object, "z").is_null());
    EXPECT_TRUE(member(object, "a", "c").is_null());
    EXPECT_TRUE(member(Json::array({1}), "a").is_null());
    EXPECT_EQ(count_of(Json(-1)), std::nullopt);
    EXPECT_EQ(count_of(Json(1.5)), std::nullopt);
    EXPECT_EQ(count_of(Json("7")), std::nullopt);
    EXPECT_EQ(count_of(Json(7)), 7u);
    EXPECT_EQ(number_of(Json("x")), std::nullopt);
    EXPECT_EQ(number_of(Json(2)), 2.0);
}

TEST(SluicectlFormat, TextIsHarmless) {
    EXPECT_EQ(text_of(nullptr), "-");
    EXPECT_EQ(text_of(""), "-");
    EXPECT_EQ(text_of(true), "yes");
    EXPECT_EQ(text_of(12), "12");
    for (const char* hostile : {"\x1b[2J", "a\rb", "a\nb", "\x7f", "\xc2\x9b", "\xe2\x80\xae", "\xff"}) {
        EXPECT_TRUE(test::is_plain_ascii(text_of(hostile))) << hostile;
        EXPECT_TRUE(test::is_plain_ascii(text_of(Json{hostile}))) << hostile;
    }
}

TEST(SluicectlFormat, TimeIsRfc3339) {
    const std::string now = now_rfc3339();
    ASSERT_EQ(now.size(), 20u);
    EXPECT_EQ(now[4], '-');
    EXPECT_EQ(now[10], 'T');
    EXPECT_EQ(now.back(), 'Z');
}

} // namespace
} // namespace sluice::sluicectl
