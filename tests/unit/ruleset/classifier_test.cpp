#include "ruleset/classifier.hpp"

#include "support/eal/memory_hog.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <random>
#include <string>
#include <vector>

namespace sluice::ruleset {
namespace {

std::string fresh_name() {
    static unsigned made = 0;
    return "classifier" + std::to_string(made++);
}

Classifier build(const std::vector<Row>& rows) {
    auto built = Classifier::build(rows, fresh_name().c_str(), -1);
    if (built) return std::move(*built);
    ADD_FAILURE() << built.error().step << ": " << std::strerror(built.error().error_number);
    return {};
}

std::uint32_t ask(const Classifier& classifier, net::Family family, const Query& query) {
    const Query* pointer = &query;
    std::uint32_t result = 0xffffffff;
    classifier.classify(family, &pointer, &result, 1);
    return result;
}

net::Prefix prefix(const std::string& text) {
    const auto parsed = net::Prefix::parse(text);
    EXPECT_TRUE(parsed) << text;
    return parsed ? *parsed : net::Prefix{};
}

Query query(const std::string& source, const std::string& destination) {
    Query out{};
    const auto from = net::IpAddress::parse(source);
    const auto to = net::IpAddress::parse(destination);
    EXPECT_TRUE(from && to) << source << ' ' << destination;
    std::memcpy(out.source, from->bytes.data(), 16);
    std::memcpy(out.destination, to->bytes.data(), 16);
    out.protocol = net::protocol::kTcp;
    return out;
}

Row row(net::Family family, std::uint32_t result) {
    Row out;
    out.family = family;
    out.source.address.family = family;
    out.destination.address.family = family;
    out.rank = result;
    out.result = result;
    return out;
}

constexpr net::Family kV4 = net::Family::ipv4;
constexpr net::Family kV6 = net::Family::ipv6;

TEST(Classifier, EmptyAnswersNothing) {
    const Classifier classifier = build({});
    EXPECT_TRUE(classifier.empty(kV4));
    EXPECT_TRUE(classifier.empty(kV6));
    EXPECT_EQ(ask(classifier, kV4, query("10.0.0.1", "10.0.0.2")), 0u);
    EXPECT_EQ(ask(classifier, kV6, query("2001:db8::1", "2001:db8::2")), 0u);
    EXPECT_TRUE(Classifier().empty(kV4));
}

TEST(Classifier, FamiliesAreApart) {
    const Classifier classifier = build({row(kV6, 7)});
    EXPECT_TRUE(classifier.empty(kV4));
    EXPECT_FALSE(classifier.empty(kV6));
    EXPECT_EQ(ask(classifier, kV4, query("10.0.0.1", "10.0.0.2")), 0u);
    EXPECT_EQ(ask(classifier, kV6, query("2001:db8::1", "2001:db8::2")), 7u);
}

TEST(Classifier, TheLowestRankWinsWhateverTheOrderOfRows) {
    std::vector<Row> rows;
    for (std::uint32_t i = 1; i <= 40; ++i) {
        rows.push_back(row(kV4, i));
        rows.back().rank = 1000 - i;
    }
    std::shuffle(rows.begin(), rows.end(), std::mt19937(1));
    EXPECT_EQ(ask(build(rows), kV4, query("10.0.0.1", "10.0.0.2")), 40u);
}

TEST(Classifier, RanksUpToTheLimitAndResultsOfThirtyTwoBits) {
    Row last = row(kV4, 0xfffffff7);
    last.rank = kMaxRank - 1;
    Row first = row(kV4, 1);
    first.rank = 0;
    first.destination_ports = {80, 80};
    const Classifier classifier = build({last, first});
    Query packet = query("10.0.0.1", "10.0.0.2");
    EXPECT_EQ(ask(classifier, kV4, packet), 0xfffffff7u);
    packet.destination_port = net::Be16::from_host(80);
    EXPECT_EQ(ask(classifier, kV4, packet), 1u);
}

TEST(Classifier, ProtocolAndZonesAreExactOrAbsent) {
    Row one = row(kV4, 1);
    one.protocol = net::protocol::kUdp;
    Row two = row(kV4, 2);
    two.from_zone = 3;
    two.to_zone = 0x1ff;
    const Classifier classifier = build({one, two});
    Query packet = query("10.0.0.1", "10.0.0.2");
    EXPECT_EQ(ask(classifier, kV4, packet), 0u);
    packet.from_zone = net::Be16::from_host(3);
    EXPECT_EQ(ask(classifier, kV4, packet), 0u);
    packet.to_zone = net::Be16::from_host(0xff);
    EXPECT_EQ(ask(classifier, kV4, packet), 0u);
    packet.to_zone = net::Be16::from_host(0x1ff);
    EXPECT_EQ(ask(classifier, kV4, packet), 2u);
    std::swap(packet.from_zone, packet.to_zone);
    EXPECT_EQ(ask(classifier, kV4, packet), 0u);
    packet.protocol = net::protocol::kUdp;
    EXPECT_EQ(ask(classifier, kV4, packet), 1u);
}

TEST(Classifier, PortRangesIncludeTheirEnds) {
    Row source = row(kV4, 1);
    source.source_ports = {1000, 2000};
    Row destination = row(kV4, 2);
    destination.destination_ports = {255, 256}; // across a byte
    Row last = row(kV4, 3);
    last.destination_ports = {65535, 65535};
    Row zero = row(kV4, 4);
    zero.destination_ports = {0, 0};
    const Classifier classifier = build({source, destination, last, zero});
    const auto answer = [&](std::uint16_t from, std::uint16_t to) {
        Query packet = query("10.0.0.1", "10.0.0.2");
        packet.source_port = net::Be16::from_host(from);
        packet.destination_port = net::Be16::from_host(to);
        return ask(classifier, kV4, packet);
    };
    EXPECT_EQ(answer(999, 5), 0u);
    EXPECT_EQ(answer(1000, 5), 1u);
    EXPECT_EQ(answer(2000, 5), 1u);
    EXPECT_EQ(answer(2001, 5), 0u);
    EXPECT_EQ(answer(5, 254), 0u);
    EXPECT_EQ(answer(5, 255), 2u);
    EXPECT_EQ(answer(5, 256), 2u);
    EXPECT_EQ(answer(5, 257), 0u);
    EXPECT_EQ(answer(5, 65534), 0u);
    EXPECT_EQ(answer(5, 65535), 3u);
    EXPECT_EQ(answer(5, 0), 4u);
    EXPECT_EQ(answer(5, 1), 0u);
}

/// An address with bit `bit` (0 is the first on the wire) turned over.
void turn(std::uint8_t* address, unsigned bit) {
    address[bit / 8] = static_cast<std::uint8_t>(address[bit / 8] ^ (0x80u >> bit % 8));
}

// Every length, in both families and at both ends: the last bit of the prefix counts, the one behind it does not.
TEST(Classifier, PrefixesOfEveryLength) {
    for (const net::Family family : {kV4, kV6}) {
        const unsigned width = family == kV4 ? 32 : 128;
        for (unsigned length = 0; length <= width; ++length) {
            const bool at_source = length % 2 == 0;
            Query packet = family == kV4 ? query("170.51.204.15", "85.15.240.90")
                                         : query("aa33:cc0f:1234:5678:9abc:def0:5a5a:a5a5",
                                                 "55aa:f00f:8765:4321:cba9:fed:3c3c:c3c3");
            Row only = row(family, 9);
            net::Prefix& wanted = at_source ? only.source : only.destination;
            std::uint8_t* address = at_source ? packet.source : packet.destination;
            wanted.address = net::IpAddress::from_wire(family, address);
            wanted.length = static_cast<std::uint8_t>(length);
            for (unsigned bit = length; bit < width; ++bit) {
                wanted.address.bytes[bit / 8] =
                    static_cast<std::uint8_t>(wanted.address.bytes[bit / 8] & ~(0x80u >> bit % 8));
            }
            const Classifier classifier = build({only});
            EXPECT_EQ(ask(classifier, family, packet), 9u) << length;
            if (length < width) {
                turn(address, length);
                EXPECT_EQ(ask(classifier, family, packet), 9u) << length << ": the bit behind the prefix";
                turn(address, length);
            }
            if (length > 0) {
                turn(address, length - 1);
                EXPECT_EQ(ask(classifier, family, packet), 0u) << length << ": the last bit of the prefix";
                turn(address, length - 1);
                turn(address, 0);
                EXPECT_EQ(ask(classifier, family, packet), 0u) << length << ": the first bit";
            }
        }
    }
}

bool matches(const Row& row, const Query& packet) {
    const auto inside = [&row](const net::Prefix& prefix, const std::uint8_t* address) {
        return prefix.contains(net::IpAddress::from_wire(row.family, address));
    };
    return (!row.protocol || *row.protocol == packet.protocol) &&
           (!row.from_zone || *row.from_zone == packet.from_zone.host()) &&
           (!row.to_zone || *row.to_zone == packet.to_zone.host()) && inside(row.source, packet.source) &&
           inside(row.destination, packet.destination) && row.source_ports.contains(packet.source_port.host()) &&
           row.destination_ports.contains(packet.destination_port.host());
}

template <typename T, std::size_t N> T pick(std::mt19937_64& random, const T (&from)[N]) {
    return from[random() % N];
}

// Many rows at once, whole batches of every size, against a loop over the rows.
TEST(Classifier, AnswersLikeALoopOverTheRows) {
    const char* const kNets[] = {"0.0.0.0/0", "10.0.0.0/8", "10.1.0.0/16", "10.1.2.0/24", "10.1.2.3", "192.168.0.0/31"};
    const char* const kAddresses[] = {"10.0.0.1", "10.1.9.9", "10.1.2.9", "10.1.2.3", "192.168.0.1", "192.168.0.2"};
    const std::uint16_t kPorts[] = {0, 53, 80, 255, 256, 40000, 65535};
    std::mt19937_64 random(20);
    for (unsigned round = 0; round < 20; ++round) {
        std::vector<Row> rows;
        for (std::uint32_t i = 0; i < 1 + round * 5; ++i) {
            Row one = row(kV4, i + 1);
            one.source = prefix(pick(random, kNets));
            one.destination = prefix(pick(random, kNets));
            if (random() % 2 == 0) one.protocol = random() % 2 == 0 ? 6 : 17;
            if (random() % 3 == 0) one.from_zone = static_cast<std::uint16_t>(random() % 3);
            if (random() % 3 == 0) one.to_zone = static_cast<std::uint16_t>(random() % 3);
            std::uint16_t a = pick(random, kPorts);
            std::uint16_t b = pick(random, kPorts);
            one.destination_ports = {std::min(a, b), std::max(a, b)};
            if (random() % 3 == 0) one.source_ports = {80, 40000};
            rows.push_back(one);
        }
        const Classifier classifier = build(rows);
        for (unsigned count = 1; count <= 32; ++count) {
            std::vector<Query> packets(count);
            std::vector<const Query*> pointers;
            for (Query& packet : packets) {
                packet = query(pick(random, kAddresses), pick(random, kAddresses));
                packet.protocol = random() % 2 == 0 ? 6 : 17;
                packet.from_zone = net::Be16::from_host(static_cast<std::uint16_t>(random() % 3));
                packet.to_zone = net::Be16::from_host(static_cast<std::uint16_t>(random() % 3));
                packet.source_port = net::Be16::from_host(pick(random, kPorts));
                packet.destination_port = net::Be16::from_host(pick(random, kPorts));
                pointers.push_back(&packet);
            }
            std::vector<std::uint32_t> results(count + 1, 0xdeadbeef);
            classifier.classify(kV4, pointers.data(), results.data(), count);
            for (unsigned i = 0; i < count; ++i) {
                const auto first =
                    std::find_if(rows.begin(), rows.end(), [&](const Row& r) { return matches(r, packets[i]); });
                ASSERT_EQ(results[i], first == rows.end() ? 0 : first->result) << "round " << round << " row " << i;
            }
            ASSERT_EQ(results[count], 0xdeadbeefu) << "nothing is written behind the answers";
        }
    }
}

TEST(Classifier, MovesWithoutCopying) {
    Classifier one = build({row(kV4, 5)});
    Classifier other = std::move(one);
    EXPECT_EQ(ask(other, kV4, query("10.0.0.1", "10.0.0.2")), 5u);
    one = build({row(kV4, 6)});
    other = std::move(one);
    EXPECT_EQ(ask(other, kV4, query("10.0.0.1", "10.0.0.2")), 6u);
}

TEST(Classifier, ABoundOnItsMemoryIsKeptOrReported) {
    std::vector<Row> rows;
    for (std::uint32_t i = 0; i < 500; ++i) {
        rows.push_back(row(kV4, i + 1));
        rows.back().source = prefix("10." + std::to_string(i % 250) + "." + std::to_string(i * 7 % 250) + ".0/24");
        rows.back().destination_ports = {static_cast<std::uint16_t>(i), static_cast<std::uint16_t>(i * 3 + 1)};
    }
    const auto small = Classifier::build(rows, fresh_name().c_str(), -1, 4096);
    ASSERT_FALSE(small);
    EXPECT_EQ(small.error().error_number, ERANGE);
    EXPECT_STREQ(small.error().step, "compiling");
    EXPECT_TRUE(Classifier::build(rows, fresh_name().c_str(), -1, 64u << 20));
}

TEST(Classifier, TooLittleMemoryIsAnErrorAndLeavesNothingBehind) {
    std::vector<Row> rows;
    for (std::uint32_t i = 0; i < 2000; ++i) {
        rows.push_back(row(kV4, i + 1));
        rows.back().source = prefix("10." + std::to_string(i % 250) + "." + std::to_string(i / 250) + ".0/24");
    }
    const std::string name = fresh_name();
    {
        const test_support::MemoryHog hog;
        const auto built = Classifier::build(rows, name.c_str(), -1);
        ASSERT_FALSE(built);
        EXPECT_EQ(built.error().error_number, ENOMEM);
    }
    // The name is free again: what is built now has its own rows, not what is left of the others.
    const auto built = Classifier::build({{row(kV4, 77)}}, name.c_str(), -1);
    ASSERT_TRUE(built);
    EXPECT_EQ(ask(*built, kV4, query("192.0.2.1", "192.0.2.2")), 77u);
}

} // namespace
} // namespace sluice::ruleset
