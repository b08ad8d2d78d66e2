"""Packets that no good host sends, made by hping3 and thc-ipv6: what of them reaches a server behind Sluice.

The server's interface is the witness. Beside the attacks stand packets of the same kind that are allowed, so that
nothing passes these tests by dropping everything.
"""

import re
import unittest

from appliance_case import SharedApplianceCase
from fragments import arrived_datagrams
from netlab.capture import Capture
from netlab.servers import start_listeners

RULES = """
services:
  web: { protocol: tcp, ports: [80] }
  dns: { protocol: udp, ports: [53] }
  ping: [ { protocol: icmp, icmp_type: echo_request }, { protocol: icmpv6, icmp_type: echo_request } ]
rules:
  - { name: ping, from: { zone: client }, to: { zone: server }, service: ping, action: allow }
  - { name: web, from: { zone: client }, to: { zone: server }, service: web, action: allow }
  - { name: dns, from: { zone: client }, to: { zone: server }, service: dns, action: allow }
default: { action: drop }
"""
# Only what IPv6 hosts say by themselves: the attacks have echo requests and extension headers of their own.
NEIGHBOURS = ("arp or (ip6[6] == 58 and ip6[40] >= 133 and ip6[40] <= 136) "
              "or (ip6[6] == 0 and ip6[40] == 58 and ip6[48] == 143)")


class Hping(SharedApplianceCase):
    """IPv4. hping3 makes one packet at a time, as told."""

    RULES = RULES
    COUNT = 5

    @classmethod
    def prepare(cls):
        start_listeners(cls.lab.server, [cls.lab.server_address], tcp=[80], udp=[53])

    def attack(self, *commands, count=COUNT, interval="u2000"):
        """Runs hping3 with each of these options against the server; what arrived there.

        Each has source ports of its own: hping3 draws its first one from the clock's second, so several begun
        together would send different SYNs on the same tuple, and which of them a firewall lets through is chance.
        """
        with Capture(self.lab.server, self.lab.server_interface, "ip") as arrived:
            self.lab.client.run_at_once([["hping3", "-n", "-q", "-c", count, "-i", interval, "-s", 2000 + 1000 * nth,
                                          *options, self.lab.server_address] for nth, options in enumerate(commands)])
        return arrived

    def assert_none_arrives(self, *commands, **more):
        self.assertEqual(self.attack(*commands, **more).lines(), [])

    def test_what_is_allowed_arrives(self):
        allowed = {"tcp[13] == 0x02": ["-S", "-p", 80], "udp dst port 53": ["-2", "-p", 53], "icmp[0] == 8": ["-1"],
                   # RFC 3168: a host that offers ECN sets both.
                   "tcp[13] == 0xc2": ["-S", "-X", "-Y", "-p", 80]}
        arrived = self.attack(*allowed.values())
        for what in allowed:
            with self.subTest(what=what):
                self.assertEqual(arrived.count(what), self.COUNT)

    def test_flags_that_no_host_sends(self):
        flags = ("SF", "SR", "SFPU", "FPU", "FR", "U", "P", "SFRPAU", "")
        self.assert_none_arrives(*[[*[f"-{flag}" for flag in some], "-p", 80] for some in flags])

    def test_what_belongs_to_no_flow(self):
        created = self.sluice.status()["flows"]["created"]
        self.assert_none_arrives(*[[*flags, "-p", 80] for flags in (["-A"], ["-S", "-A"], ["-R"], ["-R", "-A"],
                                                                    ["-F", "-A"], ["-P", "-A", "-d", 100])],
                                 count=300, interval="u500")
        self.assertEqual(self.sluice.status()["flows"]["created"], created)

    def test_from_the_server_itself(self):
        self.assert_none_arrives(*[["-a", self.lab.server_address, *options] for options in (
            ["-S", "-p", 80, "-s", 80, "-k"], ["-2", "-p", 53, "-s", 53, "-k"], ["-1"])])

    def test_from_where_no_host_is(self):
        sources = ("127.0.0.1", "127.255.0.1", "0.0.0.0", "0.1.2.3", "224.0.0.1", "239.1.1.1", "240.0.0.1",
                   "255.255.255.255")
        self.assert_none_arrives(*[["-a", source, "-S", "-p", 80] for source in sources])

    def test_pieces_that_never_make_a_datagram(self):
        syn, echo = ["-S", "-p", 80, "-d", 32], ["-1", "-d", 64]
        offsets = [["-g", offset] for offset in (8, 16, 1480, 65528)]
        self.assert_none_arrives([*syn, "-x"], *[[*kind, *offset] for kind in (syn, [*syn, "-x"], echo)
                                                 for offset in offsets])

    def test_headers_that_lie(self):
        self.assert_none_arrives(*[["-S", "-p", 80, "-O", data_offset] for data_offset in (0, 4, 15)])

    def test_bad_checksums(self):
        self.assert_none_arrives(["-S", "-p", 80, "-b"], ["-2", "-p", 53, "-d", 20, "-b"])

    def test_source_routes(self):
        self.assert_none_arrives(*[[option, self.lab.free_address, "-S", "-p", 80] for option in ("--lsrr", "--ssrr")])

    def test_other_protocols_and_icmp(self):
        self.assert_none_arrives(*[["-0", "-H", number] for number in (0, 4, 41, 47, 99, 255)],
                                 *[["-1", "-C", kind, "--force-icmp"] for kind in (3, 4, 5, 11, 12, 13, 17)])


class ThcIpv6(SharedApplianceCase):
    """IPv6. The two programs of the toolkit that test firewalls; each of their cases has a number.

    A case is told by what it sends: firewall6 writes its number into the flow label, fragmentation6 into the
    identification, as far as they go.
    """

    RULES = RULES

    @classmethod
    def prepare(cls):
        cls.server = cls.lab.server_address6
        start_listeners(cls.lab.server, [cls.server], tcp=[80], udp=[53])
        # Nobody else shall write into flow labels.
        for namespace in (cls.lab.client, cls.lab.server):
            namespace.sysctl(net__ipv6__auto_flowlabels=0)

    def attack(self, commands):
        """Runs all commands and returns what reached the server."""
        with Capture(self.lab.server, self.lab.server_interface, f"not ({NEIGHBOURS})") as arrived:
            self.lab.client.run_at_once(commands)
        return arrived

    def firewall6(self, port, *options, last=38):
        """The numbers of the cases, from 1 to `last`, of which something arrived."""
        arrived = self.attack([["atk6-firewall6", *options, self.lab.client_interface, self.server, port, number]
                               for number in range(1, last + 1)])
        labels = [re.search(r"flowlabel (0x[0-9a-f]+)", line) for line in arrived.lines("ip6[0] & 0xf0 == 0x60")]
        found = {int(label[1], 16) for label in labels if label}
        # The pings that some cases end with, and what the client's kernel says to answers that it did not ask for:
        # resets, and errors about datagrams of a flow.
        allowed = "(ip6[6] == 58 and (ip6[40] == 128 or ip6[40] == 1)) or (ip6[6] == 6 and ip6[53] == 4)"
        unlabelled = arrived.lines(f"not (ip6[1:2] & 0x0fff != 0 or ip6[3] != 0) and not ({allowed})")
        self.assertEqual(unlabelled, [], "cases without a number of their own: none of them may pass")
        self.assertEqual(arrived.lines("not ip6"), [])
        return found

    # What of firewall6 is good IPv6: plain, with one or more headers of options, an atomic fragment (RFC 6946), a
    # datagram in three fragments in order and out of order, an atomic fragment with the identification of another
    # datagram's first, and source ports of services. Not: an IPv4 frame with IPv6 in it, IP version 5, more headers
    # than anybody needs, nested fragment headers, a header chain longer than the first fragment (RFC 7112), overlaps
    # (RFC 5722), fragments without a last one, and fragments of a message that no rule allows.
    GOOD = {1, 2, 5, 6, 7, 8, 10, 27, 28}

    def test_firewall6_by_tcp(self):
        # The last case is a connection from each of eleven service ports: long, if it is not answered.
        self.assertEqual(self.firewall6(80, last=39), self.GOOD | {39})

    def test_firewall6_by_udp(self):
        self.assertEqual(self.firewall6(53, "-u"), self.GOOD)

    def test_firewall6_on_a_port_that_is_not_allowed(self):
        self.assertEqual(self.firewall6(8080), set())

    def test_fragmentation6(self):
        """No byte of a datagram arrives twice, and none of a datagram of which not every byte does."""
        # 13 to 16 use identifications that they share with one another.
        numbers = [number for number in range(1, 34) if not 13 <= number <= 16]
        arrived = self.attack([self.fragmentation6(number) for number in numbers])
        datagrams = arrived_datagrams(arrived.frames("ip6[6] == 44"))
        for datagram in datagrams:
            self.assertTrue(datagram.whole(), datagram)
        identifications = [datagram.identification for datagram in datagrams]
        self.assertIn(ONE_SHOT, identifications)
        self.assertIn(5, identifications, "the copy of a fragment that comes late takes nothing back")
        for number in (6, 7, 8):
            self.assertNotIn(number, identifications, "fragments that overlap")

    def fragmentation6(self, number):
        return ["atk6-fragmentation6", "-p", "-n", 1, self.lab.client_interface, self.server, number]

    def test_the_server_is_well_afterwards(self):
        self.assertEqual(self.lab.ping(count=3, ipv6=True), 3)
        self.assertEqual(self.lab.ping(count=3, ipv6=True, size=4000), 3)


# The identification of fragmentation6's case 9, an atomic fragment.
ONE_SHOT = 0xC7BACEFA

if __name__ == "__main__":
    unittest.main()
