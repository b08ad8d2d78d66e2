// The JSON that `--json` prints: one document, with its schema's name and time around the data.
//
//     {"schema":"sluice.rules/1","generated":"2026-01-31T09:30:00Z","data":[
//     {"name":"web-in",…},
//     {"name":"default",…}
//     ]}
//
// Lists have one element a line, so that both a JSON parser and line tools can read them, and can be written before
// their end is known.
#pragma once

#include "context.hpp"

#include <string_view>

namespace sluice::sluicectl {

/// All of it; `what` is the schema's name without "sluice." and version.
void print_json(Context& context, std::string_view what, const Json& data);

/// A list whose elements come bit by bit.
class JsonList {
  public:
    /// Prints nothing yet.
    JsonList(Context& context, std::string_view what)
        : context_(context)
        , what_(what) {}
    void add(const Json& element);
    /// `more` is an object whose members are put behind the list, beside "schema" and "data".
    void end(const Json& more = Json::object());

  private:
    void begin();
    Context& context_;
    std::string_view what_;
    bool begun_ = false;
    std::string held_; ///< the last element, kept back until it is known whether a comma follows
};

} // namespace sluice::sluicectl
