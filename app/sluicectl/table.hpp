// Tables: UPPERCASE heads, two spaces between columns, numbers to the right, no borders.
#pragma once

#include "context.hpp"

#include <string>
#include <vector>

namespace sluice::sluicectl {

struct Column {
    enum class Align : std::uint8_t { left, right };
    std::string head;
    Align align = Align::left;
};

/// Left for text, right for numbers.
inline Column text_column(std::string head) {
    return {std::move(head), Column::Align::left};
}
inline Column number_column(std::string head) {
    return {std::move(head), Column::Align::right};
}

/// Gathers rows and prints them in columns wide enough for all of them. A long list may be printed bit by bit: columns
/// then only grow.
class Table {
  public:
    explicit Table(std::vector<Column> columns);

    /// One cell for each column; an empty one shows as `-`. Text is made harmless here, whatever it holds.
    void add(std::vector<std::string> cells);

    /// Prints the rows added since the last time, before the first ones the head.
    void print(Context& context);

  private:
    [[nodiscard]] std::string layout(const std::vector<std::string>& cells) const;

    std::vector<Column> columns_;
    std::vector<std::size_t> widths_;
    std::vector<std::vector<std::string>> rows_;
    bool head_printed_ = false;
};

/// Wraps text into a colour of the terminal, if the style has colours.
enum class Colour : std::uint8_t { head, good, bad, warning };
std::string coloured(const Style& style, Colour colour, std::string_view text);

} // namespace sluice::sluicectl
