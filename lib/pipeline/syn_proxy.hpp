// A TCP handshake in the server's place: what lets a SYN be answered without an entry in the flow table, and connects
// the two ends afterwards. As Linux's SYNPROXY does it (McHardy and Brouer, 2013), but between two ports of a wire, and
// with windows translated instead of agreed upon.
//
//     client                           Sluice                            server
//       SYN  seq=c              ──►      no flow
//                               ◄──      SYN/ACK  seq=cookie ack=c+1  window 0
//       ACK  ack=cookie+1       ──►      flow      SYN  seq=c    ──►
//                                                                ◄──     SYN/ACK  seq=s ack=c+1
//                               ◄──  ACK with the window, ACK    ──►
//       data ack=cookie+1+n     ──►      ack -= cookie-s         ──►     data ack=s+1+n
//
// The tracker sees the server's numbers and windows: what the client sends is translated before it is judged, what the
// server sends after that. While the server is silent, whatever the client sends (probes of the window of 0) is
// replaced by the SYN: no timer is needed.
//
// Owner: one worker. Its own memory is a clock and a cache of servers; flows' is flow/sequence_offsets.hpp.
#pragma once

#include "base/ticks.hpp"
#include "flow/syn_cookie.hpp"
#include "flow/table.hpp"
#include "pipeline/batch.hpp"
#include "pipeline/context.hpp"
#include "pipeline/server_memory.hpp"

#include <cstdint>

namespace sluice::pipeline {

/// An answer to a cookie that was right.
struct ProvenClient {
    std::uint32_t sequence = 0; ///< initial
    std::uint32_t cookie = 0;
    std::uint16_t window = 0; ///< as it stands in the segment
    flow::CookieOptions options = {};

    /// The SYN that was answered, as a tracker would have seen it; its window is the present one.
    [[nodiscard]] flow::tcp::Arrival syn() const;
};

class SynProxy {
  public:
    explicit SynProxy(const flow::CookieKey& key)
        : cookies_(key)
        , servers_(key.words[0] + 1) {}

    // -- no flow yet

    /// Answers the SYN of row `i`, which the rules allow, with a cookie.
    void challenge(Batch& batch, unsigned i, const flow::OrientedKey& client, const Context& context);

    /// Whether an answer to a cookie may still come.
    [[nodiscard]] bool expects_answers(base::Tick now) const {
        return ever_challenged_ && now - last_challenge_ <= flow::CookieMint::kLongestLife;
    }
    /// Whether the segment of row `i`, which belongs to no flow, acknowledges a cookie.
    bool read_answer(const Batch& batch, unsigned i, const flow::OrientedKey& client, base::Tick now,
                     ProvenClient& proven) const;
    /// The flow of a proven client was made: opens it towards the server, in the place of row `i`.
    void connect(Batch& batch, unsigned i, flow::Index flow, const ProvenClient& proven, Context& context);

    // -- flows that are entry_flag::kProxied

    /// What is to be done with a packet once it was looked at.
    enum class Next : std::uint8_t {
        judge,   ///< the tracker decides
        decided, ///< it is dropped, answered or absorbed
    };
    /// Before the tracker sees a segment of the client: translates it.
    Next take_from_client(Batch& batch, unsigned i, flow::Index flow, Context& context);
    /// Before the tracker sees a segment of the server.
    Next take_from_server(Batch& batch, unsigned i, flow::Index flow, Context& context);
    /// After the tracker let a segment of the server pass: translates it. True if it was the SYN/ACK that is answered
    /// in the client's place; `acknowledgment` is then what the tracker has to see next, from the client.
    bool give_to_client(Batch& batch, unsigned i, flow::Index flow, bool began_again, Context& context,
                        flow::tcp::Arrival& acknowledgment);
    /// Before the tracker sees what an ICMP error of the client's side quotes: translates that.
    static void translate_quote(Batch& batch, unsigned i, const packet::Parsed& quoted, flow::Index flow,
                                const Context& context);

    /// A server has answered a SYN: what it offers will be promised in its place.
    void learn(const Batch& batch, unsigned i, const flow::OrientedKey& server) {
        servers_.learn(server.key, server.sender_is_second ? 1 : 0,
                       packet::read_syn_options(batch.data[i], batch.parsed[i]));
    }

  private:
    [[nodiscard]] packet::SynOptions promise(const flow::OrientedKey& client, const packet::SynOptions& offered,
                                             std::uint16_t mtu) const;

    flow::CookieMint cookies_;
    ServerMemory servers_;
    base::Tick last_challenge_ = 0;
    bool ever_challenged_ = false;
};

} // namespace sluice::pipeline
