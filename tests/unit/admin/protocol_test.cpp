#include "admin/protocol.hpp"

#include <gtest/gtest.h>

#include <string>

namespace sluice::admin {
namespace {

ErrorCode refusal(std::string_view line) {
    const auto request = decode_request(line);
    return request ? ErrorCode{} : request.error().error.code;
}

TEST(AdminProtocol, ReadsARequest) {
    const auto request = decode_request(R"({"jsonrpc":"2.0","id":7,"method":"show.rules","params":{"name":"web"}})");
    ASSERT_TRUE(request);
    EXPECT_EQ(request->id, 7);
    EXPECT_EQ(request->method, "show.rules");
    EXPECT_EQ(request->params, (Json{{"name", "web"}}));
}

TEST(AdminProtocol, ParamsMayBeAbsentAndIdsMayBeStrings) {
    const auto request = decode_request(R"({"jsonrpc":"2.0","id":"a","method":"status"})");
    ASSERT_TRUE(request);
    EXPECT_EQ(request->id, "a");
    EXPECT_EQ(request->params, Json::object());
}

TEST(AdminProtocol, RefusesWhatIsNoJson) {
    for (const char* line : {"", "hello", "{", "{\"id\":1,}", "{\"jsonrpc\":\"2.0\"} x", "\xff\xfe",
                             "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"\xc3\x28\"}", "nul"}) {
        EXPECT_EQ(refusal(line), ErrorCode::parse_error) << line;
    }
    EXPECT_EQ(refusal(std::string_view("{}\0", 3)), ErrorCode::parse_error);
}

TEST(AdminProtocol, RefusesJsonThatIsNoRequest) {
    for (const char* line :
         {"[]", "1", "null", "{}", R"({"jsonrpc":"2.0","method":"x"})", R"({"jsonrpc":"2.0","id":null,"method":"x"})",
          R"({"jsonrpc":"2.0","id":1.5,"method":"x"})", R"({"jsonrpc":"2.0","id":{},"method":"x"})",
          R"({"jsonrpc":"1.0","id":1,"method":"x"})", R"({"id":1,"method":"x"})", R"({"jsonrpc":"2.0","id":1})",
          R"({"jsonrpc":"2.0","id":1,"method":2})", R"({"jsonrpc":"2.0","id":1,"method":"x","params":[]})",
          R"([{"jsonrpc":"2.0","id":1,"method":"x"}])"}) {
        EXPECT_EQ(refusal(line), ErrorCode::invalid_request) << line;
    }
    EXPECT_EQ(refusal(R"({"jsonrpc":"2.0","id":")" + std::string(65, 'i') + R"(","method":"x"})"),
              ErrorCode::invalid_request);
}

TEST(AdminProtocol, ARefusalCarriesTheIdWhenThereIsOne) {
    const auto request = decode_request(R"({"jsonrpc":"2.0","id":3,"method":4})");
    ASSERT_FALSE(request);
    EXPECT_EQ(request.error().id, 3);
}

TEST(AdminProtocol, DepthAndNumberOfValuesAreBounded) {
    const auto nested = [](std::size_t depth) {
        return R"({"jsonrpc":"2.0","id":1,"method":"x","params":{"a":)" + std::string(depth, '[') +
               std::string(depth, ']') + "}}";
    };
    EXPECT_TRUE(decode_request(nested(kMaxRequestDepth - 2)));
    EXPECT_EQ(refusal(nested(kMaxRequestDepth - 1)), ErrorCode::parse_error);
    EXPECT_EQ(refusal(std::string(10'000'000, '[')), ErrorCode::parse_error);
    std::string many = R"({"jsonrpc":"2.0","id":1,"method":"x","params":{"a":[0)";
    for (std::size_t i = 0; i < kMaxRequestValues; ++i)
        many += ",0";
    EXPECT_EQ(refusal(many + "]}}"), ErrorCode::parse_error);
}

TEST(AdminProtocol, BracketsInStringsDoNotCount) {
    EXPECT_TRUE(within_bounds(R"(["[[[[[[", "\"[[[[", "\\"])", 1, 10));
    EXPECT_FALSE(within_bounds(R"(["\\",[[)", 2, 10));
    EXPECT_TRUE(decode_request(R"({"jsonrpc":"2.0","id":1,"method":"x","params":{"text":")" +
                               std::string(100'000, '[') + R"("}})"));
}

TEST(AdminProtocol, WhatIsEncodedDecodes) {
    const auto line = [](std::string text) {
        EXPECT_TRUE(text.ends_with('\n'));
        EXPECT_EQ(text.find('\n'), text.size() - 1);
        text.pop_back();
        return text;
    };
    const auto request = decode_request(line(encode_request(5, "policy.check", {{"text", "a\nb"}})));
    ASSERT_TRUE(request);
    EXPECT_EQ(request->params["text"], "a\nb");

    const auto hello = decode_message(line(encode_hello("9.9")));
    ASSERT_TRUE(hello);
    EXPECT_EQ(hello->kind, Message::Kind::hello);
    EXPECT_EQ(hello->body, (Json{{"protocol", kProtocolVersion}, {"version", "9.9"}}));

    const auto partial = decode_message(line(encode_partial(5, Json::array({1, 2}))));
    ASSERT_TRUE(partial);
    EXPECT_EQ(partial->kind, Message::Kind::partial);
    EXPECT_EQ(partial->id, 5);
    EXPECT_EQ(partial->body, Json::array({1, 2}));

    const auto result = decode_message(line(encode_result("x", {{"a", 1}})));
    ASSERT_TRUE(result);
    EXPECT_EQ(result->kind, Message::Kind::result);
    EXPECT_EQ(result->body, (Json{{"a", 1}}));

    const auto error = decode_message(line(encode_error(nullptr, {ErrorCode::conflict, "no", {{"why", 1}}})));
    ASSERT_TRUE(error);
    EXPECT_EQ(error->kind, Message::Kind::error);
    EXPECT_EQ(error->error.code, ErrorCode::conflict);
    EXPECT_EQ(error->error.message, "no");
    EXPECT_EQ(error->error.data, (Json{{"why", 1}}));
}

TEST(AdminProtocol, TextThatIsNoUtf8IsMendedInReplies) {
    const std::string line = encode_result(1, {{"device", "eth\xff"}});
    const auto message = decode_message(std::string_view(line).substr(0, line.size() - 1));
    ASSERT_TRUE(message);
    EXPECT_EQ(message->body["device"], "eth\xef\xbf\xbd");
}

TEST(AdminProtocol, RepliesOfAnotherKindAreRefused) {
    for (const char* line :
         {"", "HTTP/1.1 400 Bad Request", "{}", R"({"jsonrpc":"2.0"})", R"({"jsonrpc":"2.0","id":1})",
          R"({"jsonrpc":"2.0","method":"event","params":{}})", R"({"jsonrpc":"2.0","method":"hello"})",
          R"({"jsonrpc":"2.0","id":1,"partial":{}})", R"({"jsonrpc":"2.0","id":1,"error":"x"})",
          R"({"jsonrpc":"2.0","id":1,"error":{"code":"x","message":"y"}})", R"([1])"}) {
        EXPECT_FALSE(decode_message(line)) << line;
    }
}

TEST(AdminProtocol, ErrorsEndSluicectlWithTheDocumentedCode) {
    EXPECT_EQ(exit_code(ErrorCode::failed), ExitCode::failed);
    EXPECT_EQ(exit_code(ErrorCode::invalid_params), ExitCode::usage);
    EXPECT_EQ(exit_code(ErrorCode::not_permitted), ExitCode::not_permitted);
    EXPECT_EQ(exit_code(ErrorCode::policy_invalid), ExitCode::policy_invalid);
    EXPECT_EQ(exit_code(ErrorCode::not_found), ExitCode::not_found);
    EXPECT_EQ(exit_code(ErrorCode::conflict), ExitCode::conflict);
    EXPECT_EQ(exit_code(ErrorCode::timeout), ExitCode::timeout);
    EXPECT_EQ(exit_code(ErrorCode::internal_error), ExitCode::failed);
    EXPECT_EQ(exit_code(static_cast<ErrorCode>(12345)), ExitCode::failed);
}

} // namespace
} // namespace sluice::admin
