#include "pipeline/syn_proxy.hpp"

#include "net/headers.hpp"
#include "packet/tcp_rewrite.hpp"
#include "packet/transport.hpp"

#include <algorithm>

namespace sluice::pipeline {
namespace {

using packet::OwnSegment;
using packet::Toward;
using telemetry::DropReason;
namespace tcp_flag = net::tcp_flag;

/// What every client is promised that scales: the server's windows are translated into it. One that says 128 loses no
/// small window, and reaches 8 MiB.
constexpr int kPromisedScale = 7;

const net::TcpHeader& header_of(const Batch& batch, unsigned i) {
    return *reinterpret_cast<const net::TcpHeader*>(batch.data[i] + batch.parsed[i].l4_offset);
}

std::span<const std::byte> frame_of(const Batch& batch, unsigned i) {
    return {batch.data[i], batch.length[i]};
}

/// Left by `shift` bits, or right if negative. No window is closed that was open.
std::uint16_t shifted(std::uint16_t window, int shift) {
    constexpr std::uint32_t kLargest = 0xffff;
    if (shift >= 0) return static_cast<std::uint16_t>(std::min(std::uint32_t{window} << shift, kLargest));
    const std::uint32_t smaller = std::uint32_t{window} >> -shift;
    return static_cast<std::uint16_t>(window != 0 ? std::max(smaller, 1u) : 0);
}

void make(Batch& batch, unsigned i, Toward toward, std::uint16_t port, const OwnSegment& segment) {
    MadeFrame& frame = batch.made.frame[batch.made.count++];
    frame.port = port;
    frame.length = packet::write_segment(frame_of(batch, i), batch.parsed[i], toward, segment, packet::kShortestFrame,
                                         frame.bytes.data());
}

/// Says `segment` to the sender of row `i`, in the buffer of its packet. The answer is no longer than that: it has no
/// options but those that the packet has too.
void answer(Batch& batch, unsigned i, const OwnSegment& segment) {
    if (batch.is_datagram(i)) { // in as many buffers as fragments, none of which has to be long enough
        make(batch, i, Toward::sender, batch.port[i], segment);
        batch.disposition[i] = Disposition::absorb;
        return;
    }
    const std::size_t shortest = std::min<std::size_t>(packet::kShortestFrame, batch.length[i]);
    batch.length[i] =
        packet::write_segment(frame_of(batch, i), batch.parsed[i], Toward::sender, segment, shortest, batch.data[i]);
    batch.disposition[i] = Disposition::answer;
}

flow::CookieOptions options_of(const Batch& batch, unsigned i, const flow::SequenceOffset& offset) {
    return flow::CookieMint::options_of(batch.parsed[i].family, offset.cookie);
}

bool scales(const flow::CookieOptions& options) {
    return options.window_scale != flow::tcp::kNoScale;
}

/// A SYN's window is not scaled (RFC 7323, 2.2).
std::uint16_t first_window(std::uint16_t window, const flow::CookieOptions& options) {
    return scales(options) ? shifted(window, options.window_scale) : window;
}

OwnSegment syn_of(std::uint32_t sequence, std::uint16_t window, const flow::CookieOptions& options) {
    OwnSegment syn;
    syn.sequence = sequence;
    syn.flags = tcp_flag::kSyn;
    syn.window = first_window(window, options);
    syn.options = {options.segment_size, options.window_scale, options.sack_permitted};
    return syn;
}

/// How windows are translated, now that the server has said how it scales. If it does not, neither does what it hears
/// (RFC 7323, 2.2): the client's windows are then written out for it.
void choose_shifts(flow::SequenceOffset& offset, const flow::CookieOptions& client, const packet::SynOptions& server) {
    offset.to_client = 0;
    offset.to_server = 0;
    if (!scales(client)) return;
    const bool both = server.window_scale != packet::kNoWindowScale;
    offset.to_client = static_cast<std::int8_t>((both ? server.window_scale : 0) - kPromisedScale);
    if (!both) offset.to_server = client.window_scale & 15u;
}

/// The client's initial sequence number: all that a tracker knows of a flow whose server was not heard of.
std::uint32_t client_sequence(const flow::Entry& entry) {
    return entry.tracker.tcp.side[0].end - 1;
}

} // namespace

flow::tcp::Arrival ProvenClient::syn() const {
    flow::tcp::Arrival arrival;
    arrival.sequence = sequence;
    arrival.flags = tcp_flag::kSyn;
    arrival.window = first_window(window, options);
    arrival.window_scale = options.window_scale;
    arrival.sack_permitted = options.sack_permitted;
    return arrival;
}

/// Only of what the client offers too. A server that is not known is taken to be like its client, without selective
/// acknowledgments: blocks that it does not send would be missed, those that it does not understand are not.
packet::SynOptions SynProxy::promise(const flow::OrientedKey& client, const packet::SynOptions& offered,
                                     std::uint16_t mtu) const {
    packet::SynOptions promised;
    promised.segment_size = offered.segment_size;
    const unsigned server_end = client.sender_is_second ? 0 : 1;
    (void)servers_.find(client.key, server_end, promised);
    const bool ipv4 = client.key.family == net::Family::ipv4;
    const std::size_t headers = (ipv4 ? sizeof(net::Ipv4Header) : sizeof(net::Ipv6Header)) + sizeof(net::TcpHeader);
    const auto largest = static_cast<std::uint16_t>(mtu - std::min<std::size_t>(mtu, headers));
    promised.segment_size = offered.segment_size == 0 ? std::uint16_t{0} : std::min(promised.segment_size, largest);
    promised.sack_permitted &= offered.sack_permitted;
    if (offered.window_scale != packet::kNoWindowScale) promised.window_scale = kPromisedScale;
    return promised;
}

void SynProxy::challenge(Batch& batch, unsigned i, const flow::OrientedKey& client, const Context& context) {
    const packet::SynOptions offered = packet::read_syn_options(batch.data[i], batch.parsed[i]);
    const packet::SynOptions promised = promise(client, offered, context.ruleset->port(batch.port[i]).peer_mtu);
    flow::CookieOptions options;
    options.segment_size = flow::segment_size_of(client.key.family, offered.segment_size);
    options.window_scale = offered.window_scale;
    options.sack_permitted = promised.sack_permitted;
    const std::uint32_t sequence = header_of(batch, i).sequence.host();

    OwnSegment syn_ack;
    syn_ack.sequence = cookies_.make(client, sequence, options, context.now);
    syn_ack.acknowledgment = sequence + 1; // data in the SYN is not taken: it is sent again
    syn_ack.flags = tcp_flag::kSyn | tcp_flag::kAck;
    syn_ack.options = promised;
    answer(batch, i, syn_ack);
    context.counters->cookies_sent.add(1);
    last_challenge_ = context.now;
    ever_challenged_ = true;
}

bool SynProxy::read_answer(const Batch& batch, unsigned i, const flow::OrientedKey& client, base::Tick now,
                           ProvenClient& proven) const {
    const net::TcpHeader& tcp = header_of(batch, i);
    proven.cookie = tcp.acknowledgment.host() - 1;
    proven.window = tcp.window.host();
    // Behind the SYN come the ACK, data and FIN; a probe of a closed window bears the number before (RFC
    // 9293, 3.8.6.1).
    for (const std::uint32_t sequence : {tcp.sequence.host() - 1, tcp.sequence.host()}) {
        const auto options = cookies_.read(client, sequence, proven.cookie, now);
        if (!options) continue;
        proven.sequence = sequence;
        proven.options = *options;
        return true;
    }
    return false;
}

void SynProxy::connect(Batch& batch, unsigned i, flow::Index flow, const ProvenClient& proven, Context& context) {
    flow::SequenceOffset& offset = context.flows->add_sequence_offset(flow);
    offset.cookie = proven.cookie;
    offset.client_window = proven.window;
    offset.pending = 1;
    make(batch, i, Toward::receiver, context.ruleset->port(batch.port[i]).peer,
         syn_of(proven.sequence, proven.window, proven.options));
    batch.disposition[i] = Disposition::absorb;
    context.counters->cookies_accepted.add(1);
}

SynProxy::Next SynProxy::take_from_client(Batch& batch, unsigned i, flow::Index flow, Context& context) {
    const flow::SequenceOffset& offset = *context.flows->sequence_offsets().find(flow);
    const packet::Parsed& parsed = batch.parsed[i];
    const net::TcpHeader& tcp = header_of(batch, i);
    const std::uint8_t flags = parsed.tcp_flags;
    if (offset.pending == 0) {
        if (flags & tcp_flag::kAck) {
            packet::set_tcp_acknowledgment(batch.data[i], parsed, tcp.acknowledgment.host() - offset.offset);
            packet::add_to_sack_blocks(batch.data[i], parsed, 0u - offset.offset);
        }
        if (offset.to_server != 0 && !(flags & tcp_flag::kSyn))
            packet::set_tcp_window(batch.data[i], parsed, shifted(tcp.window.host(), offset.to_server));
        return Next::judge;
    }
    const flow::Entry& entry = context.flows->entry(flow);
    if (flags & tcp_flag::kRst) {
        // What it acknowledges the server has never sent: an RST without (RFC 9293, 3.10.7.4: its sequence number is
        // what counts).
        packet::set_tcp_acknowledgment(batch.data[i], parsed, 0);
        packet::set_tcp_flags(batch.data[i], parsed, tcp_flag::kRst);
        batch.parsed[i].tcp_flags = tcp_flag::kRst;
        return Next::judge;
    }
    const bool another_syn = (flags & tcp_flag::kSyn) && tcp.sequence.host() != client_sequence(entry);
    if (another_syn) { // whoever sends it gets its turn when this flow has come to an end
        batch.drop(i, DropReason::tcp_bad_state);
        return Next::decided;
    }
    make(batch, i, Toward::receiver, context.ruleset->port(batch.port[i]).peer,
         syn_of(client_sequence(entry), offset.client_window, options_of(batch, i, offset)));
    batch.disposition[i] = Disposition::absorb;
    return Next::decided;
}

SynProxy::Next SynProxy::take_from_server(Batch& batch, unsigned i, flow::Index flow, Context& context) {
    const flow::SequenceOffset& offset = *context.flows->sequence_offsets().find(flow);
    if (offset.pending == 0) return Next::judge;
    const net::TcpHeader& tcp = header_of(batch, i);
    const std::uint8_t flags = batch.parsed[i].tcp_flags;
    const std::uint32_t sequence = client_sequence(context.flows->entry(flow));
    const bool acknowledges_syn = (flags & tcp_flag::kAck) && tcp.acknowledgment.host() == sequence + 1;
    if (flags & tcp_flag::kRst) {
        // What is made of it will be in order for the client, so it must be in order itself (RFC 9293, 3.10.7.3).
        if (acknowledges_syn) return Next::judge;
        batch.drop(i, DropReason::tcp_out_of_window);
        return Next::decided;
    }
    if (acknowledges_syn && (flags & tcp_flag::kSyn)) return Next::judge;
    if (acknowledges_syn || !(flags & tcp_flag::kAck)) {
        batch.drop(i, DropReason::tcp_bad_state);
        return Next::decided;
    }
    // An ACK for something else: the server has a connection left over from before. Its client would reset that, and
    // then try again (RFC 9293, 3.5.2, figure 9).
    make(batch, i, Toward::sender, batch.port[i], syn_of(sequence, offset.client_window, options_of(batch, i, offset)));
    OwnSegment reset;
    reset.sequence = tcp.acknowledgment.host();
    reset.flags = tcp_flag::kRst;
    answer(batch, i, reset);
    return Next::decided;
}

bool SynProxy::give_to_client(Batch& batch, unsigned i, flow::Index flow, bool began_again, Context& context,
                              flow::tcp::Arrival& acknowledgment) {
    flow::SequenceOffset& offset = *context.flows->sequence_offsets().find(flow);
    const packet::Parsed& parsed = batch.parsed[i];
    const net::TcpHeader& tcp = header_of(batch, i);
    const std::uint8_t flags = parsed.tcp_flags;
    const std::uint32_t sequence = tcp.sequence.host();
    const bool syn_ack = (flags & tcp_flag::kSyn) && (flags & tcp_flag::kAck);
    if (offset.pending != 0) {
        if (!syn_ack) { // the RST of a server that refuses, for a client that believes itself connected
            packet::set_tcp_sequence(batch.data[i], parsed, offset.cookie + 1);
            return false;
        }
        offset.offset = offset.cookie - sequence;
        offset.pending = 0;
        choose_shifts(offset, options_of(batch, i, offset), packet::read_syn_options(batch.data[i], parsed));
    } else if (!syn_ack || sequence + offset.offset != offset.cookie) {
        // The two have begun again, by themselves: with the client's own SYN and the server's own answer.
        if (syn_ack && began_again) offset.to_client = offset.to_server = 0;
        packet::set_tcp_sequence(batch.data[i], parsed, sequence + offset.offset);
        if (!syn_ack && offset.to_client != 0)
            packet::set_tcp_window(batch.data[i], parsed, shifted(tcp.window.host(), offset.to_client));
        return false;
    }
    // The SYN/ACK, for the first time or again: the server is told that it was heard, and the client how much it may
    // send. If either is lost, the server or the client asks again.
    OwnSegment update;
    update.sequence = offset.cookie + 1;
    update.acknowledgment = tcp.acknowledgment.host();
    update.flags = tcp_flag::kAck;
    update.window = shifted(tcp.window.host(), scales(options_of(batch, i, offset)) ? -kPromisedScale : 0);
    OwnSegment completion;
    completion.sequence = update.acknowledgment;
    completion.acknowledgment = sequence + 1;
    completion.flags = tcp_flag::kAck;
    completion.window = shifted(offset.client_window, offset.to_server);
    make(batch, i, Toward::receiver, context.ruleset->port(batch.port[i]).peer, update);
    answer(batch, i, completion);

    acknowledgment.sequence = completion.sequence;
    acknowledgment.acknowledgment = completion.acknowledgment;
    acknowledgment.sack_edge = completion.acknowledgment;
    acknowledgment.window = completion.window;
    acknowledgment.flags = completion.flags;
    return true;
}

void SynProxy::translate_quote(Batch& batch, unsigned i, const packet::Parsed& quoted, flow::Index flow,
                               const Context& context) {
    const flow::SequenceOffset& offset = *context.flows->sequence_offsets().find(flow);
    if (offset.pending == 0) packet::add_to_quoted_sequence(batch.data[i], batch.parsed[i], quoted, 0u - offset.offset);
}

} // namespace sluice::pipeline
