#include "loadgen/engine.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/epoll.h>

namespace sluice::loadgen {
namespace {

using base::Unexpected;

constexpr uint32_t kEventsPerWait = 256;
// Between two looks at the events, so that a late generator does not starve what is under way.
constexpr uint32_t kStartsPerTurn = 64;
constexpr uint32_t kBindAttempts = 8;
constexpr uint32_t kAllEvents = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;

std::string errno_name(int error) {
    const char* name = ::strerrorname_np(error);
    return name == nullptr ? std::to_string(error) : name;
}

} // namespace

Engine::Engine(Options options)
    : options_(std::move(options))
    , exchange_(options_.exchange)
    , results_(options_.interval, options_.count) {
    if (!options_.sources.empty()) sources_.emplace(options_.sources, options_.ports, options_.first_source);
    const uint32_t slots = options_.keep == 0 ? options_.max_open : options_.keep;
    slots_.resize(slots);
    for (uint32_t i = slots; i-- > 0;)
        free_.push_back(i);
}

std::optional<std::string> Engine::check_sources() const {
    if (!sources_) return std::nullopt;
    if (options_.sources.front().family() != options_.target.family())
        return "sources and target are of different families (IPv4, IPv6)";
    for (const Endpoint& source : options_.sources) {
        const FileDescriptor fd(::socket(source.family(), SOCK_DGRAM | SOCK_CLOEXEC, 0));
        if (!fd) return fmt::format("cannot open a socket: {}", std::strerror(errno));
        if (::bind(fd.get(), source.address(), source.size()) == 0) continue;
        if (errno == EADDRNOTAVAIL)
            return fmt::format("{0} is not an address of this host: add it first, as in 'ip address add {0} dev IF'",
                               source.address_string());
        return fmt::format("cannot use {} as a source: {}", source.address_string(), std::strerror(errno));
    }
    return std::nullopt;
}

Result<Results> Engine::run(const std::atomic<bool>& stop) {
    if (auto error = check_sources()) return Unexpected(std::move(*error));
    epoll_ = FileDescriptor(::epoll_create1(EPOLL_CLOEXEC));
    if (!epoll_) return Unexpected(fmt::format("epoll_create1: {}", std::strerror(errno)));
    results_.start = monotonic_now();
    schedule_.emplace(results_.start, options_.rate, options_.count);
    next_report_ = results_.start + kNanosecondsPerSecond;
    // What found no slot until here is not started any more.
    const Nanoseconds last_start = schedule_->intended(options_.count) + options_.timeout;
    bool stopping = false;
    while (true) {
        const Nanoseconds now = monotonic_now();
        stopping = stopping || stop.load(std::memory_order_relaxed) || now >= last_start;
        start_due(now, stopping);
        expire(now);
        report_progress(now);
        if (open_ == 0 && (stopping || next_ == options_.count)) break;
        wait(next_event(now, stopping));
    }
    results_.elapsed = monotonic_now() - results_.start;
    return std::move(results_);
}

void Engine::start_due(Nanoseconds now, bool stopping) {
    if (stopping) return;
    const uint64_t due = schedule_->due(now);
    for (uint32_t turn = 0; turn < kStartsPerTurn && next_ < due; ++turn) {
        const std::optional<uint32_t> slot = take_slot();
        if (!slot) return;
        start(*slot, monotonic_now());
    }
}

std::optional<uint32_t> Engine::take_slot() {
    // A kept connection that was lost comes back as a free slot, so both lists are looked at.
    std::vector<uint32_t>& list = idle_.empty() ? free_ : idle_;
    if (list.empty()) return std::nullopt;
    const uint32_t index = list.back();
    list.pop_back();
    return index;
}

void Engine::start(uint32_t index, Nanoseconds now) {
    Slot& slot = slots_[index];
    slot.exchange = next_++;
    slot.intended = schedule_->intended(slot.exchange);
    slot.busy = true;
    slot.in.clear();
    slot.out = exchange_.request(slot.exchange);
    ++open_;
    ++results_.started;
    results_.max_open = std::max(results_.max_open, open_);
    ++results_.at(now).started;
    results_.lateness.record(static_cast<uint64_t>(std::max<Nanoseconds>(0, now - slot.intended)));
    deadlines_.push_back({now + options_.timeout, index, slot.exchange});
    if (slot.connected) {
        slot.phase = Phase::kAnswer;
        send_request(index);
        return;
    }
    slot.phase = Phase::kConnect;
    if (const int error = open_connection(index); error != 0) fail(index, errno_name(error));
}

int Engine::open_connection(uint32_t index) {
    Slot& slot = slots_[index];
    const int type = exchange_.datagrams() ? SOCK_DGRAM : SOCK_STREAM;
    int error = 0;
    for (uint32_t attempt = 0; attempt < kBindAttempts; ++attempt) {
        slot.fd = FileDescriptor(::socket(options_.target.family(), type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
        if (!slot.fd) return errno;
        error = try_connect(slot);
        // Somebody else's port, or a pair that still is in TIME_WAIT: another may do.
        if (error != EADDRINUSE && error != EADDRNOTAVAIL) break;
        if (sources_) sources_->skip();
    }
    if (error != 0 && error != EINPROGRESS) return error;
    epoll_event event{};
    event.events = kAllEvents;
    event.data.u64 = (uint64_t{slot.generation} << 32) | index;
    // An edge that came before the registration is reported right after it.
    return ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, slot.fd.get(), &event) == 0 ? 0 : errno;
}

int Engine::try_connect(Slot& slot) {
    const int fd = slot.fd.get();
    if (sources_) {
        // Ports are ours to choose, so that no pair comes back before all were used; SO_REUSEADDR lets a pair
        // whose last connection is in TIME_WAIT be bound again, connect() then decides.
        const int on = 1;
        ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        const Endpoint source = sources_->next();
        if (::bind(fd, source.address(), source.size()) != 0) return errno;
    }
    return ::connect(fd, options_.target.address(), options_.target.size()) == 0 ? 0 : errno;
}

void Engine::wait(Nanoseconds until) {
    const Nanoseconds left = std::max<Nanoseconds>(0, until - monotonic_now());
    timespec timeout{};
    timeout.tv_sec = left / kNanosecondsPerSecond;
    timeout.tv_nsec = left % kNanosecondsPerSecond;
    std::array<epoll_event, kEventsPerWait> events;
    const int count = ::epoll_pwait2(epoll_.get(), events.data(), kEventsPerWait, &timeout, nullptr);
    for (int i = 0; i < count; ++i) {
        const epoll_event& event = events[static_cast<size_t>(i)];
        const auto index = static_cast<uint32_t>(event.data.u64);
        // An event of a connection that ended earlier in this turn.
        if (slots_[index].generation != event.data.u64 >> 32) continue;
        handle(index, event.events);
    }
}

void Engine::handle(uint32_t index, uint32_t events) {
    Slot& slot = slots_[index];
    const bool ended = (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
    if (!slot.busy) {
        // A kept connection that the peer closed; the next exchange opens another.
        if (ended) {
            std::erase(idle_, index);
            close_slot(index, false);
        }
        return;
    }
    if (slot.phase == Phase::kConnect) {
        int error = 0;
        socklen_t size = sizeof error;
        ::getsockopt(slot.fd.get(), SOL_SOCKET, SO_ERROR, &error, &size);
        if (error != 0) return fail(index, errno_name(error));
        if ((events & EPOLLOUT) == 0) return;
        slot.phase = Phase::kAnswer;
        slot.connected = true;
    }
    const uint32_t generation = slot.generation;
    if ((events & EPOLLOUT) != 0 && !slot.out.empty()) send_request(index);
    if (slot.generation != generation || !slot.busy) return;
    if (ended || (events & EPOLLIN) != 0) read_answer(index, ended);
}

void Engine::send_request(uint32_t index) {
    Slot& slot = slots_[index];
    while (!slot.out.empty()) {
        const ssize_t sent = ::send(slot.fd.get(), slot.out.data(), slot.out.size(), MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (sent < 0 && errno == EAGAIN) return;
        if (sent < 0) return fail(index, errno_name(errno));
        slot.out.erase(0, static_cast<size_t>(sent));
    }
}

void Engine::read_answer(uint32_t index, bool maybe_ended) {
    Slot& slot = slots_[index];
    std::array<char, 16384> buffer;
    while (true) {
        const ssize_t received = ::recv(slot.fd.get(), buffer.data(), buffer.size(), 0);
        if (received < 0 && errno == EINTR) continue;
        if (received < 0 && errno == EAGAIN) return;
        if (received < 0) return fail(index, errno_name(errno));
        slot.in.append(buffer.data(), static_cast<size_t>(received));
        const bool ended = received == 0 && !exchange_.datagrams();
        if (!judge(index, ended)) return;
        // Less than a buffer full: drained, and a later byte or FIN makes a new edge; but a FIN that came with this
        // edge has made its only one.
        if (static_cast<size_t>(received) < buffer.size() && !maybe_ended) return;
    }
}

bool Engine::judge(uint32_t index, bool ended) {
    Slot& slot = slots_[index];
    if (slot.phase == Phase::kClose) {
        if (ended) complete(index);
        return !ended;
    }
    const AnswerState state = exchange_.check(slot.exchange, slot.in, ended);
    if (state == AnswerState::kIncomplete) return true;
    if (state == AnswerState::kWrong) {
        const bool early = ended && exchange_.check(slot.exchange, slot.in, false) == AnswerState::kIncomplete;
        fail(index, early ? "closed_early" : "wrong_answer");
        return false;
    }
    answered(index);
    if (slot.busy && ended) complete(index);
    return slot.busy;
}

void Engine::answered(uint32_t index) {
    Slot& slot = slots_[index];
    results_.latency.record(static_cast<uint64_t>(monotonic_now() - slot.intended));
    if (options_.keep != 0 || exchange_.datagrams() || options_.close_by == CloseBy::kReset) return complete(index);
    slot.phase = Phase::kClose;
    if (options_.close_by == CloseBy::kClient) ::shutdown(slot.fd.get(), SHUT_WR);
}

void Engine::complete(uint32_t index) {
    ++results_.completed;
    ++results_.at(monotonic_now()).completed;
    finish(index);
    if (options_.keep != 0) {
        idle_.push_back(index);
        return;
    }
    close_slot(index, options_.close_by == CloseBy::kReset);
}

void Engine::fail(uint32_t index, const std::string& reason) {
    ++results_.failed;
    ++results_.errors[reason];
    ++results_.at(monotonic_now()).failed;
    finish(index);
    close_slot(index, true);
}

void Engine::finish(uint32_t index) {
    slots_[index].busy = false;
    --open_;
}

void Engine::close_slot(uint32_t index, bool reset) {
    Slot& slot = slots_[index];
    if (reset && slot.fd && !exchange_.datagrams()) {
        // Abortive close: what failed must not go on retransmitting behind the back of the next run.
        const linger now{1, 0};
        ::setsockopt(slot.fd.get(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
    }
    slot.fd.reset();
    slot.connected = false;
    ++slot.generation;
    free_.push_back(index);
}

void Engine::expire(Nanoseconds now) {
    while (!deadlines_.empty()) {
        const Deadline& first = deadlines_.front();
        Slot& slot = slots_[first.slot];
        const bool over = !slot.busy || slot.exchange != first.exchange;
        if (!over && first.at > now) return;
        const uint32_t index = first.slot;
        deadlines_.pop_front();
        if (over) continue;
        ++results_.timed_out;
        ++results_.timed_out_in[static_cast<size_t>(slot.phase)];
        ++results_.at(now).failed;
        finish(index);
        close_slot(index, true);
    }
}

Nanoseconds Engine::next_event(Nanoseconds now, bool stopping) const {
    Nanoseconds until = now + kNanosecondsPerSecond / 10; // a stop request is seen this soon
    if (!deadlines_.empty()) until = std::min(until, deadlines_.front().at);
    const bool can_start = !stopping && next_ < options_.count && !(free_.empty() && idle_.empty());
    if (can_start) until = std::min(until, schedule_->intended(next_));
    return until;
}

void Engine::report_progress(Nanoseconds now) {
    if (!options_.progress || now < next_report_) return;
    next_report_ += kNanosecondsPerSecond;
    fmt::print(stderr, "{:>4} s  completed {}  failed {}  timed out {}  open {}\n",
               (now - results_.start) / kNanosecondsPerSecond, results_.completed, results_.failed, results_.timed_out,
               open_);
}

} // namespace sluice::loadgen
