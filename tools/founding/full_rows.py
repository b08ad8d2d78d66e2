"""The five rows at full size: tools/traffic plays both ends over veth pairs, and a different firewall stands between them.

Kernel stacks would end at some 5,000 connections a second here; the generator does not, and it checks every segment.
"""

import math
import os
import shutil
import tempfile
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from benchlab import rules
from benchlab.candidates.base import next_serial
from benchlab.candidates.linux import add_router, end_device, namespace
from founding.rows import CONNTRACK_COUNT, CONNTRACK_MAX, conntrack_drops
from netlab import LabError, SavedSysctl, leftovers
from netlab.namespaces import connect_by_veth
from netlab.sluice import INTERFACES, Sluice, policy_head
from netlab.traffic import Traffic

TIME_WAIT = 120         # seconds that the kernel keeps a closed connection, and row c too
BUCKETS = Path("/proc/sys/net/netfilter/nf_conntrack_buckets")
_POINTER = 8            # bytes of a hash bucket
_PAGE = os.sysconf("SC_PAGE_SIZE")
_RETRANSMITS = 3        # of a segment, within the time that a connection may take
TRIAL_SECONDS = 4
_TRIAL_PERCENT = 99.0
_AFTER_FULL = 37        # seconds that a run goes on for when the kernel's table is full
LONGEST = TIME_WAIT - 2
# What a machine is asked for, in turn. The slowest still fills 512k entries before the first ones go.
RATES = (10_000, 8_000, 6_500, 5_500, 4_800)
TABLE = 524_288


def _sluice_rule(more):
    return (f"rules:\n  - {{ name: web, from: {{ zone: client }}, to: {{ zone: server, nets: [10.32.0.0/28], ports: [80] }}, "
            f"protocol: tcp, action: allow{more} }}\ndefault: {{ action: drop }}\n")


@dataclass(frozen=True)
class Row:
    """One line of the experiment. `stays`: seconds that an entry stays after its connection; None: there is no entry."""

    key: str
    title: str
    sluice: bool
    tracked: bool
    stays: int
    ruleset: str


ROWS = {row.key: row for row in (
    Row("a", "Linux, nftables tracked", False, True, TIME_WAIT, rules.as_nftables(rules.access_list(1), "tcp", True)),
    Row("b", "Linux, nftables notrack", False, False, None, rules.as_nftables(rules.access_list(1), "tcp", False)),
    Row("c", "Sluice, tracked, closing 120 s", True, True, TIME_WAIT,
        f"timeouts:\n  default: {{ tcp_closing: {TIME_WAIT}s }}\n" + _sluice_rule("")),
    Row("d", "Sluice, track: brief", True, True, 0, _sluice_rule(", track: brief")),
    Row("e", "Sluice, untracked", True, False, None, _sluice_rule(", track: false, reply: mirror")),
)}


def seconds_for(table, rate):
    """How long a row takes at this rate: until the table is full, and long enough to see what happens then."""
    return min(LONGEST, math.ceil(table / rate) + _AFTER_FULL)


def choose_rate(probe, rates=RATES):
    """The first of these rates at which probe(rate) is true; the last one if none is."""
    return next((rate for rate in rates if probe(rate)), rates[-1])


def offers(settings, rate):
    """Whether this machine brings so many connections a second through both firewalls when they track nothing."""
    short = replace(settings, rate=rate, seconds=TRIAL_SECONDS)
    for key in "be":
        report = run_row(ROWS[key], short, quiet=True)
        if 100 * report["completed"] < _TRIAL_PERCENT * report["planned"]:
            return False
    return True


def run_row(row, settings, quiet=False):
    """Sets everything up, runs the load, and returns the row's results, named as those of rows.run_row()."""
    leftovers.sweep()
    folder = Path(tempfile.mkdtemp(prefix="full-", dir=leftovers.state_folder()))
    try:
        with ExitStack() as stack:
            ends = stack.enter_context(namespace("ends", folder))
            # The generator must not answer, ask or route by itself.
            ends.sysctl(net__ipv6__conf__all__disable_ipv6=1, net__ipv6__conf__default__disable_ipv6=1)
            run = _run_sluice if row.sluice else _run_kernel
            return run(row, settings, stack, ends, folder, quiet)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        leftovers.remove_state_folder()


def _run_kernel(row, settings, stack, ends, folder, quiet):
    if row.tracked:
        for path in (CONNTRACK_MAX, BUCKETS):
            stack.enter_context(SavedSysctl(path, settings.table))
    router = stack.enter_context(namespace("fw", folder))
    add_router(router, ends)
    router.run("nft", "-f", "-", text_input=row.ruleset)
    if row.tracked and int(router.read(CONNTRACK_MAX)) != settings.table:
        raise LabError("the namespace's connection table has a limit of its own")
    report = _load(ends, folder, settings, lambda: int(router.read(CONNTRACK_COUNT)), quiet)
    report["table_full_drops"] = conntrack_drops(router)
    if row.tracked:
        report.update(table_capacity=settings.table, table_bytes=_conntrack_bytes())
    return report


def _conntrack_bytes():
    """Memory of the kernel's entries and of their hash table, now. The entries are all network namespaces'."""
    line = next(line for line in Path("/proc/slabinfo").read_text().splitlines() if line.startswith("nf_conntrack "))
    pages_per_slab, slabs = int(line.split()[5]), int(line.split("slabdata")[1].split()[1])
    return slabs * pages_per_slab * _PAGE + int(BUCKETS.read_text()) * _POINTER


def _run_sluice(row, settings, stack, ends, folder, quiet):
    middle = stack.enter_context(namespace("fw", folder))
    middle.sysctl(net__ipv6__conf__all__disable_ipv6=1, net__ipv6__conf__default__disable_ipv6=1)
    for number, interface in enumerate(INTERFACES):
        connect_by_veth(ends, f"end{number}", middle, interface)
    sluice = Sluice(middle, settings.build, folder, next_serial(), policy_head(1, settings.driver, settings.table, idle="sleep"),
                    row.ruleset)
    stack.callback(sluice.stop)
    sluice.wait_ready(timeout=60.0)
    waited = sluice.seconds_without_cpu()
    report = _load(ends, folder, settings, sluice.flows_used, quiet)
    report["worker_without_cpu_s"] = sluice.seconds_without_cpu() - waited
    status = sluice.status()
    flows = status["flows"]
    report.update(table_capacity=flows["capacity"], table_ended=flows.get("ended", {}),
                  table_bytes=status["memory"]["flow_table_bytes"], packets=sluice.check_accounts())
    code, _ = sluice.stop()
    if code != 0:
        raise LabError(f"sluiced ended with {code}; it said:\n{sluice.process.output()}")
    return report


def _look(entries, used):
    """One more look at the table. Where everything is busy it may take too long: that costs a sample and no run."""
    try:
        used.append(entries())
    except LabError:
        pass


@contextmanager
def _generator(ends, folder, settings):
    traffic = Traffic(ends, settings.build, folder, next_serial(), None, "connections", "--rate", settings.rate,
                      "--duration", f"{settings.seconds}s", "--warm-up", "0s", "--limit", "0s", "--progress", "--timeout",
                      f"{int(1000 * settings.timeout / (_RETRANSMITS + 1))}ms", "--retransmits", _RETRANSMITS,
                      devices=[end_device(number) for number in range(2)])
    try:
        yield traffic
    finally:
        traffic.stop()


def _load(ends, folder, settings, entries, quiet):
    """Runs the generator and looks at the table once a second."""
    used = []
    with _generator(ends, folder, settings) as traffic:
        began = time.monotonic()
        while traffic.finished() is None:
            if not traffic.process.running() or time.monotonic() - began > settings.seconds + settings.timeout + 60:
                raise LabError(f"the generator does not come to its end; it said:\n{traffic.process.output()}")
            _look(entries, used)
            if not quiet and used:
                print(f"\r    {time.monotonic() - began:4.0f} s  {used[-1]:>9,} entries", end="", flush=True)
            time.sleep(1)
        used.append(entries())
        report = traffic.finished()
        course = by_second(traffic.process.output(), report["connections"]["completed"])
    if not quiet:
        print(flush=True)
    return {**as_small(report, settings), "interval_ms": 1000.0, "intervals": {"completed": course}, "table_entries": used[-1],
            "table_peak": max(used), "entries": used}


def as_small(report, settings):
    """The generator's report in the words of the load generator's."""
    counts, latency = report["connections"], report["latency_us"] or {"p50": 0.0, "p99": 0.0}
    planned, begun = settings.rate * settings.seconds, counts["begun"]
    if report["wrong"]["total"]:
        raise LabError(f"packets arrived wrong: {report['wrong']}")
    return {"planned": planned, "begun": begun, "not_started": max(0, planned - begun), "completed": counts["completed"],
            "failed": counts["reset"], "timed_out": begun - counts["completed"] - counts["reset"],
            "completed_percent": 100 * counts["completed"] / begun if begun else 0.0,
            "retransmits": counts["retransmits"], "latency_us": {"p50": latency["p50"], "p99": latency["p99"]}}


def by_second(progress, completed):
    """Connections completed in each second, from the generator's progress lines. What was completed after the last line
    is a second of its own."""
    sums = [0]
    for line in progress.splitlines():
        if " completed (" in line:
            sums.append(int(line.split(" completed (")[0].split()[-1]))
    sums.append(completed)
    return [later - earlier for earlier, later in zip(sums, sums[1:])]
