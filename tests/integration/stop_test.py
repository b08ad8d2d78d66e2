"""SIGTERM under load: sluiced is gone within a second, and nothing it had is unaccounted for."""

import os
import signal
import unittest

from appliance_case import ApplianceCase
from netlab.servers import MEMCACHED_PORT

STOP_SECONDS = 1.0

RULES = f"""
services:
  numbered: {{ protocol: udp, ports: [5000] }}
  memcached: {{ protocol: tcp, ports: [{MEMCACHED_PORT}] }}
rules:
  - {{ name: numbered, from: {{ zone: client }}, to: {{ zone: server }}, service: numbered, action: allow }}
  - {{ name: memcached, from: {{ zone: client }}, to: {{ zone: server }}, service: memcached, action: allow }}
default: {{ action: drop }}
"""


class Stop(ApplianceCase):
    def stop_under_load(self, number=signal.SIGTERM, rate=100_000, **options):
        lab, sluice = self.start(RULES, **options)
        lab.start_memcached()
        connections = lab.start_loadgen(rate=200, seconds=30, require=0)
        allowed = lab.start_udpblast(rate=rate, seconds=30, streams=4)
        refused = lab.start_udpblast(rate=rate // 5, seconds=30, port=5001)
        before = sluice.status()["packets"]
        while sluice.status()["packets"]["received"] < before["received"] + rate // 2:
            self.assertTrue(allowed.sending())
        seconds = self.stop(sluice, number)
        self.assertTrue(allowed.sending(), "packets fly until after the end")
        for load in (allowed, refused):
            load.stop()
        connections.process.stop()
        final = sluice.final_account()
        self.assertGreater(min(final["forwarded"], final["dropped"]), 0, final)
        self.assertLess(seconds, STOP_SECONDS)
        return final

    def test_sigterm_over_af_xdp(self):
        self.stop_under_load()

    def test_sigterm_over_af_packet(self):
        final = self.stop_under_load(driver="af_packet")
        self.assertEqual(final["kept"], 0, "this driver gives every buffer back")

    def test_sigint(self):
        self.stop_under_load(signal.SIGINT)

    @unittest.skipIf(len(os.sched_getaffinity(0)) < 2, "two workers want two CPUs")
    def test_two_workers_that_share_with_the_load(self):
        for driver in ("af_xdp", "af_packet"):
            with self.subTest(driver=driver):
                self.stop_under_load(rate=20_000, workers=2, idle="sleep", driver=driver)

    def test_without_hugepages(self):
        self.stop_under_load(arguments=("--no-huge",))

    def test_a_stop_while_a_client_of_the_socket_reads(self):
        _, sluice = self.start(RULES)
        shell = sluice.namespace.spawn("/bin/sh", "-c", f"while :; do {sluice.build}/app/sluicectl/sluicectl "
                                                        f"-s {sluice.socket} status >/dev/null 2>&1; done")
        self.assertLess(self.stop(sluice), STOP_SECONDS)
        shell.stop()

    def test_a_restart_in_the_same_place(self):
        lab, sluice = self.start(RULES)
        lab.start_memcached()
        self.assertLess(self.stop(sluice), STOP_SECONDS)
        _, again = self.start(RULES, lab=lab)
        report = lab.loadgen(rate=100, seconds=1)
        self.assertEqual(report["completed"], 100)
        self.assertEqual(again.status()["flows"]["created"], 100, "it begins with an empty table")


class Buffers(ApplianceCase):
    """Every packet's buffer comes back, whatever becomes of the packet."""

    def test_more_packets_than_buffers_on_every_way(self):
        lab, sluice = self.start(RULES)
        # The pool has some ten thousand buffers. A way that kept one in ten packets' would run dry.
        for port in (5000, 5001):
            lab.udpblast(rate=50_000, seconds=2, port=port)
        self.assertGreater(sluice.drops()["no_rule"], 90_000)
        self.assertGreater(sluice.rule("numbered")["packets"], 90_000)
        for row in sluice.control("show", "interfaces"):
            self.assertEqual((row["rx_nombuf"], row["rx_errors"], row["tx_errors"]), (0, 0, 0))


if __name__ == "__main__":
    unittest.main()
