// What the files that answer admin requests share. docs/admin_protocol.md has the shapes.
#pragma once

#include "admin/server.hpp"
#include "control/appliance.hpp"

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::control {

void register_status_methods(admin::Server& server, Appliance& appliance);
void register_policy_methods(admin::Server& server, Appliance& appliance);
void register_set_methods(admin::Server& server, Appliance& appliance);
void register_flow_methods(admin::Server& server, Appliance& appliance);

/// "2026-01-31T09:30:00Z"
std::string rfc3339(std::chrono::system_clock::time_point at);
double uptime_seconds(const Appliance& appliance);

std::optional<std::string> text_param(const admin::Json& params, const char* key);
/// The error reply if a parameter is there, but no text: ignoring it would answer another question.
std::optional<admin::Reply> not_text(const admin::Json& params, const char* key);
/// The error reply if a parameter is not among the known ones.
std::optional<admin::Reply> unknown_params(const admin::Json& params, std::initializer_list<std::string_view> known);

} // namespace sluice::control
