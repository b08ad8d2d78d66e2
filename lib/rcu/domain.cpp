#include "rcu/domain.hpp"

#include <algorithm>
#include <thread>

namespace sluice::rcu {

Domain::Grace Domain::begin_grace() {
    const Grace grace = epoch_.load(std::memory_order_relaxed) + 1;
    epoch_.store(grace, std::memory_order_seq_cst);
    return grace;
}

bool Domain::is_over(Grace grace) const {
    return std::all_of(readers_.begin(), readers_.end(),
                       [grace](const Reader& reader) { return reader.seen.load(std::memory_order_seq_cst) >= grace; });
}

bool Domain::synchronize(std::chrono::milliseconds patience) {
    const Grace wanted = begin_grace();
    const auto give_up = std::chrono::steady_clock::now() + patience;
    while (!is_over(wanted)) {
        if (std::chrono::steady_clock::now() >= give_up) return false;
        std::this_thread::sleep_for(std::chrono::microseconds(50));
    }
    return true;
}

} // namespace sluice::rcu
