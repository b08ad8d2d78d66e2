#include "policy/yaml/locator.hpp"

#include "policy/diagnostic/text.hpp"

#include <algorithm>

namespace sluice::policy {

Locator::Locator(std::uint32_t file, std::string_view text)
    : file_(file)
    , text_(text) {
    starts_.push_back(0);
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\n') starts_.push_back(i + 1);
    }
}

Location Locator::at(std::size_t offset, std::size_t size) {
    offset = std::min(offset, text_.size());
    const auto after = std::upper_bound(starts_.begin(), starts_.end(), offset);
    const auto line = static_cast<std::size_t>(after - starts_.begin()) - 1;
    if (line != line_ || offset < offset_) {
        line_ = line;
        offset_ = starts_[line];
        column_ = 1;
    }
    column_ += static_cast<std::uint32_t>(count_characters(text_.substr(offset_, offset - offset_)));
    offset_ = offset;

    const std::string_view rest = text_.substr(offset, size);
    const std::size_t length = count_characters(rest.substr(0, rest.find('\n')));
    return {file_, static_cast<std::uint32_t>(line + 1), column_, static_cast<std::uint32_t>(length)};
}

} // namespace sluice::policy
