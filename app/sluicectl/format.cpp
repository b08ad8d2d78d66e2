#include "format.hpp"

#include "policy/diagnostic/text.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <ctime>
#include <utility>
#include <vector>

#include <fmt/format.h>

namespace sluice::sluicectl {

namespace {

const Json kNull = nullptr;

/// Three significant digits and a unit, from the first power of `base` on that leaves less than `base`.
std::string scaled(double value, double base, const std::array<const char*, 7>& units) {
    std::size_t unit = 0;
    // 999.95 would round to 1000.
    while (value >= base * 0.9995 && unit + 1 < units.size()) {
        value /= base;
        ++unit;
    }
    const int decimals = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
    return fmt::format("{:.{}f}{}", value, decimals, units[unit]);
}

constexpr std::array<const char*, 7> kDecimalUnits = {"", "k", "M", "G", "T", "P", "E"};
constexpr std::array<const char*, 7> kBinaryUnits = {"", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};

/// At most one decimal, none when it is zero.
std::string short_decimal(double value) {
    std::string text = fmt::format("{:.1f}", value);
    if (text.ends_with(".0")) text.resize(text.size() - 2);
    return text;
}

} // namespace

const Json& member(const Json& object, std::string_view key) {
    if (!object.is_object()) return kNull;
    const auto found = object.find(key);
    return found == object.end() ? kNull : *found;
}

const Json& member(const Json& object, std::string_view key, std::string_view inner) {
    return member(member(object, key), inner);
}

std::optional<std::uint64_t> count_of(const Json& value) {
    if (value.is_number_unsigned()) return value.get<std::uint64_t>();
    if (value.is_number_integer() && value.get<std::int64_t>() >= 0) return value.get<std::uint64_t>();
    return std::nullopt;
}

std::optional<double> number_of(const Json& value) {
    if (!value.is_number()) return std::nullopt;
    return value.get<double>();
}

std::string text_of(const Json& value) {
    if (value.is_null()) return std::string(kNothing);
    if (value.is_boolean()) return value.get<bool>() ? "yes" : "no";
    if (!value.is_string()) return policy::printable(value.dump(-1, ' ', true, Json::error_handler_t::replace));
    const auto& text = value.get_ref<const std::string&>();
    return text.empty() ? std::string(kNothing) : policy::printable(text);
}

std::string show_count(std::optional<std::uint64_t> count, bool human) {
    if (!count) return std::string(kNothing);
    if (!human || *count < 10'000) return std::to_string(*count);
    return scaled(static_cast<double>(*count), 1000, kDecimalUnits);
}

std::string show_size(std::optional<std::uint64_t> bytes, bool human) {
    if (!bytes) return std::string(kNothing);
    if (!human || *bytes < 1024) return std::to_string(*bytes);
    return scaled(static_cast<double>(*bytes), 1024, kBinaryUnits);
}

std::string show_rate(std::optional<double> per_second, bool human) {
    if (!per_second || !std::isfinite(*per_second) || *per_second < 0) return std::string(kNothing);
    if (!human || *per_second < 1000) return short_decimal(*per_second) + "/s";
    return scaled(*per_second, 1000, kDecimalUnits) + "/s";
}

std::string show_duration(std::optional<double> seconds, bool human) {
    if (!seconds || !std::isfinite(*seconds) || *seconds < 0) return std::string(kNothing);
    if (!human) return short_decimal(*seconds);
    if (*seconds < 9.95) return short_decimal(*seconds) + "s";
    if (*seconds >= 1e15) return ">1e15s";
    const auto whole = static_cast<std::uint64_t>(std::llround(*seconds));
    constexpr std::uint64_t kMinute = 60;
    constexpr std::uint64_t kHour = 60 * kMinute;
    constexpr std::uint64_t kDay = 24 * kHour;
    const auto two = [whole](std::uint64_t large, const char* name, std::uint64_t small, const char* small_name) {
        const std::uint64_t rest = whole % large / small;
        std::string text = std::to_string(whole / large) + name;
        return rest == 0 ? text : text + " " + std::to_string(rest) + small_name;
    };
    if (whole < kMinute) return std::to_string(whole) + "s";
    if (whole < kHour) return two(kMinute, "m", 1, "s");
    if (whole < kDay) return two(kHour, "h", kMinute, "m");
    return two(kDay, "d", kHour, "h");
}

std::string show_share(std::optional<double> ratio) {
    if (!ratio || !std::isfinite(*ratio)) return std::string(kNothing);
    return fmt::format("{:.1f}%", *ratio * 100);
}

std::string show_end(const Json& address, const Json& port) {
    const std::string text = text_of(address);
    if (port.is_null()) return text;
    const bool is_ipv6 = text.find(':') != std::string::npos;
    return (is_ipv6 ? "[" + text + "]" : text) + ":" + text_of(port);
}

std::uint64_t sum_of(const Json& counts) {
    std::uint64_t sum = 0;
    if (!counts.is_object()) return sum;
    for (const Json& count : counts)
        sum += count_of(count).value_or(0);
    return sum;
}

std::string show_counts(const Json& counts, bool human) {
    std::vector<std::pair<std::uint64_t, std::string>> found;
    if (!counts.is_object()) return {};
    for (const auto& [name, count] : counts.items()) {
        if (count_of(count).value_or(0) > 0) found.emplace_back(*count_of(count), text_of(name));
    }
    std::stable_sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
    std::string text;
    for (const auto& [count, name] : found)
        text += (text.empty() ? "" : ", ") + name + " " + show_count(count, human);
    return text;
}

std::string show_plural(std::uint64_t count, std::string_view word, bool human) {
    return show_count(count, human) + " " + std::string(word) + (count == 1 ? "" : "s");
}

std::string show_prefixes(std::uint64_t count, bool human) {
    return show_count(count, human) + (count == 1 ? " prefix" : " prefixes");
}

std::string now_rfc3339() {
    const std::time_t now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
    std::tm parts{};
    ::gmtime_r(&now, &parts);
    std::array<char, 32> text{};
    std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts);
    return text.data();
}

} // namespace sluice::sluicectl
