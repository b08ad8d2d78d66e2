// DPDK for benchmarks of the parts: its memory on hugepages, no ports, no files, the calling thread on one core.
#pragma once

#include <rte_eal.h>
#include <sched.h>

#include <stdexcept>
#include <string>
#include <vector>

namespace sluice::bench {

/// The last CPU that this process may use.
inline unsigned last_cpu() {
    cpu_set_t set;
    CPU_ZERO(&set);
    sched_getaffinity(0, sizeof set, &set);
    unsigned last = 0;
    for (unsigned cpu = 0; cpu < CPU_SETSIZE; ++cpu)
        if (CPU_ISSET(cpu, &set)) last = cpu;
    return last;
}

/// Throws when the EAL does not start. It stays up until the process ends.
inline void start_eal() {
    std::vector<std::string> words = {"bench",       "-l",   std::to_string(last_cpu()), "--no-pci", "--in-memory",
                                      "--log-level", "error"};
    std::vector<char*> arguments;
    for (std::string& word : words)
        arguments.push_back(word.data());
    if (rte_eal_init(static_cast<int>(arguments.size()), arguments.data()) < 0)
        throw std::runtime_error("the EAL does not start: run sudo tools/setup, and this as root");
}

} // namespace sluice::bench
