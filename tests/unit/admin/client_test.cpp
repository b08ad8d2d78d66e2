#include "admin/client.hpp"

#include "running_server.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <thread>

#include <sys/socket.h>

namespace sluice::admin {
namespace {

using test::kPatience;
using test::RunningServer;

TEST(AdminClient, CallsAndGetsTheResult) {
    const RunningServer server;
    auto client = Client::connect(server.path(), kPatience);
    ASSERT_TRUE(client) << client.error().message;
    EXPECT_EQ(client->version(), "1.2.3");
    for (int i = 0; i < 3; ++i) {
        const auto result = client->call("echo", {{"i", i}});
        ASSERT_TRUE(result) << result.error().message;
        EXPECT_EQ(*result, (Json{{"i", i}}));
    }
}

TEST(AdminClient, GetsListsInParts) {
    const RunningServer server;
    auto client = Client::connect(server.path(), kPatience);
    ASSERT_TRUE(client);
    std::size_t rows = 0;
    const auto result = client->call("list", {{"count", 12345}}, [&](const Json& part) {
        rows += part.size();
        return true;
    });
    ASSERT_TRUE(result);
    EXPECT_EQ(rows, 12345u);
    EXPECT_EQ((*result)["total"], 12345);
    EXPECT_TRUE(client->call("list", {{"count", 5}})) << "without a taker the rows are let go";
}

TEST(AdminClient, MayStopAList) {
    RunningServer server;
    auto client = Client::connect(server.path(), kPatience);
    ASSERT_TRUE(client);
    const auto result = client->call("list", {{"count", 1'000'000}}, [](const Json&) { return false; });
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().exit, ExitCode::done);
}

TEST(AdminClient, TellsTheAppliancesErrors) {
    const RunningServer server;
    auto client = Client::connect(server.path(), kPatience);
    ASSERT_TRUE(client);
    const auto result = client->call("throw", Json::object());
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().exit, ExitCode::failed);
    EXPECT_NE(result.error().message.find("on purpose"), std::string::npos);
}

TEST(AdminClient, ReadsTheReasonWhyItWasClosed) {
    ServerOptions options;
    options.max_request_size = 1000;
    const RunningServer server(options);
    auto client = Client::connect(server.path(), kPatience);
    ASSERT_TRUE(client);
    const auto result = client->call("echo", {{"text", std::string(5'000'000, 'x')}});
    ASSERT_FALSE(result);
    EXPECT_NE(result.error().message.find("too long"), std::string::npos) << result.error().message;
}

TEST(AdminClient, NobodyThereIsUnreachable) {
    const test::TemporaryFolder folder;
    const auto client = Client::connect(folder.path() + "/none.sock", kPatience);
    ASSERT_FALSE(client);
    EXPECT_EQ(client.error().exit, ExitCode::unreachable);
    EXPECT_EQ(client.error().message,
              "cannot reach sluiced at " + folder.path() + "/none.sock: is it running? try: systemctl status sluice");
}

TEST(AdminClient, APathThatCannotBeIsAMistakeOfUse) {
    const auto client = Client::connect(std::string(200, 'x'), kPatience);
    ASSERT_FALSE(client);
    EXPECT_EQ(client.error().exit, ExitCode::usage);
}

/// A server that says what it is given to say to the first client, and closes when told to.
class ScriptedServer {
  public:
    explicit ScriptedServer(std::string says, bool then_close)
        : path_(folder_.path() + "/ctl.sock") {
        auto made = SocketFile::make(path_, 0600, std::nullopt);
        if (!made) throw std::runtime_error(made.error());
        file_.emplace(std::move(*made));
        thread_ = std::thread([this, says = std::move(says), then_close] {
            while (!stopping_) {
                Descriptor client(::accept4(file_->descriptor(), nullptr, nullptr, SOCK_CLOEXEC));
                if (!client) {
                    std::this_thread::sleep_for(std::chrono::milliseconds(1));
                    continue;
                }
                ::send(client.get(), says.data(), says.size(), MSG_NOSIGNAL);
                while (!then_close && !stopping_)
                    std::this_thread::sleep_for(std::chrono::milliseconds(1));
            }
        });
    }
    ~ScriptedServer() {
        stopping_ = true;
        thread_.join();
    }
    [[nodiscard]] const std::string& path() const { return path_; }

  private:
    test::TemporaryFolder folder_;
    std::string path_;
    std::optional<SocketFile> file_;
    std::atomic<bool> stopping_ = false;
    std::thread thread_;
};

ExitCode call_against(const std::string& says, bool then_close) {
    const ScriptedServer server(says, then_close);
    auto client = Client::connect(server.path(), std::chrono::milliseconds(100));
    if (!client) return client.error().exit;
    const auto result = client->call("status", Json::object());
    return result ? ExitCode::done : result.error().exit;
}

TEST(AdminClient, ASilentServerTimesOut) {
    EXPECT_EQ(call_against("", false), ExitCode::timeout);
    EXPECT_EQ(call_against(encode_hello("x"), false), ExitCode::timeout);
    EXPECT_EQ(call_against(encode_hello("x") + R"({"jsonrpc":"2.0","id":1,"resu)", false), ExitCode::timeout);
}

TEST(AdminClient, SomethingElseAtTheOtherEndFails) {
    EXPECT_EQ(call_against("", true), ExitCode::failed);
    EXPECT_EQ(call_against("220 mail.example.org ESMTP\r\n", false), ExitCode::failed);
    EXPECT_EQ(call_against(encode_hello("x"), true), ExitCode::failed);
    EXPECT_EQ(call_against(encode_hello("x") + encode_result(77, 1), false), ExitCode::failed);
    EXPECT_EQ(call_against(encode_hello("x") + "garbage\n", false), ExitCode::failed);
    EXPECT_EQ(call_against(encode_result(1, 1), false), ExitCode::failed);
    EXPECT_EQ(call_against(encode_hello("x") + encode_result(1, 1), false), ExitCode::done);
}

TEST(AdminClient, AnotherProtocolVersionFails) {
    const ScriptedServer server(
        "{\"jsonrpc\":\"2.0\",\"method\":\"hello\",\"params\":{\"protocol\":2,\"version\":\"8\"}}\n", false);
    const auto client = Client::connect(server.path(), kPatience);
    ASSERT_FALSE(client);
    EXPECT_EQ(client.error().exit, ExitCode::failed);
    EXPECT_NE(client.error().message.find("version 8"), std::string::npos);
}

} // namespace
} // namespace sluice::admin
