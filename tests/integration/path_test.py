"""Behind Sluice is a router with a narrow link: path MTU discovery and traceroute find out about both.

    client  ──  sluice  ──  router (the lab's server)  ──  link of MTU 1300  ──  far

What the router says of a packet comes back as an ICMP error, which no rule of the policies here allows: it passes
because of the packet that it quotes.
"""

import unittest

from appliance_case import SharedApplianceCase
from netlab.namespaces import connect_by_veth

NARROW = 1300
SERVICES = """
services:
  web: { protocol: tcp, ports: [80] }
  probes: { protocol: udp, ports: [33434-33534, 44444-44544] }
  ping: [ { protocol: icmp, icmp_type: echo_request }, { protocol: icmpv6, icmp_type: echo_request } ]
"""
TRACKED = SERVICES + """
rules:
  - { name: web, from: { zone: client }, to: { zone: server }, service: web, action: allow }
  - { name: probes, from: { zone: client }, to: { zone: server }, service: probes, action: allow }
  - { name: ping, from: { zone: client }, to: { zone: server }, service: ping, action: allow }
default: { action: drop }
"""
UNTRACKED = TRACKED.replace("action: allow }", "action: allow, track: false, reply: mirror }")

# Reads until the connection ends, and answers with how much there was.
SINK = """
import socket, sys
family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
listener = socket.socket(family)
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind((sys.argv[1], 80))
listener.listen()
print("listening", flush=True)
while True:
    one, _ = listener.accept()
    total = 0
    while data := one.recv(65536):
        total += len(data)
    one.sendall(str(total).encode())
    one.close()
"""
SOURCE = """
import socket, sys
one = socket.create_connection((sys.argv[1], 80), timeout=20)
one.sendall(bytes(int(sys.argv[2])))
one.shutdown(socket.SHUT_WR)
print(one.recv(100).decode())
"""


class Path(SharedApplianceCase):
    RULES = TRACKED
    IPV6 = False
    UPLOAD = 300_000

    @classmethod
    def prepare(cls):
        router, far = cls.lab.server, cls.lab.add_namespace("far")
        far.sysctl(net__ipv6__conf__default__accept_dad=0, net__ipv6__conf__default__accept_ra=0)
        connect_by_veth(router, "r0", far, "f0")
        # A router may say as much as it is asked to; the default is one error a second to each host.
        router.sysctl(net__ipv4__ip_forward=1, net__ipv6__conf__all__forwarding=1, net__ipv4__icmp_ratelimit=0,
                      net__ipv6__icmp__ratelimit=0)
        far.sysctl(net__ipv4__icmp_ratelimit=0, net__ipv6__icmp__ratelimit=0)
        # What it says, it says from its other address.
        router.ip(f"addr del {cls.lab.free_address}/16 dev s0", f"addr del {cls.lab.free_address6}/64 dev s0")
        router.ip(f"link set r0 mtu {NARROW}", "addr add 10.88.0.1/24 dev r0", "addr add 2001:db8:88::1/64 dev r0 nodad")
        # The far host does not know of the narrow link either: it offers to take full segments.
        far.ip("addr add 10.88.0.2/24 dev f0", "addr add 2001:db8:88::2/64 dev f0 nodad",
               "route add default via 10.88.0.1 advmss 1460", "route add ::/0 via 2001:db8:88::1 advmss 1440")
        cls.lab.client.ip(f"route add 10.88.0.0/24 via {cls.lab.server_address}",
                          f"route add 2001:db8:88::/64 via {cls.lab.server_address6}")
        cls.far = "2001:db8:88::2" if cls.IPV6 else "10.88.0.2"
        cls.router = cls.lab.server_address6 if cls.IPV6 else cls.lab.server_address
        far.spawn("/usr/bin/python3", "-c", SINK, cls.far, name="sink").wait_for_line("listening", timeout=5.0)

    def setUp(self):
        """No test profits from what the one before has found out."""
        for family in ("-4", "-6"):
            self.lab.client.run("ip", family, "route", "flush", "cache")

    def path_mtu(self):
        """What the client knows of the path to the far host, or None."""
        words = self.lab.client.run("ip", "route", "get", self.far).stdout.split()
        return int(words[words.index("mtu") + 1]) if "mtu" in words else None


class Discovery:
    """What holds with and without tracking, in both families."""

    def test_a_large_upload_completes(self):
        self.assertIsNone(self.path_mtu())
        done = self.lab.client.run("/usr/bin/python3", "-c", SOURCE, self.far, self.UPLOAD, timeout=40)
        self.assertEqual(done.stdout.strip(), str(self.UPLOAD))
        self.assertEqual(self.path_mtu(), NARROW)

    def test_a_ping_that_may_not_be_fragmented_learns_the_size(self):
        self.lab.client.run("ping", "-n", "-c", 2, "-i", 0.2, "-W", 1, "-M", "do", "-s", 1400, self.far, check=False)
        self.assertEqual(self.path_mtu(), NARROW)

    def test_tracepath(self):
        done = self.lab.client.run("tracepath", "-n", *(["-6"] if self.IPV6 else []), "-m", 5, self.far, timeout=40)
        self.assertIn(f" {self.router} ", done.stdout)
        self.assertIn(f"pmtu {NARROW}", done.stdout)
        self.assertRegex(done.stdout, rf"{self.far}.*reached")

    def test_traceroute_by_udp(self):
        self.assertEqual(self.hops(), [self.router, self.far])

    def test_traceroute_by_icmp(self):
        self.assertEqual(self.hops("-I"), [self.router, self.far])

    def test_traceroute_by_tcp(self):
        self.assertEqual(self.hops("-T", "-p", 80), [self.router, self.far])

    def test_traceroute_to_what_is_not_allowed_shows_nothing(self):
        for options in (["-U", "-p", 53], ["-T", "-p", 8080]):
            with self.subTest(options=options):
                self.assertEqual(set(self.hops(*options)), {"*"})

    def hops(self, *options):
        """The routers on the way and the end of it, a "*" for each that does not answer."""
        done = self.lab.client.run("traceroute", *(["-6"] if self.IPV6 else []), "-n", "-q", 1, "-N", 2, "-w", 1, "-m",
                                   3, *options, self.far, timeout=40)
        return [line.split()[1] for line in done.stdout.splitlines()[1:]]


class TrackedIpv4(Discovery, Path):
    pass


class TrackedIpv6(Discovery, Path):
    IPV6 = True


class UntrackedIpv4(Discovery, Path):
    RULES = UNTRACKED


class UntrackedIpv6(Discovery, Path):
    RULES = UNTRACKED
    IPV6 = True


if __name__ == "__main__":
    unittest.main()
