#include "loadgen/udp_receiver.hpp"

#include "loadgen/file_descriptor.hpp"
#include "loadgen/udp_payload.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fmt/format.h>
#include <memory>
#include <nlohmann/json.hpp>
#include <poll.h>
#include <sys/socket.h>

namespace sluice::loadgen {
namespace {

using base::Unexpected;

constexpr size_t kBatch = 64;
constexpr size_t kMaxPacket = 2048; // the payload's head is at its start, the rest may be cut off
// After the last stream's total: what was held up on the way.
constexpr Nanoseconds kStragglers = 200'000'000;

Result<FileDescriptor> open_socket(const UdpReceiveOptions& options, UdpReceiveResults& results) {
    FileDescriptor fd(::socket(options.listen.family(), SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!fd) return Unexpected(fmt::format("cannot open a socket: {}", std::strerror(errno)));
    const int on = 1;
    ::setsockopt(fd.get(), SOL_SOCKET, SO_RXQ_OVFL, &on, sizeof on);
    int size = static_cast<int>(options.buffer_size);
    // The first wants CAP_NET_ADMIN; without it net.core.rmem_max is the limit.
    if (::setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size) != 0)
        ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    socklen_t length = sizeof size;
    ::getsockopt(fd.get(), SOL_SOCKET, SO_RCVBUF, &size, &length);
    results.buffer_size = static_cast<uint32_t>(size);
    if (::bind(fd.get(), options.listen.address(), options.listen.size()) != 0)
        return Unexpected(fmt::format("cannot listen on {}: {}", options.listen.to_string(), std::strerror(errno)));
    return fd;
}

class Receiver {
  public:
    Receiver(int fd, UdpReceiveResults& results)
        : fd_(fd)
        , results_(results) {
        for (size_t i = 0; i < kBatch; ++i) {
            parts_[i] = {bytes_[i].data(), kMaxPacket};
            messages_[i].msg_hdr.msg_iov = &parts_[i];
            messages_[i].msg_hdr.msg_iovlen = 1;
        }
    }

    // How many packets came; zero when none is there.
    Result<size_t> receive() {
        for (size_t i = 0; i < kBatch; ++i) {
            messages_[i].msg_hdr.msg_control = controls_[i].data();
            messages_[i].msg_hdr.msg_controllen = kControlSize;
        }
        const int count = ::recvmmsg(fd_, messages_.data(), kBatch, MSG_DONTWAIT, nullptr);
        if (count < 0 && (errno == EAGAIN || errno == EINTR)) return size_t{0};
        if (count < 0) return Unexpected(fmt::format("cannot receive: {}", std::strerror(errno)));
        const Nanoseconds now = monotonic_now();
        for (size_t i = 0; i < static_cast<size_t>(count); ++i)
            book(i, now);
        return static_cast<size_t>(count);
    }

    [[nodiscard]] bool all_ended() const { return !results_.streams.empty() && ended_ == results_.streams.size(); }

  private:
    static constexpr size_t kControlSize = CMSG_SPACE(sizeof(uint32_t));

    void book(size_t i, Nanoseconds now) {
        read_drops(messages_[i].msg_hdr);
        const size_t length = std::min<size_t>(messages_[i].msg_len, kMaxPacket);
        const auto payload = read_udp_payload(std::as_bytes(std::span(bytes_[i].data(), length)));
        if (payload && !run_) run_ = payload->run;
        if (!payload || payload->run != *run_) {
            ++results_.foreign;
            return;
        }
        SequenceTracker& stream = results_.streams[payload->stream];
        if (payload->is_end != 0) {
            if (!stream.total()) ++ended_;
            stream.set_total(payload->sequence);
            return;
        }
        if (!stream.record(payload->sequence)) {
            ++results_.foreign;
            return;
        }
        results_.delay.record(static_cast<uint64_t>(std::max<Nanoseconds>(0, now - payload->sent_at)));
        if (last_arrival_) results_.max_gap = std::max(results_.max_gap, now - *last_arrival_);
        last_arrival_ = now;
    }

    void read_drops(msghdr& header) {
        for (cmsghdr* control = CMSG_FIRSTHDR(&header); control != nullptr; control = CMSG_NXTHDR(&header, control)) {
            if (control->cmsg_level != SOL_SOCKET || control->cmsg_type != SO_RXQ_OVFL) continue;
            uint32_t drops = 0;
            std::memcpy(&drops, CMSG_DATA(control), sizeof drops);
            results_.socket_drops = drops;
        }
    }

    int fd_;
    UdpReceiveResults& results_;
    std::optional<uint32_t> run_;
    std::optional<Nanoseconds> last_arrival_;
    size_t ended_ = 0;
    std::array<std::array<char, kMaxPacket>, kBatch> bytes_;
    std::array<std::array<char, kControlSize>, kBatch> controls_;
    std::array<iovec, kBatch> parts_{};
    std::array<mmsghdr, kBatch> messages_{};
};

template <typename Get> uint64_t sum(const std::map<uint16_t, SequenceTracker>& streams, Get get) {
    uint64_t total = 0;
    for (const auto& [number, stream] : streams)
        total += get(stream);
    return total;
}

} // namespace

uint64_t UdpReceiveResults::received() const {
    return sum(streams, [](const SequenceTracker& stream) { return stream.received(); });
}
uint64_t UdpReceiveResults::missing() const {
    return sum(streams, [](const SequenceTracker& stream) { return stream.missing(); });
}
uint64_t UdpReceiveResults::duplicated() const {
    return sum(streams, [](const SequenceTracker& stream) { return stream.duplicated(); });
}
uint64_t UdpReceiveResults::reordered() const {
    return sum(streams, [](const SequenceTracker& stream) { return stream.reordered(); });
}

Result<UdpReceiveResults> udp_receive(const UdpReceiveOptions& options, const std::atomic<bool>& stop,
                                      const std::function<void()>& ready) {
    UdpReceiveResults results;
    const auto fd = open_socket(options, results);
    if (!fd) return Unexpected(fd.error());
    ready();
    const auto receiver = std::make_unique<Receiver>(fd->get(), results);
    std::optional<Nanoseconds> give_up;
    if (options.first_timeout) give_up = monotonic_now() + *options.first_timeout;
    while (!stop.load(std::memory_order_relaxed)) {
        const auto count = receiver->receive();
        if (!count) return Unexpected(count.error());
        const Nanoseconds now = monotonic_now();
        if (*count > 0) {
            give_up = now + (receiver->all_ended() ? kStragglers : options.idle_timeout);
            continue;
        }
        if (give_up && now >= *give_up) break;
        pollfd poll{fd->get(), POLLIN, 0};
        ::poll(&poll, 1, 50);
    }
    results.all_ended = receiver->all_ended();
    return results;
}

std::string summary(const UdpReceiveResults& results) {
    std::string text = fmt::format("received     {} in {} streams{}\n", results.received(), results.streams.size(),
                                   results.all_ended ? "" : " (the sender's totals did not arrive)");
    text += fmt::format("missing      {}, {} of them in the receiver's own socket buffer\n", results.missing(),
                        results.socket_drops);
    text += fmt::format("duplicated   {}\nreordered    {}\nforeign      {}\n", results.duplicated(),
                        results.reordered(), results.foreign);
    text += fmt::format("delay        p50 {:.3f} ms  p99 {:.3f} ms  max {:.3f} ms, longest gap {:.3f} ms\n",
                        static_cast<double>(results.delay.percentile(50)) / 1e6,
                        static_cast<double>(results.delay.percentile(99)) / 1e6,
                        static_cast<double>(results.delay.max()) / 1e6, static_cast<double>(results.max_gap) / 1e6);
    for (const auto& [number, stream] : results.streams)
        if (const auto gap = stream.longest_gap())
            text += fmt::format("stream {:<5} longest gap: packets {} to {}\n", number, gap->first, gap->last);
    return text;
}

std::string to_json(const UdpReceiveResults& results) {
    nlohmann::ordered_json object;
    object["schema"] = "sluice.udpblast.receive/1";
    object["received"] = results.received();
    object["missing"] = results.missing();
    object["duplicated"] = results.duplicated();
    object["reordered"] = results.reordered();
    object["foreign"] = results.foreign;
    object["socket_drops"] = results.socket_drops;
    object["all_ended"] = results.all_ended;
    object["buffer_size"] = results.buffer_size;
    object["delay_us"]["p50"] = static_cast<double>(results.delay.percentile(50)) / 1e3;
    object["delay_us"]["p99"] = static_cast<double>(results.delay.percentile(99)) / 1e3;
    object["delay_us"]["max"] = static_cast<double>(results.delay.max()) / 1e3;
    object["max_gap_us"] = static_cast<double>(results.max_gap) / 1e3;
    nlohmann::ordered_json streams = nlohmann::ordered_json::array();
    for (const auto& [number, stream] : results.streams) {
        nlohmann::ordered_json entry;
        entry["stream"] = number;
        entry["received"] = stream.received();
        entry["missing"] = stream.missing();
        if (stream.total()) entry["total"] = *stream.total();
        if (const auto gap = stream.longest_gap()) entry["longest_gap"] = {gap->first, gap->last};
        streams.push_back(std::move(entry));
    }
    object["streams"] = std::move(streams);
    return object.dump() + "\n";
}

} // namespace sluice::loadgen
