// What every command of sluicectl is given: the global options, where to write and how.
#pragma once

#include "admin/protocol.hpp"
#include "output.hpp"

#include <atomic>
#include <chrono>
#include <iosfwd>
#include <string>

namespace sluice::sluicectl {

using admin::ExitCode;
using admin::Json;

enum class ColourWish { automatic, always, never };

/// Options that stand before or behind any command.
struct Settings {
    std::string socket{admin::kDefaultSocketPath};
    bool json = false;
    ColourWish colour = ColourWish::automatic;
    double timeout_seconds = 30;

    [[nodiscard]] std::chrono::milliseconds timeout() const {
        return std::chrono::milliseconds(static_cast<std::chrono::milliseconds::rep>(timeout_seconds * 1000));
    }
};

/// How text looks; JSON is not touched by it.
struct Style {
    bool human = false; ///< 1.2M rather than 1234567, 3h 12m rather than 11520
    bool colour = false;
    bool terminal = false;
    bool colour_errors = false; ///< the same for what goes to the standard error
};

struct Context {
    Settings settings;
    Style style;
    Sink& out;
    std::ostream& errors;
    /// Raised by Ctrl-C in the shell: the command ends, the shell does not. Null elsewhere.
    const std::atomic<bool>* interrupted = nullptr;
    bool piped = false; ///< through `| grep` or `| count`, which want everything
};

/// "sluicectl: <message>" as one line without control characters on the context's errors; returns `exit`.
ExitCode complain(Context& context, ExitCode exit, const std::string& message);

} // namespace sluice::sluicectl
