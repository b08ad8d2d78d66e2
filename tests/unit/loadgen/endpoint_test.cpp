#include "loadgen/endpoint.hpp"

#include <gtest/gtest.h>
#include <set>

namespace sluice::loadgen {
namespace {

TEST(EndpointTest, ReadsAndWritesBothFamilies) {
    const auto v4 = Endpoint::parse("10.77.0.1:11211");
    ASSERT_TRUE(v4);
    EXPECT_EQ(v4->to_string(), "10.77.0.1:11211");
    EXPECT_EQ(v4->family(), AF_INET);
    const auto v6 = Endpoint::parse("[2001:db8::a]:53");
    ASSERT_TRUE(v6);
    EXPECT_EQ(v6->to_string(), "[2001:db8::a]:53");
    EXPECT_EQ(v6->port(), 53);
}

TEST(EndpointTest, RefusesWhatIsNotOne) {
    for (const char* text : {"", "10.77.0.1", "10.77.0.1:", "10.77.0.1:0", "10.77.0.1:65536", "10.77.0:1", "host:1",
                             "2001:db8::a:53", "[2001:db8::a]", "[10.77.0.1:1", "10.77.0.1:1x"})
        EXPECT_FALSE(Endpoint::parse(text)) << text;
}

TEST(EndpointTest, PlusCarriesAcrossBytes) {
    EXPECT_EQ(Endpoint::parse_address("10.77.0.255")->plus(1).address_string(), "10.77.1.0");
    EXPECT_EQ(Endpoint::parse_address("10.77.255.250")->plus(65'542).address_string(), "10.79.0.0");
    EXPECT_EQ(Endpoint::parse_address("2001:db8::ffff")->plus(1).address_string(), "2001:db8::1:0");
    EXPECT_EQ(Endpoint::parse_address("255.255.255.255")->plus(1).address_string(), "0.0.0.0");
}

TEST(SourcesTest, RangesPrefixesAndSingles) {
    const auto sources = parse_sources({"10.77.1.254-10.77.2.1", "10.77.3.4/30", "10.77.9.9"});
    ASSERT_TRUE(sources) << sources.error();
    std::vector<std::string> texts;
    for (const Endpoint& source : *sources)
        texts.push_back(source.address_string());
    EXPECT_EQ(texts, (std::vector<std::string>{"10.77.1.254", "10.77.1.255", "10.77.2.0", "10.77.2.1", "10.77.3.4",
                                               "10.77.3.5", "10.77.3.6", "10.77.3.7", "10.77.9.9"}));
    EXPECT_EQ(parse_sources({"2001:db8::/112"})->size(), 65'536u);
    EXPECT_EQ(parse_sources({"2001:db8::1-2001:db8::20"})->size(), 32u);
}

TEST(SourcesTest, RefusesMistakes) {
    for (const char* text : {"10.77.1.1/24", "10.0.0.0/8", "10.77.1.0/33", "10.77.1.9-10.77.1.1", "10.0.0.0-10.9.0.0",
                             "10.77.1.1-2001:db8::1", "2001:db8::1-2001:db9::2", "10.77.1", "", "10.77.1.0/"})
        EXPECT_FALSE(parse_sources({text})) << text;
    EXPECT_FALSE(parse_sources({"10.77.1.1", "2001:db8::1"})) << "both families";
    EXPECT_FALSE(parse_sources({"10.77.0.0/16", "10.78.0.1"})) << "too many";
}

TEST(SourcePoolTest, NoPairComesTwiceBeforeAllCame) {
    SourcePool pool(*parse_sources({"10.77.1.1-10.77.1.3"}), {65'530, 65'535}, 11);
    ASSERT_EQ(pool.pairs(), 18u);
    std::set<std::string> seen;
    std::string before;
    for (uint64_t i = 0; i < pool.pairs(); ++i) {
        const Endpoint source = pool.next();
        EXPECT_GE(source.port(), 65'530);
        EXPECT_TRUE(seen.insert(source.to_string()).second) << source.to_string();
        EXPECT_NE(source.address_string(), before);
        before = source.address_string();
    }
    EXPECT_FALSE(seen.insert(pool.next().to_string()).second) << "the walk begins again";
}

TEST(SourcePoolTest, SkipLeavesAStretchOut) {
    SourcePool pool(*parse_sources({"10.77.1.1-10.77.1.2"}), {10'000, 59'999});
    EXPECT_EQ(pool.next().to_string(), "10.77.1.1:10000");
    pool.skip();
    EXPECT_EQ(pool.next().to_string(), "10.77.1.2:11000");
}

TEST(PortsTest, RangesAndSingles) {
    EXPECT_EQ(parse_ports("10000-59999")->count(), 50'000u);
    EXPECT_EQ(parse_ports("53")->first, 53);
    EXPECT_EQ(parse_ports("1-65535")->count(), 65'535u);
    for (const char* text : {"", "0", "0-5", "5-4", "1-65536", "-5", "5-", "a"})
        EXPECT_FALSE(parse_ports(text)) << text;
}

TEST(DurationTest, WantsAUnit) {
    EXPECT_EQ(*parse_duration("20s"), 20'000'000'000);
    EXPECT_EQ(*parse_duration("1.5ms"), 1'500'000);
    EXPECT_EQ(*parse_duration("2m"), 120'000'000'000);
    EXPECT_EQ(*parse_duration("100us"), 100'000);
    for (const char* text : {"", "20", "s", "0s", "-1s", "1h", "1 s", "1.2.3s"})
        EXPECT_FALSE(parse_duration(text)) << text;
}

} // namespace
} // namespace sluice::loadgen
