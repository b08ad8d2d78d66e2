"""What is measured: traces, rules, and who takes part."""

from dataclasses import dataclass, field

from benchlab import attack, candidates, rules
from benchlab.candidates import ports

_SLUICE_FLOW = 142  # bytes of table
_REST = 512 << 20   # classifiers, counters, fragments, queues

_BOTH_WAYS = (candidates.LIMIT, candidates.SLUICE_UNTRACKED, candidates.SLUICE, candidates.SLUICE_TCP)
_OVS = (candidates.OVS_STATELESS, candidates.OVS)
_LINUX = (candidates.VETH, candidates.LINUX_NOTRACK, candidates.LINUX)


@dataclass(frozen=True)
class Workload:
    """One block of the table."""

    key: str                 # for --only
    group: str               # blocks of one plot
    title: str
    count: int               # flows or rules: the plot's x
    kind: str                # of tools/traffic trace
    arguments: tuple         # of tools/traffic trace
    packets: int             # in the trace, about
    takes_part: tuple        # candidates
    table: int = 262_144     # entries
    rules: list = field(default_factory=lambda: rules.access_list(1))
    unit: str = "Mpps"
    per: int = 1             # packets in one of them
    warm_passes: int = 2     # how often each packet has passed before measuring
    most_rounds: int = 99
    looks: int = 1           # how often a measurement is looked at: more, for what is drawn over time
    quick: bool = False      # whether --quick has it
    timeouts: str = "pickup: loose"
    short_for: tuple = ()    # candidates that get a trace with these arguments, and a word about it
    short_arguments: tuple = ()
    short_remark: str = ""
    ovs_timeouts: tuple = ()
    linux_timeouts: tuple = ()

    def trace(self, library, candidate):
        """The trace for one candidate, which may want another protocol than the others, or a smaller one. None without."""
        if self.kind == "attack":
            return None
        if self.kind == "flows":
            return library.get(self.kind, *self.arguments, "--protocol", candidate.protocol)
        if candidate in self.short_for:
            return library.get(self.kind, *self.short_arguments)
        return library.get(self.kind, *self.arguments)

    def memory_size(self):
        """Bytes of hugepages that it takes at most: a trace's buffers, in a candidate or in front of it, and a table."""
        return ports.memory_size(self.packets) + self.table * _SLUICE_FLOW + ports.memory_size(1 << 18) + _REST


def _number(count):
    for size, letter in ((1_000_000, "M"), (1_000, "k")):
        if count >= size:
            return f"{count // size}{letter}"
    return str(count)


def _flows(count, takes_part, **more):
    # Room as a table has it that is neither empty nor crammed.
    table = max(262_144, count + count // 4)
    return Workload(f"flows-{_number(count)}", "flows", f"{count:,} established two-way flows", count, "flows",
                    ("-n", count), max(2 * count, 2048), takes_part, table, **more)


def _rules(count, takes_part, **more):
    servers = rules.servers_for(count)
    return Workload(f"rules-{_number(count)}", "rules", f"{count:,} rules, 100,000 two-way flows", count, "flows",
                    ("-n", 100_000, "--servers", servers, "--server-ports", "80-95"), 200_000, takes_part,
                    rules=rules.access_list(count), **more)


def _all():
    yield _flows(1, (*_BOTH_WAYS, *_OVS, *_LINUX))
    yield _flows(1_000, (*_BOTH_WAYS, *_OVS), quick=True)
    yield _flows(100_000, (*_BOTH_WAYS, *_OVS, *_LINUX), quick=True)
    large = (*_BOTH_WAYS, candidates.LIMIT_VHOST, candidates.OVS_VHOST)
    yield _flows(1_000_000, large, most_rounds=3)
    yield _flows(10_000_000, (candidates.LIMIT, candidates.SLUICE_UNTRACKED, candidates.SLUICE, candidates.OVS_VHOST),
                 most_rounds=2)
    ruled = (candidates.LIMIT, candidates.SLUICE_UNTRACKED, candidates.SLUICE, *_OVS)
    for count in (1, 100, 1_000, 10_000):
        yield _rules(count, ruled, most_rounds=4, quick=count == 1_000)
    # Open vSwitch's ports have few buffers, and the kernel takes long to see a trace through.
    few = (candidates.OVS_TCP, candidates.VETH, candidates.LINUX_TCP)
    yield Workload("connections", "rates", "complete TCP connections, 8 packets each; forgotten 100 ms after their end", 0,
                   "connections", ("-n", 100_000), 800_000,
                   (candidates.LIMIT, candidates.SLUICE_UNTRACKED_TCP, candidates.SLUICE_TCP, *few),
                   unit="connections/s", per=8, warm_passes=1, looks=15, quick=True, timeouts="tcp_closing: 100ms", short_for=few,
                   short_arguments=("-n", 24_000, "--lag", 64), short_remark="24,000 connections, again and again",
                   ovs_timeouts=("tcp_time_wait=1", "tcp_close=1"),
                   linux_timeouts=(("tcp_timeout_time_wait", 1),))
    yield Workload("new-udp", "rates", "new UDP flows, every packet one; forgotten after a second", 0, "udp-new",
                   ("-n", 6_000_000), 6_000_000, (candidates.LIMIT, candidates.SLUICE, candidates.OVS_VHOST), table=8_388_608,
                   unit="flows/s", warm_passes=0, most_rounds=3, timeouts="udp_new: 1s",
                   ovs_timeouts=("udp_single=1", "udp_first=1"), quick=True)
    yield Workload("table-full", "rates", "table of 65,536 full, every packet new", 0, "udp-new", ("-n", 2_000_000),
                   2_000_000, (candidates.LIMIT, candidates.SLUICE, candidates.OVS_VHOST), table=65_536, warm_passes=0,
                   most_rounds=3, timeouts="udp_new: 60s")

    yield Workload("workers", "workers", "one worker and two, 100,000 two-way flows; half of the tracked packets meet the wrong one", 0,
                   "flows", ("-n", 100_000), 400_000,
                   (candidates.SLUICE_UNTRACKED, candidates.SLUICE_UNTRACKED_TWO, candidates.SLUICE, candidates.SLUICE_TWO),
                   most_rounds=3)
    yield Workload("syn-flood", "attack", f"SYN flood of {100 * attack.SHARE:.0f} % of what is taken, beside {attack.LEGITIMATE:,} "
                   "connections a second that mean it", 0, "attack", (), 0,
                   (candidates.LIMIT_GENERATED, candidates.SLUICE_GENERATED, candidates.OVS_GENERATED), most_rounds=3, quick=True,
                   timeouts="tcp_closing: 1s", ovs_timeouts=("tcp_time_wait=1", "tcp_close=1"))


ALL = list(_all())
