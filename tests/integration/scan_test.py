"""nmap against a server behind Sluice: what the policy allows is found, and no scan finds more.

Both ends are asked: what the scanner makes of the answers, and what arrived at the server at all.
"""

import unittest
import xml.etree.ElementTree

from appliance_case import SharedApplianceCase
from netlab.capture import Capture
from netlab.processes import LabError
from netlab.servers import start_listeners

# Allowed with a listener: TCP 80, UDP 53. Allowed without: TCP 443. A listener only: TCP 8080. Neither: 22.
PORTS = "22,53,80,443,8080"
# No names are looked up and no ping is sent first. An answer that is late counts until the last retry is over.
PATIENCE = ("-n", "-Pn", "-T4", "--max-retries", 2, "--initial-rtt-timeout", "250ms", "--max-rtt-timeout", "250ms",
            "--host-timeout", "20s")
ALLOWED = "(dst port 80 or dst port 443)"
SERVICES = """
services:
  web: { protocol: tcp, ports: [80, 443] }
  dns: { protocol: udp, ports: [53] }
  ping: [ { protocol: icmp, icmp_type: echo_request }, { protocol: icmpv6, icmp_type: echo_request } ]
"""
TRACKED = SERVICES + """
rules:
  - { name: ping, from: { zone: client }, to: { zone: server }, service: ping, action: allow }
  - { name: web, from: { zone: client }, to: { zone: server }, service: web, action: allow }
  - { name: dns, from: { zone: client }, to: { zone: server }, service: dns, action: allow }
default: { action: drop }
"""
UNTRACKED = SERVICES + """
rules:
  - { name: web, from: { zone: client }, to: { zone: server }, service: web, action: allow, track: false, reply: mirror }
default: { action: drop }
"""

# What nmap may find.
FOUND = {22: "filtered", 53: "filtered", 80: "open", 443: "closed", 8080: "filtered"}


def port_states(done):
    """What a finished nmap says of each port or protocol, {number: state}."""
    states = {int(port.get("portid")): port.find("state").get("state")
              for port in xml.etree.ElementTree.fromstring(done.stdout).iter("port")}
    if not states:
        raise LabError(f"{' '.join(map(str, done.args))} has looked at nothing: {done.stdout} {done.stderr}")
    return states


def tcp_flags(ipv6, flags):
    """A tcpdump filter: TCP without extension headers and with exactly these flags."""
    return f"(ip6[6] == 6 and ip6[53] == {flags})" if ipv6 else f"(tcp[13] == {flags})"


class Scanner(SharedApplianceCase):
    """One scan each test. The classes below say what is scanned, and in which family."""

    RULES = TRACKED
    IPV6 = False

    @classmethod
    def prepare(cls):
        cls.target = cls.lab.server_address6 if cls.IPV6 else cls.lab.server_address
        start_listeners(cls.lab.server, [cls.target], tcp=[80, 8080], udp=[53])
        cls.syn, cls.reset = tcp_flags(cls.IPV6, 0x02), tcp_flags(cls.IPV6, 0x04)

    def command(self, *options, ports=PORTS, target=None):
        """The command line of a scan of these ports."""
        return ["nmap", *(["-6"] if self.IPV6 else []), *PATIENCE, *options, "-p", ports, "-oX", "-",
                target or self.target]

    def scan(self, *options, reaches, **more):
        """What nmap says of each port, once it is sure that only what the tcpdump filter `reaches` describes has
        reached the server, and some of it."""
        with Capture(self.lab.server, self.lab.server_interface) as arrived:
            states = port_states(self.lab.client.run(*self.command(*options, **more), timeout=40))
        self.assertEqual(arrived.lines(f"not ({reaches})"), [])
        self.assertGreater(arrived.count(reaches), 0)
        return states

    def assert_hidden(self, *scans):
        """Scans of (state, option, …): each port is in the state, and the server has not seen a packet of any scan."""
        with Capture(self.lab.server, self.lab.server_interface) as arrived:
            done = self.lab.client.run_at_once([self.command(*options) for _, *options in scans])
        self.assertEqual(arrived.lines(), [])
        for (state, *options), one in zip(scans, done):
            with self.subTest(options=options):
                self.assertEqual(set(port_states(one).values()), {state})

    def assert_allowed_ports_only(self, *options):
        """The scan finds what the policy allows and not the listener beside it."""
        states = self.scan(*options, reaches=f"({self.syn} and {ALLOWED}) or ({self.reset} and dst port 80)")
        self.assertEqual(states, FOUND)


class Techniques:
    """What holds in both families; mixed into the cases below."""

    def test_syn(self):
        self.assert_allowed_ports_only("-sS")

    def test_syn_from_the_port_of_a_service(self):
        for port in (53, 80):
            with self.subTest(port=port):
                self.assert_allowed_ports_only("-sS", "-g", port)

    def test_connect(self):
        self.assertEqual(port_states(self.lab.client.run(*self.command("-sT"))), FOUND)

    def test_tcp_that_opens_nothing(self):
        self.assert_hidden(("filtered", "-sA"), ("filtered", "-sW"), ("open|filtered", "-sF"),
                           ("open|filtered", "-sN"), ("open|filtered", "-sX"), ("open|filtered", "-sM"))

    def test_flags_that_no_host_sends(self):
        self.assert_hidden(*[("filtered", "-sS", "--scanflags", flags) for flags in ("SYNFIN", "SYNRST", "URGPSH")])

    def test_bad_checksums(self):
        # With --send-eth, nmap asks for the neighbour with a bad checksum as well, and learns nothing.
        self.assert_hidden(("filtered", "-sS", "--badsum", "--send-ip"),
                           ("open|filtered", "-sU", "--badsum", "--send-ip"))

    def test_sctp(self):
        self.assert_hidden(("filtered", "-sY"), ("open|filtered", "-sZ"))

    def test_udp(self):
        # The client's kernel knows nothing of nmap's ports, and says so of each answer: an error about a flow.
        unreachable = "(ip6[6] == 58 and ip6[40] == 1 and ip6[41] == 4)" if self.IPV6 else "(icmp[0] == 3 and icmp[1] == 3)"
        self.assertEqual(self.scan("-sU", ports="53,161", reaches=f"udp dst port 53 or {unreachable}"),
                         {53: "open", 161: "open|filtered"})


class TrackedIpv4(Techniques, Scanner):

    def test_protocols(self):
        numbers = (1, 2, 4, 6, 17, 41, 47, 50, 51, 58, 132)
        states = self.scan("-sO", ports=",".join(map(str, numbers)), reaches="icmp[0] == 8")
        self.assertEqual(states, {number: "open" if number == 1 else "open|filtered" for number in numbers})

    def test_syn_in_tiny_fragments(self):
        # RFC 1858: a first fragment too short for the flags gets past a filter that looks at first fragments only.
        self.assert_hidden(("filtered", "-sS", "-f"), ("filtered", "-sS", "--mtu", 8))

    def test_syn_in_fragments_of_which_the_first_has_the_header(self):
        # These are judged as the datagram that they make. The header has 24 bytes.
        states = self.scan("-sS", "--mtu", 24, "--data-length", 50,
                           reaches=f"(ip[6:2] & 0x1fff != 0 and ip proto 6) or (tcp[13] == 2 and {ALLOWED}) "
                                   "or (tcp[13] == 4 and dst port 80)")
        self.assertEqual(states, FOUND)


class TrackedIpv6(Techniques, Scanner):
    IPV6 = True

    def test_protocols(self):
        # nmap's echo request has code 129, which is no query. It takes neighbour discovery for an answer, if it happens
        # to see some, so nothing is said of ICMPv6 itself.
        numbers = ",".join(map(str, (1, 2, 4, 6, 17, 41, 47, 50, 51, 58, 132)))
        with Capture(self.lab.server, self.lab.server_interface) as arrived:
            states = port_states(self.lab.client.run(*self.command("-sO", ports=numbers), timeout=40))
        self.assertEqual(arrived.lines(), [])
        states.pop(58)
        self.assertEqual(set(states.values()), {"open|filtered"})


class Untracked:
    """Nothing is remembered, so an ACK passes to an allowed port; still nothing else does, and nobody dials out."""

    def test_syn(self):
        self.assert_allowed_ports_only("-sS")

    def test_ack_shows_the_allowed_ports(self):
        ack = tcp_flags(self.IPV6, 0x10)
        self.assertEqual(self.scan("-sA", reaches=f"{ack} and {ALLOWED}"),
                         {22: "filtered", 53: "filtered", 80: "unfiltered", 443: "unfiltered", 8080: "filtered"})

    def test_the_server_finds_nothing_from_its_service_port(self):
        client = self.lab.client_address6 if self.IPV6 else self.lab.client_address
        start_listeners(self.lab.client, [client], tcp=[80, 8080])
        with Capture(self.lab.client, self.lab.client_interface) as arrived:
            done = self.lab.server.run_at_once([self.command("-sS", "-g", 80, target=client),
                                                self.command("-sF", "-g", 80, target=client),
                                                self.command("-sT", target=client)])
        self.assertEqual(arrived.lines(), [])
        for one, state in zip(done, ("filtered", "open|filtered", "filtered")):
            self.assertEqual(set(port_states(one).values()), {state})


class UntrackedIpv4(Untracked, Scanner):
    RULES = UNTRACKED


class UntrackedIpv6(Untracked, Scanner):
    RULES = UNTRACKED
    IPV6 = True


if __name__ == "__main__":
    unittest.main()
