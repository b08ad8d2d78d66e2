// Ports without DPDK, for tests: what one side sends arrives at the other, unless the firewall in between says
// otherwise.
#pragma once

#include "traffic_generator/engine.hpp"
#include "traffic_generator/ports.hpp"

#include <array>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace sluice::traffic {

using Bytes = std::vector<std::byte>;

class MemoryWire : public Ports {
  public:
    /// May change a frame; false drops it.
    std::function<bool(Side from, Bytes& frame)> firewall = [](Side, Bytes&) { return true; };
    /// Every frame that came out of the firewall, in order, by who sent it.
    std::vector<std::pair<Side, Bytes>> passed;
    bool keep = false; ///< fill `passed`

    uint32_t receive(Side side, std::span<Frame> frames) override {
        auto& queue = queues_[index(side)];
        uint32_t count = 0;
        for (; count < frames.size() && !queue.empty(); ++count) {
            auto bytes = std::make_unique<Bytes>(std::move(queue.front()));
            queue.pop_front();
            frames[count] = {bytes->data(), static_cast<uint16_t>(bytes->size()), bytes.get()};
            held_.push_back(std::move(bytes));
        }
        return count;
    }
    void release(std::span<const Frame>) override { held_.clear(); }
    Sent transmit(Side side, Outbox& outbox) override {
        Sent sent;
        for (; outbox.waiting() > 0; outbox.sent(1)) {
            Bytes bytes(outbox.data(0), outbox.data(0) + outbox.length(0));
            rooms_.emplace_back(static_cast<Room*>(outbox.handle(0)));
            ++sent.frames;
            sent.bytes += bytes.size();
            inject(side, std::move(bytes));
        }
        while (outbox.wanted() > 0) {
            if (rooms_.empty()) rooms_.push_back(std::make_unique<Room>());
            Room* room = rooms_.back().release();
            rooms_.pop_back();
            outbox.add_room(room, room->data());
        }
        return sent;
    }
    void take_back(Outbox& outbox) override {
        while (void* room = outbox.take_room()) {
            rooms_.emplace_back(static_cast<Room*>(room));
        }
    }
    /// A frame that `from` seems to have sent.
    void inject(Side from, Bytes bytes) {
        if (!firewall(from, bytes)) return;
        if (keep) passed.emplace_back(from, bytes);
        queues_[index(opposite(from))].push_back(std::move(bytes));
    }

  private:
    using Room = std::array<std::byte, kFrameRoom>;
    static std::size_t index(Side side) { return static_cast<std::size_t>(side); }

    std::array<std::deque<Bytes>, 2> queues_; ///< by the side that receives
    std::vector<std::unique_ptr<Bytes>> held_;
    std::vector<std::unique_ptr<Room>> rooms_;
};

/// A million cycles a second, ten of them for each look at the clock.
inline constexpr uint64_t kHz = 1'000'000;
inline uint64_t fake_now = 1;
inline uint64_t fake_clock() {
    return fake_now += 10;
}

inline net::Prefix prefix(const char* text) {
    return *net::Prefix::parse(text);
}

inline TuplePlan small_plan(net::Family family = net::Family::ipv4) {
    return family == net::Family::ipv4
               ? *TuplePlan::make({prefix("10.16.0.0/24"), prefix("10.32.0.0/28"), {1024, 2047}, {80, 83}})
               : *TuplePlan::make({prefix("2001:db8:16::/120"), prefix("2001:db8:32::/124"), {1024, 2047}, {80, 83}});
}

inline AddressRange flood_sources(net::Family family = net::Family::ipv4) {
    return AddressRange::of(prefix(family == net::Family::ipv4 ? "198.18.0.0/15" : "2001:db8:f100::/96"));
}

/// Runs a workload over a wire for `seconds` of fake time, half of which is warm-up.
inline PortCounts run_over(MemoryWire& wire, Workload& workload, double seconds = 0.02,
                           Floods::Options flood_options = {}, const TuplePlan& plan = small_plan()) {
    flood_options.cycles_per_second = kHz;
    Floods floods(plan, flood_sources(plan.family()), flood_options);
    const FrameReader reader(plan, flood_sources(plan.family()));
    Progress progress;
    Engine::Options options;
    options.warm_up_seconds = options.seconds = seconds / 2;
    options.rest_seconds = 20;
    options.cycles_per_second = kHz;
    options.clock = fake_clock;
    Engine engine(wire, workload, floods, reader, options, progress);
    const std::atomic<bool> stop{false};
    return engine.run(stop);
}

} // namespace sluice::traffic
