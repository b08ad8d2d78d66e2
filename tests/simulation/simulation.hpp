// Days of traffic through all workers of an appliance, under a clock that stands still while they work, with what must
// always be true looked at after each step.
//
// A step: time goes on (mostly by milliseconds, sometimes by hours), now and then another policy is published, up to 32
// frames come in by one port, every worker takes its rounds. What the two TCP endpoints and the askers send next
// follows from what reached them.
//
// What holds, after each step: every frame has one fate, and the counters tell of them; each table's numbers add up.
// Nothing passes that the oracle knows no question for (oracle.hpp). What honest conversations send passes, as long as
// nobody else's packet passed under their name, nothing had to make room, and no timeout ran out. Now and then, and
// whenever time leaps: tables agree with themselves, and no flow is there whose time is over.
#pragma once

#include "frame_pool.hpp"
#include "hostile.hpp"
#include "oracle.hpp"
#include "random.hpp"
#include "rulesets.hpp"
#include "tcp_connection.hpp"
#include "world.hpp"

#include "support/memory_appliance.hpp"

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace sluice::simulation {

struct Options {
    std::uint64_t seed = 1;
    std::uint32_t capacity = 16384; ///< of each worker's table
    bool evict = true;              ///< `on_full: evict` rather than drop_new
    std::uint16_t workers = 1;
    unsigned hostile_percent = 20;
};

/// What came of it.
struct Report {
    std::uint64_t packets = 0;
    std::uint64_t steps = 0;
    std::uint64_t forwarded = 0;
    std::uint64_t milliseconds = 0; ///< of simulated time
    std::uint64_t honest = 0;       ///< packets that had to pass, and did
    std::uint64_t fragments = 0;    ///< of honest datagrams that all came and were forwarded
    std::uint64_t connections = 0;  ///< that ended by FINs from both ends
    std::uint64_t reused = 0;       ///< begun again at once on the same ports
    std::uint64_t created = 0;      ///< flows
    std::uint64_t made_room = 0;    ///< flows evicted or refused
    std::uint64_t resized = 0;      ///< times the table's size changed
    std::uint64_t digest = 0;       ///< of all fates, in order
    std::string violation;          ///< empty when everything held
};

class Simulation final : public worker::Observer {
  public:
    Simulation(const Options& options, std::span<const NamedRuleset> rulesets);

    /// Until `packets` more came in, or something does not hold.
    void run(std::uint64_t packets);
    [[nodiscard]] const Report& report() const { return report_; }

    void decided(const pipeline::Batch& batch) override;

  private:
    /// A little before the ticks wrap, so that each run sees it.
    static constexpr std::uint64_t kStart = (std::uint64_t{1} << 32) - 3'600'000;
    static constexpr unsigned kConnections = 128;
    static constexpr unsigned kExchanges = 48;

    struct Connection {
        TcpConnection tcp;
        std::uint32_t life = 0;
        unsigned sendings_left = 0;
        bool open = false;
        bool sound = false; ///< what it sends must pass
        std::uint64_t last_passed = 0;
        std::uint64_t pressure = 0; ///< when it began
    };
    /// Questions and answers over UDP, ICMP or GRE.
    struct Exchange {
        Tuple tuple;
        std::uint32_t life = 0;
        unsigned left = 0;
        unsigned unanswered = 0; ///< questions that reached the server
    };

    void step();
    void pass_time();
    void change_policy();
    void change_size();
    void put_in_burst();
    /// Writes one frame into frame_ and says who sent it. 0: nobody had anything to send.
    std::size_t write_any(std::uint16_t wire, Side side, Origin& origin);
    std::size_t write_connection(std::uint16_t wire, Side side, Origin& origin);
    std::size_t write_exchange(std::uint16_t wire, Side side, Origin& origin);
    std::size_t write_honest_fragments(std::uint16_t wire, Side side, Origin& origin);
    std::size_t write_hostile(std::uint16_t wire, Side side, Origin& origin);
    void begin(unsigned slot);
    void give_up(Connection& connection);
    void begin_exchange(Exchange& exchange);

    void take_fates();
    void take_fate(const Frame& frame);
    void take_forwarded(const Frame& frame);
    void take_dropped(const Frame& frame);
    void take_forwarded_segment(const Frame& frame);
    [[nodiscard]] bool is_on_guard(const Origin& origin) const;
    [[nodiscard]] bool must_pass(const Frame& frame);
    [[nodiscard]] bool must_pass(const Connection& connection, const Frame& frame) const;
    void mix(std::uint64_t word) { report_.digest = (report_.digest ^ word) * 0x9e3779b97f4a7c15 + 1; }

    void check_accounts();
    void check_tables();
    void check_deadlines();
    void fail(const std::string& what, const Frame* frame = nullptr);
    [[nodiscard]] std::uint64_t pressure() const;
    [[nodiscard]] base::Tick tick() const { return static_cast<base::Tick>(now_); }

    Options options_;
    std::span<const NamedRuleset> rulesets_;
    Random random_;
    FramePool pool_;
    test_support::MemoryAppliance appliance_;
    Oracle oracle_;
    RecentFrames recent_;
    std::array<std::uint8_t, kFrameRoom + 256> frame_{};
    Segment segment_;
    std::array<Connection, kConnections> connections_;
    std::array<Exchange, kExchanges> exchanges_;
    std::uint64_t now_; ///< milliseconds; the workers see its lower 32 bits
    std::uint64_t pressure_ = 0;
    bool leapt_ = false;
    Report report_;
};

} // namespace sluice::simulation
