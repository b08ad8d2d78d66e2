// What the stages of the packet's way cost, from samples: one burst in kBurstsASample is timed. One writer, the worker;
// the control thread reads at any time.
#pragma once

#include "base/cell.hpp"
#include "base/clock.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sluice::telemetry {

/// In the order in which a burst passes them.
enum class Stage : std::uint8_t { receive, parse, reassemble, untracked, dispatch, look_up, tracked, transmit, count };
inline constexpr std::size_t kStageCount = static_cast<std::size_t>(Stage::count);
inline constexpr std::array<std::string_view, kStageCount> kStageNames = {
    "receive", "parse", "reassemble", "untracked", "dispatch", "look_up", "tracked", "transmit"};

/// A prime: ports that are polled in turns must not be sampled always the same.
inline constexpr std::uint32_t kBurstsASample = 1021;

/// Of the bursts that were timed. `cycles` is base::cycles().
struct StageCycles {
    base::Cell<std::uint64_t> bursts;
    base::Cell<std::uint64_t> packets;
    std::array<base::Cell<std::uint64_t>, kStageCount> cycles;
};

/// Times the stages of a burst when its turn has come; else each end() costs a branch that is never taken.
class StageClock {
  public:
    /// Before a burst is asked for. Without a packet in it, it is not counted, and the next one has the turn.
    void start(StageCycles& into) {
        if (left_ != 0) [[likely]]
            return;
        into_ = &into;
        spent_.fill(0);
        last_ = base::cycles();
    }
    /// A stage is over.
    void end(Stage stage) {
        if (into_ == nullptr) [[likely]]
            return;
        const std::uint64_t now = base::cycles();
        spent_[static_cast<std::size_t>(stage)] += now - last_;
        last_ = now;
    }
    /// The burst is over, `packets` were in it.
    void finish(unsigned packets) {
        if (into_ == nullptr) [[likely]] {
            if (packets != 0) --left_;
            return;
        }
        if (packets != 0) {
            into_->bursts.add(1);
            into_->packets.add(packets);
            for (std::size_t i = 0; i < kStageCount; ++i)
                into_->cycles[i].add(spent_[i]);
            left_ = kBurstsASample - 1;
        }
        into_ = nullptr;
    }

  private:
    StageCycles* into_ = nullptr; ///< null: this burst is not timed
    std::uint64_t last_ = 0;
    std::array<std::uint64_t, kStageCount> spent_{};
    std::uint32_t left_ = kBurstsASample - 1; ///< bursts until the next sample
};

} // namespace sluice::telemetry
