"""Connections between two Linux stacks with Sluice in every handshake: both ends keep their own sequence numbers, and
every byte arrives."""

import json
import sys
import unittest
from pathlib import Path

from appliance_case import ApplianceCase, SharedApplianceCase
from netlab import Lab
from netlab.servers import IPERF3_PORT
from tcp_exchange import PORT

EXCHANGE = Path(__file__).with_name("tcp_exchange.py")
CLOSED_PORT = 7199
RULES = f"""
timeouts:
  default: {{ tcp_closing: 2s }}
rules:
  - {{ name: exchange, from: {{ zone: client }}, to: {{ zone: server, ports: [7100-7199, {IPERF3_PORT}] }}, protocol: tcp, action: allow }}
default: {{ action: drop }}
"""


def serve(lab):
    process = lab.server.spawn(sys.executable, EXCHANGE, "serve", lab.server_address, lab.server_address6)
    process.wait_for_line("serving", 10)


def exchange(lab, *options, ipv6=False, timeout=60):
    """What the client says of its connections."""
    command = [sys.executable, EXCHANGE, "connect", lab.server_address6 if ipv6 else lab.server_address, *options]
    return json.loads(lab.client.run(*map(str, command), timeout=timeout).stdout)


class Exchanges:
    """For a test case with a lab and an appliance."""

    def assert_exchanged(self, connections, *options, ipv6=False):
        before = self.sluice.status()["syn_cookies"]
        dropped = self.sluice.drops()
        said = exchange(self.lab, "--connections", connections, *options, ipv6=ipv6)
        self.assertEqual(said, {"completed": connections, "wrong": []})
        # Neighbour discovery and the like of the ends themselves are nobody's business here.
        self.assertEqual({**self.sluice.drops(), "no_rule": 0}, {**dropped, "no_rule": 0}, "no good packet is dropped")
        after = self.sluice.status()["syn_cookies"]
        self.assertGreaterEqual(after["sent"] - before["sent"], connections)
        self.assertEqual(after["accepted"] - before["accepted"], connections)
        self.assertEqual(after["refused"], before["refused"])
        self.assertEqual(after["without_buffer"], 0)


class SynCookies(Exchanges, SharedApplianceCase):
    RULES = RULES
    SLUICE = {"flows": "64Ki, syn_cookies: always"}

    @classmethod
    def prepare(cls):
        serve(cls.lab)

    def test_bytes_arrive_both_ways(self):
        for ipv6 in (False, True):
            with self.subTest(ipv6=ipv6):
                self.assert_exchanged(1, "--up", 20_000_000, "--down", 20_000_000, ipv6=ipv6)

    def test_the_server_may_speak_first(self):
        for ipv6 in (False, True):
            with self.subTest(ipv6=ipv6):
                self.assert_exchanged(5, "--greeted", ipv6=ipv6)

    def test_a_hundred_at_once(self):
        self.assert_exchanged(100, "--up", 100_000, "--down", 100_000)
        self.assert_exchanged(100, "--greeted", "--up", 10, "--down", 300_000, ipv6=True)

    def test_windows_close_and_open_again(self):
        self.assert_exchanged(2, "--up", 12_000_000, "--down", 12_000_000, "--client-pause", 0.7, "--server-pause", 1.1)

    def test_iperf3_both_ways(self):
        for options in ({}, {"reverse": True}):
            with self.subTest(**options):
                report = self.lab.iperf3(seconds=1, **options)
                self.assertGreater(report["end"]["sum_received"]["bytes"], 1_000_000)

    def test_a_server_that_refuses(self):
        script = ("import socket, sys\n"
                  "try:\n"
                  "    s = socket.create_connection((sys.argv[1], int(sys.argv[2])), 5)\n"
                  "    print(s.recv(1))\n"
                  "except ConnectionResetError:\n    print('reset')\n")
        grown = self.counted(self.sluice.drops, lambda: self.assertEqual(
            self.lab.client.run(sys.executable, "-c", script, self.lab.server_address, str(CLOSED_PORT)).stdout,
            "reset\n"))
        self.assertNotIn("syn_cookie_bad", grown)

    def test_an_end_that_speaks_another_dialect(self):
        """Without scaling, selective acknowledgments, timestamps, on either side."""
        for end in (self.lab.client, self.lab.server):
            for name in ("tcp_window_scaling", "tcp_sack", "tcp_timestamps"):
                with self.subTest(end=end.name, without=name):
                    end.sysctl(**{f"net.ipv4.{name}": 0})
                    try:
                        self.assert_exchanged(3, "--up", 3_000_000, "--down", 3_000_000)
                        self.assert_exchanged(1, "--up", 1_000_000, "--down", 9_000_000, "--client-pause", 0.5)
                    finally:
                        end.sysctl(**{f"net.ipv4.{name}": 1})

    def test_a_wrong_cookie(self):
        """An ACK out of nowhere, while cookies are awaited."""
        self.assert_exchanged(1)
        script = ("import socket, struct, sys\n"
                  "s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP)\n"
                  "tcp = struct.pack('!HHIIBBHHH', 5555, int(sys.argv[2]), 1, 2, 0x50, 0x10, 100, 0, 0)\n"
                  "source = socket.inet_aton(sys.argv[3])\n"
                  "target = socket.inet_aton(sys.argv[1])\n"
                  "words = source + target + struct.pack('!HH', 6, len(tcp)) + tcp\n"
                  "total = sum(struct.unpack('!%dH' % (len(words) // 2), words))\n"
                  "total = (total & 0xffff) + (total >> 16)\n"
                  "total = (total & 0xffff) + (total >> 16)\n"
                  "tcp = tcp[:16] + struct.pack('!H', ~total & 0xffff) + tcp[18:]\n"
                  "s.bind((sys.argv[3], 0))\n"
                  "s.sendto(tcp, (sys.argv[1], 0))\n")
        grown = self.counted(self.sluice.drops, lambda: self.lab.client.run(
            sys.executable, "-c", script, self.lab.server_address, str(PORT), self.lab.client_address))
        self.assertEqual(grown.get("syn_cookie_bad"), 1)


class TwoWorkers(Exchanges, ApplianceCase):
    def test_whichever_worker_meets_them(self):
        self.lab, self.sluice = self.start(RULES, workers=2, idle="sleep", flows="64Ki, syn_cookies: always")
        serve(self.lab)
        self.assert_exchanged(60, "--up", 50_000, "--down", 50_000)
        self.assert_exchanged(30, "--greeted", ipv6=True)
        self.assertGreater(sum(row["handed_off"] for row in self.sluice.control("show", "workers")), 0)


class BadLine(ApplianceCase):
    """Whatever is lost of a handshake is asked for again, by the client or by the server."""

    def test_connections_over_a_line_that_loses(self):
        lab, sluice = self.start(RULES, lab=self.enterContext(Lab(sources=4, impaired=True)),
                                 flows="64Ki, syn_cookies: always")
        lab.start_impairment(seed=3, loss=0.03, delay=0.002, reorder=0.05, duplicate=0.02)
        serve(lab)
        said = exchange(lab, "--connections", 60, "--up", 20_000, "--down", 20_000, "--timeout", 50)
        self.assertEqual(said, {"completed": 60, "wrong": []})
        self.assertGreaterEqual(sluice.status()["syn_cookies"]["accepted"], 60)


class Unchanged(Exchanges, ApplianceCase):
    def test_never_and_the_default_give_none(self):
        for mode in ("never", "auto"):
            with self.subTest(mode=mode):
                self.lab, self.sluice = self.start(RULES, flows=f"64Ki, syn_cookies: {mode}")
                serve(self.lab)
                self.assertEqual(exchange(self.lab, "--connections", 10), {"completed": 10, "wrong": []})
                self.assertEqual(self.sluice.status()["syn_cookies"]["sent"], 0)
                self.stop(self.sluice)


if __name__ == "__main__":
    unittest.main()
