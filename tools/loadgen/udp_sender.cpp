#include "loadgen/udp_sender.hpp"

#include "loadgen/file_descriptor.hpp"
#include "loadgen/udp_payload.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <random>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>

namespace sluice::loadgen {
namespace {

using base::Unexpected;

// Time between two calls when on schedule: at 100,000 packets a second ten in a call.
constexpr Nanoseconds kTick = 100'000;
constexpr uint32_t kEndRepeats = 5;
constexpr Nanoseconds kEndPause = 20'000'000;

void sleep_until(Nanoseconds at) {
    timespec until{};
    until.tv_sec = at / kNanosecondsPerSecond;
    until.tv_nsec = at % kNanosecondsPerSecond;
    while (::clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nullptr) == EINTR) {
    }
}

Result<std::vector<FileDescriptor>> open_streams(const UdpSendOptions& options) {
    std::vector<FileDescriptor> streams;
    for (uint16_t i = 0; i < options.streams; ++i) {
        FileDescriptor fd(::socket(options.target.family(), SOCK_DGRAM | SOCK_CLOEXEC, 0));
        if (!fd) return Unexpected(fmt::format("cannot open a socket: {}", std::strerror(errno)));
        if (options.source) {
            Endpoint source = *options.source;
            if (source.port() != 0) source.set_port(static_cast<uint16_t>(source.port() + i));
            if (::bind(fd.get(), source.address(), source.size()) != 0)
                return Unexpected(fmt::format("cannot send from {}: {}", source.to_string(), std::strerror(errno)));
        }
        if (::connect(fd.get(), options.target.address(), options.target.size()) != 0)
            return Unexpected(fmt::format("cannot send to {}: {}", options.target.to_string(), std::strerror(errno)));
        streams.push_back(std::move(fd));
    }
    return streams;
}

// The messages of one call, reused for every call.
class Batch {
  public:
    Batch(uint32_t max_burst, uint32_t length, uint32_t run)
        : length_(length)
        , run_(run)
        , bytes_(size_t{max_burst} * length)
        , parts_(max_burst)
        , messages_(max_burst) {
        for (uint32_t i = 0; i < max_burst; ++i) {
            parts_[i] = {bytes_.data() + size_t{i} * length, length};
            messages_[i].msg_hdr.msg_iov = &parts_[i];
            messages_[i].msg_hdr.msg_iovlen = 1;
        }
    }

    // How many were sent; zero and errno set otherwise.
    uint32_t send(int fd, uint16_t stream, uint64_t first, uint32_t count, bool is_end) {
        UdpPayload payload;
        payload.run = run_;
        payload.stream = stream;
        payload.is_end = is_end ? 1 : 0;
        payload.sent_at = monotonic_now();
        for (uint32_t i = 0; i < count; ++i) {
            payload.sequence = first + i;
            std::memcpy(bytes_.data() + size_t{i} * length_, &payload, sizeof payload);
        }
        const int sent = ::sendmmsg(fd, messages_.data(), count, 0);
        return sent < 0 ? 0 : static_cast<uint32_t>(sent);
    }

  private:
    uint32_t length_;
    uint32_t run_;
    std::vector<char> bytes_;
    std::vector<iovec> parts_;
    std::vector<mmsghdr> messages_;
};

void note_error(UdpSendResults& results) {
    const char* name = ::strerrorname_np(errno);
    ++results.errors[name == nullptr ? "unknown" : name];
}

void send_totals(const std::vector<FileDescriptor>& streams, Batch& batch, UdpSendResults& results) {
    for (uint32_t repeat = 0; repeat < kEndRepeats; ++repeat) {
        sleep_until(monotonic_now() + kEndPause);
        for (uint16_t i = 0; i < streams.size(); ++i)
            if (batch.send(streams[i].get(), i, results.sent_by_stream[i], 1, true) == 0) note_error(results);
    }
}

} // namespace

Result<UdpSendResults> udp_send(const UdpSendOptions& options, const std::atomic<bool>& stop) {
    auto streams = open_streams(options);
    if (!streams) return Unexpected(std::move(streams).error());
    // The default slack of 50 µs would make half a tick of jitter.
    ::prctl(PR_SET_TIMERSLACK, 1UL);
    Batch batch(options.max_burst, options.payload_length, std::random_device{}());
    UdpSendResults results;
    results.sent_by_stream.resize(options.streams);
    const Nanoseconds start = monotonic_now();
    const auto per_tick = static_cast<uint64_t>(std::max(1.0, options.rate * static_cast<double>(kTick) / 1e9));
    // Twice the rate at most until a pause is made up for.
    const uint64_t burst = std::min<uint64_t>(2 * per_tick, options.max_burst);
    Pacer pacer(start, options.rate, burst, std::max<uint64_t>(burst, static_cast<uint64_t>(options.rate / 10)));
    Nanoseconds last_call = start;
    uint16_t stream = 0;
    for (uint64_t attempted = 0; attempted < options.count && !stop.load(std::memory_order_relaxed);) {
        const Nanoseconds now = monotonic_now();
        const auto count = static_cast<uint32_t>(std::min(pacer.allowed(now, attempted), options.count - attempted));
        if (count > 0) {
            results.max_pause = std::max(results.max_pause, now - last_call);
            last_call = now;
            uint64_t& sent = results.sent_by_stream[stream];
            const uint32_t taken = batch.send((*streams)[stream].get(), stream, sent, count, false);
            if (taken == 0) note_error(results);
            sent += taken;
            results.sent += taken;
            // A refused packet has had its turn; its number goes to the next one.
            attempted += std::max<uint32_t>(taken, 1);
            stream = static_cast<uint16_t>((stream + 1) % options.streams);
        }
        sleep_until(std::max(pacer.next(attempted), now + kTick));
    }
    results.elapsed = monotonic_now() - start;
    results.shifted = pacer.shifted();
    send_totals(*streams, batch, results);
    return results;
}

std::string summary(const UdpSendResults& results) {
    const double seconds = static_cast<double>(results.elapsed) / 1e9;
    std::string text = fmt::format("sent         {} in {:.3f} s, {:.0f}/s\n", results.sent, seconds,
                                   seconds > 0 ? static_cast<double>(results.sent) / seconds : 0);
    for (const auto& [name, count] : results.errors)
        text += fmt::format("refused      {} {}\n", count, name);
    text += fmt::format("pacing       longest pause {:.3f} ms, schedule moved by {:.3f} ms\n",
                        static_cast<double>(results.max_pause) / 1e6, static_cast<double>(results.shifted) / 1e6);
    return text;
}

std::string to_json(const UdpSendResults& results) {
    nlohmann::ordered_json object;
    object["schema"] = "sluice.udpblast.send/1";
    object["sent"] = results.sent;
    object["sent_by_stream"] = results.sent_by_stream;
    object["errors"] = results.errors;
    object["elapsed_s"] = static_cast<double>(results.elapsed) / 1e9;
    object["max_pause_us"] = static_cast<double>(results.max_pause) / 1e3;
    object["shifted_us"] = static_cast<double>(results.shifted) / 1e3;
    return object.dump() + "\n";
}

} // namespace sluice::loadgen
