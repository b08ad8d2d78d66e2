// Any bytes as a line of the admin protocol: as a request, as a reply, and as the filters of show.flows.
// See tests/fuzz/admin/README.md for how to run it.
#include "admin/flow_filter.hpp"
#include "admin/protocol.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace {

using namespace sluice::admin;

void require(bool held, const char* promise) {
    if (held) return;
    std::fprintf(stderr, "broken promise: %s\n", promise);
    std::abort();
}

/// A line as it is sent, without its newline.
std::string_view sent(const std::string& line) {
    require(line.find('\n') == line.size() - 1, "a line is one line");
    return std::string_view(line).substr(0, line.size() - 1);
}

void check_request(const Request& request) {
    require(request.params.is_object(), "params are an object");
    require(request.id.is_string() || request.id.is_number_integer(), "an id is a string or an integer");
    const std::string line = encode_request(request.id, request.method, request.params);
    const auto again = decode_request(sent(line));
    require(again && again->id == request.id && again->method == request.method && again->params == request.params,
            "a request reads back");
    const auto filter = flow_filter_from(request.params, {"limit"});
    if (filter) require(filter->matches(FlowFields{}) || !request.params.empty(), "no condition takes everything");
}

void check_refusal(const BadRequest& refusal) {
    const bool known = refusal.error.code == ErrorCode::parse_error || refusal.error.code == ErrorCode::invalid_request;
    require(known && !refusal.error.message.empty(), "a refusal says why");
    const std::string line = encode_error(refusal.id, refusal.error);
    const auto again = decode_message(sent(line));
    require(again && again->kind == Message::Kind::error && again->error.code == refusal.error.code,
            "a refusal reads back");
}

void check_message(const Message& message) {
    std::string line;
    switch (message.kind) {
    case Message::Kind::hello: return;
    case Message::Kind::partial:
        require(message.body.is_array(), "a part is an array");
        line = encode_partial(message.id, message.body);
        break;
    case Message::Kind::result: line = encode_result(message.id, message.body); break;
    case Message::Kind::error:
        (void)exit_code(message.error.code);
        line = encode_error(message.id, message.error);
        break;
    }
    const auto again = decode_message(sent(line));
    require(again && again->kind == message.kind && again->body == message.body, "a reply reads back");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view line(reinterpret_cast<const char*>(data), size);
    const auto request = decode_request(line);
    if (request) {
        check_request(*request);
    } else {
        check_refusal(request.error());
    }
    if (const auto message = decode_message(line)) check_message(*message);
    return 0;
}
