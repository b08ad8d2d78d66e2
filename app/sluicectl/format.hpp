// Numbers, times and text for people: short on a terminal, exact elsewhere.
#pragma once

#include "admin/protocol.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::sluicectl {

using admin::Json;

/// What stands where there is nothing to say.
inline constexpr std::string_view kNothing = "-";

/// A member of an object; null when it is absent or `object` is none. Replies come from another program: nothing about
/// their shape is taken for granted.
const Json& member(const Json& object, std::string_view key);
const Json& member(const Json& object, std::string_view key, std::string_view inner);

std::optional<std::uint64_t> count_of(const Json& value);
std::optional<double> number_of(const Json& value);
/// Text without control characters; kNothing for null and for the empty string; yes and no for booleans.
std::string text_of(const Json& value);

/// 9999, 12.3k, 1.23M, 4.56G … (powers of 1000), or all digits.
std::string show_count(std::optional<std::uint64_t> count, bool human);
/// 512, 12.3KiB, 1.50GiB …, or all digits.
std::string show_size(std::optional<std::uint64_t> bytes, bool human);
/// A count per second: 12.3k/s, or the number with at most one decimal.
std::string show_rate(std::optional<double> per_second, bool human);
/// 0.2s, 12s, 3m 20s, 3h 12m, 2d 4h, or seconds with at most one decimal.
std::string show_duration(std::optional<double> seconds, bool human);
/// 0.312 is 31.2%.
std::string show_share(std::optional<double> ratio);

/// "192.0.2.80:443", "[2001:db8::1]:443"; the address alone where there is no port.
std::string show_end(const Json& address, const Json& port);
/// Of an object's counts.
std::uint64_t sum_of(const Json& counts);
/// "half_open 12, closing 3": an object's counts that are not zero, largest first; empty when there are none.
std::string show_counts(const Json& counts, bool human);

/// "1 rule", "2 rules".
std::string show_plural(std::uint64_t count, std::string_view word, bool human);

/// "1 prefix", "2 prefixes".
std::string show_prefixes(std::uint64_t count, bool human);

/// Now as RFC 3339 in UTC, whole seconds.
std::string now_rfc3339();

} // namespace sluice::sluicectl
