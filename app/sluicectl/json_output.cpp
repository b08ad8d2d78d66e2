#include "json_output.hpp"

#include "format.hpp"

#include <utility>

namespace sluice::sluicectl {

namespace {

/// On a terminal everything but ASCII is escaped: JSON alone would let C1 control characters pass.
std::string dump(const Context& context, const Json& json) {
    return json.dump(-1, ' ', context.style.terminal, Json::error_handler_t::replace);
}

std::string opening(std::string_view what) {
    return R"({"schema":"sluice.)" + std::string(what) + R"(/1","generated":")" + now_rfc3339() + R"(","data":)";
}

} // namespace

void print_json(Context& context, std::string_view what, const Json& data) {
    if (data.is_array()) {
        JsonList list(context, what);
        for (const Json& element : data)
            list.add(element);
        list.end();
        return;
    }
    context.out.line(LineKind::row, opening(what) + dump(context, data) + "}");
}

void JsonList::begin() {
    if (!std::exchange(begun_, true)) context_.out.line(LineKind::head, opening(what_) + "[");
}

void JsonList::add(const Json& element) {
    begin();
    if (!held_.empty()) context_.out.line(LineKind::row, held_ + ",");
    held_ = dump(context_, element);
}

void JsonList::end(const Json& more) {
    begin();
    if (!held_.empty()) context_.out.line(LineKind::row, held_);
    std::string closing = "]";
    for (const auto& [key, value] : more.items())
        closing += "," + dump(context_, key) + ":" + dump(context_, value);
    context_.out.line(LineKind::head, closing + "}");
}

} // namespace sluice::sluicectl
