// Names of IP protocols and ICMP types, as operators write them (IANA's registries, in lower case with _).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::policy {

/// `tcp` → 6; nothing for an unknown name. Numbers are not names.
std::optional<std::uint8_t> protocol_number(std::string_view name);
/// 6 → `tcp`, 200 → `200`.
std::string protocol_name(std::uint8_t number);
std::vector<std::string_view> protocol_names();

/// Whether the protocol has ports: tcp, udp, sctp.
bool has_ports(std::uint8_t protocol);
/// Whether it is ICMP or ICMPv6.
bool has_icmp_type(std::uint8_t protocol);

/// `protocol` is ICMP or ICMPv6: the same name may be two numbers.
std::optional<std::uint8_t> icmp_type_number(std::uint8_t protocol, std::string_view name);
std::string icmp_type_name(std::uint8_t protocol, std::uint8_t type);
std::vector<std::string_view> icmp_type_names(std::uint8_t protocol);

/// The type that answers this one (echo_request → echo_reply); nothing for a type that asks for no answer, or whose
/// answer cannot be told to be one: neighbour and router discovery ask multicast addresses, which never answer.
std::optional<std::uint8_t> icmp_answer(std::uint8_t protocol, std::uint8_t type);

} // namespace sluice::policy
