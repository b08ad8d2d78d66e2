// What travels between the appliance and its command line: JSON-RPC 2.0, one JSON text a line, UTF-8, ended by '\n'.
//
// The server speaks first, with a hello that carries the protocol version. Each request gets one final reply (result or
// error) with its id; before a result there may be lines with a part of a long list ("partial"). docs/admin_protocol.md
// is the contract, with the methods and the shapes of their results; this file is its letter.
//
// Everything here is a pure function on text: no sockets, no state, no exceptions out of it whatever the text holds.
#pragma once

#include "base/expected.hpp"

#include <nlohmann/json.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace sluice::admin {

using Json = nlohmann::json;

inline constexpr int kProtocolVersion = 1;
inline constexpr std::string_view kDefaultSocketPath = "/run/sluice/ctl.sock";

/// The longest policy text, in bytes, that policy.check and policy.apply take.
inline constexpr std::size_t kMaxPolicySize = std::size_t{16} << 20;
/// The longest request line without its newline: a policy text of the greatest size whose every byte needs an escape
/// of one more byte, and room for the rest of the request.
inline constexpr std::size_t kMaxRequestSize = 2 * kMaxPolicySize + (std::size_t{64} << 10);
/// The longest reply line that a client takes.
inline constexpr std::size_t kMaxReplySize = std::size_t{128} << 20;
/// Arrays and objects within each other. JSON libraries copy and print values by recursion.
inline constexpr std::size_t kMaxRequestDepth = 16;
inline constexpr std::size_t kMaxReplyDepth = 32;
/// Values in one request: a bound on the memory that a line of `[0,0,0,…` would unfold to.
inline constexpr std::size_t kMaxRequestValues = 1024;

/// Errors, in JSON-RPC's numbers. The last digit of the appliance's own ones (-3200x) is sluicectl's exit code.
enum class ErrorCode : int {
    parse_error = -32700,      ///< not JSON, not UTF-8, too deep or too long; the server closes the connection
    invalid_request = -32600,  ///< JSON, but no request; the server closes the connection
    method_not_found = -32601, ///< older or newer appliance
    invalid_params = -32602,   ///< a parameter is missing, unknown or of the wrong kind
    internal_error = -32603,   ///< a handler failed in a way it should not
    failed = -32001,
    not_permitted = -32004,
    policy_invalid = -32005, ///< data: {rendered, errors, warnings, diagnostics}
    not_found = -32006,
    conflict = -32007, ///< such as a policy whose change needs a restart
    timeout = -32009,
};

/// sluicectl's exit codes.
enum class ExitCode : int {
    done = 0,
    failed = 1,
    usage = 2,
    unreachable = 3,
    not_permitted = 4,
    policy_invalid = 5,
    not_found = 6,
    conflict = 7,
    timeout = 9,
};

/// What sluicectl ends with when the appliance answers with this error.
ExitCode exit_code(ErrorCode code);

/// An error reply. `message` is one sentence for people, `data` null or what the method's description says.
struct Error {
    ErrorCode code = ErrorCode::failed;
    std::string message;
    Json data = nullptr;
};

struct Request {
    Json id; ///< an integer or a string of at most 64 bytes
    std::string method;
    Json params = Json::object(); ///< always an object
};

/// Why a line is not a request, with the id if it could be made out (null otherwise), as the error reply wants it.
struct BadRequest {
    Json id = nullptr;
    Error error;
};

/// Reads a request line (without its newline). Bounded in memory and stack whatever the line holds.
base::Expected<Request, BadRequest> decode_request(std::string_view line);

/// What a server sends.
struct Message {
    enum class Kind : std::uint8_t { hello, partial, result, error };
    Kind kind = Kind::result;
    Json id = nullptr; ///< null with a hello and with an error whose request could not be read
    Json body;   ///< hello: {protocol, version}; partial: a non-empty array; result: the result. Unused with error
    Error error; ///< only with error
};

/// Reads a line from a server; a plain sentence says what is wrong.
base::Expected<Message, std::string> decode_message(std::string_view line);

// Each returns one line with its newline. Strings that are not UTF-8 have the offending bytes replaced by U+FFFD.
std::string encode_request(const Json& id, std::string_view method, const Json& params);
std::string encode_hello(std::string_view version);
std::string encode_partial(const Json& id, const Json& rows);
std::string encode_result(const Json& id, const Json& result);
std::string encode_error(const Json& id, const Error& error);

/// Whether a text may be parsed as JSON: nesting and number of values within bounds, found without recursion. A text
/// that is not JSON may pass; the parser refuses it.
bool within_bounds(std::string_view text, std::size_t max_depth, std::size_t max_values);

} // namespace sluice::admin
