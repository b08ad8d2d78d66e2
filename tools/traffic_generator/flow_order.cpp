#include "traffic_generator/flow_order.hpp"

#include <algorithm>
#include <cmath>

namespace sluice::traffic {
namespace {

constexpr uint32_t kDraws = 1u << 22;

/// Draws from 1 / k^s by rejection from its envelope's inverse (Hörmann and Derflinger 1996): no table over flows.
class ZipfDraw {
  public:
    ZipfDraw(uint32_t flows, double exponent)
        : exponent_(exponent)
        , flows_(flows)
        , from_(integral(1.5) - 1)
        , to_(integral(flows + 0.5))
        , skip_(2 - inverse(integral(2.5) - std::pow(2.0, -exponent))) {}

    uint32_t operator()(Random& random) const {
        while (true) {
            const double unit = static_cast<double>(random.next() >> 11) * 0x1p-53;
            const double u = to_ + unit * (from_ - to_);
            const double x = inverse(u);
            const double k = std::clamp(std::floor(x + 0.5), 1.0, static_cast<double>(flows_));
            if (k - x <= skip_ || u >= integral(k + 0.5) - std::pow(k, -exponent_)) return static_cast<uint32_t>(k) - 1;
        }
    }

  private:
    /// The integral of x^-s, and its inverse.
    [[nodiscard]] double integral(double x) const {
        return exponent_ == 1 ? std::log(x) : std::pow(x, 1 - exponent_) / (1 - exponent_);
    }
    [[nodiscard]] double inverse(double y) const {
        return exponent_ == 1 ? std::exp(y) : std::pow(y * (1 - exponent_), 1 / (1 - exponent_));
    }

    double exponent_;
    uint32_t flows_;
    double from_;
    double to_;
    double skip_;
};

} // namespace

FlowOrder FlowOrder::uniform(uint32_t flows, std::vector<uint8_t> shapes, uint64_t seed) {
    FlowOrder order(seed);
    order.flows_ = flows;
    order.shapes_ = std::move(shapes);
    return order;
}

FlowOrder FlowOrder::zipf(uint32_t flows, double exponent, std::vector<uint8_t> shapes, uint64_t seed) {
    FlowOrder order = uniform(flows, std::move(shapes), seed);
    const ZipfDraw draw(flows, exponent);
    order.draws_.resize(kDraws);
    for (uint32_t& flow : order.draws_) {
        flow = draw(order.random_);
    }
    return order;
}

FlowOrder FlowOrder::recorded(std::vector<Step> steps) {
    FlowOrder order(0);
    order.steps_ = std::move(steps);
    return order;
}

} // namespace sluice::traffic
