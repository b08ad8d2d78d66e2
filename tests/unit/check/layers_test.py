import unittest

from planted_tree import PlantedTree

TABLE = """\
    # Architecture

    | library | one sentence | may use | third party |
    |---|---|---|---|
    | `base` | the base | – | – |
    | `net` | addresses | base | – |
    | `telemetry` | counters | base | – |
    | `packet` | parsing | net | – |
    | `policy/yaml` | reading | net | yaml-cpp |
    | `policy/model` | structs | `policy/yaml` | – |
    | `pipeline` | stages | packet, telemetry | librte_acl |
    | `dpdk` | ports | net | DPDK |
    | `control` | wiring | all above | spdlog |
    | `app/sluiced` | wiring only | control | CLI11 |
    | `app/sluicectl` | the command line | policy/* | – |

    Another table:

    | a | b |
    |---|---|
    | c | d |
    """

SOURCES = {
    "lib/base/expected.hpp": "#pragma once\n#include <utility>\n",
    "lib/net/address.hpp": '#include "base/expected.hpp"\n#include <arpa/inet.h>\n',
    "lib/telemetry/counters.hpp": '#include "base/expected.hpp"\n',
    "lib/packet/parse.hpp": '#include "net/address.hpp"\n#include "base/expected.hpp"\n',
    "lib/policy/yaml/reader.cpp": '#include "net/address.hpp"\n#include <yaml-cpp/parser.h>\n',
    "lib/policy/yaml/reader.hpp": "#include <string>\n",
    "lib/policy/model/policy.hpp": '#include "policy/yaml/reader.hpp"\n#include "base/expected.hpp"\n',
    "lib/pipeline/parse.cpp": '#include "packet/parse.hpp"\n#include <rte_acl.h>\n#include <emmintrin.h>\n',
    "lib/dpdk/port.hpp": "#include <rte_ethdev.h>\n#include <rte_acl.h>\n",
    "lib/control/appliance.cpp": '#include "dpdk/port.hpp"\n#include <spdlog/spdlog.h>\n#include "policy/model/policy.hpp"\n',
    "lib/control/appliance.hpp": "",
    "app/sluiced/main.cpp": '#include "control/appliance.hpp"\n#include <CLI/CLI.hpp>\n',
    "app/sluicectl/main.cpp": '#include "shell.hpp"\n#include "policy/model/policy.hpp"\n',
    "app/sluicectl/shell.hpp": "",
}


class Layers(PlantedTree):
    def setUp(self):
        super().setUp()
        self.write("docs/architecture.md", TABLE)
        for name, text in SOURCES.items():
            self.write(name, text)

    def test_a_tree_within_its_layers_is_clean(self):
        self.assert_clean("layers")

    def test_an_edge_upwards(self):
        self.write("lib/base/expected.hpp", '#include "net/address.hpp"\n')
        self.assert_found("layers", 'lib/base/expected.hpp:1: base may not use net ("net/address.hpp")')

    def test_an_edge_sideways(self):
        self.write("lib/packet/parse.cpp", '\n#  include "telemetry/counters.hpp"\n')
        self.assert_found("layers", 'lib/packet/parse.cpp:2: packet may not use telemetry ("telemetry/counters.hpp")')

    def test_an_edge_between_parts_of_the_policy(self):
        self.write("lib/policy/yaml/reader.cpp", '#include "policy/model/policy.hpp"\n')
        self.assert_found("layers", "policy/yaml may not use policy/model")

    def test_an_app_that_reaches_too_deep(self):
        self.write("app/sluicectl/main.cpp", '#include "dpdk/port.hpp"\n')
        self.assert_found("layers", "app/sluicectl may not use dpdk")

    def test_a_third_party_of_another_library(self):
        self.write("lib/net/address.cpp", "#include <spdlog/spdlog.h>\n")
        self.assert_found("layers", "lib/net/address.cpp:1: net may not use spdlog (<spdlog/spdlog.h>)")

    def test_a_third_party_is_not_inherited(self):
        self.write("lib/control/appliance.cpp", "#include <rte_ethdev.h>\n")
        self.assert_found("layers", "control may not use DPDK")

    def test_one_library_of_dpdk_does_not_grant_the_others(self):
        self.write("lib/pipeline/parse.cpp", "#include <rte_mbuf.h>\n")
        self.assert_found("layers", "pipeline may not use DPDK")

    def test_an_unknown_third_party(self):
        self.write("lib/net/address.cpp", "#include <boost/asio.hpp>\n")
        self.assert_found("layers", "<boost/asio.hpp> is of no known third party")

    def test_a_third_party_in_quotes(self):
        self.write("lib/net/address.cpp", '#include "spdlog/spdlog.h"\n')
        self.assert_found("layers", "write <spdlog/spdlog.h>")

    def test_a_header_that_is_not_there(self):
        self.write("lib/net/address.cpp", '#include "net/adress.hpp"\n')
        self.assert_found("layers", '"net/adress.hpp" is not there')

    def test_a_header_of_another_library_by_a_relative_path(self):
        self.write("lib/packet/parse.cpp", '#include "../telemetry/counters.hpp"\n')
        self.assert_found("layers", "packet may not use telemetry")

    def test_a_library_without_a_row(self):
        self.write("lib/inspect/scan.cpp", "")
        self.write("lib/inspect/scan.hpp", "")
        self.assert_found("layers", "library inspect is missing from the table")

    def test_a_row_without_a_library(self):
        self.write("docs/architecture.md", TABLE.replace("| `dpdk`", "| `nat` | x | net | – |\n    | `dpdk`"))
        self.assert_found("layers", "nat is in the table but has no source")

    def test_a_row_that_uses_what_stands_below_it(self):
        self.write("docs/architecture.md", TABLE.replace("| addresses | base |", "| addresses | base, packet |"))
        self.assert_found("layers", "net may use 'packet', which is no library above it")

    def test_no_table(self):
        self.write("docs/architecture.md", "# Architecture\n")
        self.assert_not_checked("layers", "has no table")
        (self.root / "docs/architecture.md").unlink()
        self.assert_not_checked("layers", "is missing")


if __name__ == "__main__":
    unittest.main()
