#include "admin/server.hpp"

#include "running_server.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <grp.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace sluice::admin {
namespace {

using test::RawClient;
using test::RunningServer;

std::string request(int id, const std::string& method, const std::string& params = "{}") {
    return R"({"jsonrpc":"2.0","id":)" + std::to_string(id) + R"(,"method":")" + method + R"(","params":)" + params +
           "}\n";
}

TEST(AdminServer, GreetsAndAnswers) {
    const RunningServer server;
    RawClient client(server.path(), false);
    const Json hello = client.read_json();
    EXPECT_EQ(hello["method"], "hello");
    EXPECT_EQ(hello["params"]["version"], "1.2.3");
    EXPECT_EQ(hello["params"]["protocol"], kProtocolVersion);
    ASSERT_TRUE(client.send(request(1, "echo", R"({"a":[1,2]})")));
    EXPECT_EQ(client.read_json(), (Json{{"jsonrpc", "2.0"}, {"id", 1}, {"result", {{"a", {1, 2}}}}}));
}

TEST(AdminServer, AnswersPipelinedRequestsInOrder) {
    const RunningServer server;
    RawClient client(server.path());
    std::string all;
    for (int i = 0; i < 500; ++i)
        all += request(i, i % 2 == 0 ? "echo" : "list", R"({"count":2})");
    ASSERT_TRUE(client.send(all));
    for (int i = 0; i < 500; ++i) {
        Json reply = client.read_json();
        if (i % 2 == 1) {
            ASSERT_TRUE(reply.contains("partial")) << reply;
            reply = client.read_json();
        }
        ASSERT_EQ(reply["id"], i);
        ASSERT_TRUE(reply.contains("result"));
    }
}

TEST(AdminServer, TellsErrorsAndGoesOn) {
    const RunningServer server;
    RawClient client(server.path());
    ASSERT_TRUE(client.send(request(1, "no.such") + request(2, "throw") + request(3, "echo")));
    EXPECT_EQ(client.read_json()["error"]["code"], -32601);
    const Json thrown = client.read_json();
    EXPECT_EQ(thrown["error"]["code"], -32603);
    EXPECT_NE(thrown["error"]["message"].get<std::string>().find("on purpose"), std::string::npos);
    EXPECT_EQ(client.read_json()["id"], 3);
}

TEST(AdminServer, ListsComeInParts) {
    const RunningServer server;
    RawClient client(server.path());
    ASSERT_TRUE(client.send(request(9, "list", R"({"count":1050,"per_call":100})")));
    std::size_t rows = 0;
    std::size_t parts = 0;
    for (;;) {
        const Json reply = client.read_json();
        ASSERT_EQ(reply["id"], 9);
        if (!reply.contains("partial")) {
            EXPECT_EQ(reply["result"]["total"], 1050);
            break;
        }
        ++parts;
        for (const Json& row : reply["partial"])
            EXPECT_EQ(row["row"], rows++);
    }
    EXPECT_EQ(rows, 1050u);
    EXPECT_EQ(parts, 11u);
}

TEST(AdminServer, AListThatFailsHalfWayEndsWithAnError) {
    const RunningServer server;
    RawClient client(server.path());
    ASSERT_TRUE(client.send(request(1, "list_throw") + request(2, "echo")));
    EXPECT_TRUE(client.read_json().contains("partial"));
    EXPECT_EQ(client.read_json()["error"]["code"], -32603);
    EXPECT_EQ(client.read_json()["id"], 2);
}

TEST(AdminServer, GarbageGetsAnErrorAndTheDoor) {
    const RunningServer server;
    for (const std::string& garbage :
         {std::string("GET / HTTP/1.1\r\n"), std::string("\n"), std::string("[]\n"), std::string("\xff\xfe\xfd\n"),
          std::string(3000, '[') + "\n", std::string("{\"jsonrpc\":\"2.0\"}\n"), std::string("\0\0\0\n", 4)}) {
        RawClient client(server.path());
        ASSERT_TRUE(client.send(garbage));
        const Json reply = client.read_json();
        EXPECT_TRUE(reply.contains("error")) << garbage;
        EXPECT_TRUE(client.closed_by_server()) << garbage;
    }
    RawClient after(server.path());
    after.send(request(1, "echo"));
    EXPECT_EQ(after.read_json()["id"], 1);
}

TEST(AdminServer, NothingAfterGarbageIsLookedAt) {
    const RunningServer server;
    RawClient client(server.path());
    client.send("garbage\n" + request(1, "echo"));
    EXPECT_TRUE(client.read_json().contains("error"));
    EXPECT_FALSE(client.read_line());
}

TEST(AdminServer, TakesARequestInPieces) {
    const RunningServer server;
    RawClient client(server.path());
    for (const char c : request(1, "echo"))
        ASSERT_TRUE(client.send(std::string(1, c)));
    EXPECT_EQ(client.read_json()["id"], 1);
}

TEST(AdminServer, TakesAPolicyOfTheGreatestSize) {
    const RunningServer server;
    RawClient client(server.path());
    std::string text;
    for (std::size_t i = 0; i < kMaxPolicySize; ++i)
        text += "\\n"; // the greatest size, each byte escaped
    ASSERT_TRUE(client.send(request(1, "echo", R"({"text":")" + text + "\"}")));
    const Json reply = client.read_json();
    ASSERT_TRUE(reply.contains("result"));
    EXPECT_EQ(reply["result"]["text"].get_ref<const std::string&>().size(), kMaxPolicySize);
}

TEST(AdminServer, ALineWithoutEndIsCutOff) {
    ServerOptions options;
    options.max_request_size = 100'000;
    const RunningServer server(options);
    RawClient client(server.path());
    const std::string piece(50'000, 'a');
    bool open = true;
    for (int i = 0; i < 1000 && open; ++i)
        open = client.send(piece);
    EXPECT_FALSE(open) << "the server took 50 MB of a line bounded to 100 kB";
    const Json reply = client.read_json();
    EXPECT_EQ(reply["error"]["code"], -32700);
    EXPECT_TRUE(client.closed_by_server());
}

TEST(AdminServer, UnfinishedLinesOfAllClientsTogetherAreBounded) {
    ServerOptions options;
    options.max_input_size = 1'000'000;
    const RunningServer server(options);
    const std::string piece(400'000, 'a');
    RawClient first(server.path());
    RawClient second(server.path());
    RawClient third(server.path());
    first.send(piece);
    second.send(piece);
    third.send(piece);
    third.send(piece);
    ASSERT_TRUE(server.wait_for_clients(2));
    RawClient fourth(server.path());
    fourth.send(request(1, "echo"));
    EXPECT_EQ(fourth.read_json()["id"], 1) << "small requests still pass";
}

TEST(AdminServer, UnfinishedLinesAndSilenceEnd) {
    ServerOptions options;
    options.line_timeout = std::chrono::milliseconds(40);
    options.idle_timeout = std::chrono::milliseconds(80);
    const RunningServer server(options);
    RawClient partial(server.path());
    partial.send("{\"jsonrpc\"");
    RawClient silent(server.path());
    EXPECT_TRUE(partial.closed_by_server());
    EXPECT_TRUE(silent.closed_by_server());
    EXPECT_TRUE(server.wait_for_clients(0));
}

TEST(AdminServer, TricklingBytesDoesNotHelp) {
    ServerOptions options;
    options.line_timeout = std::chrono::milliseconds(60);
    const RunningServer server(options);
    RawClient client(server.path());
    bool open = true;
    for (int i = 0; i < 4000 && open; ++i) {
        open = client.send("a");
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    EXPECT_FALSE(open);
}

TEST(AdminServer, ASlowReaderPausesItsListAndNobodyElse) {
    RunningServer server;
    RawClient slow(server.path());
    slow.send(request(1, "list", R"({"count":100000,"per_call":100,"padding":1000})")); // 100 MB
    RawClient other(server.path());
    for (int i = 0; i < 100; ++i) {
        ASSERT_TRUE(other.send(request(i, "echo")));
        ASSERT_EQ(other.read_json()["id"], i);
    }
    // What fits the socket and the buffer: far from all.
    EXPECT_LT(server.rows_produced(), 5000u);
    EXPECT_EQ(server.producers(), 1);
    std::size_t rows = 0;
    for (Json reply = slow.read_json(); reply.contains("partial"); reply = slow.read_json())
        rows += reply["partial"].size();
    EXPECT_EQ(rows, 100000u) << "and it gets everything once it reads";
    EXPECT_EQ(server.producers(), 0);
}

TEST(AdminServer, WhoNeverReadsIsClosed) {
    ServerOptions options;
    options.stall_timeout = std::chrono::milliseconds(50);
    RunningServer server(options);
    RawClient client(server.path());
    client.send(request(1, "large", R"({"size":30000000})"));
    EXPECT_TRUE(server.wait_for_clients(0));
}

TEST(AdminServer, WhileAReplyWaitsNoFurtherRequestIsRead) {
    RunningServer server;
    RawClient client(server.path());
    client.send(request(1, "list", R"({"count":100000,"per_call":100,"padding":1000})"));
    client.send(request(2, "list", R"({"count":10})"));
    RawClient other(server.path());
    for (int i = 0; i < 50; ++i) {
        other.send(request(i, "echo"));
        other.read_json();
    }
    EXPECT_EQ(server.producers(), 1);
}

TEST(AdminServer, ClientsMayLeaveAtAnyTime) {
    RunningServer server;
    for (int i = 0; i < 50; ++i) {
        RawClient early(server.path(), false);
        early.close();
        RawClient half_line(server.path());
        half_line.send("{\"jso");
        half_line.close();
        RawClient middle(server.path());
        middle.send(request(1, "list", R"({"count":1000000,"per_call":100,"padding":1000})"));
        middle.read_line();
        middle.close();
        RawClient unread(server.path());
        unread.send(request(1, "large", R"({"size":5000000})"));
        unread.close();
    }
    EXPECT_TRUE(server.wait_for_clients(0));
    EXPECT_EQ(server.producers(), 0);
    RawClient after(server.path());
    after.send(request(1, "echo"));
    EXPECT_EQ(after.read_json()["id"], 1);
}

TEST(AdminServer, HalfClosingStillGetsTheAnswers) {
    const RunningServer server;
    RawClient client(server.path());
    client.send(request(1, "echo") + request(2, "list", R"({"count":3})") + "{\"half");
    client.shut_writing();
    EXPECT_EQ(client.read_json()["id"], 1);
    EXPECT_TRUE(client.read_json().contains("partial"));
    EXPECT_EQ(client.read_json()["id"], 2);
    EXPECT_FALSE(client.read_line()) << "closed after the last answer";
}

TEST(AdminServer, TwoHundredClientsAtOnce) {
    const RunningServer server;
    std::vector<std::unique_ptr<RawClient>> clients;
    for (int i = 0; i < 200; ++i) {
        clients.push_back(std::make_unique<RawClient>(server.path()));
        ASSERT_TRUE(clients.back()->connected());
    }
    ASSERT_TRUE(server.wait_for_clients(200));
    for (int i = 0; i < 200; ++i)
        clients[static_cast<std::size_t>(i)]->send(request(i, "list", R"({"count":500})"));
    for (int i = 0; i < 200; ++i) {
        std::size_t rows = 0;
        Json reply = clients[static_cast<std::size_t>(i)]->read_json();
        for (; reply.contains("partial"); reply = clients[static_cast<std::size_t>(i)]->read_json()) {
            rows += reply["partial"].size();
        }
        ASSERT_EQ(reply["id"], i);
        ASSERT_EQ(rows, 500u);
    }
}

TEST(AdminServer, OneTooManyIsToldSo) {
    ServerOptions options;
    options.max_clients = 2;
    const RunningServer server(options);
    RawClient first(server.path());
    RawClient second(server.path());
    RawClient third(server.path(), false);
    const Json reply = third.read_json();
    EXPECT_NE(reply["error"]["message"].get<std::string>().find("too many clients"), std::string::npos);
    EXPECT_TRUE(third.closed_by_server());
    first.close();
    ASSERT_TRUE(server.wait_for_clients(1));
    RawClient fourth(server.path());
    fourth.send(request(1, "echo"));
    EXPECT_EQ(fourth.read_json()["id"], 1);
}

TEST(AdminServer, TheDescriptorTellsWhenThereIsWork) {
    test::TemporaryFolder folder;
    ServerOptions options;
    options.path = folder.path() + "/ctl.sock";
    auto server = Server::listen(options);
    ASSERT_TRUE(server) << server.error();
    EXPECT_EQ(server->due_in_ms(), -1) << "nobody there, nothing due";
    RawClient client(options.path, false);
    server->poll(1000);
    EXPECT_EQ(server->client_count(), 1u);
    EXPECT_GT(server->due_in_ms(), 0);
    client.close();
    server->poll(1000);
    EXPECT_EQ(server->client_count(), 0u);
}

TEST(AdminServer, ASecondServerIsRefused) {
    const RunningServer server;
    ServerOptions options;
    options.path = server.path();
    const auto second = Server::listen(options);
    ASSERT_FALSE(second);
    EXPECT_NE(second.error().find("another server answers"), std::string::npos);
}

/// Connects as somebody else. Credentials belong to a thread in Linux, so only a thread of its own changes.
std::unique_ptr<RawClient> connect_as(uid_t uid, gid_t gid, const std::string& path, bool read_hello = true) {
    std::unique_ptr<RawClient> client;
    std::thread([&] {
        if (::syscall(SYS_setgroups, 0, nullptr) != 0 || ::syscall(SYS_setresgid, gid, gid, gid) != 0 ||
            ::syscall(SYS_setresuid, uid, uid, uid) != 0) {
            return;
        }
        client = std::make_unique<RawClient>(path, read_hello);
    }).join();
    return client;
}

class AdminServerAsRoot : public testing::Test {
  protected:
    void SetUp() override {
        if (::geteuid() != 0) GTEST_SKIP() << "only root can connect as somebody else";
        // Two groups that every Debian has, in the roles of sluice and sluice-admin.
        options_.reading_group = "users";
        options_.changing_group = "operator";
        options_.mode = 0666;
        start();
    }
    void start() {
        server_ = std::make_unique<RunningServer>(options_);
        ASSERT_EQ(::chmod(std::filesystem::path(server_->path()).parent_path().c_str(), 0755), 0);
    }
    /// The error codes of a reading and of a changing request; 0 for none.
    std::pair<int, int> codes_for(gid_t gid) {
        const auto client = connect_as(65534, gid, server_->path());
        if (client == nullptr || !client->connected()) return {-1, -1};
        client->send(request(1, "echo") + request(2, "change"));
        const auto code = [](const Json& reply) {
            return reply.contains("error") ? reply["error"]["code"].get<int>() : 0;
        };
        const int reading = code(client->read_json());
        return {reading, code(client->read_json())};
    }
    ServerOptions options_;
    std::unique_ptr<RunningServer> server_;
};

TEST_F(AdminServerAsRoot, ObeysTheCallersGroups) {
    EXPECT_EQ(codes_for(65534), std::make_pair(-32004, -32004));
    EXPECT_EQ(codes_for(*group_id("users")), std::make_pair(0, -32004));
    EXPECT_EQ(codes_for(*group_id("operator")), std::make_pair(0, 0));
}

TEST_F(AdminServerAsRoot, ReadersCannotTakeThePlacesOfThoseWhoChange) {
    options_.max_clients = 5;
    options_.reserved_clients = 2;
    start();
    std::vector<std::unique_ptr<RawClient>> inside;
    /// Whether one more member of the group is let in.
    const auto enters = [&](const char* group) {
        inside.push_back(connect_as(65534, *group_id(group), server_->path(), false));
        return inside.back() != nullptr && inside.back()->read_json().contains("method");
    };
    for (int i = 0; i < 3; ++i)
        EXPECT_TRUE(enters("users"));
    EXPECT_FALSE(enters("users"));
    EXPECT_TRUE(enters("operator"));
    EXPECT_TRUE(enters("operator"));
    EXPECT_FALSE(enters("operator")) << "five are all";
}

TEST_F(AdminServerAsRoot, TheSocketBelongsToTheReadingGroup) {
    struct stat found {};
    ASSERT_EQ(::stat(server_->path().c_str(), &found), 0);
    EXPECT_EQ(found.st_gid, *group_id("users"));
}

} // namespace
} // namespace sluice::admin
