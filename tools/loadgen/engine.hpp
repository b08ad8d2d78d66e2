// The load generator proper: one thread, non-blocking kernel sockets, epoll, an open-loop schedule.
//
// Life of an exchange: it becomes due on the schedule, takes a slot, a source address and a port, connects, sends its
// request, reads and checks the whole answer, closes, and frees the slot. Each of these can fail or outlast the
// timeout, and each exchange is booked once, see Results. With `keep`, the connections stay and only the
// requests follow the schedule.
#pragma once

#include "loadgen/endpoint.hpp"
#include "loadgen/exchange.hpp"
#include "loadgen/file_descriptor.hpp"
#include "loadgen/results.hpp"

#include <atomic>
#include <deque>
#include <optional>
#include <string>
#include <vector>

namespace sluice::loadgen {

/// Who ends a connection, which decides who keeps its TIME_WAIT (RFC 9293 section 3.6).
enum class CloseBy : uint8_t {
    kClient, ///< shutdown after the answer, then wait for the server's FIN
    kServer, ///< wait for the server's FIN after the answer
    kReset,  ///< RST: nobody keeps anything
};

class Engine {
  public:
    struct Options {
        Endpoint target;
        std::vector<Endpoint> sources; ///< empty: the kernel chooses address and port
        PortRange ports{10'000, 59'999};
        uint64_t first_source = 0; ///< index of the address and port pair to begin with
        Exchange::Options exchange;
        double rate = 1000;                              ///< exchanges a second
        uint64_t count = 0;                              ///< exchanges in all
        Nanoseconds timeout = 3 * kNanosecondsPerSecond; ///< of one exchange, from its actual start
        Nanoseconds interval = kNanosecondsPerSecond / 10;
        CloseBy close_by = CloseBy::kClient;
        uint32_t max_open = 4096; ///< exchanges under way at once; when reached, starts wait and are late
        uint32_t keep = 0;        ///< connections to keep, 0: a new connection for every exchange
        bool progress = false;    ///< a line a second on standard error
    };

    explicit Engine(Options options);

    /// Runs to the end of the schedule, or until `stop`; in both cases what is under way may still finish within
    /// the timeout. An error is one that keeps the whole run from happening.
    [[nodiscard]] Result<Results> run(const std::atomic<bool>& stop);

  private:
    struct Slot {
        FileDescriptor fd;
        uint32_t generation = 0;
        Phase phase = Phase::kConnect;
        bool busy = false;      // an exchange is under way
        bool connected = false; // kept connections: without an exchange but open
        uint64_t exchange = 0;
        Nanoseconds intended = 0;
        std::string out; // what is not yet sent
        std::string in;
    };
    struct Deadline {
        Nanoseconds at;
        uint32_t slot;
        uint64_t exchange;
    };

    [[nodiscard]] std::optional<std::string> check_sources() const;
    void start_due(Nanoseconds now, bool stopping);
    [[nodiscard]] std::optional<uint32_t> take_slot();
    void start(uint32_t index, Nanoseconds now);
    /// Zero, or the errno that kept the connection from being opened.
    int open_connection(uint32_t index);
    int try_connect(Slot& slot);
    void wait(Nanoseconds until);
    void handle(uint32_t index, uint32_t events);
    void send_request(uint32_t index);
    void read_answer(uint32_t index, bool maybe_ended);
    /// False when the exchange is over or the connection gone.
    bool judge(uint32_t index, bool ended);
    void answered(uint32_t index);
    void expire(Nanoseconds now);
    [[nodiscard]] Nanoseconds next_event(Nanoseconds now, bool stopping) const;
    void report_progress(Nanoseconds now);

    void complete(uint32_t index);
    void fail(uint32_t index, const std::string& reason);
    void finish(uint32_t index);
    void close_slot(uint32_t index, bool reset);

    Options options_;
    Exchange exchange_;
    std::optional<SourcePool> sources_;
    FileDescriptor epoll_;
    std::vector<Slot> slots_;
    std::vector<uint32_t> free_; // slots without a connection
    std::vector<uint32_t> idle_; // slots with a kept connection and no exchange
    std::deque<Deadline> deadlines_;
    std::optional<Schedule> schedule_;
    Results results_;
    uint64_t open_ = 0;
    uint64_t next_ = 0;
    Nanoseconds next_report_ = 0;
};

} // namespace sluice::loadgen
