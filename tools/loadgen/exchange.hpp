// What is said on a connection: requests by number, and the check of the answers.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace sluice::loadgen {

enum class Protocol : uint8_t {
    kMemcached,    ///< the text protocol over TCP
    kMemcachedUdp, ///< the same behind memcached's 8-byte frame header, one datagram each way
    kEcho,         ///< the peer sends back what it got, as inetd's echo (RFC 862) does
    kHttp,         ///< GET / in HTTP/1.0; any 2xx answer, complete when the server closes
};

enum class Request : uint8_t {
    kSet,     ///< stores a value; the answer is STORED
    kGet,     ///< a value as kSet stores it, or a miss
    kSetGet,  ///< both in one segment; the value must come back
    kVersion, ///< the smallest request; the answer is VERSION …
};

enum class AnswerState : uint8_t { kIncomplete, kCorrect, kWrong };

/// Makes request number n and judges its answer. Immutable, and a pure function of its options and n, so it serves
/// any number of connections.
class Exchange {
  public:
    struct Options {
        Protocol protocol = Protocol::kMemcached;
        Request request = Request::kSet; ///< for memcached only
        size_t value_length = 64;        ///< bytes stored, or echoed
        uint64_t keys = 10'000;          ///< request n uses key n modulo this
        bool server_closes = false;      ///< memcached over TCP: adds "quit", upon which the server closes first
    };

    explicit Exchange(const Options& options)
        : options_(options) {}

    [[nodiscard]] std::string request(uint64_t n) const;
    /// `received` is all that came so far; `ended` says that the peer has closed its side.
    [[nodiscard]] AnswerState check(uint64_t n, std::string_view received, bool ended) const;
    [[nodiscard]] bool datagrams() const { return options_.protocol == Protocol::kMemcachedUdp; }

    /// The value that belongs to key number `key`: printable, different for each key and place.
    [[nodiscard]] std::string value(uint64_t key) const;

  private:
    [[nodiscard]] std::string memcached_request(uint64_t n) const;
    [[nodiscard]] AnswerState check_memcached(uint64_t n, std::string_view received) const;
    [[nodiscard]] std::string value_answer(uint64_t key) const;

    Options options_;
};

} // namespace sluice::loadgen
