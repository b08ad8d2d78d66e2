#include "table.hpp"

#include "format.hpp"
#include "policy/diagnostic/text.hpp"

#include <algorithm>
#include <utility>

namespace sluice::sluicectl {

Table::Table(std::vector<Column> columns)
    : columns_(std::move(columns)) {
    for (const Column& column : columns_)
        widths_.push_back(policy::count_characters(column.head));
}

void Table::add(std::vector<std::string> cells) {
    cells.resize(columns_.size());
    for (std::size_t i = 0; i < cells.size(); ++i) {
        cells[i] = cells[i].empty() ? std::string(kNothing) : policy::printable(cells[i]);
        widths_[i] = std::max(widths_[i], policy::count_characters(cells[i]));
    }
    rows_.push_back(std::move(cells));
}

std::string Table::layout(const std::vector<std::string>& cells) const {
    std::string line;
    for (std::size_t i = 0; i < cells.size(); ++i) {
        if (i > 0) line += "  ";
        const std::string padding(widths_[i] - policy::count_characters(cells[i]), ' ');
        const bool right = columns_[i].align == Column::Align::right;
        if (right) line += padding;
        line += cells[i];
        if (!right && i + 1 < cells.size()) line += padding;
    }
    return line;
}

void Table::print(Context& context) {
    if (!std::exchange(head_printed_, true)) {
        std::vector<std::string> heads;
        for (const Column& column : columns_)
            heads.push_back(column.head);
        context.out.line(LineKind::head, coloured(context.style, Colour::head, layout(heads)));
    }
    for (const auto& row : rows_)
        context.out.line(LineKind::row, layout(row));
    rows_.clear();
}

std::string coloured(const Style& style, Colour colour, std::string_view text) {
    if (!style.colour) return std::string(text);
    const char* code = "";
    switch (colour) {
    case Colour::head: code = "\x1b[1m"; break;
    case Colour::good: code = "\x1b[32m"; break;
    case Colour::bad: code = "\x1b[31m"; break;
    case Colour::warning: code = "\x1b[33m"; break;
    }
    return code + std::string(text) + "\x1b[0m";
}

} // namespace sluice::sluicectl
