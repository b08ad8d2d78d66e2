#include "policy/model/scalar.hpp"

#include "policy/diagnostic/text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>

namespace sluice::policy {
namespace {

struct Unit {
    std::string_view name;
    std::uint64_t factor;
};

constexpr std::array kSizeUnits = {
    Unit{"", 1},
    Unit{"k", 1'000},
    Unit{"M", 1'000'000},
    Unit{"G", 1'000'000'000},
    Unit{"T", 1'000'000'000'000},
    Unit{"Ki", std::uint64_t{1} << 10},
    Unit{"Mi", std::uint64_t{1} << 20},
    Unit{"Gi", std::uint64_t{1} << 30},
    Unit{"Ti", std::uint64_t{1} << 40},
};
// Longest first: duration_text() takes the first that divides.
constexpr std::array kDurationUnits = {
    Unit{"d", 86'400'000}, Unit{"h", 3'600'000}, Unit{"m", 60'000}, Unit{"s", 1'000}, Unit{"ms", 1},
};

base::Unexpected<TextError> wrong(std::string message, std::string help = {}) {
    return base::Unexpected(TextError{std::move(message), std::move(help)});
}

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

std::size_t count_digits(std::string_view text) {
    return static_cast<std::size_t>(std::find_if_not(text.begin(), text.end(), is_digit) - text.begin());
}

/// Digits only, in the range of 64 bits.
Meaning<std::uint64_t> parse_digits(std::string_view text) {
    std::uint64_t value = 0;
    const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (status == std::errc::result_out_of_range) return wrong(in_quotes(text) + " is too large");
    if (text.empty() || status != std::errc{} || end != text.data() + text.size() || !is_digit(text.front())) {
        return wrong(in_quotes(text) + " is not a whole number", "write decimal digits only");
    }
    if (text.size() > 1 && text.front() == '0') {
        return wrong(in_quotes(text) + " has a leading zero: some YAML tools read it as octal",
                     "write " + std::to_string(value));
    }
    return value;
}

Meaning<std::uint64_t> in_range(std::string_view text, std::uint64_t value, const std::string& minimum,
                                const std::string& maximum, bool fits) {
    if (!fits) return wrong(in_quotes(text) + " is not from " + minimum + " to " + maximum);
    return value;
}

std::string size_text(std::uint64_t size) {
    for (auto unit = kSizeUnits.rbegin(); unit != kSizeUnits.rend(); ++unit) {
        const bool binary = unit->name.ends_with('i');
        if (size != 0 && binary && size % unit->factor == 0) {
            return std::to_string(size / unit->factor) + std::string(unit->name);
        }
    }
    return std::to_string(size);
}

/// `64K`, `8MB`, `1gib`: what was probably meant.
std::string size_unit_hint(std::string_view digits, std::string_view unit) {
    constexpr std::string_view kUnits = "units are k M G T (1000) and Ki Mi Gi Ti (1024)";
    if (unit.empty()) return std::string(kUnits);
    const char first = static_cast<char>(unit.front() | 0x20);
    const char prefix = first == 'k' ? 'K' : first == 'm' ? 'M' : first == 'g' ? 'G' : first == 't' ? 'T' : '\0';
    if (prefix == '\0') return std::string(kUnits);
    return "write " + std::string(digits) + prefix + "i for 1024s; " + std::string(kUnits);
}

} // namespace

Meaning<std::uint64_t> parse_number(std::string_view text, std::uint64_t minimum, std::uint64_t maximum) {
    auto value = parse_digits(text);
    if (!value) return value;
    return in_range(text, *value, std::to_string(minimum), std::to_string(maximum),
                    *value >= minimum && *value <= maximum);
}

Meaning<std::uint64_t> parse_size(std::string_view text, std::uint64_t minimum, std::uint64_t maximum) {
    const std::string_view digits = text.substr(0, count_digits(text));
    const std::string_view unit_name = text.substr(digits.size());
    if (digits.empty()) return wrong(in_quotes(text) + " is not a size", "write a number such as 4096, 64Ki or 8Mi");
    const auto unit =
        std::find_if(kSizeUnits.begin(), kSizeUnits.end(), [&](const Unit& u) { return u.name == unit_name; });
    if (unit == kSizeUnits.end()) {
        return wrong(in_quotes(text) + " has an unknown unit", size_unit_hint(digits, unit_name));
    }
    const auto value = parse_digits(digits);
    if (!value) return value;
    const bool fits = *value <= std::numeric_limits<std::uint64_t>::max() / unit->factor;
    const std::uint64_t size = fits ? *value * unit->factor : 0;
    return in_range(text, size, size_text(minimum), size_text(maximum), fits && size >= minimum && size <= maximum);
}

Meaning<std::uint64_t> parse_percent(std::string_view text, std::uint64_t minimum, std::uint64_t maximum) {
    const std::string_view digits = text.substr(0, count_digits(text));
    if (digits.empty())
        return wrong(in_quotes(text) + " is not a percentage", "write a whole number and %, such as 90%");
    if (digits.size() == text.size()) return wrong("a percentage without its sign", "write " + std::string(text) + "%");
    if (text.substr(digits.size()) != "%") {
        return wrong(in_quotes(text) + " is not a percentage", "write a whole number and %, such as 90%");
    }
    const auto value = parse_digits(digits);
    if (!value) return value;
    return in_range(text, *value, std::to_string(minimum) + "%", std::to_string(maximum) + "%",
                    *value >= minimum && *value <= maximum);
}

Meaning<base::Tick> parse_duration(std::string_view text) {
    const std::string_view digits = text.substr(0, count_digits(text));
    const std::string_view unit_name = text.substr(digits.size());
    if (digits.empty())
        return wrong(in_quotes(text) + " is not a duration", "write a number and a unit, such as 20s or 5m");
    const auto value = parse_digits(digits);
    if (!value) return base::Unexpected(value.error());
    if (unit_name.empty()) return wrong("a duration without a unit", "write " + std::string(digits) + "s");
    const auto unit =
        std::find_if(kDurationUnits.begin(), kDurationUnits.end(), [&](const Unit& u) { return u.name == unit_name; });
    if (unit == kDurationUnits.end()) {
        return wrong(in_quotes(text) + " has an unknown unit",
                     "units are ms s m h d, and one duration has one of them");
    }
    // Compared before multiplying, so that nothing can overflow.
    if (*value > base::kMaxInterval / unit->factor || *value * unit->factor < kMinTimeout) {
        return wrong(in_quotes(text) + " is not from " + duration_text(kMinTimeout) + " to " +
                     duration_text(base::kMaxInterval));
    }
    return static_cast<base::Tick>(*value * unit->factor);
}

Meaning<bool> parse_boolean(std::string_view text) {
    if (text == "true") return true;
    if (text == "false") return false;
    std::string lower(text);
    std::transform(lower.begin(), lower.end(), lower.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    const bool yes = lower == "yes" || lower == "on" || lower == "y" || lower == "true" || lower == "1";
    const bool no = lower == "no" || lower == "off" || lower == "n" || lower == "false" || lower == "0";
    return wrong(in_quotes(text) + " is neither true nor false", yes ? "write true" : no ? "write false" : "");
}

Meaning<net::PortRange> parse_port_range(std::string_view text) {
    if (text.empty() || !is_digit(text.front())) {
        return wrong(in_quotes(text) + " is not a port",
                     "write a number or a range such as 8000-8080; names of services go to 'service'");
    }
    const std::size_t dash = text.find('-');
    const auto first = parse_number(text.substr(0, dash), 0, 65535);
    if (!first) return base::Unexpected(first.error());
    const auto last = dash == std::string_view::npos ? first : parse_number(text.substr(dash + 1), 0, 65535);
    if (!last) return base::Unexpected(last.error());
    if (*last < *first) {
        return wrong("the range " + in_quotes(text) + " ends before it begins",
                     "write " + std::to_string(*last) + "-" + std::to_string(*first));
    }
    return net::PortRange{static_cast<std::uint16_t>(*first), static_cast<std::uint16_t>(*last)};
}

Meaning<std::vector<unsigned>> parse_cpu_list(std::string_view text) {
    std::vector<unsigned> cpus;
    for (std::size_t start = 0; start <= text.size();) {
        const std::size_t comma = std::min(text.find(',', start), text.size());
        const std::string_view part = text.substr(start, comma - start);
        const std::size_t dash = part.find('-');
        const auto first = parse_number(part.substr(0, dash), 0, kMaxCpu);
        if (!first) return base::Unexpected(first.error());
        const auto last = dash == std::string_view::npos ? first : parse_number(part.substr(dash + 1), 0, kMaxCpu);
        if (!last) return base::Unexpected(last.error());
        if (*last < *first) return wrong("the range " + in_quotes(part) + " ends before it begins");
        for (std::uint64_t cpu = *first; cpu <= *last; ++cpu) {
            cpus.push_back(static_cast<unsigned>(cpu));
        }
        if (cpus.size() > 2 * (kMaxCpu + 1)) break; // duplicates without end are refused below
        start = comma + 1;
    }
    std::sort(cpus.begin(), cpus.end());
    const auto twice = std::adjacent_find(cpus.begin(), cpus.end());
    if (twice != cpus.end()) return wrong("CPU " + std::to_string(*twice) + " is named twice");
    return cpus;
}

std::string duration_text(base::Tick ticks) {
    const auto unit = std::find_if(kDurationUnits.begin(), kDurationUnits.end(),
                                   [&](const Unit& u) { return ticks != 0 && ticks % u.factor == 0; });
    if (unit == kDurationUnits.end()) return "0s";
    return std::to_string(ticks / unit->factor) + std::string(unit->name);
}

} // namespace sluice::policy
