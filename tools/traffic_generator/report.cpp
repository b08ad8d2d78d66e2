#include "traffic_generator/report.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace sluice::traffic {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::array<double, 4> kPercentiles = {50, 90, 99, 99.9};
constexpr std::array<const char*, 4> kPercentileNames = {"p50", "p90", "p99", "p99_9"};
constexpr unsigned kFcs = 4;

uint64_t lost(const PacketCounts& packets) {
    return packets.sent - std::min(packets.delivered, packets.sent);
}

PacketCounts both(const Counts& counts) {
    return {counts.packets[0].sent + counts.packets[1].sent, counts.packets[0].delivered + counts.packets[1].delivered};
}

double a_second(double count, const Outcome& outcome) {
    return outcome.ports.seconds > 0 ? count / outcome.ports.seconds : 0;
}
double a_second(uint64_t count, const Outcome& outcome) {
    return a_second(static_cast<double>(count), outcome);
}

double microseconds(uint64_t nanoseconds) {
    return static_cast<double>(nanoseconds) / 1000;
}

std::string packet_lines(const Outcome& outcome) {
    const auto& to_server = outcome.counts.packets[0];
    const auto& to_client = outcome.counts.packets[1];
    const PacketCounts all = both(outcome.counts);
    std::string text = fmt::format("{:<12} {:>16} {:>16} {:>16} {:>12}\n", "", "CLIENT TO SERVER", "SERVER TO CLIENT",
                                   "BOTH", "A SECOND");
    const auto line = [&](const char* name, uint64_t one, uint64_t other, uint64_t sum) {
        text += fmt::format("{:<12} {:>16} {:>16} {:>16} {:>12.0f}\n", name, one, other, sum, a_second(sum, outcome));
    };
    line("sent", to_server.sent, to_client.sent, all.sent);
    line("delivered", to_server.delivered, to_client.delivered, all.delivered);
    line("lost", lost(to_server), lost(to_client), lost(to_server) + lost(to_client));
    return text;
}

std::string connection_lines(const Outcome& outcome) {
    const Counts& counts = outcome.counts;
    std::string text = fmt::format("{:<12} {:>12} {:>12}\n", "CONNECTIONS", "COUNT", "A SECOND");
    const auto line = [&](const char* name, uint64_t count) {
        text += fmt::format("{:<12} {:>12} {:>12.0f}\n", name, count, a_second(count, outcome));
    };
    line("begun", counts.begun);
    line("completed", counts.completed);
    line("failed", counts.failed);
    if (counts.reset > 0) line("  by reset", counts.reset);
    if (const uint64_t open = counts.begun - counts.completed - counts.failed; open > 0) line("not over", open);
    return text + fmt::format("segments sent again {}, come again or late {}\n", counts.retransmits, counts.late);
}

std::string wrong_line(const Outcome& outcome) {
    std::string text = fmt::format("wrong {}", outcome.wrong());
    const char* between = ": ";
    for (std::size_t i = 0; i < kWrongs; ++i) {
        if (outcome.counts.wrong[i] == 0) continue;
        text += fmt::format("{}{} {}", between, name_of(static_cast<Wrong>(i)), outcome.counts.wrong[i]);
        between = ", ";
    }
    if (outcome.floods.wrong > 0) text += fmt::format("{}of floods {}", between, outcome.floods.wrong);
    return text + '\n';
}

std::string latency_line(const Outcome& outcome) {
    const loadgen::Histogram& latency = outcome.counts.latency;
    if (latency.count() == 0) return {};
    std::string text = "latency";
    for (const double percent : kPercentiles) {
        text += fmt::format("  p{:g} {:.1f}", percent, microseconds(latency.percentile(percent)));
    }
    return text + fmt::format("  max {:.1f} us\n", microseconds(latency.max()));
}

std::string flood_lines(const Floods::Counts& floods) {
    std::string text;
    if (floods.syn_sent > 0) {
        text += fmt::format("SYN flood: {} sent, {} passed to the server, {} answers sent, {} passed to the clients\n",
                            floods.syn_sent, floods.syn_passed, floods.answers_sent, floods.answers_passed);
    }
    if (floods.random_sent > 0)
        text += fmt::format("random flood: {} sent, {} passed\n", floods.random_sent, floods.random_passed);
    return text;
}

std::string limit_line(Mode mode, const Outcome& outcome, const Outcome& limit) {
    const double ratio = limit.per_second(mode) > 0 ? 100 * outcome.per_second(mode) / limit.per_second(mode) : 0;
    return fmt::format("generator's own limit, nothing in between: {:.0f} {} a second; this is {:.1f} % of it\n",
                       limit.per_second(mode), mode == Mode::connections ? "connections" : "packets", ratio);
}

Json packets_json(const PacketCounts& packets) {
    return {{"sent", packets.sent}, {"delivered", packets.delivered}, {"lost", lost(packets)}};
}

Json latency_json(const loadgen::Histogram& latency) {
    if (latency.count() == 0) return nullptr;
    Json json = {{"count", latency.count()}};
    for (std::size_t i = 0; i < kPercentiles.size(); ++i) {
        json[kPercentileNames[i]] = microseconds(latency.percentile(kPercentiles[i]));
    }
    json["max"] = microseconds(latency.max());
    json["mean"] = latency.mean() / 1000;
    return json;
}

Json wrong_json(const Outcome& outcome) {
    Json json = {{"total", outcome.wrong()}};
    for (std::size_t i = 0; i < kWrongs; ++i) {
        json[std::string(name_of(static_cast<Wrong>(i)))] = outcome.counts.wrong[i];
    }
    json["floods"] = outcome.floods.wrong;
    return json;
}

Json floods_json(const Floods::Counts& floods) {
    return {{"syn_sent", floods.syn_sent},         {"syn_passed", floods.syn_passed},
            {"answers_sent", floods.answers_sent}, {"answers_passed", floods.answers_passed},
            {"random_sent", floods.random_sent},   {"random_passed", floods.random_passed}};
}

Json ports_json(const Outcome& outcome) {
    const PortCounts& ports = outcome.ports;
    const uint64_t frames = ports.sent[0] + ports.sent[1];
    const uint64_t bytes = ports.sent_bytes[0] + ports.sent_bytes[1] + frames * kFcs;
    return {{"sent", frames},
            {"received", ports.received[0] + ports.received[1]},
            {"sent_per_second", a_second(frames, outcome)},
            {"received_per_second", a_second(ports.received[0] + ports.received[1], outcome)},
            {"sent_bits_per_second", a_second(8 * bytes, outcome)},
            {"foreign", ports.foreign},
            {"refused", ports.refused}};
}

Json outcome_json(Mode mode, const Outcome& outcome) {
    const Counts& counts = outcome.counts;
    Json json = {{"seconds", outcome.ports.seconds},
                 {"offered", counts.offered},
                 {"offered_per_second", a_second(counts.offered, outcome)}};
    if (mode == Mode::connections) {
        json["connections"] = {{"begun", counts.begun},
                               {"completed", counts.completed},
                               {"completed_per_second", a_second(counts.completed, outcome)},
                               {"completed_percent", outcome.percent(mode)},
                               {"failed", counts.failed},
                               {"failed_per_second", a_second(counts.failed, outcome)},
                               {"reset", counts.reset},
                               {"not_over", counts.begun - counts.completed - counts.failed},
                               {"retransmits", counts.retransmits},
                               {"late", counts.late}};
    } else {
        Json packets = packets_json(both(counts));
        packets["sent_per_second"] = a_second(both(counts).sent, outcome);
        packets["delivered_per_second"] = outcome.per_second(mode);
        packets["delivered_percent"] = outcome.percent(mode);
        packets["reordered"] = counts.reordered;
        packets["client_to_server"] = packets_json(counts.packets[0]);
        packets["server_to_client"] = packets_json(counts.packets[1]);
        json["packets"] = packets;
    }
    if (mode == Mode::flows) {
        json["flows"] = {{"wanted", counts.flows},
                         {"established", counts.established},
                         {"seconds", outcome.ports.preparation_seconds}};
    }
    json["wrong"] = wrong_json(outcome);
    json["latency_us"] = latency_json(counts.latency);
    json["floods"] = floods_json(outcome.floods);
    json["ports"] = ports_json(outcome);
    return json;
}

} // namespace

std::string_view name_of(Mode mode) {
    switch (mode) {
    case Mode::flows: return "flows";
    case Mode::connections: return "connections";
    case Mode::new_flows: break;
    }
    return "new-flows";
}

double Outcome::per_second(Mode mode) const {
    return a_second(mode == Mode::connections ? counts.completed : both(counts).delivered, *this);
}

double Outcome::percent(Mode mode) const {
    const PacketCounts packets = both(counts);
    const uint64_t all = mode == Mode::connections ? counts.begun : packets.sent;
    const uint64_t good = mode == Mode::connections ? counts.completed : packets.delivered;
    return all == 0 ? 100 : 100 * static_cast<double>(good) / static_cast<double>(all);
}

std::string to_text(const Description& description, const Outcome& outcome, const std::optional<Outcome>& limit) {
    const Counts& counts = outcome.counts;
    const bool connections = description.mode == Mode::connections;
    std::string text = fmt::format(
        "{}: {}{}, {}, {:.1f} s{}\n", name_of(description.mode), description.traffic, description.ipv6 ? ", IPv6" : "",
        description.rate > 0 ? fmt::format("{:g} a second", description.rate) : std::string("as fast as possible"),
        outcome.ports.seconds, description.joined ? ", no firewall" : "");
    if (description.mode == Mode::flows) {
        text += fmt::format("{} of {} flows established in {:.2f} s\n", counts.established, counts.flows,
                            outcome.ports.preparation_seconds);
    }
    if (description.rate > 0)
        text += fmt::format(
            "offered {:.0f} {}, {:.0f} of them sent in time\n", counts.offered, connections ? "connections" : "packets",
            connections
                ? static_cast<double>(counts.begun)
                : static_cast<double>(description.mode == Mode::flows ? both(counts).sent : counts.packets[0].sent));
    text += connections ? connection_lines(outcome) : packet_lines(outcome);
    text += wrong_line(outcome) + latency_line(outcome);
    if (counts.reordered > 0) text += fmt::format("reordered {}\n", counts.reordered);
    text += flood_lines(outcome.floods);
    if (limit) text += limit_line(description.mode, outcome, *limit);
    return text;
}

std::string to_json(const Description& description, const Outcome& outcome, const std::optional<Outcome>& limit) {
    Json json = {{"schema", "sluice.traffic/1"},
                 {"mode", name_of(description.mode)},
                 {"traffic", description.traffic},
                 {"family", description.ipv6 ? "ipv6" : "ipv4"},
                 {"frame_sizes", description.sizes.empty() ? Json(nullptr) : Json(description.sizes)},
                 {"rate", description.rate > 0 ? Json(description.rate) : Json(nullptr)},
                 {"firewall", !description.joined}};
    json.update(outcome_json(description.mode, outcome));
    json["limit"] = limit ? outcome_json(description.mode, *limit) : Json(nullptr);
    return json.dump(2) + "\n";
}

} // namespace sluice::traffic
