#include "loadgen/schedule.hpp"

#include <ctime>

namespace sluice::loadgen {

Nanoseconds monotonic_now() {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * kNanosecondsPerSecond + now.tv_nsec;
}

} // namespace sluice::loadgen
