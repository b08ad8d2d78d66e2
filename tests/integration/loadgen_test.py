"""sluice-loadgen and sluice-udpblast against real servers and paths that lose on purpose."""

import json
import re
import signal
import unittest

import tools_path  # noqa: F401
from netlab import Lab


def counts(report):
    return {key: report[key] for key in ("planned", "completed", "failed", "timed_out", "not_started")}


class Connections(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.lab = cls.enterClassContext(Lab(sources=8))
        cls.lab.start_bridge()
        cls.lab.start_memcached(udp=True)
        cls.lab.start_http()

    def assert_all_completed(self, report, planned):
        self.assertEqual(counts(report), {"planned": planned, "completed": planned, "failed": 0, "timed_out": 0,
                                          "not_started": 0}, report["errors"])
        self.assertEqual(report["latency_us"]["count"], planned)
        for series in ("started", "completed"):
            self.assertEqual(sum(report["intervals"][series]), planned)

    def test_every_request_and_close(self):
        for options in ({"request": "set"}, {"request": "get"}, {"request": "set-get", "value_length": 30_000},
                        {"request": "version"}, {"close": "server"}, {"close": "reset"}, {"keep": 4},
                        {"protocol": "memcached-udp"}, {"protocol": "http", "port": 80, "close": "server"},
                        {"ipv6": True}):
            with self.subTest(**options):
                options = dict(options)
                rate = 100 if options.get("protocol") == "http" else 500
                self.assert_all_completed(self.lab.loadgen(rate=rate, seconds=1, **options), rate)

    def test_thousands_of_connections_a_second(self):
        self.assert_all_completed(self.lab.loadgen(rate=5000, seconds=2), 10_000)

    def test_connections_arrive_whole_at_the_server(self):
        before = self.statistics()
        self.lab.loadgen(rate=500, seconds=1)
        after = self.statistics()
        # One of the connections counted between is that of the second question itself.
        self.assertEqual(after["total_connections"] - before["total_connections"], 501)
        self.assertEqual(after["cmd_set"] - before["cmd_set"], 500)

    def statistics(self):
        done = self.lab.server.run("nc", "-N", self.lab.server_address, 11211, text_input="stats\nquit\n")
        return {name: int(value) for name, value in re.findall(r"^STAT (\w+) (\d+)$", done.stdout, re.MULTILINE)}

    def test_refused_connections_are_counted_by_errno(self):
        report = self.lab.loadgen(rate=200, seconds=1, port=11212)
        self.assertEqual(counts(report)["failed"], 200)
        self.assertEqual(report["errors"], {"ECONNREFUSED": 200})
        self.assertEqual(sum(report["intervals"]["failed"]), 200)

    def test_wrong_answers_are_seen(self):
        # A web server does not speak memcached.
        report = self.lab.loadgen(rate=20, seconds=1, port=80)
        self.assertEqual(report["completed"], 0)
        self.assertEqual(report["errors"], {"wrong_answer": 20})

    def loadgen(self, *arguments):
        program = self.lab.build / "tools/loadgen/sluice-loadgen"
        return self.lab.client.run(program, *arguments, check=False)

    def test_exit_codes_and_messages(self):
        target = f"{self.lab.server_address}:11211"
        good = self.loadgen("--to", target, "--count", 10)
        self.assertEqual(good.returncode, 0, good.stderr)
        self.assertIn("completed    10 (100.000 %)", good.stdout)
        refused = self.loadgen("--to", f"{self.lab.server_address}:9", "--count", 10)
        self.assertEqual(refused.returncode, 1)
        foreign = self.loadgen("--to", target, "--count", 10, "--source", "192.0.2.1")
        self.assertEqual(foreign.returncode, 1)
        self.assertIn("192.0.2.1 is not an address of this host", foreign.stderr)
        crowd = self.loadgen("--to", target, "--count", 10, "--max-open", 2_000_000)
        self.assertEqual(crowd.returncode, 1)
        self.assertIn("hard limit", crowd.stderr)
        for arguments in ((), ("--to", "nowhere"), ("--to", target), ("--to", target, "--duration", "5"),
                          ("--to", target, "--count", 1, "--request", "delete"), ("--to", target, "--frobnicate")):
            usage = self.loadgen(*arguments)
            self.assertEqual(usage.returncode, 2, arguments)
            self.assertEqual(len(usage.stderr.splitlines()), 1, usage.stderr)

    def test_a_stopped_run_still_reports(self):
        before = self.statistics()["cmd_set"]
        load = self.lab.start_loadgen(rate=100, seconds=30)
        load.process.wait_until(lambda: self.statistics()["cmd_set"] > before, 5.0, "request")
        load.process.send_signal(signal.SIGTERM)
        report = load.finish()
        self.assertGreater(report["not_started"], 0)
        self.assertEqual(report["completed"] + report["not_started"], report["planned"])


class LossyPath(unittest.TestCase):
    """The kernel's router in the middle drops what nftables choose, and counts it."""

    def drop(self, lab, what):
        lab.start_nftables(f"""
table inet lossy {{
    counter lost {{ }}
    chain forward {{
        type filter hook forward priority 0; policy accept;
        {what} counter name lost drop
    }}
}}
""")

    def dropped(self, lab):
        listed = json.loads(lab.middle.run("nft", "-j", "list", "counter", "inet", "lossy", "lost").stdout)
        return next(entry["counter"]["packets"] for entry in listed["nftables"] if "counter" in entry)

    def test_timeouts_are_booked_by_phase(self):
        for what, phase in (("tcp flags & (syn|ack) == (syn|ack)", "connect"),
                            ("tcp sport 11211 tcp flags & psh == psh", "answer"),
                            ("tcp sport 11211 tcp flags & fin == fin", "close")):
            with self.subTest(phase=phase), Lab(routed=True, sources=2) as lab:
                lab.start_memcached()
                self.drop(lab, what)
                report = lab.loadgen(rate=50, seconds=1, timeout=0.5)
                self.assertEqual(report["completed"], 0)
                self.assertEqual(report["timed_out"], 50, report["errors"])
                self.assertEqual(report["timed_out_in"][phase], 50)

    def test_a_slow_answer_counts_from_the_intended_start(self):
        with Lab(routed=True, sources=2) as lab:
            lab.start_memcached()
            # The first SYN is lost; its repetition comes after a second.
            self.drop(lab, "tcp flags & (syn|ack) == syn limit rate 1/hour burst 1 packets")
            report = lab.loadgen(rate=20, seconds=1, timeout=5, max_open=1)
            self.assertEqual(report["completed"], report["started"])
            # With one connection at a time, waiting makes those behind it late, and their latencies say so.
            self.assertGreater(report["latency_us"]["max"], 900_000)
            self.assertGreater(report["latency_us"]["p50"], 300_000)
            self.assertLess(report["latency_us"]["max"], report["elapsed_s"] * 1e6)

    def test_udpblast_counts_what_the_path_lost(self):
        with Lab(routed=True) as lab:
            # Only numbered packets, not the totals at the end: is_end of udp_payload.hpp is 0.
            self.drop(lab, "udp dport 5000 @th,176,16 0 numgen inc mod 1000 0")
            report = lab.udpblast(rate=20_000, seconds=1, streams=3)
            lost = self.dropped(lab)
            self.assertEqual(report["sent"]["sent"], 20_000)
            self.assertGreater(lost, 0)
            self.assertEqual(report["lost"], lost)
            self.assertEqual(report["received"]["missing"], lost)

    def test_udpblast_over_a_clean_path_loses_nothing(self):
        with Lab(routed=True) as lab:
            for options in ({}, {"reverse": True}, {"ipv6": True, "streams": 4}):
                with self.subTest(**options):
                    report = lab.udpblast(rate=100_000, seconds=1, **options)
                    self.assertEqual(report["sent"]["sent"], 100_000)
                    self.assertEqual(report["received"]["received"], 100_000)
                    self.assertEqual(report["lost"], 0)
                    self.assertTrue(report["received"]["all_ended"])


if __name__ == "__main__":
    unittest.main()
