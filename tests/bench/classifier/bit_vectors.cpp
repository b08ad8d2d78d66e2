// Aggregated bit vectors (T. Lakshman, D. Stiliadis: High-Speed Policy-based Packet Forwarding Using Efficient
// Multi-dimensional Range Matching, 1998; F. Baboescu, G. Varghese: Scalable Packet Classification, 2001).
//
// For every field, the values that the rules tell apart; for each of them one bit a rule. A packet's five vectors are
// put together with AND, and the first bit that stays is the rule. A second vector has a bit for each 256 of the first:
// only blocks that have a bit in all five aggregates are read, one AVX2 register each.
#include "design.hpp"
#include "host_packet.hpp"

#include <immintrin.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <map>
#include <string_view>
#include <vector>

namespace sluice::bench {
namespace {

using rule_sets::Rule;
using rule_sets::RuleSet;

constexpr std::size_t kBlockBits = 256;
constexpr std::size_t kBlockWords = kBlockBits / 64;
constexpr std::size_t kMostBytes = std::size_t{4} << 30;
constexpr unsigned kFields = 5;

/// The vectors of one field, each once: those of different values are often the same.
class Vectors {
  public:
    explicit Vectors(std::size_t rules)
        : blocks_((rules + kBlockBits - 1) / kBlockBits)
        , aggregate_words_((blocks_ + 63) / 64)
        , current_(blocks_ * kBlockWords) {}

    void flip(std::size_t rule) { current_[rule / 64] ^= std::uint64_t{1} << rule % 64; }

    /// Keeps the vector as it is now; its number.
    std::uint32_t keep() {
        const std::string_view key(reinterpret_cast<const char*>(current_.data()), current_.size() * 8);
        const std::size_t hash = std::hash<std::string_view>{}(key);
        for (auto [at, end] = known_.equal_range(hash); at != end; ++at) {
            if (std::memcmp(vector(at->second), current_.data(), current_.size() * 8) == 0) return at->second;
        }
        const auto number = static_cast<std::uint32_t>(count_++);
        bits_.insert(bits_.end(), current_.begin(), current_.end());
        if (bits_.size() * 8 > kMostBytes / 2) throw CannotBuild("bit vectors would take gigabytes");
        for (std::size_t word = 0; word < aggregate_words_; ++word) {
            std::uint64_t aggregate = 0;
            for (std::size_t block = word * 64; block < std::min(blocks_, word * 64 + 64); ++block) {
                const std::uint64_t* at = &current_[block * kBlockWords];
                if ((at[0] | at[1] | at[2] | at[3]) != 0) aggregate |= std::uint64_t{1} << block % 64;
            }
            aggregates_.push_back(aggregate);
        }
        known_.emplace(hash, number);
        return number;
    }

    [[nodiscard]] const std::uint64_t* vector(std::uint32_t number) const {
        return &bits_[number * blocks_ * kBlockWords];
    }
    [[nodiscard]] const std::uint64_t* aggregate(std::uint32_t number) const {
        return &aggregates_[number * aggregate_words_];
    }
    [[nodiscard]] std::size_t memory_size() const { return bits_.size() * 8 + aggregates_.size() * 8; }
    [[nodiscard]] std::size_t aggregate_words() const { return aggregate_words_; }

  private:
    std::size_t blocks_;
    std::size_t aggregate_words_;
    std::vector<std::uint64_t> current_;
    std::size_t count_ = 0;
    std::vector<std::uint64_t> bits_;
    std::vector<std::uint64_t> aggregates_;
    std::multimap<std::size_t, std::uint32_t> known_;
};

/// Rules that begin or end to match at a value.
template <typename T> using Edges = std::map<T, std::vector<std::size_t>>;

/// Addresses: intervals between the ends of prefixes, found by binary search.
struct AddressField {
    std::vector<Number> starts;
    std::vector<std::uint32_t> vector_of;

    void build(const RuleSet& set, net::Prefix Rule::*side, Vectors& vectors) {
        Edges<Number> edges;
        edges[Number{}];
        for (std::size_t i = 0; i < set.rules.size(); ++i) {
            const net::Prefix& prefix = set.rules[i].*side;
            edges[number_of(prefix.address)].push_back(i);
            Number behind = last_of(prefix);
            if (behind == mask_of(prefix.address.width(), prefix.address.width())) continue;
            behind.high += ++behind.low == 0 ? 1u : 0u;
            edges[behind].push_back(i);
        }
        for (const auto& [start, rules] : edges) {
            for (const std::size_t rule : rules)
                vectors.flip(rule);
            starts.push_back(start);
            vector_of.push_back(vectors.keep());
        }
    }

    [[nodiscard]] std::uint32_t find(const Number& address) const {
        const Number* base = starts.data();
        std::size_t count = starts.size();
        while (count > 1) {
            const std::size_t half = count / 2;
            base += base[half] <= address ? half : 0;
            count -= half;
        }
        return vector_of[static_cast<std::size_t>(base - starts.data())];
    }
    [[nodiscard]] std::size_t memory_size() const { return starts.size() * (sizeof(Number) + 4); }
};

/// Ports and protocols: a table of all values.
struct TableField {
    std::vector<std::uint32_t> vector_of;

    template <typename RangeOf> void build(const RuleSet& set, std::size_t values, RangeOf range_of, Vectors& vectors) {
        Edges<std::size_t> edges;
        for (std::size_t i = 0; i < set.rules.size(); ++i) {
            const net::PortRange range = range_of(set.rules[i]);
            edges[range.first].push_back(i);
            edges[range.last + std::size_t{1}].push_back(i);
        }
        edges[0];
        edges[values];
        for (auto at = edges.begin(); at->first < values; ++at) {
            for (const std::size_t rule : at->second)
                vectors.flip(rule);
            vector_of.resize(std::next(at)->first, vectors.keep());
        }
    }
    [[nodiscard]] std::size_t memory_size() const { return vector_of.size() * 4; }
};

class BitVectors : public Design {
  public:
    explicit BitVectors(const RuleSet& set)
        : vectors_{Vectors(set.rules.size()), Vectors(set.rules.size()), Vectors(set.rules.size()),
                   Vectors(set.rules.size()), Vectors(set.rules.size())} {
        source_.build(set, &Rule::source, vectors_[0]);
        destination_.build(set, &Rule::destination, vectors_[1]);
        source_ports_.build(
            set, 65536, [](const Rule& rule) { return rule.source_ports; }, vectors_[2]);
        destination_ports_.build(
            set, 65536, [](const Rule& rule) { return rule.destination_ports; }, vectors_[3]);
        protocols_.build(
            set, 256,
            [](const Rule& rule) {
                return rule.protocol ? net::PortRange{*rule.protocol, *rule.protocol} : net::PortRange{0, 255};
            },
            vectors_[4]);
    }

    void load(const rule_sets::Trace& trace) override {
        packets_.clear();
        for (const rule_sets::Packet& packet : trace)
            packets_.emplace_back(packet);
    }

    void classify(std::size_t begin, unsigned count, std::uint32_t* results) const override {
        std::array<std::array<std::uint32_t, kFields>, kBatch> numbers;
        for (unsigned i = 0; i < count; ++i) {
            const HostPacket& packet = packets_[begin + i];
            numbers[i] = {source_.find(packet.source), destination_.find(packet.destination),
                          source_ports_.vector_of[packet.source_port],
                          destination_ports_.vector_of[packet.destination_port], protocols_.vector_of[packet.protocol]};
            for (unsigned field = 0; field < kFields; ++field)
                __builtin_prefetch(vectors_[field].aggregate(numbers[i][field]));
        }
        for (unsigned i = 0; i < count; ++i)
            results[i] = first_of(numbers[i]);
    }

    [[nodiscard]] std::size_t memory_size() const override {
        std::size_t size = source_.memory_size() + destination_.memory_size() + source_ports_.memory_size() +
                           destination_ports_.memory_size() + protocols_.memory_size();
        for (const Vectors& each : vectors_)
            size += each.memory_size();
        return size;
    }

  private:
    [[nodiscard]] std::uint32_t first_of(const std::array<std::uint32_t, kFields>& numbers) const {
        for (std::size_t word = 0; word < vectors_[0].aggregate_words(); ++word) {
            std::uint64_t blocks = ~std::uint64_t{0};
            for (unsigned field = 0; field < kFields; ++field)
                blocks &= vectors_[field].aggregate(numbers[field])[word];
            for (; blocks != 0; blocks &= blocks - 1) {
                const std::size_t block = word * 64 + static_cast<unsigned>(std::countr_zero(blocks));
                const std::uint32_t found = first_in(numbers, block);
                if (found != 0) return found;
            }
        }
        return 0;
    }

    [[nodiscard]] std::uint32_t first_in(const std::array<std::uint32_t, kFields>& numbers, std::size_t block) const {
        __m256i all = _mm256_set1_epi64x(-1);
        for (unsigned field = 0; field < kFields; ++field) {
            const std::uint64_t* at = vectors_[field].vector(numbers[field]) + block * kBlockWords;
            all = _mm256_and_si256(all, _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at)));
        }
        if (_mm256_testz_si256(all, all) != 0) return 0;
        alignas(32) std::array<std::uint64_t, kBlockWords> words;
        _mm256_store_si256(reinterpret_cast<__m256i*>(words.data()), all);
        for (std::size_t word = 0; word < kBlockWords; ++word) {
            if (words[word] != 0) {
                return static_cast<std::uint32_t>(block * kBlockBits + word * 64 +
                                                  static_cast<unsigned>(std::countr_zero(words[word])) + 1);
            }
        }
        return 0;
    }

    std::array<Vectors, kFields> vectors_;
    AddressField source_;
    AddressField destination_;
    TableField source_ports_;
    TableField destination_ports_;
    TableField protocols_;
    std::vector<HostPacket> packets_;
};

} // namespace

std::unique_ptr<Design> make_bit_vectors(const RuleSet& set) {
    return std::make_unique<BitVectors>(set);
}

} // namespace sluice::bench
