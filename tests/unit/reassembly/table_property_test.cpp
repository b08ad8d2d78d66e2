// Random fragmentations, orders, duplicates and lies, against a model that keeps a datagram as a map of its bytes.
#include "table_bench.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <random>

namespace sluice::reassembly {
namespace {

struct Sent {
    std::uint32_t identification;
    unsigned offset, length;
    bool more;
    std::byte fill;
};

/// A datagram as the model sees it.
struct ModelDatagram {
    std::vector<Sent> fragments;
    std::map<unsigned, std::byte> bytes;
    std::optional<unsigned> end;
    base::Tick since = 0;
};

class Model {
  public:
    explicit Model(const Config& config)
        : config_(config) {}

    std::string put(const Sent& f, base::Tick now) {
        while (!ages_.empty() && now - datagrams_.at(ages_.front()).since >= config_.timeout) {
            forget(ages_.front());
        }
        const auto found = datagrams_.find(f.identification);
        if (found != datagrams_.end()) {
            const std::string wrong = refusal(found->second, f);
            if (wrong == "fragment_duplicate") return wrong;
            if (!wrong.empty()) {
                forget(f.identification);
                return wrong;
            }
        } else if (datagrams_.size() == config_.datagrams) {
            forget(ages_.front());
        }
        while (held() == config_.fragments) {
            const auto victim =
                std::find_if(ages_.begin(), ages_.end(), [&f](std::uint32_t id) { return id != f.identification; });
            forget(*victim);
        }
        if (!datagrams_.contains(f.identification)) {
            datagrams_[f.identification].since = now;
            ages_.push_back(f.identification);
        }
        ModelDatagram& datagram = datagrams_[f.identification];
        datagram.fragments.push_back(f);
        for (unsigned i = 0; i < f.length; ++i) {
            datagram.bytes[f.offset + i] = f.fill;
        }
        if (!f.more) datagram.end = f.offset + f.length;
        if (datagram.end != datagram.bytes.size()) return "held";
        forget(f.identification);
        return "complete";
    }

    [[nodiscard]] std::size_t held() const {
        std::size_t count = 0;
        for (const auto& [id, datagram] : datagrams_) {
            count += datagram.fragments.size();
        }
        return count;
    }

  private:
    [[nodiscard]] std::string refusal(const ModelDatagram& datagram, const Sent& f) const {
        bool overlap = false;
        for (unsigned i = 0; i < f.length; ++i) {
            overlap |= datagram.bytes.contains(f.offset + i);
        }
        const bool duplicate =
            std::any_of(datagram.fragments.begin(), datagram.fragments.end(), [&f](const Sent& other) {
                return other.offset == f.offset && other.length == f.length && other.more == f.more &&
                       other.fill == f.fill;
            });
        if (duplicate) return "fragment_duplicate";
        const unsigned end = f.offset + f.length;
        const unsigned furthest = datagram.bytes.empty() ? 0 : datagram.bytes.rbegin()->first + 1;
        if (overlap || (datagram.end && (end > *datagram.end || !f.more))) return "fragment_overlap";
        if (!f.more && furthest > end) return "fragment_overlap";
        return datagram.fragments.size() == config_.per_datagram ? "fragment_limit" : "";
    }
    void forget(std::uint32_t identification) {
        datagrams_.erase(identification);
        std::erase(ages_, identification);
    }

    Config config_;
    std::map<std::uint32_t, ModelDatagram> datagrams_;
    std::vector<std::uint32_t> ages_; ///< the oldest first
};

std::vector<Sent> random_datagram(std::mt19937& random, std::uint32_t identification) {
    const auto below = [&random](unsigned end) { return static_cast<unsigned>(random() % end); };
    std::vector<Sent> out;
    const auto fill = static_cast<std::byte>(below(2));
    unsigned offset = 0;
    for (unsigned left = 1 + below(5); left != 0; --left) {
        const unsigned length = left == 1 ? 1 + below(16) : 8 * (1 + below(3));
        out.push_back({identification, offset, length, left != 1, fill});
        offset += length;
    }
    std::shuffle(out.begin(), out.end(), random);
    if (below(3) == 0) out.push_back(out[below(static_cast<unsigned>(out.size()))]); // a duplicate, maybe too late
    if (below(3) == 0) {                                                             // a lie
        out.push_back({identification, 8 * below(6), 8 * (1 + below(3)), below(4) != 0, fill});
        std::shuffle(out.begin(), out.end(), random);
    }
    if (below(4) == 0 && out.size() > 1) out.pop_back();
    return out;
}

TEST(ReassemblyProperty, DoesWhatASimpleModelDoes) {
    std::map<std::string, unsigned> met;
    for (unsigned seed = 1; seed <= 300; ++seed) {
        std::mt19937 random(seed);
        Config config = TableBench::small(4 + seed % 4, 4);
        config.fragments = 6 + seed % 8;
        TableBench bench(config);
        Model model(config);
        base::Tick now = seed;
        std::vector<Sent> waiting;
        for (unsigned step = 0; step < 400; ++step) {
            if (waiting.size() < 12) {
                const auto more = random_datagram(random, static_cast<std::uint32_t>(random() % 12));
                waiting.insert(waiting.end(), more.begin(), more.end());
            }
            const std::size_t next = random() % std::min<std::size_t>(waiting.size(), 6);
            const Sent fragment = waiting[next];
            waiting.erase(waiting.begin() + static_cast<std::ptrdiff_t>(next));
            now += random() % 40 == 0 ? 600 : static_cast<base::Tick>(random() % 20);
            while (bench.table.expire(now, 1) != 0) {
            }
            const std::string got =
                bench.put(fragment.identification, fragment.offset, fragment.length, fragment.more, fragment.fill, now);
            ASSERT_EQ(got, model.put(fragment, now)) << "seed " << seed << " step " << step;
            ASSERT_EQ(bench.table.stats().fragments.load(), model.held()) << "seed " << seed << " step " << step;
            (void)bench.discarded();
            ++met[got];
        }
    }
    for (const char* word : {"held", "complete", "fragment_duplicate", "fragment_overlap", "fragment_limit"}) {
        EXPECT_GT(met[word], 100u) << word;
    }
}

/// Every fragment comes back once: held until then, given out or discarded.
TEST(ReassemblyProperty, LosesNoFragment) {
    for (unsigned seed = 1; seed <= 50; ++seed) {
        std::mt19937 random(seed);
        Config config = TableBench::small(4, 4);
        config.fragments = 8;
        TableBench bench(config);
        std::uint64_t added = 0;
        std::uint64_t back = 0;
        for (unsigned step = 0; step < 500; ++step) {
            for (const Sent& f : random_datagram(random, static_cast<std::uint32_t>(random() % 9))) {
                ++added;
                const auto outcome = bench.add(TableBench::key(f.identification),
                                               bench.piece(f.offset, f.length, f.more, f.fill), step * 100);
                if (outcome.what == TableBench::What::refused) ++back;
                if (outcome.what != TableBench::What::complete) continue;
                back += bench.table.piece_count(outcome.datagram);
                bench.table.release(outcome.datagram);
            }
            std::array<Discarded, 16> discarded;
            while (const unsigned count = bench.table.take_discarded(discarded.data(), discarded.size())) {
                back += count;
            }
            ASSERT_EQ(added, back + bench.table.stats().fragments.load());
        }
        ASSERT_TRUE(bench.table.consistent());
    }
}

} // namespace
} // namespace sluice::reassembly
