"""Real traffic through sluiced, tracked and untracked, in both families, over both drivers."""

import unittest

from appliance_case import SharedApplianceCase
from founding.rows import SLUICE_UNTRACKED
from netlab.servers import IPERF3_PORT, MEMCACHED_PORT

TRACKED = f"""
services:
  memcached: {{ protocol: tcp, ports: [{MEMCACHED_PORT}] }}
  iperf3: [ {{ protocol: tcp, ports: [{IPERF3_PORT}] }}, {{ protocol: udp, ports: [{IPERF3_PORT}] }} ]
  ping: [ {{ protocol: icmp, icmp_type: echo_request }}, {{ protocol: icmpv6, icmp_type: echo_request }} ]
timeouts:
  default: {{ tcp_closing: 2s }}
rules:
  - {{ name: ping, from: {{ zone: client }}, service: ping, action: allow }}
  - {{ name: memcached, from: {{ zone: client }}, to: {{ zone: server }}, service: memcached, action: allow }}
  - {{ name: iperf3, from: {{ zone: client }}, to: {{ zone: server }}, service: iperf3, action: allow }}
default: {{ action: drop }}
"""


class Traffic:
    """What holds with and without tracking: mixed into the cases below."""

    def assert_all_completed(self, report, planned):
        self.assertEqual((report["planned"], report["completed"]), (planned, planned), report["errors"])

    def memcached(self, **options):
        """300 connections, all of them completed; how much the drop reasons and the rule have grown over them."""
        def read():
            rule = self.sluice.rule("memcached")
            return {**self.sluice.drops(), **{key: rule[key] for key in ("packets", "flows_created")}}

        def act():
            self.assert_all_completed(self.lab.loadgen(rate=300, seconds=1, **options), 300)
        grown = self.counted(read, act)
        # Neighbour discovery and the like of the ends themselves are nobody's business here.
        grown.pop("no_rule", None)
        return grown

    def dial_out(self, ipv6=False):
        """The server's host tries to open a connection to the client from its service port; what came of it."""
        client = self.lab.client_address6 if ipv6 else self.lab.client_address
        own = self.lab.free_address6 if ipv6 else self.lab.free_address
        return self.lab.server.connect(client, MEMCACHED_PORT, timeout=0.5, source=(own, MEMCACHED_PORT))


class TrackedTraffic(Traffic, SharedApplianceCase):
    RULES = TRACKED

    @classmethod
    def prepare(cls):
        cls.lab.start_memcached()

    def test_the_client_may_ping_the_server(self):
        for ipv6 in (False, True):
            with self.subTest(ipv6=ipv6):
                self.assertEqual(self.lab.ping(count=3, ipv6=ipv6), 3)

    FRAGMENTS_REACH_US = (False, True)  # over IPv6?

    def test_datagrams_in_fragments_pass_whole(self):
        for ipv6 in self.FRAGMENTS_REACH_US:
            with self.subTest(ipv6=ipv6):
                grown = self.counted(lambda: {"completed": self.sluice.status()["fragments"]["completed"]},
                                     lambda: self.assertEqual(self.lab.ping(count=3, ipv6=ipv6, size=20_000), 3))
                self.assertEqual(grown["completed"], 6, "each question and each answer is judged once")

    def test_the_server_may_not_ping_the_client(self):
        for address in (self.lab.client_address, self.lab.client_address6):
            with self.subTest(address=address):
                grown = self.counted(self.sluice.drops,
                                     lambda: self.assertEqual(self.ping_back(address), 0))
                self.assertGreaterEqual(grown["no_rule"], 2)

    def ping_back(self, address):
        return self.lab.server.ping(address, count=2, timeout=0.3)

    def test_every_connection_is_a_flow_until_it_is_over(self):
        for ipv6 in (False, True):
            with self.subTest(ipv6=ipv6):
                grown = self.memcached(ipv6=ipv6)
                self.assertEqual(grown.pop("flows_created"), 300)
                self.assertGreaterEqual(grown.pop("packets"), 300 * 8)
                self.assertEqual(grown, {}, "no packet of a good connection is dropped")

    def test_nobody_else_may_connect(self):
        self.assertEqual(self.lab.client.connect(self.lab.server_address, 9, timeout=0.3), "timeout")
        self.assertEqual(self.lab.server.connect(self.lab.client_address, MEMCACHED_PORT, timeout=0.3), "timeout")

    def test_the_server_cannot_dial_out(self):
        grown = self.counted(self.sluice.drops, lambda: self.assertEqual(self.dial_out(), "timeout"))
        self.assertGreaterEqual(grown["no_rule"], 1)

    def test_iperf3_both_ways_and_its_flows(self):
        for options in ({}, {"reverse": True}, {"ipv6": True}):
            with self.subTest(**options):
                report = self.lab.iperf3(seconds=1, **options)
                self.assertGreater(report["end"]["sum_received"]["bytes"], 1_000_000)
                self.assert_flow("tcp", bytes_at_least=1_000_000)
        for options in ({}, {"reverse": True}):
            with self.subTest(udp=True, **options):
                report = self.lab.iperf3(seconds=1, udp_rate="10M", **options)
                self.assertEqual(report["end"]["sum"]["lost_packets"], 0)
                self.assert_flow("udp", bytes_at_least=1_000_000)

    def assert_flow(self, protocol, bytes_at_least):
        """One of the flows is that of the data: opened by the client, whoever sends."""
        flows = self.sluice.control("show", "flows", "protocol", protocol, "dport", str(IPERF3_PORT))
        self.assertTrue(flows)
        self.assertGreater(max(sum(flow["bytes"]) for flow in flows), bytes_at_least)
        for flow in flows:
            self.assertEqual((flow["rule"], flow["interface"], flow["destination_port"]),
                             ("iperf3", "client", IPERF3_PORT))


class UntrackedTraffic(Traffic, SharedApplianceCase):
    RULES = SLUICE_UNTRACKED

    @classmethod
    def prepare(cls):
        cls.lab.start_memcached()

    def test_connections_leave_nothing_in_the_flow_table(self):
        for ipv6 in (False, True):
            with self.subTest(ipv6=ipv6):
                load = self.lab.start_loadgen(rate=200, seconds=1.5, ipv6=ipv6)
                seen = [0]
                while load.process.running():
                    seen.append(self.sluice.flows_used())
                self.assert_all_completed(load.finish(), 300)
                self.assertEqual(max(seen), 0)
                self.assertGreater(len(seen), 5)
                self.assertEqual(self.sluice.status()["flows"]["created"], 0)

    def test_no_packet_of_a_good_connection_is_dropped(self):
        grown = self.memcached()
        self.assertGreaterEqual(grown.pop("packets"), 300 * 8)
        self.assertEqual(grown, {})

    def test_the_server_cannot_dial_out_from_its_service_port(self):
        for ipv6 in (False, True):
            with self.subTest(ipv6=ipv6):
                grown = self.counted(self.sluice.drops, lambda: self.assertEqual(self.dial_out(ipv6), "timeout"))
                self.assertGreaterEqual(grown["untracked_syn_on_reply"], 1)


class TrackedTrafficOverAfPacket(TrackedTraffic):
    SLUICE = {"driver": "af_packet"}
    # DPDK's driver has the kernel put IPv4 fragments together (PACKET_FANOUT_FLAG_DEFRAG) into frames that no MTU allows.
    FRAGMENTS_REACH_US = (True,)


class UntrackedTrafficOverAfPacket(UntrackedTraffic):
    SLUICE = {"driver": "af_packet"}


class TaggedTraffic(Traffic, SharedApplianceCase):
    """802.1Q tags stay where they are: in the bytes over AF_XDP, beside them over AF_PACKET."""

    RULES = TRACKED
    LAB = {"sources": 4, "vlan": 77}

    @classmethod
    def prepare(cls):
        cls.lab.start_memcached()

    def test_ping_in_both_families(self):
        for ipv6 in (False, True):
            with self.subTest(ipv6=ipv6):
                self.assertEqual(self.lab.ping(count=3, ipv6=ipv6), 3)

    def test_flows_know_their_tag(self):
        for ipv6 in (False, True):
            with self.subTest(ipv6=ipv6):
                grown = self.memcached(ipv6=ipv6)
                self.assertEqual(grown.pop("flows_created"), 300)
                flows = self.sluice.control("show", "flows", "vlan", "77")
                self.assertTrue(flows)
                self.assertEqual({flow["vlan"] for flow in flows}, {77})
                self.assertEqual(self.sluice.control("show", "flows", "vlan", "78"), [])

    def test_full_frames_pass_with_their_tag(self):
        self.assertEqual(self.lab.ping(count=3, size=1472), 3)


class TaggedTrafficOverAfPacket(TaggedTraffic):
    SLUICE = {"driver": "af_packet"}


class UntrackedTaggedTraffic(Traffic, SharedApplianceCase):
    RULES = SLUICE_UNTRACKED
    LAB = {"sources": 4, "vlan": 77}

    @classmethod
    def prepare(cls):
        cls.lab.start_memcached()

    def test_memcached(self):
        self.assertGreaterEqual(self.memcached()["packets"], 300 * 8)
        self.assertEqual(self.sluice.status()["flows"]["created"], 0)


class UntrackedTaggedTrafficOverAfPacket(UntrackedTaggedTraffic):
    SLUICE = {"driver": "af_packet"}


if __name__ == "__main__":
    unittest.main()
