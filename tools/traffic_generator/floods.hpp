// Floods beside a workload: SYNs and UDP packets with random sources of a range that nobody else uses, so that they are
// told apart on the other side.
#pragma once

#include "traffic_generator/frame_template.hpp"
#include "traffic_generator/pacer.hpp"
#include "traffic_generator/random.hpp"
#include "traffic_generator/workload.hpp"

namespace sluice::traffic {

class Floods {
  public:
    struct Options {
        double syn_rate = 0;    ///< SYNs a second to one server's port
        double random_rate = 0; ///< UDP packets a second from and to random tuples
        bool answered = false;  ///< the server answers SYNs, as one that is attacked would
        uint64_t seed = 1;
        uint64_t cycles_per_second = 1;
    };
    /// Packets while it was measured; those under way at its beginning and end make no difference worth telling.
    struct Counts {
        uint64_t syn_sent = 0;
        uint64_t syn_passed = 0;
        uint64_t answers_sent = 0;   ///< by the server
        uint64_t answers_passed = 0; ///< SYN/ACKs to the flood's sources: the server's, or the firewall's own
        uint64_t random_sent = 0;
        uint64_t random_passed = 0;
        uint64_t wrong = 0; ///< none of these
    };
    /// `sources` must not overlap with the plan's clients.
    Floods(const TuplePlan& plan, const AddressRange& sources, const Options& options);

    void generate(const Moment& moment);
    void receive(Side at, const Arrival& arrival, const Moment& moment);
    [[nodiscard]] bool any() const { return options_.syn_rate > 0 || options_.random_rate > 0; }

    void begin_measuring() { counts_ = {}; }
    [[nodiscard]] const Counts& counts() const { return counts_; }

  private:
    [[nodiscard]] Ends random_source();

    AddressRange sources_;
    AddressRange servers_;
    Ends target_; ///< one server's address and port
    Options options_;
    FrameTemplate syn_;
    FrameTemplate answer_;
    FrameTemplate datagram_;
    Pacer syn_pacer_;
    Pacer random_pacer_;
    Random random_;
    Counts counts_;
    bool generating_ = false;
};

} // namespace sluice::traffic
