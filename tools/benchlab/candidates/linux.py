"""The kernel, forwarding between two veth pairs under nftables; its traffic comes from dpdk-testpmd over AF_PACKET."""

import json
from contextlib import contextmanager
from pathlib import Path

from benchlab import machine, rules
from benchlab.candidates import ports
from benchlab.candidates.base import Candidate, CannotDo, Running, next_serial, program
from netlab import Namespace, SavedSysctl
from netlab.namespaces import connect_by_veth

_MAX = Path("/proc/sys/net/netfilter/nf_conntrack_max")
# The traces' frames are addressed to these, from these.
_CLIENT_MAC, _SERVER_MAC = "02:00:00:00:00:01", "02:00:00:00:00:02"
_MOST_PACKETS = 1 << 19  # in a trace: what is warmed up at some 0.3 million a second


class _Kernel(Running):
    def __init__(self, ends):
        self._ends = ends

    def _packets(self):
        shown = json.loads(self._ends.run("ip", "-j", "-s", "link", "show").stdout)
        return {way: sum(link["stats64"][way]["packets"] for link in shown if link["ifname"] in ("end0", "end1"))
                for way in ("rx", "tx")}

    def forwarded(self):
        return self._packets()["rx"]

    def facts(self):
        packets = self._packets()
        return {"+received": packets["tx"], "+dropped": packets["tx"] - packets["rx"]}


class Linux(Candidate):
    """One routing namespace between the clients' veth pair and the servers', on all cores; or none, for the generator's limit."""

    way = "veth"

    def __init__(self, name, tracked=False, firewall=True, protocol="udp"):
        super().__init__(name)
        self.tracked = tracked
        self.firewall = firewall
        self.protocol = protocol

    def start(self, job, stack):
        if job.trace.packets > _MOST_PACKETS:
            raise CannotDo("too slow to warm up in the time of a benchmark")
        program("nft")
        folder = job.new_path("linux")
        folder.mkdir()
        ends = stack.enter_context(namespace("ends", folder))
        # The generator must not answer, ask or route by itself.
        ends.sysctl(net__ipv6__conf__all__disable_ipv6=1, net__ipv6__conf__default__disable_ipv6=1)
        if self.firewall:
            self._add_firewall(job, stack, ends, folder)
        else:
            connect_by_veth(ends, "end0", ends, "end1")
        devices = []
        for number, device in enumerate(ports.replay_devices(job.trace)):
            devices += [device, end_device(number)]
        ports.testpmd(job, stack, devices, machine.spare_cpu(job.options.cpu), ports.buffers(job.trace), 0, spawn=ends.spawn)
        return _Kernel(ends)

    def _add_firewall(self, job, stack, ends, folder):
        router = stack.enter_context(namespace("fw", folder))
        add_router(router, ends)
        ruleset = folder / "ruleset.nft"
        ruleset.write_text(rules.as_nftables(job.workload.rules, self.protocol, self.tracked))
        router.run("nft", "-f", ruleset)
        if self.tracked:
            if not _MAX.exists():
                raise CannotDo("this kernel has no nf_conntrack")
            stack.enter_context(SavedSysctl(_MAX, job.workload.table))
            timeouts = {f"net__netfilter__nf_conntrack_{name}": value for name, value in job.workload.linux_timeouts}
            if timeouts:
                router.sysctl(**timeouts)


def add_router(router, ends):
    """Two veth pairs between two namespaces, end0 and end1 in `ends`, and forwarding from one to the other in `router`."""
    router.sysctl(net__ipv6__conf__all__disable_ipv6=1, net__ipv6__conf__default__disable_ipv6=1)
    for number, (mac, net) in enumerate(((_SERVER_MAC, "10.16.0.0/12"), (_CLIENT_MAC, "10.32.0.0/12"))):
        connect_by_veth(ends, f"end{number}", router, f"fw{number}")
        router.ip(f"link set fw{number} address {mac}", f"addr add 192.0.2.{1 + 4 * number}/30 dev fw{number}",
                  f"neigh add 192.0.2.{2 + 4 * number} lladdr 02:00:00:00:01:0{number} dev fw{number}",
                  f"route add {net} via 192.0.2.{2 + 4 * number} dev fw{number}")
    router.sysctl(net__ipv4__ip_forward=1, net__ipv4__conf__all__rp_filter=0, net__ipv4__conf__default__rp_filter=0)


def end_device(number):
    """Devargs of end0 or end1, for a generator."""
    return f"net_af_packet{number},iface=end{number},framecnt=4096,qdisc_bypass=1"


@contextmanager
def namespace(role, folder):
    """A namespace for a `with` block."""
    made = Namespace(next_serial(), role, folder)
    try:
        yield made
    finally:
        made.remove()
