// Every packet a UDP flow that there was not before.
#pragma once

#include "traffic_generator/flows.hpp"

namespace sluice::traffic {

class NewFlows : public Workload {
  public:
    struct Options {
        double rate = 0;     ///< flows a second; zero: as fast as possible
        bool answer = false; ///< the server sends a packet back
        std::vector<uint16_t> sizes;
        std::vector<uint8_t> cycle;
        uint64_t cycles_per_second = 1;
    };
    NewFlows(const TuplePlan& plan, const Options& options);

    bool prepare(const Moment&) override { return true; }
    void generate(const Moment& moment) override;
    void receive(Side at, std::span<const Arrival> arrivals, const Moment& moment) override;
    void begin_measuring(uint64_t now) override;
    void end_measuring(uint64_t now) override;

  private:
    TuplePlan plan_;
    Options options_;
    std::array<std::vector<FrameTemplate>, 2> frames_;
    Pacer pacer_;
    MeasuredTime time_;
    uint32_t next_ = 0;
    std::size_t step_ = 0;
    bool generating_ = false;
    bool measuring_ = false;
    double offered_before_ = 0;
};

} // namespace sluice::traffic
