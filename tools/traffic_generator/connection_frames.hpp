// The frames of a complete TCP connection, one template each, and the numbers that each of them bears.
#pragma once

#include "traffic_generator/frame_template.hpp"

#include <array>
#include <cstdint>
#include <vector>

namespace sluice::traffic {

/// In the order in which they are sent, if all goes well.
enum class Message : uint8_t {
    syn,
    syn_ack,
    ack,        ///< the client's, of the handshake
    request,    ///< the client's data
    server_ack, ///< of the request
    response,   ///< the server's data
    fin,        ///< the client's
    server_fin,
    last_ack, ///< the client's, of the server's FIN
};
inline constexpr std::size_t kMessages = 9;

constexpr Side sender_of(Message message) {
    switch (message) {
    case Message::syn_ack:
    case Message::server_ack:
    case Message::response:
    case Message::server_fin: return Side::server;
    default: return Side::client;
    }
}

/// Initial sequence numbers.
struct Beginnings {
    uint32_t client = 0;
    uint32_t server = 0;
};

/// Numbers that are never the same for two connections in a row, and the same for the same `number` and `seed`.
Beginnings beginnings_of(uint64_t number, uint64_t seed);

/// How many bytes of data go either way.
struct Exchange {
    uint16_t request = kMarkSize;
    uint16_t response = kMarkSize;
};

/// What `message` bears, if its sender has sent and seen all that comes before it. For the server's messages,
/// `beginnings.client` is what the server saw, and the other way round.
constexpr TcpNumbers numbers_of(Message message, const Beginnings& beginnings, const Exchange& exchange) {
    const uint32_t client = beginnings.client + 1;
    const uint32_t server = beginnings.server + 1;
    switch (message) {
    case Message::syn: return {beginnings.client, 0};
    case Message::syn_ack: return {beginnings.server, client};
    case Message::ack:
    case Message::request: return {client, server};
    case Message::server_ack:
    case Message::response: return {server, client + exchange.request};
    case Message::fin: return {client + exchange.request, server + exchange.response};
    case Message::server_fin: return {server + exchange.response, client + exchange.request + 1};
    case Message::last_ack: break;
    }
    return {client + exchange.request + 1, server + exchange.response + 1};
}

class ConnectionFrames {
  public:
    /// `scale` is that of both ends, zero for none.
    ConnectionFrames(const TuplePlan& plan, const Exchange& exchange, uint8_t scale = 0);

    [[nodiscard]] const FrameTemplate& of(Message message) const { return frames_[static_cast<std::size_t>(message)]; }
    [[nodiscard]] const Exchange& exchange() const { return exchange_; }

  private:
    Exchange exchange_;
    std::array<FrameTemplate, kMessages> frames_;
};

/// A template for one side of `plan`.
FrameTemplate::Options template_options(const TuplePlan& plan, Side from, uint8_t protocol);

/// Packets with data, one template a frame size (with FCS). Each bears a mark, even where that makes it longer than
/// asked for (IPv6).
std::vector<FrameTemplate> marked_templates(const TuplePlan& plan, Side from, uint8_t protocol,
                                            const std::vector<uint16_t>& sizes);

} // namespace sluice::traffic
