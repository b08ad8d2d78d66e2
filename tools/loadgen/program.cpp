#include "loadgen/program.hpp"

#include <cerrno>
#include <cmath>
#include <csignal>
#include <cstring>
#include <fstream>

namespace sluice::loadgen {

std::atomic<bool> stop_requested{false};

void stop_on_signals() {
    struct sigaction action {};
    action.sa_handler = [](int) { stop_requested.store(true, std::memory_order_relaxed); };
    ::sigaction(SIGINT, &action, nullptr);
    ::sigaction(SIGTERM, &action, nullptr);
}

Result<uint64_t> count_of(uint64_t count, const std::string& duration, double rate) {
    if (!duration.empty()) {
        const auto parsed = parse_duration(duration);
        if (!parsed) return base::Unexpected("--duration: " + parsed.error());
        count = static_cast<uint64_t>(std::llround(rate * static_cast<double>(*parsed) / 1e9));
    }
    if (count == 0) return base::Unexpected(std::string("give --duration or --count"));
    return count;
}

std::string write_file(const std::string& path, const std::string& text) {
    if (path.empty()) return {};
    std::ofstream file(path);
    file << text;
    return file.flush() ? std::string() : "cannot write " + path + ": " + std::strerror(errno);
}

} // namespace sluice::loadgen
