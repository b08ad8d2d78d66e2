#include "net/protocol.hpp"
#include "packet/parse.hpp"
#include "replay/capture.hpp"
#include "traffic_generator/flow_order.hpp"

#include <algorithm>
#include <unordered_map>

namespace sluice::traffic {
namespace {

constexpr std::size_t kMostSteps = 1u << 26;
constexpr unsigned kSmallest = 64;
constexpr unsigned kLargest = 1518;
constexpr unsigned kSizeStep = 64;
constexpr unsigned kFcs = 4;

bool is_usable(const packet::Parsed& parsed) {
    return parsed.kind == packet::Kind::ip && parsed.fragment == packet::FragmentState::whole &&
           (parsed.protocol == net::protocol::kTcp || parsed.protocol == net::protocol::kUdp);
}

/// The tuple as bytes, seen from one end or from the other.
std::string key_of(const packet::Parsed& parsed, bool swapped) {
    const auto end = [](const std::uint8_t* address, net::Be16 port) {
        std::string text(reinterpret_cast<const char*>(address), 16);
        const uint16_t raw = port.raw();
        return text.append(reinterpret_cast<const char*>(&raw), sizeof raw);
    };
    const std::string source = end(parsed.source, parsed.source_port);
    const std::string destination = end(parsed.destination, parsed.destination_port);
    const char kind[] = {static_cast<char>(parsed.protocol), static_cast<char>(parsed.family)};
    return (swapped ? destination + source : source + destination).append(kind, sizeof kind);
}

uint16_t rounded_size(unsigned length) {
    const unsigned size = (length + kFcs + kSizeStep - 1) / kSizeStep * kSizeStep;
    return static_cast<uint16_t>(std::clamp(size, kSmallest, kLargest));
}

} // namespace

base::Expected<CapturedOrder, std::string> read_order(const std::string& path) {
    auto reader = replay::CaptureReader::open(path);
    if (!reader) return base::Unexpected(reader.error());
    CapturedOrder order;
    std::unordered_map<std::string, uint32_t> flows; // by the client's key
    replay::Captured captured;
    while (order.steps.size() < kMostSteps) {
        const auto more = reader->next(captured);
        if (!more) return base::Unexpected(path + ": " + more.error());
        if (!*more) break;
        packet::Parsed parsed{};
        packet::parse(captured.frame, parsed);
        if (!is_usable(parsed)) {
            ++order.skipped;
            continue;
        }
        FlowOrder::Step step{0, 0, Side::client};
        if (const auto answered = flows.find(key_of(parsed, true)); answered != flows.end()) {
            step.flow = answered->second;
            step.from = Side::server;
        } else {
            step.flow = flows.try_emplace(key_of(parsed, false), static_cast<uint32_t>(flows.size())).first->second;
        }
        const uint16_t size = rounded_size(parsed.l3_offset + parsed.ip_length);
        auto shape = std::find(order.sizes.begin(), order.sizes.end(), size);
        if (shape == order.sizes.end()) shape = order.sizes.insert(shape, size);
        step.shape = static_cast<uint16_t>(shape - order.sizes.begin());
        order.steps.push_back(step);
    }
    order.flows = static_cast<uint32_t>(flows.size());
    if (order.flows == 0) return base::Unexpected("the capture '" + path + "' has no TCP or UDP packet");
    return order;
}

} // namespace sluice::traffic
