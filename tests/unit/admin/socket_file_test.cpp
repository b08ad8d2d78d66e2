#include "admin/socket_file.hpp"

#include "running_server.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace sluice::admin {
namespace {

namespace fs = std::filesystem;

class AdminSocketFile : public testing::Test {
  protected:
    [[nodiscard]] std::string path(const char* name = "ctl.sock") const { return folder_.path() + "/" + name; }
    static std::string refusal(const std::string& path) {
        const auto file = SocketFile::make(path, 0660, std::nullopt);
        return file ? "" : file.error();
    }
    /// What a server that was killed leaves behind.
    void leave_stale_socket() const {
        const Descriptor socket(::socket(AF_UNIX, SOCK_STREAM, 0));
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        path().copy(address.sun_path, sizeof address.sun_path - 1);
        ASSERT_EQ(::bind(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    }
    test::TemporaryFolder folder_;
};

TEST_F(AdminSocketFile, HasItsModeWhateverTheUmask) {
    const mode_t before = ::umask(0077);
    const auto file = SocketFile::make(path(), 0660, ::getegid());
    ::umask(before);
    ASSERT_TRUE(file) << file.error();
    struct stat found {};
    ASSERT_EQ(::lstat(path().c_str(), &found), 0);
    EXPECT_TRUE(S_ISSOCK(found.st_mode));
    EXPECT_EQ(found.st_mode & 07777, 0660u);
    EXPECT_EQ(found.st_gid, ::getegid());
}

TEST_F(AdminSocketFile, IsGoneAfterwards) {
    { ASSERT_TRUE(SocketFile::make(path(), 0660, std::nullopt)); }
    EXPECT_FALSE(fs::exists(path()));
    EXPECT_TRUE(fs::is_empty(folder_.path())) << "nothing else is left behind either";
}

TEST_F(AdminSocketFile, RefusesAPathWhereSomebodyListens) {
    const auto first = SocketFile::make(path(), 0660, std::nullopt);
    ASSERT_TRUE(first);
    EXPECT_NE(refusal(path()).find("another server answers"), std::string::npos);
    EXPECT_TRUE(fs::exists(path())) << "the refused one must not remove the other's file";
}

TEST_F(AdminSocketFile, ReplacesAStaleSocket) {
    leave_stale_socket();
    ASSERT_TRUE(fs::exists(path()));
    EXPECT_EQ(refusal(path()), "");
}

TEST_F(AdminSocketFile, LeavesOtherFilesAlone) {
    std::ofstream(path()) << "precious";
    EXPECT_NE(refusal(path()).find("is not a socket"), std::string::npos);
    EXPECT_EQ(fs::file_size(path()), 8u);
    fs::create_directory(path("folder"));
    EXPECT_NE(refusal(path("folder")).find("is not a socket"), std::string::npos);
    fs::create_symlink("nowhere", path("link"));
    EXPECT_NE(refusal(path("link")).find("is not a socket"), std::string::npos);
}

TEST_F(AdminSocketFile, RemovesOnlyItsOwnFile) {
    {
        const auto file = SocketFile::make(path(), 0660, std::nullopt);
        ASSERT_TRUE(file);
        fs::remove(path());
        std::ofstream(path()) << "somebody else's";
    }
    EXPECT_TRUE(fs::exists(path()));
}

TEST_F(AdminSocketFile, MakesTheLastFolderOnly) {
    EXPECT_EQ(refusal(path("run/ctl.sock")), "");
    EXPECT_TRUE(fs::is_directory(path("run")));
    EXPECT_NE(refusal(path("no/such/ctl.sock")).find("cannot make the folder"), std::string::npos);
}

TEST_F(AdminSocketFile, RefusesPathsThatDoNotFit) {
    EXPECT_NE(refusal(path(std::string(120, 'x').c_str())).find("longer than"), std::string::npos);
    EXPECT_NE(refusal("").find("empty"), std::string::npos);
}

TEST_F(AdminSocketFile, DoesNotWaitForEverForTheFolder) {
    const Descriptor folder(::open(folder_.path().c_str(), O_RDONLY | O_DIRECTORY));
    ASSERT_EQ(::flock(folder.get(), LOCK_EX), 0);
    EXPECT_NE(refusal(path()).find("holds a lock"), std::string::npos);
}

} // namespace
} // namespace sluice::admin
