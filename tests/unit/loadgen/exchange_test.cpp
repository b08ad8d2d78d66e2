#include "loadgen/exchange.hpp"

#include <gtest/gtest.h>

namespace sluice::loadgen {
namespace {

Exchange memcached(Request request, bool server_closes = false) {
    Exchange::Options options;
    options.request = request;
    options.value_length = 10;
    options.keys = 100;
    options.server_closes = server_closes;
    return Exchange(options);
}

// Every proper beginning of a correct answer is incomplete, the whole is correct, one byte more or another is wrong.
void expect_exactly(const Exchange& exchange, uint64_t n, const std::string& answer) {
    for (size_t length = 0; length < answer.size(); ++length) {
        EXPECT_EQ(exchange.check(n, answer.substr(0, length), false), AnswerState::kIncomplete) << length;
        EXPECT_EQ(exchange.check(n, answer.substr(0, length), true), AnswerState::kWrong) << length;
        std::string damaged = answer;
        damaged[length] = static_cast<char>(damaged[length] ^ 1);
        EXPECT_EQ(exchange.check(n, damaged, false), AnswerState::kWrong) << length;
    }
    EXPECT_EQ(exchange.check(n, answer, false), AnswerState::kCorrect);
    EXPECT_EQ(exchange.check(n, answer, true), AnswerState::kCorrect);
    EXPECT_EQ(exchange.check(n, answer + "x", false), AnswerState::kWrong);
}

TEST(ExchangeTest, SetWantsStored) {
    const Exchange exchange = memcached(Request::kSet);
    EXPECT_EQ(exchange.request(142), "set sl42 0 0 10\r\n" + exchange.value(42) + "\r\n");
    expect_exactly(exchange, 142, "STORED\r\n");
    EXPECT_EQ(exchange.check(0, "SERVER_ERROR out of memory storing object\r\n", false), AnswerState::kWrong);
}

TEST(ExchangeTest, SetGetWantsTheValueBack) {
    const Exchange exchange = memcached(Request::kSetGet);
    expect_exactly(exchange, 7, "STORED\r\nVALUE sl7 0 10\r\n" + exchange.value(7) + "\r\nEND\r\n");
    EXPECT_EQ(exchange.check(7, "STORED\r\nEND\r\n", false), AnswerState::kWrong) << "a miss right after the set";
}

TEST(ExchangeTest, GetTakesTheRightValueOrAMiss) {
    const Exchange exchange = memcached(Request::kGet);
    EXPECT_EQ(exchange.request(3), "get sl3\r\n");
    const std::string hit = "VALUE sl3 0 10\r\n" + exchange.value(3) + "\r\nEND\r\n";
    EXPECT_EQ(exchange.check(3, hit, false), AnswerState::kCorrect);
    EXPECT_EQ(exchange.check(3, "END\r\n", false), AnswerState::kCorrect);
    EXPECT_EQ(exchange.check(4, hit, false), AnswerState::kWrong) << "another key's value";
    EXPECT_EQ(exchange.check(3, "EN", false), AnswerState::kIncomplete);
    EXPECT_EQ(exchange.check(3, "VAL", false), AnswerState::kIncomplete);
}

TEST(ExchangeTest, VersionIsOneLine) {
    const Exchange exchange = memcached(Request::kVersion);
    EXPECT_EQ(exchange.request(0), "version\r\n");
    EXPECT_EQ(exchange.check(0, "VERSION 1.6.18\r\n", false), AnswerState::kCorrect);
    EXPECT_EQ(exchange.check(0, "VERSION 1.6", false), AnswerState::kIncomplete);
    EXPECT_EQ(exchange.check(0, "VERSION 1.6\r\nERROR\r\n", false), AnswerState::kWrong);
    EXPECT_EQ(exchange.check(0, "ERROR\r\n", false), AnswerState::kWrong);
}

TEST(ExchangeTest, QuitIsAddedWhenTheServerCloses) {
    EXPECT_EQ(memcached(Request::kVersion, true).request(0), "version\r\nquit\r\n");
}

TEST(ExchangeTest, ValuesDifferByKeyAndArePrintable) {
    const Exchange exchange = memcached(Request::kSet);
    EXPECT_NE(exchange.value(1), exchange.value(2));
    for (const char character : exchange.value(99))
        EXPECT_TRUE(character > ' ' && character < 0x7f);
}

TEST(ExchangeTest, UdpAnswersCarryTheRequestsHeader) {
    Exchange::Options options;
    options.protocol = Protocol::kMemcachedUdp;
    const Exchange exchange(options);
    const std::string header("\x12\x34\0\0\0\x01\0\0", 8);
    EXPECT_TRUE(exchange.datagrams());
    EXPECT_EQ(exchange.request(0x51234).substr(0, 8), header);
    EXPECT_EQ(exchange.check(0x51234, header + "STORED\r\n", false), AnswerState::kCorrect);
    EXPECT_EQ(exchange.check(0x51235, header + "STORED\r\n", false), AnswerState::kWrong) << "another request's";
    EXPECT_EQ(exchange.check(0x51234, header + "STORED", false), AnswerState::kWrong) << "no second datagram comes";
    EXPECT_EQ(exchange.check(0x51234, "STORED\r\n", false), AnswerState::kWrong);
}

TEST(ExchangeTest, EchoWantsItsBytesBack) {
    Exchange::Options options;
    options.protocol = Protocol::kEcho;
    options.value_length = 20;
    const Exchange exchange(options);
    expect_exactly(exchange, 5, exchange.request(5));
}

TEST(ExchangeTest, HttpIsCompleteWhenTheServerCloses) {
    Exchange::Options options;
    options.protocol = Protocol::kHttp;
    const Exchange exchange(options);
    const std::string answer = "HTTP/1.0 200 OK\r\nA: b\r\n\r\nbody";
    EXPECT_EQ(exchange.check(0, "HT", false), AnswerState::kIncomplete);
    EXPECT_EQ(exchange.check(0, answer, false), AnswerState::kIncomplete);
    EXPECT_EQ(exchange.check(0, answer, true), AnswerState::kCorrect);
    EXPECT_EQ(exchange.check(0, "HTTP/1.0 200 OK\r\n", true), AnswerState::kWrong) << "cut within the head";
    EXPECT_EQ(exchange.check(0, "HTTP/1.1 404 Not Found\r\n\r\n", true), AnswerState::kWrong);
    EXPECT_EQ(exchange.check(0, "SSH-2.0-x", false), AnswerState::kWrong);
}

} // namespace
} // namespace sluice::loadgen
