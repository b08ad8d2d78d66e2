#include "traffic_generator/connection_frames.hpp"

#include "net/protocol.hpp"
#include "traffic_generator/random.hpp"

#include <algorithm>

namespace sluice::traffic {
namespace {

using namespace net::tcp_flag;

constexpr uint16_t kFcs = 4;

constexpr uint8_t flags_of(Message message) {
    switch (message) {
    case Message::syn: return kSyn;
    case Message::syn_ack: return kSyn | kAck;
    case Message::request:
    case Message::response: return kPsh | kAck;
    case Message::fin:
    case Message::server_fin: return kFin | kAck;
    default: return kAck;
    }
}

FrameTemplate made(const TuplePlan& plan, const Exchange& exchange, uint8_t scale, Message message) {
    FrameTemplate::Options options = template_options(plan, sender_of(message), net::protocol::kTcp);
    options.flags = flags_of(message);
    options.window = 65535;
    options.scale = scale;
    if (message == Message::request) options.payload = exchange.request;
    if (message == Message::response) options.payload = exchange.response;
    return FrameTemplate(options);
}

} // namespace

Beginnings beginnings_of(uint64_t number, uint64_t seed) {
    const uint64_t mixed = mix(number + seed);
    return {static_cast<uint32_t>(mixed), static_cast<uint32_t>(mixed >> 32)};
}

FrameTemplate::Options template_options(const TuplePlan& plan, Side from, uint8_t protocol) {
    const bool client = from == Side::client;
    FrameTemplate::Options options;
    options.source = client ? plan.clients().base() : plan.servers().base();
    options.destination = client ? plan.servers().base() : plan.clients().base();
    options.from = from;
    options.protocol = protocol;
    return options;
}

std::vector<FrameTemplate> marked_templates(const TuplePlan& plan, Side from, uint8_t protocol,
                                            const std::vector<uint16_t>& sizes) {
    std::vector<FrameTemplate> templates;
    const int overhead = FrameTemplate::overhead(plan.family(), protocol) + kFcs;
    for (const uint16_t size : sizes) {
        FrameTemplate::Options options = template_options(plan, from, protocol);
        options.payload = static_cast<uint16_t>(std::max<int>(kMarkSize, size - overhead));
        options.flags = kPsh | kAck;
        options.window = 65535;
        templates.emplace_back(options);
    }
    return templates;
}

ConnectionFrames::ConnectionFrames(const TuplePlan& plan, const Exchange& exchange, uint8_t scale)
    : exchange_(exchange)
    , frames_{made(plan, exchange, scale, Message::syn),        made(plan, exchange, scale, Message::syn_ack),
              made(plan, exchange, scale, Message::ack),        made(plan, exchange, scale, Message::request),
              made(plan, exchange, scale, Message::server_ack), made(plan, exchange, scale, Message::response),
              made(plan, exchange, scale, Message::fin),        made(plan, exchange, scale, Message::server_fin),
              made(plan, exchange, scale, Message::last_ack)} {}

} // namespace sluice::traffic
