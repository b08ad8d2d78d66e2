#include "traffic_generator/workload.hpp"

#include <numeric>

namespace sluice::traffic {

std::string_view name_of(Wrong wrong) {
    constexpr std::array<std::string_view, kWrongs> kNames = {"damaged", "stranger", "flags",
                                                              "numbers", "payload",  "unexpected"};
    return kNames[static_cast<std::size_t>(wrong)];
}

uint64_t Counts::all_wrong() const {
    return std::accumulate(wrong.begin(), wrong.end(), uint64_t{0});
}

} // namespace sluice::traffic
