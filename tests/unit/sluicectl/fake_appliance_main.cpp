// The fake appliance as a program, to try sluicectl by hand: fake_appliance SOCKET [FLOWS|empty].
#include "fake_appliance.hpp"

#include <cstdlib>
#include <iostream>
#include <string>

int main(int argc, char** argv) {
    using namespace sluice;
    if (argc < 2) {
        std::cerr << "usage: fake_appliance SOCKET [FLOWS|empty]\n";
        return 2;
    }
    admin::ServerOptions options;
    options.path = argv[1];
    options.version = "0.1.0";
    auto server = admin::Server::listen(options);
    if (!server) {
        std::cerr << server.error() << '\n';
        return 1;
    }
    sluicectl::test::FakeData data;
    if (argc > 2) {
        data.empty = std::string(argv[2]) == "empty";
        if (!data.empty) data.flow_count = std::stoull(argv[2]);
    }
    sluicectl::test::answer_like_an_appliance(*server, data);
    for (;;)
        server->poll(-1);
}
