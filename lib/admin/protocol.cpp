#include "admin/protocol.hpp"

#include <utility>

namespace sluice::admin {

namespace {

constexpr std::size_t kMaxIdSize = 64;
constexpr std::size_t kMaxMethodSize = 64;

/// JSON or the discarded value; never throws.
Json parse(std::string_view text) {
    // The parser takes a zero byte for the end of the text and would not look at what is behind it.
    if (text.find('\0') != std::string_view::npos) return Json(Json::value_t::discarded);
    return Json::parse(text.begin(), text.end(), nullptr, false);
}

std::string text_of(const Json& json) {
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

/// Put together as text, because a Json of the whole line would copy `content`, which may be large.
std::string line_of(const Json& id, std::string_view key, const Json& content) {
    std::string line = R"({"jsonrpc":"2.0","id":)";
    line += text_of(id);
    line += ",\"";
    line += key;
    line += "\":";
    line += text_of(content);
    line += "}\n";
    return line;
}

bool is_id(const Json& id) {
    if (id.is_string()) return id.get_ref<const std::string&>().size() <= kMaxIdSize;
    return id.is_number_integer();
}

bool is_version_2(const Json& json) {
    const auto found = json.find("jsonrpc");
    return found != json.end() && found->is_string() && found->get_ref<const std::string&>() == "2.0";
}

BadRequest invalid(Json id, std::string message) {
    return {std::move(id), {ErrorCode::invalid_request, std::move(message), nullptr}};
}

base::Expected<Message, std::string> decode_error_reply(Message message, const Json& error) {
    message.kind = Message::Kind::error;
    const auto code = error.find("code");
    const auto text = error.find("message");
    if (code == error.end() || !code->is_number_integer() || text == error.end() || !text->is_string()) {
        return base::Unexpected(std::string("an error reply without code or message"));
    }
    message.error.code = static_cast<ErrorCode>(code->get<int>());
    message.error.message = text->get<std::string>();
    if (const auto data = error.find("data"); data != error.end()) message.error.data = *data;
    return message;
}

} // namespace

ExitCode exit_code(ErrorCode code) {
    switch (code) {
    case ErrorCode::invalid_params: return ExitCode::usage;
    case ErrorCode::not_permitted: return ExitCode::not_permitted;
    case ErrorCode::policy_invalid: return ExitCode::policy_invalid;
    case ErrorCode::not_found: return ExitCode::not_found;
    case ErrorCode::conflict: return ExitCode::conflict;
    case ErrorCode::timeout: return ExitCode::timeout;
    case ErrorCode::parse_error:
    case ErrorCode::invalid_request:
    case ErrorCode::method_not_found:
    case ErrorCode::internal_error:
    case ErrorCode::failed: break;
    }
    return ExitCode::failed;
}

bool within_bounds(std::string_view text, std::size_t max_depth, std::size_t max_values) {
    std::size_t depth = 0;
    std::size_t values = 1;
    bool in_string = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (in_string) {
            if (c == '\\') {
                ++i;
            } else if (c == '"') {
                in_string = false;
            }
            continue;
        }
        switch (c) {
        case '"': in_string = true; break;
        case '[':
        case '{':
            ++values;
            if (++depth > max_depth) return false;
            break;
        case ']':
        case '}':
            if (depth > 0) --depth;
            break;
        case ',': ++values; break;
        default: break;
        }
        if (values > max_values) return false;
    }
    return true;
}

base::Expected<Request, BadRequest> decode_request(std::string_view line) {
    const auto not_json = [](std::string message) {
        return base::Unexpected(BadRequest{nullptr, {ErrorCode::parse_error, std::move(message), nullptr}});
    };
    if (!within_bounds(line, kMaxRequestDepth, kMaxRequestValues))
        return not_json("the request is nested too deeply or has too many values");
    Json json = parse(line);
    if (json.is_discarded()) return not_json("the request is not JSON in UTF-8");
    if (!json.is_object()) return base::Unexpected(invalid(nullptr, "a request is a JSON object (no batches)"));

    const auto id = json.find("id");
    if (id == json.end() || !is_id(*id)) {
        return base::Unexpected(invalid(nullptr, "a request wants an id: an integer or a short string"));
    }
    if (!is_version_2(json)) return base::Unexpected(invalid(*id, "a request wants \"jsonrpc\":\"2.0\""));
    const auto method = json.find("method");
    if (method == json.end() || !method->is_string() || method->get_ref<const std::string&>().size() > kMaxMethodSize) {
        return base::Unexpected(invalid(*id, "a request wants a method: a short string"));
    }

    Request request;
    request.id = *id;
    request.method = method->get<std::string>();
    if (const auto params = json.find("params"); params != json.end()) {
        if (!params->is_object()) return base::Unexpected(invalid(*id, "params are a JSON object"));
        request.params = std::move(*params);
    }
    return request;
}

base::Expected<Message, std::string> decode_message(std::string_view line) {
    if (!within_bounds(line, kMaxReplyDepth, kMaxReplySize))
        return base::Unexpected(std::string("a reply nested too deeply"));
    Json json = parse(line);
    if (json.is_discarded() || !json.is_object() || !is_version_2(json)) {
        return base::Unexpected(std::string("a reply that is not JSON-RPC 2.0"));
    }
    Message message;
    if (const auto method = json.find("method"); method != json.end()) {
        const auto params = json.find("params");
        if (*method != "hello" || params == json.end() || !params->is_object()) {
            return base::Unexpected(std::string("a notification that is not the hello"));
        }
        message.kind = Message::Kind::hello;
        message.body = std::move(*params);
        return message;
    }
    const auto id = json.find("id");
    if (id == json.end()) return base::Unexpected(std::string("a reply without id"));
    message.id = *id;
    if (const auto error = json.find("error"); error != json.end())
        return decode_error_reply(std::move(message), *error);
    if (const auto partial = json.find("partial"); partial != json.end()) {
        if (!partial->is_array()) return base::Unexpected(std::string("a part of a list that is no array"));
        message.kind = Message::Kind::partial;
        message.body = std::move(*partial);
        return message;
    }
    const auto result = json.find("result");
    if (result == json.end()) return base::Unexpected(std::string("a reply without result or error"));
    message.body = std::move(*result);
    return message;
}

std::string encode_request(const Json& id, std::string_view method, const Json& params) {
    std::string line = R"({"jsonrpc":"2.0","id":)";
    line += text_of(id);
    line += ",\"method\":";
    line += text_of(Json(method));
    line += ",\"params\":";
    line += text_of(params);
    line += "}\n";
    return line;
}

std::string encode_hello(std::string_view version) {
    return text_of(Json{{"jsonrpc", "2.0"},
                        {"method", "hello"},
                        {"params", {{"protocol", kProtocolVersion}, {"version", version}}}}) +
           '\n';
}

std::string encode_partial(const Json& id, const Json& rows) {
    return line_of(id, "partial", rows);
}

std::string encode_result(const Json& id, const Json& result) {
    return line_of(id, "result", result);
}

std::string encode_error(const Json& id, const Error& error) {
    Json content{{"code", static_cast<int>(error.code)}, {"message", error.message}};
    if (!error.data.is_null()) content["data"] = error.data;
    return line_of(id, "error", content);
}

} // namespace sluice::admin
