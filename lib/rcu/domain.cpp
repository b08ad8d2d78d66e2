#include "rcu/domain.hpp"

#include <thread>

namespace sluice::rcu {

bool Domain::synchronize(std::chrono::milliseconds patience) {
    const std::uint64_t wanted = epoch_.load(std::memory_order_relaxed) + 1;
    epoch_.store(wanted, std::memory_order_seq_cst);

    const auto give_up = std::chrono::steady_clock::now() + patience;
    for (const Reader& reader : readers_) {
        while (reader.seen.load(std::memory_order_seq_cst) < wanted) {
            if (std::chrono::steady_clock::now() >= give_up) return false;
            std::this_thread::sleep_for(std::chrono::microseconds(50));
        }
    }
    return true;
}

} // namespace sluice::rcu
