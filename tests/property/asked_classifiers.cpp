#include "asked_classifiers.hpp"

#include "net/protocol.hpp"

#include <algorithm>
#include <cstring>
#include <sstream>

namespace sluice::property {
namespace {

using ruleset::Path;
using ruleset::Query;

constexpr std::size_t kBatch = 32;
/// No rule asks for it, so that it may be anything.
constexpr std::uint8_t kIcmpCode = 3;

Query query_of(const Tuple& tuple) {
    Query query{};
    query.protocol = tuple.protocol;
    query.from_zone = static_cast<std::uint8_t>(tuple.from_zone);
    query.to_zone = static_cast<std::uint8_t>(tuple.to_zone);
    const bool icmp = tuple.protocol == net::protocol::kIcmp || tuple.protocol == net::protocol::kIcmpv6;
    query.source_port = net::Be16::from_host(tuple.source_port);
    query.destination_port = net::Be16::from_host(icmp ? static_cast<std::uint16_t>(tuple.icmp_type * 256 + kIcmpCode)
                                                       : tuple.destination_port);
    std::memcpy(query.source, tuple.source.bytes.data(), sizeof query.source);
    std::memcpy(query.destination, tuple.destination.bytes.data(), sizeof query.destination);
    return query;
}

void ask_family(const ruleset::Ruleset& ruleset, const std::vector<Tuple>& packets, net::Family family,
                std::vector<Answer>& answers) {
    std::vector<std::size_t> places;
    for (std::size_t i = 0; i < packets.size(); ++i) {
        if (packets[i].source.family == family) places.push_back(i);
    }
    if (places.empty()) return;
    Query queries[kBatch];
    const Query* pointers[kBatch];
    for (std::size_t i = 0; i < places.size(); ++i) {
        queries[i] = query_of(packets[places[i]]);
        pointers[i] = &queries[i];
    }
    std::uint32_t untracked[kBatch];
    std::uint32_t tracked[kBatch];
    const auto count = static_cast<unsigned>(places.size());
    ruleset.untracked().classify(family, pointers, untracked, count);
    ruleset.tracked().classify(family, pointers, tracked, count);
    for (std::size_t i = 0; i < places.size(); ++i)
        answers[places[i]] = {ruleset::UntrackedResult::decode(untracked[i]), tracked[i]};
}

const char* name(First::How how) {
    static constexpr const char* kNames[] = {"nothing", "a tracked rule", "untracked rule",
                                             "the answers of untracked rule"};
    return kNames[static_cast<unsigned>(how)];
}

/// Whether the compiled answer is one that the oracle's allows: on the tracked path it does not say which rule.
bool agree(const QuickOracle& oracle, const First& first, const ruleset::UntrackedResult& got) {
    switch (first.how) {
    case First::How::untracked_direct: return got.path == Path::direct && got.rule == first.rule;
    case First::How::untracked_answer:
        return got.rule == first.rule &&
               got.path == (oracle.reply_of(first.rule) == policy::Reply::mirror ? Path::mirror : Path::mirror_any);
    default: return got.path == Path::none || got.path == Path::tracked;
    }
}

} // namespace

std::vector<Answer> ask(const ruleset::Ruleset& ruleset, const std::vector<Tuple>& packets) {
    std::vector<Answer> answers(packets.size());
    for (std::size_t begin = 0; begin < packets.size(); begin += kBatch) {
        const std::size_t end = std::min(packets.size(), begin + kBatch);
        const std::vector<Tuple> batch(packets.begin() + static_cast<std::ptrdiff_t>(begin),
                                       packets.begin() + static_cast<std::ptrdiff_t>(end));
        std::vector<Answer> some(batch.size());
        ask_family(ruleset, batch, net::Family::ipv4, some);
        ask_family(ruleset, batch, net::Family::ipv6, some);
        std::copy(some.begin(), some.end(), answers.begin() + static_cast<std::ptrdiff_t>(begin));
    }
    return answers;
}

std::string difference(const QuickOracle& oracle, const Tuple& tuple, const First& first, const Answer& answer) {
    const auto match = oracle.first_match(tuple);
    const std::uint32_t wanted = match ? static_cast<std::uint32_t>(*match) + 1 : 0;
    const bool untracked_agrees = agree(oracle, first, answer.untracked);
    if (untracked_agrees && answer.tracked == wanted) return {};
    std::ostringstream out;
    if (!untracked_agrees) {
        out << "untracked: the oracle says " << name(first.how);
        if (first.how == First::How::untracked_direct || first.how == First::How::untracked_answer)
            out << ' ' << first.rule;
        out << ", the classifier path " << static_cast<unsigned>(answer.untracked.path) << " rule "
            << answer.untracked.rule << ". ";
    }
    if (answer.tracked != wanted)
        out << "tracked: the oracle says " << wanted << ", the classifier " << answer.tracked << ". ";
    return out.str();
}

} // namespace sluice::property
