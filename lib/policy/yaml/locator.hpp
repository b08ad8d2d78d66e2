// Byte offsets of a text to lines and columns.
#pragma once

#include "policy/diagnostic/diagnostic.hpp"

#include <cstdint>
#include <string_view>
#include <vector>

namespace sluice::policy {

class Locator {
  public:
    Locator(std::uint32_t file, std::string_view text);

    /// The stretch of `size` bytes at `offset`, cut at the end of its line. Quick when offsets grow from call to call.
    Location at(std::size_t offset, std::size_t size);

  private:
    std::uint32_t file_;
    std::string_view text_;
    std::vector<std::size_t> starts_; ///< offset of each line's first byte
    std::size_t line_ = 0;            ///< where the last call ended: counting goes on from there
    std::size_t offset_ = 0;
    std::uint32_t column_ = 1;
};

} // namespace sluice::policy
