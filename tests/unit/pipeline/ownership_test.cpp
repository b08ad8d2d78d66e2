#include "pipeline/ownership.hpp"

#include <gtest/gtest.h>
#include <rte_thash.h>

#include <array>
#include <cstring>
#include <random>

namespace sluice::pipeline {
namespace {

using Random = std::mt19937_64;

/// A tuple as it lies in a packet, and the flow key it has.
struct Tuple {
    std::array<std::uint8_t, 16> source{};
    std::array<std::uint8_t, 16> destination{};
    std::uint16_t source_port = 0; ///< network order
    std::uint16_t destination_port = 0;
    net::Family family = net::Family::ipv4;
    std::uint8_t protocol = net::protocol::kTcp;

    [[nodiscard]] flow::Key key() const {
        flow::Key key = flow::orient(source.data(), destination.data(), source_port, destination_port).key;
        key.family = family;
        key.protocol = protocol;
        return key;
    }
    [[nodiscard]] Tuple reversed() const {
        Tuple out = *this;
        std::swap(out.source, out.destination);
        std::swap(out.source_port, out.destination_port);
        return out;
    }
};

Tuple random_tuple(Random& random, net::Family family) {
    Tuple tuple;
    tuple.family = family;
    const unsigned width = family == net::Family::ipv4 ? 4 : 16;
    for (unsigned i = 0; i < width; ++i) {
        tuple.source[i] = static_cast<std::uint8_t>(random());
        tuple.destination[i] = static_cast<std::uint8_t>(random());
    }
    tuple.source_port = static_cast<std::uint16_t>(random());
    tuple.destination_port = static_cast<std::uint16_t>(random());
    return tuple;
}

/// What a port computes: DPDK's own Toeplitz hash over the packet's bytes in their order.
std::uint32_t port_hash(const Tuple& tuple, bool with_ports) {
    std::array<std::uint8_t, 40> key;
    for (std::size_t i = 0; i < key.size(); ++i) {
        key[i] = static_cast<std::uint8_t>(i % 2 == 0 ? kSymmetricKeyWord >> 8 : kSymmetricKeyWord & 0xff);
    }
    const std::size_t width = tuple.family == net::Family::ipv4 ? 4 : 16;
    std::array<std::uint8_t, 36> bytes{};
    std::memcpy(bytes.data(), tuple.source.data(), width);
    std::memcpy(bytes.data() + width, tuple.destination.data(), width);
    std::memcpy(bytes.data() + 2 * width, &tuple.source_port, 2);
    std::memcpy(bytes.data() + 2 * width + 2, &tuple.destination_port, 2);
    // rte_softrss() takes words in host order.
    std::array<std::uint32_t, 9> words{};
    for (std::size_t w = 0; w < words.size(); ++w) {
        for (std::size_t b = 0; b < 4; ++b) {
            words[w] = words[w] << 8 | bytes[4 * w + b];
        }
    }
    const auto count = static_cast<std::uint32_t>(2 * width / 4 + (with_ports ? 1 : 0));
    return rte_softrss(words.data(), count, key.data());
}

TEST(SymmetricToeplitz, IsWhatPortsCompute) {
    const SymmetricToeplitz toeplitz;
    Random random(1);
    for (unsigned i = 0; i < 2000; ++i) {
        const Tuple tuple = random_tuple(random, i % 2 == 0 ? net::Family::ipv4 : net::Family::ipv6);
        for (const bool with_ports : {false, true}) {
            ASSERT_EQ(toeplitz(tuple.key(), with_ports), port_hash(tuple, with_ports)) << "tuple " << i;
        }
    }
}

TEST(SymmetricToeplitz, BothDirectionsHashAlike) {
    const SymmetricToeplitz toeplitz;
    Random random(2);
    for (unsigned i = 0; i < 200; ++i) {
        const Tuple tuple = random_tuple(random, i % 2 == 0 ? net::Family::ipv4 : net::Family::ipv6);
        EXPECT_EQ(port_hash(tuple, true), port_hash(tuple.reversed(), true));
        EXPECT_EQ(toeplitz(tuple.key(), true), toeplitz(tuple.reversed().key(), true));
    }
}

std::array<unsigned, 4> owners_of_flows(Ownership ownership, unsigned flows) {
    const SymmetricToeplitz toeplitz;
    const flow::HashSeed seed{{11, 22, 33, 44}};
    std::array<unsigned, 4> count{};
    Random random(3);
    for (unsigned i = 0; i < flows; ++i) {
        const flow::Key key = random_tuple(random, net::Family::ipv4).key();
        const std::uint16_t owner = ownership.owner(key, flow::hash(key, seed), toeplitz);
        if (owner >= ownership.workers)
            ADD_FAILURE() << "owner " << owner;
        else
            ++count[owner];
    }
    return count;
}

TEST(Ownership, SpreadsFlowsEvenly) {
    for (const auto by : {Ownership::By::seeded_hash, Ownership::By::rss}) {
        for (std::uint16_t workers = 1; workers <= 4; ++workers) {
            Ownership ownership;
            ownership.workers = workers;
            ownership.by = by;
            const auto count = owners_of_flows(ownership, 20'000);
            for (std::uint16_t w = 0; w < workers; ++w) {
                EXPECT_NEAR(count[w], 20'000.0 / workers, 20'000.0 / workers * 0.1)
                    << "worker " << w << " of " << workers;
            }
        }
    }
}

// A table of buckets that only some hashes of a worker reach would fill up in one place.
TEST(Ownership, DoesNotCorrelateWithBuckets) {
    const SymmetricToeplitz toeplitz;
    const flow::HashSeed seed{{11, 22, 33, 44}};
    Ownership ownership;
    ownership.workers = 2;
    Random random(4);
    std::array<std::array<unsigned, 16>, 2> low{};
    std::array<std::array<unsigned, 16>, 2> high{};
    unsigned kept = 0;
    while (kept < 16'000) {
        const flow::Key key = random_tuple(random, net::Family::ipv4).key();
        const std::uint64_t hash = flow::hash(key, seed);
        const std::uint16_t owner = ownership.owner(key, hash, toeplitz);
        // The table scales each half of the hash to a bucket number: its upper bits decide.
        ++low[owner][(hash >> 28) & 15];
        ++high[owner][hash >> 60];
        ++kept;
    }
    for (unsigned owner = 0; owner < 2; ++owner) {
        for (unsigned i = 0; i < 16; ++i) {
            EXPECT_NEAR(low[owner][i], 500, 120);
            EXPECT_NEAR(high[owner][i], 500, 120);
        }
    }
}

// With RSS the port's indirection table is filled with queue i % workers at entry i, and queue w is worker w's.
TEST(Ownership, ByRssIsTheQueueOfThePort) {
    const SymmetricToeplitz toeplitz;
    Ownership ownership;
    ownership.workers = 3;
    ownership.by = Ownership::By::rss;
    ownership.indirection_size = 128;
    Random random(5);
    for (unsigned i = 0; i < 200; ++i) {
        Tuple tuple = random_tuple(random, i % 2 == 0 ? net::Family::ipv4 : net::Family::ipv6);
        tuple.protocol = i % 3 == 0 ? net::protocol::kUdp : net::protocol::kTcp;
        EXPECT_EQ(ownership.owner(tuple.key(), 0, toeplitz), port_hash(tuple, true) % 128 % 3);
        // Of other protocols ports hash the addresses alone, whatever the flow key holds in place of ports.
        tuple.protocol = net::protocol::kIcmp;
        EXPECT_EQ(ownership.owner(tuple.key(), 0, toeplitz), port_hash(tuple, false) % 128 % 3);
    }
}

TEST(Ownership, BySeededHashDependsOnTheSeed) {
    const SymmetricToeplitz toeplitz;
    Ownership ownership;
    ownership.workers = 2;
    Random random(6);
    unsigned moved = 0;
    for (unsigned i = 0; i < 1000; ++i) {
        const flow::Key key = random_tuple(random, net::Family::ipv6).key();
        const std::uint16_t one = ownership.owner(key, flow::hash(key, {{1, 2, 3, 4}}), toeplitz);
        const std::uint16_t other = ownership.owner(key, flow::hash(key, {{1, 2, 3, 5}}), toeplitz);
        moved += one != other;
    }
    EXPECT_NEAR(moved, 500, 100);
}

} // namespace
} // namespace sluice::pipeline
