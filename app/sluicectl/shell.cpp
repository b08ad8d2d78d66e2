#include "shell.hpp"

#include "complete.hpp"
#include "words.hpp"

#include <atomic>
#include <clocale>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <ostream>
#include <string>

#include <histedit.h>
#include <sys/stat.h>

namespace sluice::sluicectl {

namespace {

namespace fs = std::filesystem;

constexpr int kHistorySize = 1000;

/// Raised by Ctrl-C.
std::atomic<bool> interrupted = false;
static_assert(std::atomic<bool>::is_always_lock_free);

extern "C" void on_interrupt(int) {
    interrupted = true;
}

struct Shell {
    const Settings& settings;
    const Terminal& terminal;
    bool cancelled = false; ///< Ctrl-C while a line was edited
};

extern "C" char* prompt(EditLine*) {
    static std::string text = "sluice> ";
    return text.data();
}

Shell& shell_of(EditLine* editor) {
    void* shell = nullptr;
    ::el_get(editor, EL_CLIENTDATA, &shell);
    return *static_cast<Shell*>(shell);
}

/// What stands before the cursor.
std::string typed(EditLine* editor) {
    const LineInfo* line = ::el_line(editor);
    return {line->buffer, static_cast<std::size_t>(line->cursor - line->buffer)};
}

void show_choices(EditLine* editor, const std::string& text) {
    Shell& shell = shell_of(editor);
    StreamSink sink(shell.terminal.out);
    Context context{shell.settings, style_for(shell.settings, shell.terminal), sink, shell.terminal.errors, nullptr};
    shell.terminal.out << '\n';
    print_choices(shell.settings, context, text);
    shell.terminal.out.flush();
}

/// The part of the line that is the word being typed, as it stands there.
std::size_t raw_word_size(const std::string& text) {
    for (std::size_t size = 0; size < text.size(); ++size) {
        const Line rest = split_line(std::string_view(text).substr(0, text.size() - size));
        if (!rest.open_word && !rest.open_quote) return size;
    }
    return text.size();
}

unsigned char complete_typed(EditLine* editor) {
    const std::string text = typed(editor);
    Shell& shell = shell_of(editor);
    StreamSink sink(shell.terminal.out);
    Context context{shell.settings, style_for(shell.settings, shell.terminal), sink, shell.terminal.errors, nullptr};
    Completion completion = complete_line(shell.settings, context, text);
    std::erase_if(completion.candidates, [](const Candidate& candidate) { return candidate.text.empty(); });
    if (completion.candidates.empty()) return CC_ERROR;

    const Line line = split_line(text);
    const bool in_word = (line.open_word || line.open_quote) && !line.stages.back().empty();
    const std::string partial = in_word ? line.stages.back().back() : "";
    const std::string prefix = common_prefix(completion.candidates);
    const bool only_one = completion.candidates.size() == 1;
    if (!only_one && prefix.size() <= partial.size()) {
        show_choices(editor, text);
        return CC_REDISPLAY;
    }
    std::string replacement = quote_word(prefix);
    // After a folder the name goes on.
    if (only_one && !prefix.ends_with('/')) replacement += ' ';
    const std::size_t size = raw_word_size(text);
    if (size > 0) ::el_deletestr(editor, static_cast<int>(size));
    return ::el_insertstr(editor, replacement.c_str()) == 0 ? CC_REFRESH : CC_ERROR;
}

extern "C" unsigned char on_tab(EditLine* editor, int) {
    try {
        return complete_typed(editor);
    } catch (const std::exception&) {
        return CC_ERROR;
    }
}

extern "C" unsigned char on_question(EditLine* editor, int) {
    try {
        const std::string text = typed(editor);
        // Part of a word or of a quoted pattern it is a character like any other.
        const Line line = split_line(text);
        if (line.open_quote) return ::el_insertstr(editor, "?") == 0 ? CC_REFRESH : CC_ERROR;
        show_choices(editor, text);
        return CC_REDISPLAY;
    } catch (const std::exception&) {
        return CC_ERROR;
    }
}

/// Ctrl-C on a line: the line goes, the shell stays.
extern "C" unsigned char on_cancel(EditLine* editor, int) {
    shell_of(editor).cancelled = true;
    const LineInfo* line = ::el_line(editor);
    ::el_cursor(editor, static_cast<int>(line->lastchar - line->cursor));
    ::el_deletestr(editor, static_cast<int>(line->lastchar - line->buffer));
    return CC_NEWLINE;
}

/// Empty when there is no place for it.
std::string history_path() {
    const char* state = std::getenv("XDG_STATE_HOME");
    const char* home = std::getenv("HOME");
    fs::path folder;
    if (state != nullptr && *state == '/') {
        folder = state;
    } else if (home != nullptr && *home == '/') {
        folder = fs::path(home) / ".local" / "state";
    } else {
        return {};
    }
    folder /= "sluice";
    std::error_code error;
    fs::create_directories(folder, error);
    return error ? std::string() : (folder / "history").string();
}

struct CloseHistory {
    void operator()(History* history) const { ::history_end(history); }
};
struct CloseEditor {
    void operator()(EditLine* editor) const { ::el_end(editor); }
};

void prepare(EditLine* editor, Shell& shell, History* history) {
    ::el_set(editor, EL_CLIENTDATA, &shell);
    ::el_set(editor, EL_PROMPT, prompt);
    ::el_set(editor, EL_EDITOR, "emacs");
    ::el_set(editor, EL_HIST, ::history, history);
    ::el_set(editor, EL_ADDFN, "sluice-complete", "complete the word", on_tab);
    ::el_set(editor, EL_ADDFN, "sluice-choices", "show what may follow", on_question);
    ::el_set(editor, EL_BIND, "^I", "sluice-complete", nullptr);
    ::el_set(editor, EL_BIND, "?", "sluice-choices", nullptr);
    // While a line is edited Ctrl-C is a key, not a signal.
    ::el_set(editor, EL_ADDFN, "sluice-cancel", "begin a new line", on_cancel);
    ::el_set(editor, EL_BIND, "^C", "sluice-cancel", nullptr);
    ::el_set(editor, EL_SETTY, "-d", "intr=", nullptr);
    ::el_source(editor, nullptr); // the user's ~/.editrc
}

/// Lines until the end of input; returns the last command's code.
ExitCode read_lines(EditLine* editor, History* history, Shell& shell) {
    ExitCode last = ExitCode::done;
    HistEvent event{};
    for (;;) {
        shell.cancelled = false;
        int size = 0;
        const char* text = ::el_gets(editor, &size);
        if (shell.cancelled || (text == nullptr && interrupted.exchange(false))) {
            shell.terminal.out << std::endl;
            continue;
        }
        if (text == nullptr || size <= 0) {
            shell.terminal.out << std::endl;
            return last;
        }
        const std::string line(text, static_cast<std::size_t>(size));
        if (line.find_first_not_of(" \t\r\n") != std::string::npos) ::history(history, &event, H_ENTER, line.c_str());
        interrupted = false;
        const LineEnd end = run_line(shell.settings, shell.terminal, line);
        last = end.exit;
        if (end.leave) return last;
    }
}

} // namespace

ExitCode run_shell(const Settings& settings, Terminal terminal) {
    std::setlocale(LC_CTYPE, "");
    terminal.interrupted = &interrupted;
    terminal.paging = true;
    struct sigaction action {};
    action.sa_handler = on_interrupt; // without SA_RESTART: what waits shall notice
    ::sigaction(SIGINT, &action, nullptr);

    Shell shell{settings, terminal};
    const std::unique_ptr<History, CloseHistory> history(::history_init());
    const std::unique_ptr<EditLine, CloseEditor> editor(::el_init("sluicectl", stdin, stdout, stderr));
    if (history == nullptr || editor == nullptr) {
        terminal.errors << "sluicectl: cannot edit lines on this terminal\n";
        return ExitCode::failed;
    }
    HistEvent event{};
    ::history(history.get(), &event, H_SETSIZE, kHistorySize);
    ::history(history.get(), &event, H_SETUNIQUE, 1);
    prepare(editor.get(), shell, history.get());
    const std::string path = history_path();
    if (!path.empty()) ::history(history.get(), &event, H_LOAD, path.c_str());

    terminal.out << "sluicectl " SLUICE_VERSION ". TAB completes, ? shows what may follow, exit leaves." << std::endl;
    const ExitCode last = read_lines(editor.get(), history.get(), shell);
    if (!path.empty()) {
        const mode_t before = ::umask(0077);
        ::history(history.get(), &event, H_SAVE, path.c_str());
        ::umask(before);
    }
    return last;
}

} // namespace sluice::sluicectl
