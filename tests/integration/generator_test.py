"""tools/traffic against a sluiced, over shared memory (memif): what passes is right, what does not is said."""

import itertools
import json
import os
import time
import unittest

import tools_path  # noqa: F401
from appliance_case import audit
from netlab import Lab, leftovers
from netlab.traffic import Traffic, memif_head, program

ALLOW = """
rules:
  - { name: open, from: { zone: client }, to: { zone: server }, action: allow }
"""
DROP = """
rules:
  - { name: closed, from: { zone: client }, to: { zone: server }, protocol: tcp, action: drop }
"""
UNTRACKED = """
rules:
  - { name: web, from: { zone: client }, to: { zone: server, ports: [80] }, protocol: tcp, action: allow, track: false,
      reply: mirror }
"""
NO_FLOOD = """
rules:
  - { name: flood, from: { zone: client, nets: [198.18.0.0/15] }, action: drop }
  - { name: open, from: { zone: client }, to: { zone: server }, action: allow }
"""
# Modest, so that a machine that does other things as well can keep up.
PACE = ("--duration", "1s", "--warm-up", "200ms", "--rest", "2s", "--limit", "0s")
PATIENCE = ("--timeout", "500ms", "--retransmits", "20")
_SERIALS = itertools.count()


class GeneratorCase(unittest.TestCase):
    """A lab for all; a sluiced and a generator for each test."""

    @classmethod
    def setUpClass(cls):
        cls.lab = cls.enterClassContext(Lab(sources=1))

    def traffic(self, rules, *arguments, code=0):
        """The generator's report and the appliance's rules, drops and flows, from a run behind these rules."""
        serial = f"traffic{next(_SERIALS)}"
        socket = self.lab.folder / f"{serial}.memif"
        sluice = self.lab.start_sluice(rules, head=memif_head(socket))
        generator = Traffic(self.lab.middle, self.lab.build, self.lab.folder, serial, socket, *arguments, *PACE)
        try:
            report = generator.report()
            self.drops = {reason: count for reason, count in sluice.drops().items() if reason != "peer_down"}
            self.flows_created = sluice.status()["flows"]["created"]
        finally:
            audit(sluice)
        self.assertEqual(generator.wait(), code, generator.process.output())
        self.assertEqual(report["wrong"]["total"], 0, report["wrong"])
        return report


class Connections(GeneratorCase):
    def check_all_completed(self, report, at_least):
        counts = report["connections"]
        self.assertGreater(counts["begun"], at_least)
        self.assertEqual((counts["completed"], counts["failed"], counts["not_over"]), (counts["begun"], 0, 0))
        self.assertEqual(report["latency_us"]["count"], counts["completed"])

    def test_all_complete_when_allowed(self):
        for more in ((), ("--ipv6",), ("--course", "compact", "--request", "500", "--response", "1000"),
                     ("--course", "bare")):
            with self.subTest(more=more):
                report = self.traffic(ALLOW, "connections", "--rate", "500", "--require", "100", *PATIENCE, *more)
                self.check_all_completed(report, 300)
                self.assertGreaterEqual(self.flows_created, report["connections"]["begun"])
                self.assertEqual(self.drops, {})

    def test_as_fast_as_possible(self):
        report = self.traffic(ALLOW, "connections", "--in-flight", "64", *PATIENCE)
        self.check_all_completed(report, 100)
        self.assertIsNone(report["rate"])

    def test_none_completes_behind_a_rule_that_drops(self):
        report = self.traffic(DROP, "connections", "--rate", "200", "--require", "1", "--timeout", "50ms", code=1)
        counts = report["connections"]
        self.assertGreater(counts["begun"], 100)
        self.assertEqual((counts["completed"], counts["failed"]), (0, counts["begun"]))
        self.assertGreaterEqual(counts["retransmits"], 3 * counts["begun"])
        self.assertGreaterEqual(self.drops["rule_drop"], 4 * counts["begun"])
        self.assertIsNone(report["latency_us"])

    def test_untracked(self):
        report = self.traffic(UNTRACKED, "connections", "--rate", "500", *PATIENCE)
        self.check_all_completed(report, 300)
        self.assertEqual(self.flows_created, 0)

    def test_a_flood_beside_them_is_counted_apart(self):
        flood = ("--syn-flood", "2000", "--random-flood", "1000")
        report = self.traffic(ALLOW, "connections", "--rate", "200", *flood, "--flood-answered", *PATIENCE)
        self.check_all_completed(report, 100)
        floods = report["floods"]
        self.assertGreater(floods["syn_sent"], 1000)
        self.assertGreater(floods["random_sent"], 500)
        for sent, passed in (("syn_sent", "syn_passed"), ("answers_sent", "answers_passed"),
                             ("random_sent", "random_passed")):
            self.assertAlmostEqual(floods[passed], floods[sent], delta=0.1 * floods[sent])
        report = self.traffic(NO_FLOOD, "connections", "--rate", "200", *flood, *PATIENCE)
        self.check_all_completed(report, 100)
        self.assertGreater(report["floods"]["syn_sent"], 1000)
        self.assertEqual((report["floods"]["syn_passed"], report["floods"]["random_passed"]), (0, 0))


class Packets(GeneratorCase):
    def check_all_delivered(self, report, at_least):
        packets = report["packets"]
        self.assertGreater(packets["sent"], at_least)
        self.assertEqual((packets["delivered"], packets["lost"]), (packets["sent"], 0))

    def test_flows(self):
        for more in ((), ("--protocol", "tcp", "--size", "imix"), ("--ipv6", "--order", "zipf"),
                     ("--ipv6", "--protocol", "tcp")):
            with self.subTest(more=more):
                report = self.traffic(ALLOW, "flows", "--flows", "100", "--rate", "2000", *more)
                self.check_all_delivered(report, 1000)
                self.assertEqual(report["flows"]["established"], 100)
                self.assertEqual(self.flows_created, 100)
                self.assertEqual(self.drops, {})

    def test_flows_as_in_a_capture(self):
        folder = self.lab.folder / "capture"
        self.lab.middle.run(program(self.lab.build), "trace", "flows", "-n", "50", "--size", "imix", "-o", folder)
        report = self.traffic(ALLOW, "flows", "--capture", folder / "clients.pcap", "--rate", "2000")
        self.check_all_delivered(report, 1000)
        self.assertEqual(report["flows"]["established"], 50)
        self.assertEqual(report["packets"]["server_to_client"]["sent"], 0)

    def test_what_the_firewall_drops_is_lost(self):
        report = self.traffic("rules: []\n", "flows", "--flows", "10", "--rate", "1000")
        self.assertEqual(report["flows"]["established"], 0)
        self.assertGreater(report["packets"]["lost"], 500)
        self.assertEqual(report["packets"]["delivered"], 0)

    def test_new_flows(self):
        report = self.traffic(ALLOW, "new-flows", "--rate", "2000", "--answer")
        self.check_all_delivered(report, 1000)
        self.assertGreaterEqual(self.flows_created, report["packets"]["client_to_server"]["sent"])


class Alone(unittest.TestCase):
    """Without a firewall."""

    @classmethod
    def setUpClass(cls):
        cls.lab = cls.enterClassContext(Lab(sources=1))
        cls.prefix = leftovers.file_prefix("alone")
        cls.json = cls.lab.folder / "alone.json"

    def run_alone(self, *arguments, code=0):
        done = self.lab.middle.run(program(self.lab.build), *arguments, check=False, timeout=60)
        self.assertEqual(done.returncode, code, done.stderr)
        return done

    def test_its_own_limit(self):
        """Measured against itself: the limit alone, and as part of a report."""
        self.run_alone("connections", "--joined", "--json", self.json, "--file-prefix", self.prefix, "--duration", "1s")
        report = json.loads(self.json.read_text())
        self.assertEqual((report["firewall"], report["limit"]), (False, None))
        self.assertGreater(report["connections"]["completed"], 1000)
        self.assertEqual(report["connections"]["completed"], report["connections"]["begun"])
        self.assertEqual(report["wrong"]["total"], 0)

    def test_mistakes(self):
        for code, words, arguments in (
                (2, "--client and --server, or --joined", ("flows",)),
                (2, "--size: '63'", ("flows", "--joined", "--size", "63")),
                (2, "overlap", ("flows", "--joined", "--clients", "10.0.0.0/8")),
                (2, "take a larger prefix", ("flows", "--joined", "-n", "100000", "--clients", "10.16.0.1/32")),
                (2, "overlaps with", ("flows", "--joined", "--flood-sources", "10.16.0.0/24")),
                (2, "wants --ipv6", ("flows", "--joined", "--clients", "2001:db8::/64")),
                (2, "--duration", ("flows", "--joined", "--duration", "0s")),
                (6, "no device", ("flows", "--client", "net_nosuch0", "--server", "nowhere", "--limit", "0s")),
                (6, "no link within 100ms", ("flows", "--limit", "0s", "--connect-timeout", "100ms",
                                             "--client", f"net_memif0,role=server,socket={self.lab.folder}/a,socket-abstract=no",
                                             "--server", f"net_memif1,role=server,socket={self.lab.folder}/b,socket-abstract=no"))):
            with self.subTest(words=words):
                ports = ("--file-prefix", self.prefix) if code != 2 else ()
                done = self.run_alone(*arguments, *ports, code=code)
                if code == 2:
                    self.assertEqual(len(done.stderr.splitlines()), 1)
                if words != "no device":
                    self.assertIn(words, done.stderr)


class Replayed(unittest.TestCase):
    """The traces in a sluiced with replay ports: they go round and round, and nothing but the first round is dropped."""

    HEAD = ("version: 1\nsystem: {{ workers: {cpus}, buffers: 32768 }}\ninterfaces:\n"
            "  client: {{ device: \"net_pcap0,rx_pcap={folder}/clients.pcap,infinite_rx=1\", peer: server }}\n"
            "  server: {{ device: \"net_pcap1,rx_pcap={folder}/servers.pcap,infinite_rx=1\", peer: client }}\n"
            "tables: {{ flows: {{ size: 64Ki }} }}\n")
    LOOSE = "timeouts:\n  default: { pickup: loose }\n"

    @classmethod
    def setUpClass(cls):
        cls.lab = cls.enterClassContext(Lab(sources=1))

    def check(self, rules, *trace):
        folder = self.lab.folder / "replay"
        self.lab.middle.run(program(self.lab.build), "trace", *trace, "-n", "1000", "-o", folder)
        head = self.HEAD.format(cpus=max(os.sched_getaffinity(0)), folder=folder)
        sluice = self.lab.start_sluice(rules, head=head)
        try:
            time.sleep(1)
            first = sum(sluice.drops().values())
            before = sluice.status()
            time.sleep(1)
            after = sluice.status()
            self.assertEqual(sum(sluice.drops().values()), first)
            self.assertLess(first, 2000)
            self.assertGreater(after["packets"]["forwarded"] - before["packets"]["forwarded"], 10_000)
            # A SYN that meets a connection which is over takes its entry out before it puts a new one in: a reader
            # in between sees up to a burst of each port fewer.
            self.assertLessEqual(after["flows"]["used"], 1000)
            self.assertGreater(after["flows"]["used"], 1000 - 2 * 64)
            return after["flows"]["created"] - before["flows"]["created"]
        finally:
            sluice.stop()

    def test_connections_open_and_close_for_ever(self):
        for more in ((), ("--ipv6",), ("--lag", "4")):
            with self.subTest(more=more):
                self.assertGreater(self.check(ALLOW, "connections", *more), 1000)

    def test_established_flows_stay(self):
        for more in ((), ("--protocol", "tcp"), ("--protocol", "tcp", "--ipv6")):
            with self.subTest(more=more):
                self.assertEqual(self.check(self.LOOSE + ALLOW, "flows", *more), 0)


if __name__ == "__main__":
    unittest.main()
