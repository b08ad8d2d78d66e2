#include "reassembly/table.hpp"

#include "table_bench.hpp"

namespace sluice::reassembly {
namespace {

class ReassemblyTable : public testing::Test {
  protected:
    TableBench bench{TableBench::small()};
};

TEST_F(ReassemblyTable, GivesOutByOffsetWhatCameInAnyOrder) {
    const Key key = TableBench::key(7);
    EXPECT_EQ(bench.add(key, bench.piece(32, 5, false)).what, TableBench::What::held);
    EXPECT_EQ(bench.add(key, bench.piece(0, 16, true)).what, TableBench::What::held);
    const auto outcome = bench.add(key, bench.piece(16, 16, true));
    ASSERT_EQ(outcome.what, TableBench::What::complete);
    std::vector<unsigned> offsets;
    bench.table.for_each_piece(outcome.datagram, [&](const Piece& piece) { offsets.push_back(piece.fragment.offset); });
    EXPECT_EQ(offsets, (std::vector<unsigned>{0, 16, 32}));
    EXPECT_EQ(bench.table.data_length(outcome.datagram), 37u);
    EXPECT_EQ(bench.table.piece_count(outcome.datagram), 3u);
    EXPECT_EQ(bench.table.frame_bytes(outcome.datagram), 37u);
    EXPECT_EQ(bench.table.first_parsed(outcome.datagram).ip_length, 16u) << "of the fragment with offset 0";
    EXPECT_EQ(bench.table.stats().fragments.load(), 0u) << "no longer held";
    bench.table.release(outcome.datagram);
    EXPECT_EQ(bench.discarded(), "");
}

TEST_F(ReassemblyTable, ForgetsACompleteDatagramAtOnce) {
    for (unsigned round = 0; round < 100; ++round) {
        EXPECT_EQ(bench.put(7, 0, 8, true), "held");
        EXPECT_EQ(bench.put(7, 8, 8, false), "complete");
    }
    EXPECT_EQ(bench.table.stats().completed.load(), 100u);
}

TEST_F(ReassemblyTable, KeepsDatagramsApart) {
    Key other = TableBench::key(1);
    const auto first_of = [&](const Key& key) { return bench.add(key, bench.piece(0, 8, true)).what; };
    EXPECT_EQ(first_of(other), TableBench::What::held);
    for (std::uint8_t* byte = other.source; byte != reinterpret_cast<std::uint8_t*>(&other + 1); ++byte) {
        *byte ^= 1u;
        EXPECT_EQ(bench.add(other, bench.piece(8, 8, false)).what, TableBench::What::held)
            << "every byte of the key counts: " << byte - other.source;
        *byte ^= 1u;
        EXPECT_EQ(bench.add(TableBench::key(1), bench.piece(0, 8, true)).reason,
                  telemetry::DropReason::fragment_duplicate);
        bench.table.discard_all({});
        (void)bench.discarded();
        EXPECT_EQ(first_of(other), TableBench::What::held);
    }
}

TEST_F(ReassemblyTable, AnExactDuplicateCostsItselfAlone) {
    EXPECT_EQ(bench.put(1, 8, 8, true), "held");
    EXPECT_EQ(bench.put(1, 8, 8, true), "fragment_duplicate");
    EXPECT_EQ(bench.put(1, 16, 3, false), "held");
    EXPECT_EQ(bench.put(1, 16, 3, false), "fragment_duplicate");
    EXPECT_EQ(bench.put(1, 0, 8, true), "complete");
}

TEST_F(ReassemblyTable, AnyOtherOverlapEndsTheDatagram) { // RFC 5722
    struct Overlap {
        unsigned offset, length;
        bool more;
        std::byte fill;
    };
    for (const Overlap& o : {Overlap{16, 16, true, std::byte{1}},   // other bytes
                             Overlap{16, 16, false, std::byte{0}},  // other end
                             Overlap{16, 8, true, std::byte{0}},    // the beginning of it
                             Overlap{24, 8, true, std::byte{0}},    // teardrop: inside
                             Overlap{8, 16, true, std::byte{0}},    // over its beginning
                             Overlap{24, 16, true, std::byte{0}},   // over its end
                             Overlap{8, 32, true, std::byte{0}}}) { // around it
        TableBench fresh(TableBench::small());
        EXPECT_EQ(fresh.put(1, 16, 16, true), "held");
        EXPECT_EQ(fresh.put(1, 48, 8, true), "held");
        EXPECT_EQ(fresh.put(1, o.offset, o.length, o.more, o.fill), "fragment_overlap") << o.offset << ' ' << o.length;
        EXPECT_EQ(fresh.discarded(), "1 fragment_overlap, 2 fragment_overlap");
        EXPECT_EQ(fresh.table.stats().datagrams.load(), 0u);
    }
}

TEST_F(ReassemblyTable, TheEndIsWhereTheLastOneSays) {
    EXPECT_EQ(bench.put(1, 16, 8, false), "held");
    EXPECT_EQ(bench.put(1, 24, 8, true), "fragment_overlap") << "data behind the end";
    EXPECT_EQ(bench.put(2, 16, 8, false), "held");
    EXPECT_EQ(bench.put(2, 24, 8, false), "fragment_overlap") << "a second end";
    EXPECT_EQ(bench.put(3, 16, 8, false), "held");
    EXPECT_EQ(bench.put(3, 0, 8, false), "fragment_overlap") << "an earlier second end";
    EXPECT_EQ(bench.put(4, 16, 8, true), "held");
    EXPECT_EQ(bench.put(4, 0, 8, false), "fragment_overlap") << "an end before what is there";
    EXPECT_EQ(bench.put(5, 0, 8, false), "complete") << "nothing is missing";
}

TEST_F(ReassemblyTable, AsManyFragmentsAsAllowedAndNoMore) {
    EXPECT_EQ(bench.put(1, 0, 8, true), "held");
    EXPECT_EQ(bench.put(1, 8, 8, true), "held");
    EXPECT_EQ(bench.put(1, 16, 8, true), "held");
    EXPECT_EQ(bench.put(1, 24, 8, false), "complete");
    for (unsigned offset = 8; offset <= 32; offset += 8) {
        EXPECT_EQ(bench.put(2, offset, 8, true), "held");
    }
    EXPECT_EQ(bench.put(2, 0, 8, true), "fragment_limit");
    EXPECT_EQ(bench.discarded(), "5 fragment_limit, 6 fragment_limit, 7 fragment_limit, 8 fragment_limit");
}

TEST_F(ReassemblyTable, TheOldestMakesRoomForANewDatagram) {
    for (std::uint32_t id = 1; id <= 5; ++id) {
        EXPECT_EQ(bench.put(id, 0, 8, true), "held");
    }
    EXPECT_EQ(bench.discarded(), "1 fragment_table_full");
    EXPECT_EQ(bench.put(2, 8, 8, false), "complete") << "the others are there";
}

TEST_F(ReassemblyTable, TheOldestOtherMakesRoomForAFragment) {
    Config config = TableBench::small(4, 4);
    config.fragments = 4;
    TableBench few(config);
    EXPECT_EQ(few.put(1, 0, 8, true), "held");
    EXPECT_EQ(few.put(2, 0, 8, true), "held");
    EXPECT_EQ(few.put(2, 8, 8, true), "held");
    EXPECT_EQ(few.put(1, 8, 8, true), "held");
    EXPECT_EQ(few.put(1, 16, 8, true), "held") << "its own datagram is the oldest, the other goes";
    EXPECT_EQ(few.discarded(), "2 fragment_table_full, 3 fragment_table_full");
}

TEST_F(ReassemblyTable, BytesHaveABoundOfTheirOwn) {
    Config config = TableBench::small(4, 4);
    config.bytes = 100;
    TableBench few(config);
    EXPECT_EQ(few.put(1, 0, 48, true), "held");
    EXPECT_EQ(few.put(2, 0, 56, true), "held");
    EXPECT_EQ(few.discarded(), "1 fragment_table_full");
    EXPECT_EQ(few.put(2, 56, 48, true), "fragment_limit") << "alone too many";
    EXPECT_EQ(few.discarded(), "2 fragment_limit");
    EXPECT_EQ(few.put(3, 0, 104, true), "fragment_limit");
    EXPECT_EQ(few.put(4, 0, 96, true), "held");
}

TEST_F(ReassemblyTable, TimeRunsFromTheFirstFragmentSeen) {
    constexpr base::Tick kStart = 0xffffff00; // wraps
    constexpr std::byte kZero{0};
    EXPECT_EQ(bench.put(1, 0, 8, true, kZero, kStart), "held");
    EXPECT_EQ(bench.put(2, 0, 8, true, kZero, kStart + 500), "held");
    EXPECT_EQ(bench.put(1, 8, 8, true, kZero, kStart + 900), "held") << "refreshes nothing";
    EXPECT_EQ(bench.table.expire(kStart + 999, 8), 0u);
    EXPECT_EQ(bench.table.expire(kStart + 1000, 8), 1u);
    EXPECT_EQ(bench.discarded(), "1 fragment_timeout, 3 fragment_timeout");
    EXPECT_EQ(bench.put(2, 8, 8, false, kZero, kStart + 1500), "held") << "over, although nobody looked";
    EXPECT_EQ(bench.discarded(), "2 fragment_timeout");
}

TEST_F(ReassemblyTable, ExpiresNoMoreThanAsked) {
    for (std::uint32_t id = 1; id <= 4; ++id) {
        EXPECT_EQ(bench.put(id, 0, 8, true), "held");
    }
    EXPECT_EQ(bench.table.expire(2000, 3), 3u);
    EXPECT_EQ(bench.table.stats().datagrams.load(), 1u);
    bench.table.discard_all(telemetry::DropReason::shutdown);
    EXPECT_EQ(bench.table.stats().fragments.load(), 0u);
    EXPECT_TRUE(bench.table.consistent());
}

TEST(ReassemblyConfig, AWorkersShare) {
    const Config config = share_of(4096, 64, 30'000, 3);
    EXPECT_EQ(config.datagrams, 1366u);
    EXPECT_EQ(config.fragments, 2732u);
    EXPECT_EQ(config.bytes, 2732u * 2048);
    EXPECT_GT(share_of(16, 64, 30'000, 4).bytes, 65'535u + 64 * 62) << "the longest datagram passes";
    EXPECT_EQ(share_of(16, 64, 30'000, 4).fragments, 64u) << "one whole datagram at least";
}

} // namespace
} // namespace sluice::reassembly
