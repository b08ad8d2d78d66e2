#include "judge.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace sluice::golden {
namespace {

/// Tags of behaviour where a firewall may well be stricter than the references; README.md says why.
constexpr std::array kLatitude = std::to_array<std::string_view>(
    {"addr",    "csum",    "edge",   "evasion", "ext",       "frag",   "icmp-deprecated", "icmp-inner-csum",
     "icmpseq", "ipopt",   "l2",     "nd",      "postclose", "random", "resync",          "rfc5927",
     "rfc5961", "simopen", "tcpopt", "topo",    "udplen",    "vlan",   "wscale"});

bool has_latitude(const Scenario& scenario) {
    return std::any_of(scenario.tags.begin(), scenario.tags.end(), [](const std::string& tag) {
        return std::find(kLatitude.begin(), kLatitude.end(), tag) != kLatitude.end();
    });
}

bool has_tag(const Scenario& scenario, std::string_view tag) {
    return std::find(scenario.tags.begin(), scenario.tags.end(), tag) != scenario.tags.end();
}

struct Datagram {
    std::size_t sent = 0;
    bool in_pieces = false;
    std::vector<const Frame*> passed;
};

/// Whether the pieces reach from the first byte to the end that the last of them gives.
bool made_up(const std::vector<const Frame*>& passed) {
    std::vector<Piece> pieces;
    std::optional<std::uint32_t> end;
    for (const Frame* frame : passed) {
        pieces.push_back(*frame->piece);
        if (!frame->piece->more) end = frame->piece->end;
    }
    std::sort(pieces.begin(), pieces.end(), [](const Piece& a, const Piece& b) { return a.begin < b.begin; });
    std::uint32_t covered = 0;
    for (const Piece& piece : pieces) {
        if (piece.begin <= covered) covered = std::max(covered, piece.end);
    }
    return end && covered >= *end;
}

Verdict verdict(const Datagram& datagram) {
    if (datagram.passed.empty()) return Verdict::drop;
    if (!datagram.in_pieces) return datagram.passed.size() == datagram.sent ? Verdict::pass : Verdict::partial;
    const bool whole = std::any_of(datagram.passed.begin(), datagram.passed.end(),
                                   [](const Frame* frame) { return !frame->piece.has_value(); });
    return whole || made_up(datagram.passed) ? Verdict::pass : Verdict::partial;
}

bool acceptable(const Step& step, Verdict got) {
    if (got == step.wanted) return true;
    if (step.hard) return false;
    return got == step.rfc || std::find(step.references.begin(), step.references.end(), got) != step.references.end();
}

Severity severity(const Scenario& scenario, const Step& step, Verdict got) {
    if (!step.hard) return Severity::info;
    // A wire forwards what a router drops: an expired TTL, say.
    if (step.wanted == Verdict::drop)
        return has_tag(scenario, "topo") && step.rfc != Verdict::drop ? Severity::review : Severity::must;
    if (got == Verdict::drop)
        return step.rfc == Verdict::pass || !has_latitude(scenario) ? Severity::must : Severity::review;
    return Severity::review;
}

} // namespace

std::string_view name(Severity severity) {
    constexpr std::array<std::string_view, kSeverityCount> kNames = {"MUST", "REVIEW", "INFO", "FOLLOWS"};
    return kNames[static_cast<std::size_t>(severity)];
}

Verdict verdict(const Step& step, std::span<const Fate> fates) {
    std::map<std::uint32_t, Datagram> datagrams;
    for (std::size_t i = 0; i < step.frames.size(); ++i) {
        Datagram& datagram = datagrams[step.frames[i].datagram];
        ++datagram.sent;
        datagram.in_pieces |= step.frames[i].piece.has_value();
        if (fates[i].passed) datagram.passed.push_back(&step.frames[i]);
    }
    std::set<Verdict> verdicts;
    for (const auto& [number, datagram] : datagrams) {
        verdicts.insert(verdict(datagram));
    }
    return verdicts.size() == 1 ? *verdicts.begin() : Verdict::partial;
}

std::vector<Difference> differences(const Scenario& scenario, const Fates& fates) {
    std::vector<Difference> found;
    for (std::size_t i = 0; i < scenario.steps.size(); ++i) {
        const Step& step = scenario.steps[i];
        const Verdict got = verdict(step, fates[i]);
        if (acceptable(step, got)) continue;
        found.push_back({i, got, found.empty() ? severity(scenario, step, got) : Severity::follows});
    }
    return found;
}

} // namespace sluice::golden
