"""Three namespaces in a row: client, middle, server.

    client namespace            middle namespace              server namespace
    c0  10.77.1.1…/16  ──────  m0  (sluiced or kernel)  m1  ──────  s0  10.77.129.1, .2/16
        2001:db8:77::1:1…/64                                            2001:db8:77:0:8000::1, ::2/64

Wired (the default): one subnet, and the middle has no addresses: whoever stands there is a bump in the wire. Routed:
the same host addresses, but in two subnets with the middle's kernel as their router.
"""

import itertools
import os
import shutil
import tempfile
from pathlib import Path

from netlab import forwarder, impairment, leftovers, load, servers, vlan
from netlab.namespaces import Namespace, connect_by_veth
from netlab.sluice import WORKER_PRIORITY, Sluice, policy_head

_SERIALS = itertools.count(1)
_LABS_OPEN = set()
BUILD = Path(__file__).resolve().parent.parent.parent / "build"


class Lab:
    """Use it in a `with` block: everything is removed at its end, whatever ends it.

    sources   how many addresses of each family the client has, up to 250
    routed    two subnets and kernel forwarding instead of a wire
    vlan      802.1Q number of the tag that client and server use
    queues    of each veth end
    impaired  between client and middle stands a fourth namespace, `line`, for start_impairment()
    build     the build folder to take programs from; default: the environment's SLUICE_BUILD, else build/
    """

    def __init__(self, *, sources=1, routed=False, vlan=None, queues=1, impaired=False, build=None):
        if not 1 <= sources <= 250:
            raise ValueError("sources: 1 to 250")
        self.sources = sources
        self.routed = routed
        self.vlan = vlan
        self.queues = queues
        self.impaired = impaired
        self.build = Path(build or os.environ.get("SLUICE_BUILD", BUILD)).resolve()
        self.client_addresses = [f"10.77.1.{i}" for i in range(1, sources + 1)]
        self.client_addresses6 = [f"2001:db8:77::1:{i:x}" for i in range(1, sources + 1)]
        self.server_address = "10.77.129.1"
        self.server_address6 = "2001:db8:77:0:8000::1"
        # No server listens on these: from here the host can use service ports as a client.
        self.free_address = "10.77.129.2"
        self.free_address6 = "2001:db8:77:0:8000::2"
        self.traffic_cpus = None  # CPUs for servers and load, those without a worker; None: all
        self.folder = None
        self.client = self.middle = self.server = self.line = None
        self._further = []
        self._sluices = []

    @property
    def client_address(self):
        return self.client_addresses[0]

    @property
    def client_address6(self):
        return self.client_addresses6[0]

    def __enter__(self):
        if not _LABS_OPEN:
            leftovers.sweep()
        _LABS_OPEN.add(self)
        try:
            self._set_up()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for sluice in reversed(self._sluices):
            sluice.stop()
        for namespace in (self.client, self.server, self.middle, *self._further):
            if namespace:
                namespace.remove()
        if self.folder:
            shutil.rmtree(self.folder, ignore_errors=True)
        _LABS_OPEN.discard(self)
        if not _LABS_OPEN:
            leftovers.remove_state_folder()

    def _set_up(self):
        self._serial = serial = next(_SERIALS)
        self.folder = Path(tempfile.mkdtemp(prefix=f"lab{serial}-", dir=leftovers.state_folder()))
        self.client = Namespace(serial, "client", self.folder)
        self.middle = Namespace(serial, "middle", self.folder)
        self.server = Namespace(serial, "server", self.folder)
        for namespace in (self.client, self.server):
            namespace.sysctl(net__ipv6__conf__default__accept_dad=0, net__ipv6__conf__default__accept_ra=0)
        # The wire's ends must not speak by themselves.
        self.middle.sysctl(net__ipv6__conf__default__disable_ipv6=0 if self.routed else 1,
                           net__ipv6__conf__default__accept_dad=0)
        if self.impaired:
            self.line = self.add_namespace("line")
            self.line.sysctl(net__ipv6__conf__default__disable_ipv6=1)
            connect_by_veth(self.client, "c0", self.line, "l0")
            connect_by_veth(self.line, "l1", self.middle, "m0", self.queues)
        else:
            connect_by_veth(self.client, "c0", self.middle, "m0", self.queues)
        connect_by_veth(self.server, "s0", self.middle, "m1", self.queues)
        self.client_interface, self.server_interface = "c0", "s0"
        if self.vlan is not None:
            self.client_interface = vlan.add_vlan_end(self.client, "c0", self.vlan)
            self.server_interface = vlan.add_vlan_end(self.server, "s0", self.vlan)
        self._add_addresses()

    def _add_addresses(self):
        length, length6 = (17, 65) if self.routed else (16, 64)
        inner, outer = f"dev {self.client_interface}", f"dev {self.server_interface}"
        self.client.ip(*[f"addr add {address}/{length} {inner}" for address in self.client_addresses],
                       *[f"addr add {address}/{length6} {inner} nodad" for address in self.client_addresses6])
        self.server.ip(f"addr add {self.server_address}/{length} {outer}",
                       f"addr add {self.free_address}/{length} {outer}",
                       f"addr add {self.server_address6}/{length6} {outer} nodad",
                       f"addr add {self.free_address6}/{length6} {outer} nodad")
        if self.routed:
            self.middle.sysctl(net__ipv4__ip_forward=1, net__ipv6__conf__all__forwarding=1)
            self.middle.ip("addr add 10.77.0.1/17 dev m0", "addr add 10.77.128.1/17 dev m1",
                           "addr add 2001:db8:77::1/65 dev m0 nodad", "addr add 2001:db8:77:0:8000::ffff/65 dev m1 nodad")
            self.client.ip("route add default via 10.77.0.1", "route add ::/0 via 2001:db8:77::1")
            self.server.ip("route add default via 10.77.128.1", "route add ::/0 via 2001:db8:77:0:8000::ffff")

    def add_namespace(self, role):
        """One more namespace, which ends with the lab."""
        namespace = Namespace(self._serial, role, self.folder)
        self._further.append(namespace)
        return namespace

    def start_impairment(self, **how):
        """What the line between client and middle does to packets, see impairment.start."""
        return impairment.start(self.line, "l0", "l1", cpus=self.traffic_cpus, **how)

    # --- what stands in the middle ---

    def start_sluice(self, rules, *, workers=1, driver="af_xdp", flows="64Ki", queues=1, idle="poll", head=None,
                     arguments=(), wait=True):
        """Starts sluiced in the middle namespace and waits until it forwards.

        rules      the policy's live sections as YAML text (rules:, zones:, …); the interfaces, which are their own
                   zones, are called client and server
        workers    how many CPUs; the last ones are taken
        driver     "af_xdp" or "af_packet"
        idle       "sleep" where a worker has to share its CPU with the load
        head       the policy's restart-only sections, instead of all these
        arguments  further arguments of sluiced
        """
        head = policy_head(workers, driver, flows, queues, idle) if head is None else head
        available = sorted(os.sched_getaffinity(0))
        self.traffic_cpus = available[:-workers] or None
        # On a CPU that it shares, a worker that goes first would leave nothing for the load.
        priority = WORKER_PRIORITY if self.traffic_cpus else 0
        sluice = Sluice(self.middle, self.build, self.folder, next(_SERIALS), head, rules, arguments, priority)
        self._sluices.append(sluice)
        if wait:
            sluice.wait_ready()
        return sluice

    def start_bridge(self):
        """The kernel's bridge as the wire: what the ends and the load do without a firewall."""
        self.middle.ip("link add wire type bridge mcast_snooping 0", "link set m0 master wire",
                       "link set m1 master wire", "link set wire up")

    def start_testpmd(self, driver="af_xdp"):
        """dpdk-testpmd as the wire: the same kind of ports as sluiced's, frames moved and not looked at."""
        available = sorted(os.sched_getaffinity(0))
        self.traffic_cpus = available[:-1] or None
        serial = next(_SERIALS)
        return forwarder.start_testpmd(self.middle, driver, serial, cpu=available[-1],
                                       priority=WORKER_PRIORITY if self.traffic_cpus else 0)

    def start_nftables(self, ruleset):
        """Loads an nftables ruleset into the middle namespace."""
        self.middle.run("nft", "-f", "-", text_input=ruleset)

    # --- servers and load, from client to server ---

    def start_memcached(self, udp=False):
        """memcached on both of the server's addresses, port 11211."""
        return servers.start_memcached(self.server, [self.server_address, self.server_address6], udp=udp,
                                       cpus=self.traffic_cpus)

    def start_http(self, port=servers.HTTP_PORT, ipv6=False):
        """A web server on one of the server's addresses."""
        return servers.start_http(self.server, self.server_address6 if ipv6 else self.server_address, port)

    def start_loadgen(self, *, rate, seconds, port=servers.MEMCACHED_PORT, ipv6=False, **options):
        """sluice-loadgen in the background from all client addresses; a load.Load."""
        addresses = self.client_addresses6 if ipv6 else self.client_addresses
        sources = [addresses[0] if len(addresses) == 1 else f"{addresses[0]}-{addresses[-1]}"]
        return load.start_loadgen(self.client, self.build, self.target(port, ipv6), rate=rate, seconds=seconds,
                                  sources=sources, cpus=self.traffic_cpus, **options)

    def loadgen(self, **options):
        """The same, to its end; the report as a dict."""
        return self.start_loadgen(**options).finish()

    def start_udpblast(self, *, rate, seconds, port=5000, ipv6=False, reverse=False, **options):
        """Counted UDP packets from client to server, or the other way, in the background; a load.Blast."""
        sender, receiver = (self.server, self.client) if reverse else (self.client, self.server)
        target = self.target(port, ipv6)
        if reverse:
            target = f"[{self.client_address6}]:{port}" if ipv6 else f"{self.client_address}:{port}"
        return load.Blast(sender, receiver, self.build, target, rate=rate, seconds=seconds, cpus=self.traffic_cpus,
                          **options)

    def udpblast(self, **options):
        """The same, to its end; see load.Blast.finish."""
        return self.start_udpblast(**options).finish()

    def iperf3(self, *, ipv6=False, **options):
        """iperf3 from client to server; its JSON as a dict, see load.iperf3."""
        return load.iperf3(self.client, self.server, self.server_address6 if ipv6 else self.server_address, **options)

    def ping(self, count=3, ipv6=False, **options):
        """Echo requests from client to server; how many were answered."""
        return self.client.ping(self.server_address6 if ipv6 else self.server_address, count=count, **options)

    def target(self, port, ipv6=False):
        """The server as sluice-loadgen wants it."""
        return f"[{self.server_address6}]:{port}" if ipv6 else f"{self.server_address}:{port}"
