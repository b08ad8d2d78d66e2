// The interactive shell on a pseudo-terminal.
#include "program.hpp"

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <string>

#include <poll.h>
#include <pty.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

namespace sluice::sluicectl {
namespace {

using Clock = std::chrono::steady_clock;

/// sluicectl on a terminal of 30 rows and 200 columns.
class Session {
  public:
    explicit Session(const test::RunningFake& fake) {
        winsize size{30, 200, 0, 0};
        const std::string state = "XDG_STATE_HOME=" + fake.folder();
        child_ = ::forkpty(&terminal_, nullptr, nullptr, &size);
        if (child_ == 0) {
            const char* arguments[] = {"sluicectl", "-s", fake.socket().c_str(), nullptr};
            // libedit never frees the names of functions that are added to it: nothing that a sanitizer should mind.
            const char* environment[] = {
                "PATH=/usr/bin:/bin", "TERM=xterm", "HOME=/nonexistent",           state.c_str(),
                "NO_COLOR=1",         "PAGER=cat",  "LSAN_OPTIONS=detect_leaks=0", nullptr};
            ::execve(SLUICECTL_PATH, const_cast<char**>(arguments), const_cast<char**>(environment));
            ::_exit(127);
        }
    }
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;
    ~Session() {
        if (child_ > 0) {
            ::kill(child_, SIGKILL);
            ::waitpid(child_, nullptr, 0);
        }
        ::close(terminal_);
    }

    void type(std::string_view keys) {
        while (!keys.empty()) {
            const ssize_t sent = ::write(terminal_, keys.data(), keys.size());
            if (sent <= 0) return;
            keys.remove_prefix(static_cast<std::size_t>(sent));
        }
    }
    /// Reads until the text comes, and forgets everything up to it; false if it does not come.
    bool see(const std::string& text, std::chrono::milliseconds patience = admin::test::kPatience) {
        const auto until = Clock::now() + patience;
        while (seen_.find(text) == std::string::npos) {
            if (Clock::now() > until || !read_some()) return false;
        }
        seen_.erase(0, seen_.find(text) + text.size());
        return true;
    }
    /// The next prompt, and the editor owning the terminal again, which it does a moment later.
    bool see_prompt() {
        if (!see("sluice> ")) return false;
        const auto until = Clock::now() + admin::test::kPatience;
        termios modes{};
        while (::tcgetattr(terminal_, &modes) == 0 && (modes.c_lflag & ICANON) != 0) {
            if (Clock::now() > until) return false;
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        }
        return true;
    }
    /// The exit code; -1 if it does not end.
    int wait() {
        const auto until = Clock::now() + admin::test::kPatience;
        int status = 0;
        while (Clock::now() < until) {
            read_some();
            if (::waitpid(child_, &status, WNOHANG) == child_) {
                child_ = -1;
                return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
            }
        }
        return -1;
    }
    [[nodiscard]] const std::string& seen() const { return seen_; }

  private:
    bool read_some() {
        std::array<char, 4096> buffer{};
        pollfd entry{terminal_, POLLIN, 0};
        if (::poll(&entry, 1, 50) <= 0) return true;
        const ssize_t got = ::read(terminal_, buffer.data(), buffer.size());
        if (got > 0) seen_.append(buffer.data(), static_cast<std::size_t>(got));
        return got > 0;
    }

    int terminal_ = -1;
    pid_t child_ = -1;
    std::string seen_;
};

class SluicectlShell : public testing::Test {
  protected:
    test::RunningFake fake_;
    Session session_{fake_};
    void SetUp() override { ASSERT_TRUE(session_.see_prompt()) << session_.seen(); }
};

TEST_F(SluicectlShell, RunsCommandsAndLeaves) {
    session_.type("show rules memcached-fast\r");
    EXPECT_TRUE(session_.see("988k")) << session_.seen() << " human numbers on a terminal";
    EXPECT_TRUE(session_.see_prompt());
    session_.type("exit\r");
    EXPECT_EQ(session_.wait(), 0);
}

TEST_F(SluicectlShell, TabCompletesCommandsAndNames) {
    session_.type("sh\t");
    EXPECT_TRUE(session_.see("ow ")) << session_.seen();
    session_.type("ru\t");
    EXPECT_TRUE(session_.see("les ")) << session_.seen();
    session_.type("mem\t");
    EXPECT_TRUE(session_.see("cached-fast ")) << session_.seen();
    session_.type("| co\t\r");
    EXPECT_TRUE(session_.see("\n1\r")) << session_.seen();
}

TEST_F(SluicectlShell, TabShowsChoicesWhenThereAreSeveral) {
    session_.type("s\t");
    EXPECT_TRUE(session_.see("status")) << session_.seen();
    EXPECT_TRUE(session_.see("show")) << session_.seen();
}

TEST_F(SluicectlShell, QuestionMarkShowsWhatMayFollow) {
    session_.type("show flows dport ?");
    EXPECT_TRUE(session_.see("PORT|FROM-TO")) << session_.seen();
    session_.type("443 | count\r");
    EXPECT_TRUE(session_.see("\n200\r")) << session_.seen() << " and the line is still there";
}

TEST_F(SluicectlShell, ErrorsDoNotEndIt) {
    session_.type("nonsense\r");
    EXPECT_TRUE(session_.see("unknown command 'nonsense'")) << session_.seen();
    EXPECT_TRUE(session_.see_prompt());
    session_.type("show version\r");
    EXPECT_TRUE(session_.see("DPDK 22.11")) << session_.seen();
}

TEST_F(SluicectlShell, CtrlCEmptiesTheLineAndCtrlDLeaves) {
    for (int i = 0; i < 3; ++i) {
        session_.type("nonsense\x03");
        EXPECT_TRUE(session_.see_prompt()) << session_.seen();
    }
    session_.type("show version\r");
    EXPECT_TRUE(session_.see("DPDK 22.11")) << session_.seen();
    EXPECT_TRUE(session_.see_prompt());
    session_.type("\x04");
    EXPECT_EQ(session_.wait(), 0);
}

TEST_F(SluicectlShell, CtrlCEndsACommandThatWaits) {
    fake_.fall_silent();
    session_.type("status\r");
    // Typed before the command runs it would only be a key: so again and again, for less than the time-out of 30 s.
    bool prompted = false;
    for (int i = 0; i < 50 && !prompted; ++i) {
        session_.type("\x03");
        prompted = session_.see("sluice> ", std::chrono::milliseconds(200));
    }
    EXPECT_TRUE(prompted) << session_.seen();
    session_.type("help\r");
    EXPECT_TRUE(session_.see("Usage")) << session_.seen();
}

TEST_F(SluicectlShell, KeepsItsHistoryForItsUserOnly) {
    session_.type("show version\r");
    EXPECT_TRUE(session_.see("DPDK")) << session_.seen();
    EXPECT_TRUE(session_.see_prompt());
    session_.type("exit\r");
    EXPECT_EQ(session_.wait(), 0);
    struct stat found {};
    ASSERT_EQ(::stat((fake_.folder() + "/sluice/history").c_str(), &found), 0);
    EXPECT_EQ(found.st_mode & 0777, 0600u);
    Session again(fake_);
    ASSERT_TRUE(again.see_prompt());
    again.type("\x10\x10"); // Ctrl-P: exit, then the line before it
    EXPECT_TRUE(again.see("show version")) << again.seen();
}

TEST_F(SluicectlShell, EscapesFromOutsideStayText) {
    session_.type("show flows protocol udp -l 1\r");
    EXPECT_TRUE(session_.see("dns\\x1b[31m")) << session_.seen();
}

} // namespace
} // namespace sluice::sluicectl
