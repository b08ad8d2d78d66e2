// What `sluiced` is told on its command line, and how it may fail to start.
#pragma once

#include <string>

namespace sluice::control {

struct Options {
    std::string policy_path;
    std::string socket_path = "/run/sluice/ctl.sock";
    std::string file_prefix = "sluice";
    bool hugepages = true;
    bool verbose = false;
};

/// Exit codes of `sluiced`; the manual page has the same list.
enum class Exit : int {
    stopped = 0, ///< on request
    failed = 1,
    usage = 2,
    not_permitted = 4,
    policy_invalid = 5,
    no_device = 6, ///< an interface's device is not there or cannot be opened
    in_use = 7,    ///< another instance has the socket or the file prefix
    no_memory = 8, ///< not enough hugepages, or memory
};

struct StartError {
    Exit exit = Exit::failed;
    std::string message; ///< one line: what is wrong and what to do; policy diagnostics: several
};

} // namespace sluice::control
