// What the sections of a policy share while they are read, and the function for each.
#pragma once

#include "policy/model/fields.hpp"
#include "policy/model/names.hpp"
#include "policy/model/policy.hpp"
#include "policy/model/read.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::policy {

/// What is known of an address set beside Policy::address_sets. Broken ones have been reported and match nothing.
struct ResolvedSet {
    std::size_t depth = 0; ///< sets below this one, in the longest chain
    Families families{false, false};
    bool broken = false;
};

/// A million IPv6 prefixes with a little comment fit.
inline constexpr std::size_t kMaxSetFileSize = std::size_t{64} * 1024 * 1024;

struct ResolvedService {
    std::vector<Transport> transports;
    bool broken = false;
};

struct Reading {
    Reading(Diagnostics& found, std::uint32_t file_index, std::string policy_folder)
        : diagnostics(found)
        , file(file_index)
        , folder(std::move(policy_folder)) {}

    Diagnostics& diagnostics;
    std::uint32_t file;
    SetFiles set_files = SetFiles::follow;
    std::string folder; ///< of the policy's file: what relative paths start from; empty or ending with '/'

    Policy policy;
    Names interfaces{"interface"};
    Names zones{"zone"};
    Names sets{"address set"};
    Names services{"service"};
    Names profiles{"timeouts profile"};
    Location buffer_size_where;
    std::vector<ResolvedSet> resolved_sets;           ///< by the index in `sets`
    std::vector<ResolvedService> resolved_services;   ///< by the index in `services`
    std::size_t set_bytes_left = 2 * kMaxSetFileSize; ///< of set files, all together
    std::size_t set_prefixes_left = kMaxSetPrefixes;  ///< in resolved sets, all together
    std::size_t rule_prefixes_left = kMaxPrefixes;
    std::size_t rule_transports_left = kMaxTransports;

    Diagnostic& error(std::string_view code, Location where, std::string message) {
        return diagnostics.error(std::string(code), where, std::move(message));
    }
};

// Sections refer to those read before them; the order is the one of read.cpp.
void read_system(Reading& reading, const YamlNode& node);
void read_interfaces(Reading& reading, const YamlNode& node);
/// `node` is null when the policy has no `zones:`; interfaces become zones of their own.
void read_zones(Reading& reading, const YamlNode* node);
void read_tables(Reading& reading, const YamlNode& node);
void read_address_sets(Reading& reading, const YamlNode& node);
void read_services(Reading& reading, const YamlNode& node);
void read_sanity(Reading& reading, const YamlNode& node);
/// `node` may be null: the default profile is always there.
void read_timeouts(Reading& reading, const YamlNode* node);
void read_rules(Reading& reading, const YamlNode& node);
void read_default(Reading& reading, const YamlNode& node);

/// `allow` or `drop`.
std::optional<Action> read_action(Reading& reading, const YamlNode& node);

/// `protocol:`, by name or number.
std::optional<std::uint8_t> read_protocol(Reading& reading, const YamlNode& node);
/// `icmp_type:` of that protocol, by name or number. `protocol` absent: it is missing, which is an error here.
std::optional<std::uint8_t> read_icmp_type(Reading& reading, const YamlNode& node,
                                           std::optional<std::uint8_t> protocol);
/// `ports: […]`, ascending and apart; nothing after an error.
std::optional<std::vector<net::PortRange>> read_ports(Reading& reading, const YamlNode& node);

/// A prefix written out, as opposed to the name of a set: has a ':' or '/', or no letter.
bool is_literal_net(std::string_view text);
/// One written-out prefix; an error (P017) at `where` otherwise.
std::optional<net::Prefix> read_prefix(Diagnostics& diagnostics, std::string_view text, Location where);
/// A whole file, at most `maximum_size` bytes of a regular one; a clause saying why not otherwise.
base::Expected<std::string, std::string> load_file(const std::string& path, std::size_t maximum_size);

/// The prefixes of a set's file, one a line. False when something in it was wrong and has been reported; `node` is the
/// path as the policy gives it, `path` becomes the one that was opened.
bool read_set_file(Reading& reading, const YamlNode& node, std::vector<net::Prefix>& prefixes, std::string& path);

} // namespace sluice::policy
