// A reassembly table with memory of its own, and fragments to put into it.
#pragma once

#include "reassembly/table.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <deque>
#include <memory>
#include <string>
#include <vector>

namespace sluice::reassembly {

class TableBench {
  public:
    using What = Table::Outcome::What;

    explicit TableBench(const Config& config)
        : memory_(static_cast<std::byte*>(std::aligned_alloc(64, Table::memory_size(config))))
        , table(std::span(memory_.get(), Table::memory_size(config)), config) {}

    static Config small(std::uint32_t datagrams = 4, std::uint32_t per_datagram = 4) {
        Config config = share_of(datagrams, per_datagram, 1000, 1);
        config.seed = {{1, 2, 3, 4}};
        return config;
    }

    static Key key(std::uint32_t identification) {
        Key key{};
        key.identification = identification;
        key.family = net::Family::ipv4;
        key.protocol = 17;
        return key;
    }

    /// A frame that is all fragment; its handle is its number, from 1.
    Piece piece(unsigned offset, unsigned length, bool more, std::byte fill = std::byte{0}) {
        frames_.emplace_back(length, fill);
        Piece out{};
        out.data = frames_.back().data();
        out.handle = reinterpret_cast<void*>(frames_.size());
        out.frame_length = static_cast<std::uint16_t>(length);
        out.fragment.offset = static_cast<std::uint16_t>(offset);
        out.fragment.length = static_cast<std::uint16_t>(length);
        out.fragment.more = more;
        return out;
    }

    Table::Outcome add(const Key& k, const Piece& p, base::Tick now = 0) {
        packet::Parsed parsed{};
        parsed.ip_length = p.fragment.length;
        return table.add(k, table.hash_of(k), p, parsed, now);
    }

    /// What became of it, in a word: "held", "complete", or the reason. A complete datagram is released.
    std::string put(std::uint32_t identification, unsigned offset, unsigned length, bool more,
                    std::byte fill = std::byte{0}, base::Tick now = 0) {
        const auto outcome = add(key(identification), piece(offset, length, more, fill), now);
        EXPECT_TRUE(table.consistent());
        if (outcome.what == What::held) return "held";
        if (outcome.what == What::refused) return std::string(telemetry::name(outcome.reason));
        table.release(outcome.datagram);
        return "complete";
    }

    /// "3 fragment_overlap, …": the handles and reasons of what was discarded since.
    std::string discarded() {
        std::string all;
        Discarded one;
        while (table.take_discarded(&one, 1) != 0) {
            all += (all.empty() ? "" : ", ") + std::to_string(reinterpret_cast<std::uintptr_t>(one.handle)) + " " +
                   std::string(telemetry::name(one.reason));
        }
        return all;
    }

  private:
    struct Free {
        void operator()(std::byte* memory) const { std::free(memory); }
    };
    std::unique_ptr<std::byte, Free> memory_;
    std::deque<std::vector<std::byte>> frames_;

  public:
    Table table;
};

} // namespace sluice::reassembly
