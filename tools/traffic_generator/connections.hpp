// Complete TCP connections, both ends played, every segment compared with what its receiver must see.
//
// Connection n has tuple n, so a segment's client address and port say which connection it is of, and the connections
// that are open lie in an array. Each end keeps numbers of its own, as a host does: an appliance in between may choose
// other sequence numbers (SYN cookies), as long as it translates them without a mistake.
#pragma once

#include "traffic_generator/connection_frames.hpp"
#include "traffic_generator/pacer.hpp"
#include "traffic_generator/workload.hpp"

#include <vector>

namespace sluice::traffic {

/// Which segments a connection has.
enum class Course : uint8_t {
    full,    ///< SYN, SYN/ACK, ACK, request, response, FIN, FIN, ACK
    compact, ///< the same without the handshake's ACK: the request bears it
    bare,    ///< without data: SYN, SYN/ACK, ACK, FIN, FIN, ACK
};

class Connections : public Workload {
  public:
    struct Options {
        double rate = 0; ///< connections a second; zero: as fast as possible
        uint32_t in_flight = 1024;
        Course course = Course::full;
        Exchange exchange;
        double timeout_seconds = 0.2; ///< until a segment is sent again
        uint8_t retransmits = 3;      ///< of a segment, until the connection has failed
        uint64_t seed = 1;
        uint64_t cycles_per_second = 1;
    };
    Connections(const TuplePlan& plan, const Options& options);

    bool prepare(const Moment&) override { return true; }
    void generate(const Moment& moment) override;
    void receive(Side at, std::span<const Arrival> arrivals, const Moment& moment) override;
    void look_after(const Moment& moment) override;
    [[nodiscard]] bool at_rest() const override { return open_ == 0; }
    void begin_measuring(uint64_t now) override;
    void end_measuring(uint64_t now) override;

    [[nodiscard]] uint32_t open() const { return open_; }

  private:
    enum class Client : uint8_t { syn_sent, no_window, requested, fin_sent, closed };
    enum class Server : uint8_t { listening, syn_received, established, answered, last_ack };

    struct alignas(64) Connection {
        uint64_t started = 0;    ///< cycles
        uint64_t progressed = 0; ///< when a segment moved it last, or was sent again
        uint64_t number = 0;
        uint32_t tuple = 0;
        uint32_t client_began = 0; ///< initial sequence numbers, as chosen
        uint32_t server_began = 0;
        uint32_t client_seen = 0; ///< the client's, as the server has seen it
        uint32_t server_seen = 0;
        Client client = Client::syn_sent;
        Server server = Server::listening;
        uint8_t tries = 0;
        bool open = false;
        bool counted = false;
    };
    static_assert(sizeof(Connection) == 64);

    /// Whether that connection is open; another one may have its slot.
    [[nodiscard]] bool holds_slot(uint64_t number) const {
        const Connection& connection = slots_[number & (slots_.size() - 1)];
        return connection.open && connection.number == number;
    }
    void start(const Moment& moment);
    void at_server(Connection& connection, const Arrival& arrival, const Moment& moment);
    void at_client(Connection& connection, const Arrival& arrival, const Moment& moment);
    void handshake_done(Connection& connection, const Arrival& arrival, const Moment& moment);
    void answer_request(Connection& connection, const Moment& moment);
    void server_acknowledged(Connection& connection, const Arrival& arrival, const Moment& moment);
    void client_acknowledged(Connection& connection, const Arrival& arrival, const Moment& moment);
    void try_again(Connection& connection, const Moment& moment);
    void finish(Connection& connection, bool complete, uint64_t now);
    void send(const Connection& connection, Message message, const Moment& moment);
    /// Goes on to a state, because of a segment.
    template <typename State> void advance(Connection& connection, State& state, State next, const Moment& moment) {
        state = next;
        connection.progressed = moment.now;
        connection.tries = 0;
    }
    /// Whether an arrival bears the numbers of `message`, as its receiver must see it.
    [[nodiscard]] bool fits(const Connection& connection, const Arrival& arrival, Message message) const;
    void wrong(Wrong which) { counts_.add_wrong(which); }

    TuplePlan plan_;
    Options options_;
    ConnectionFrames frames_;
    Pacer pacer_;
    std::vector<Connection> slots_; ///< a power of two of them
    uint32_t tuples_;               ///< that are used, a multiple of the number of slots
    uint64_t next_ = 0;             ///< the number of the next connection
    uint64_t oldest_ = 0;           ///< no connection before this one is open
    uint64_t hand_ = 0;             ///< where look_after() goes on
    uint64_t next_sweep_ = 0;       ///< when it begins again at the oldest
    uint32_t open_ = 0;
    uint64_t timeout_cycles_;
    double nanoseconds_; ///< a cycle
    bool pacing_ = false;
    bool measuring_ = false;
    double offered_before_ = 0;
};

} // namespace sluice::traffic
