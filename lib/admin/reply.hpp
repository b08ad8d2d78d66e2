// What a handler answers: a result, an error, or a long list in parts.
#pragma once

#include "admin/peer.hpp"
#include "admin/protocol.hpp"

#include <functional>
#include <optional>
#include <utility>
#include <variant>

namespace sluice::admin {

/// How a request ends.
struct Result {
    Json value;
};
using Outcome = std::variant<Result, Error>;

/// Produces a long list piece by piece: appends rows to `rows` (an empty array each time) and returns nothing as long
/// as there is more, then the outcome that ends the list. One call should be short (some thousand table entries looked
/// at): the server calls again when the client has taken what there is, and serves everybody else in between. It may
/// add no row in a call. It is destroyed, without being called to the end, when its client leaves.
using Producer = std::function<std::optional<Outcome>(Json& rows)>;

class Reply {
  public:
    static Reply result(Json value) { return Reply(Result{std::move(value)}); }
    static Reply error(ErrorCode code, std::string message, Json data = nullptr) {
        return Reply(Error{code, std::move(message), std::move(data)});
    }
    /// Rows travel as "partial" lines; the outcome's value is the result line.
    static Reply stream(Producer producer) { return Reply(std::move(producer)); }

    using Content = std::variant<Result, Error, Producer>;
    [[nodiscard]] Content& content() { return content_; }

  private:
    template <typename T>
    explicit Reply(T content)
        : content_(std::move(content)) {}
    Content content_;
};

/// Answers one method. Runs on the thread that calls Server::poll. `params` is always an object. An exception that
/// leaves it is answered as internal_error and goes no further.
using Handler = std::function<Reply(const Json& params, const Peer& peer)>;

} // namespace sluice::admin
