"""Two workers: each flow has one owner, and both directions of it reach that owner.

On a machine of two CPUs one of the workers shares its CPU with the clients and servers, so both sleep when idle.
"""

import os
import unittest

from appliance_case import SharedApplianceCase
from founding.rows import SLUICE_UNTRACKED
from traffic_test import TRACKED, Traffic

SHARING = {"workers": 2, "idle": "sleep"}


@unittest.skipIf(len(os.sched_getaffinity(0)) < 2, "two workers want two CPUs")
class TwoWorkers(Traffic, SharedApplianceCase):
    """One queue a port: packets of flows that the other worker owns are handed over."""

    RULES = TRACKED
    SLUICE = SHARING

    @classmethod
    def prepare(cls):
        cls.lab.start_memcached()

    def workers(self):
        return self.sluice.control("show", "workers")

    def handed_off(self):
        return {row["worker"]: row["handed_off"] for row in self.workers()}

    def test_each_has_flows_and_hands_over_those_of_the_other(self):
        handed = self.counted(self.handed_off, self.connections)
        self.assertEqual(sorted(handed), [0, 1], "both workers receive packets of flows that the other one owns")
        rows = self.workers()
        self.assertGreater(min(row["flows_used"] for row in rows), 300 // 4)
        self.assertEqual(self.sluice.drops().get("handoff_full", 0), 0)

    def connections(self):
        grown = self.memcached()
        self.assertEqual(grown.pop("flows_created"), 300)
        self.assertGreaterEqual(grown.pop("packets"), 300 * 8)
        self.assertEqual(grown, {}, "no packet of a good connection is dropped")

    def test_flows_have_both_directions_with_one_worker(self):
        self.connections()
        flows = [flow for flow in self.sluice.control("show", "flows") if flow["rule"] == "memcached"]
        self.assertEqual({flow["worker"] for flow in flows}, {0, 1})
        for flow in flows:
            self.assertGreaterEqual(min(flow["packets"]), 3, flow)
        tuples = [(flow["source"], flow["source_port"], flow["destination"], flow["destination_port"]) for flow in flows]
        self.assertEqual(len(tuples), len(set(tuples)), "no flow is with two workers")

    def test_filters_by_worker(self):
        self.connections()
        for worker in (0, 1):
            flows = self.sluice.control("show", "flows", "worker", str(worker))
            self.assertEqual({flow["worker"] for flow in flows}, {worker})

    def test_ping_and_ipv6(self):
        for ipv6 in (False, True):
            with self.subTest(ipv6=ipv6):
                self.assertEqual(self.lab.ping(count=3, ipv6=ipv6), 3)
                self.assert_all_completed(self.lab.loadgen(rate=200, seconds=1, ipv6=ipv6), 200)

    def test_iperf3_both_ways(self):
        for reverse in (False, True):
            with self.subTest(reverse=reverse):
                report = self.lab.iperf3(seconds=1, parallel=4, reverse=reverse)
                self.assertGreater(report["end"]["sum_received"]["bytes"], 1_000_000)


class TwoWorkersOverAfPacket(TwoWorkers):
    SLUICE = {**SHARING, "driver": "af_packet"}


class TwoWorkersTwoQueues(TwoWorkers):
    """A queue for each worker, but a port that does not hash both directions alike.

    Over AF_PACKET alone: DPDK's AF_XDP driver does not find the queues of a veth interface.
    """

    LAB = {"sources": 4, "queues": 2}
    SLUICE = {**SHARING, "queues": 2, "driver": "af_packet"}

    def test_both_send_what_is_theirs(self):
        self.connections()
        self.assertGreater(min(row["forwarded"] for row in self.workers()), 0)

    def test_the_ports_are_known_for_what_they_are(self):
        for row in self.sluice.control("show", "interfaces"):
            self.assertEqual((row["queues"], row["rss"]), (2, "asymmetric"))
        self.assertTrue(any("no symmetric RSS" in warning for warning in self.sluice.status()["warnings"]))


@unittest.skipIf(len(os.sched_getaffinity(0)) < 2, "two workers want two CPUs")
class TwoWorkersUntracked(Traffic, SharedApplianceCase):
    RULES = SLUICE_UNTRACKED
    SLUICE = SHARING

    @classmethod
    def prepare(cls):
        cls.lab.start_memcached()

    def test_memcached(self):
        grown = self.memcached()
        self.assertGreaterEqual(grown.pop("packets"), 300 * 8)
        self.assertEqual(grown, {})
        self.assertEqual(self.sluice.status()["flows"]["created"], 0)



if __name__ == "__main__":
    unittest.main()
