#include "loadgen/exchange.hpp"

namespace sluice::loadgen {
namespace {

// memcached doc/protocol.txt, "UDP protocol": request id, sequence number, datagrams in this message, reserved.
constexpr size_t kUdpHeaderSize = 8;

std::string udp_header(uint64_t n) {
    std::string header(kUdpHeaderSize, '\0');
    header[0] = static_cast<char>(n >> 8);
    header[1] = static_cast<char>(n);
    header[5] = 1;
    return header;
}

std::string key_name(uint64_t key) {
    return "sl" + std::to_string(key);
}

AnswerState compare(std::string_view received, std::string_view wanted) {
    if (received == wanted) return AnswerState::kCorrect;
    return wanted.starts_with(received) ? AnswerState::kIncomplete : AnswerState::kWrong;
}

// An answer of one line that begins with `start`.
AnswerState compare_line(std::string_view received, std::string_view start) {
    if (received.size() < start.size()) return compare(received, start);
    if (!received.starts_with(start)) return AnswerState::kWrong;
    const size_t end = received.find("\r\n");
    if (end == std::string_view::npos) return AnswerState::kIncomplete;
    return end + 2 == received.size() ? AnswerState::kCorrect : AnswerState::kWrong;
}

AnswerState check_http(std::string_view received, bool ended) {
    // "HTTP/1.x 2": nine bytes up to the blank, then the status.
    constexpr std::string_view kStart = "HTTP/1.";
    if (received.size() < 10) {
        if (!kStart.starts_with(received.substr(0, kStart.size())) || ended) return AnswerState::kWrong;
        return AnswerState::kIncomplete;
    }
    if (!received.starts_with(kStart) || received[9] != '2') return AnswerState::kWrong;
    if (!ended) return AnswerState::kIncomplete;
    return received.find("\r\n\r\n") == std::string_view::npos ? AnswerState::kWrong : AnswerState::kCorrect;
}

} // namespace

std::string Exchange::value(uint64_t key) const {
    std::string value(options_.value_length, ' ');
    for (size_t i = 0; i < value.size(); ++i)
        value[i] = static_cast<char>('!' + (key * 31 + i * 7 + i / 90) % 90);
    return value;
}

std::string Exchange::memcached_request(uint64_t n) const {
    const uint64_t key = n % options_.keys;
    const std::string get = "get " + key_name(key) + "\r\n";
    std::string text;
    if (options_.request == Request::kSet || options_.request == Request::kSetGet)
        text = "set " + key_name(key) + " 0 0 " + std::to_string(options_.value_length) + "\r\n" + value(key) + "\r\n";
    if (options_.request == Request::kGet || options_.request == Request::kSetGet) text += get;
    if (options_.request == Request::kVersion) text = "version\r\n";
    if (options_.server_closes) text += "quit\r\n";
    return text;
}

std::string Exchange::request(uint64_t n) const {
    switch (options_.protocol) {
    case Protocol::kMemcached: return memcached_request(n);
    case Protocol::kMemcachedUdp: return udp_header(n) + memcached_request(n);
    case Protocol::kEcho: return value(n);
    case Protocol::kHttp: return "GET / HTTP/1.0\r\nConnection: close\r\n\r\n";
    }
    return {};
}

std::string Exchange::value_answer(uint64_t key) const {
    return "VALUE " + key_name(key) + " 0 " + std::to_string(options_.value_length) + "\r\n" + value(key) +
           "\r\nEND\r\n";
}

AnswerState Exchange::check_memcached(uint64_t n, std::string_view received) const {
    const uint64_t key = n % options_.keys;
    switch (options_.request) {
    case Request::kSet: return compare(received, "STORED\r\n");
    case Request::kSetGet: return compare(received, "STORED\r\n" + value_answer(key));
    case Request::kVersion: return compare_line(received, "VERSION ");
    case Request::kGet: break;
    }
    const AnswerState miss = compare(received, "END\r\n");
    return miss == AnswerState::kWrong ? compare(received, value_answer(key)) : miss;
}

AnswerState Exchange::check(uint64_t n, std::string_view received, bool ended) const {
    AnswerState state = AnswerState::kIncomplete;
    switch (options_.protocol) {
    case Protocol::kMemcached: state = check_memcached(n, received); break;
    case Protocol::kMemcachedUdp:
        if (received.size() <= kUdpHeaderSize || received.substr(0, kUdpHeaderSize) != udp_header(n))
            return AnswerState::kWrong;
        state = check_memcached(n, received.substr(kUdpHeaderSize));
        // A datagram is whole or wrong.
        return state == AnswerState::kIncomplete ? AnswerState::kWrong : state;
    case Protocol::kEcho: state = compare(received, value(n)); break;
    case Protocol::kHttp: return check_http(received, ended);
    }
    return state == AnswerState::kIncomplete && ended ? AnswerState::kWrong : state;
}

} // namespace sluice::loadgen
