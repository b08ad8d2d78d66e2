// What the text of one scalar means. Pure functions; a YAML reader's own ideas about types never come into play.
#pragma once

#include "base/expected.hpp"
#include "base/ticks.hpp"
#include "net/address.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::policy {

/// What is wrong with a text: a clause for the message, and what to write instead, which may be empty.
struct TextError {
    std::string message;
    std::string help;
};

template <typename T> using Meaning = base::Expected<T, TextError>;

/// Decimal digits only: no sign, no leading zero, no `0x`, no separators.
Meaning<std::uint64_t> parse_number(std::string_view text, std::uint64_t minimum, std::uint64_t maximum);

/// A number with an optional unit: k M G T are powers of 1000, Ki Mi Gi Ti of 1024.
Meaning<std::uint64_t> parse_size(std::string_view text, std::uint64_t minimum, std::uint64_t maximum);

/// `90%`: a whole number of per cents.
Meaning<std::uint64_t> parse_percent(std::string_view text, std::uint64_t minimum, std::uint64_t maximum);

/// A number and its unit, ms s m h d; from kMinTimeout to base::kMaxInterval.
Meaning<base::Tick> parse_duration(std::string_view text);
inline constexpr base::Tick kMinTimeout = 100;

/// `true` or `false`, and nothing else.
Meaning<bool> parse_boolean(std::string_view text);

/// `443` or `8000-8080`.
Meaning<net::PortRange> parse_port_range(std::string_view text);

/// `2-9`, `1,3`, `4`: ascending, without duplicates.
Meaning<std::vector<unsigned>> parse_cpu_list(std::string_view text);
inline constexpr unsigned kMaxCpu = 1023;

/// Lower-case letters, digits and - _ . between them, at least one letter, at most kMaxNameLength characters, and no
/// word that YAML tools take for something else.
Meaning<std::string> parse_name(std::string_view text);
inline constexpr std::size_t kMaxNameLength = 63;

/// A PCI address or DPDK devargs, as it was written.
Meaning<std::string> parse_device(std::string_view text);

/// What two interfaces must not share: a PCI address in full, or the name of a virtual device.
std::string device_identity(std::string_view device);

/// Ticks as a policy writes them: `20s`, `5m`, `1500ms`.
std::string duration_text(base::Tick ticks);

} // namespace sluice::policy
