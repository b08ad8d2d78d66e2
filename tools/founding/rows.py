"""The four rows: the same client, the same server, the same load, and a different firewall in the middle."""

import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from netlab import Lab, LabError, SavedSysctl
from netlab.servers import MEMCACHED_PORT

CONNTRACK_MAX = Path("/proc/sys/net/netfilter/nf_conntrack_max")
CONNTRACK_COUNT = Path("/proc/sys/net/netfilter/nf_conntrack_count")
SOURCES = 32  # client addresses: so many connections a second want more ports than one address has

NFT_TRACKED = f"""
table inet firewall {{
    chain forward {{
        type filter hook forward priority filter; policy drop;
        ct state established,related accept
        ct state new tcp dport {MEMCACHED_PORT} tcp flags & (fin|syn|rst|ack) == syn accept
    }}
}}
"""

NFT_NOTRACK = f"""
table inet firewall {{
    chain raw {{
        type filter hook prerouting priority raw; policy accept;
        tcp dport {MEMCACHED_PORT} notrack
        tcp sport {MEMCACHED_PORT} notrack
    }}
    chain forward {{
        type filter hook forward priority filter; policy drop;
        tcp dport {MEMCACHED_PORT} accept
        tcp sport {MEMCACHED_PORT} tcp flags & (syn|ack) != syn accept
        ct state established,related accept
    }}
}}
"""

SLUICE_TRACKED = f"""
services:
  memcached: {{ protocol: tcp, ports: [{MEMCACHED_PORT}] }}
rules:
  - {{ name: memcached, from: {{ zone: client }}, to: {{ zone: server }}, service: memcached, action: allow }}
default: {{ action: drop }}
"""

SLUICE_UNTRACKED = f"""
services:
  memcached: {{ protocol: tcp, ports: [{MEMCACHED_PORT}] }}
rules:
  - name: memcached
    from: {{ zone: client }}
    to: {{ zone: server }}
    service: memcached
    action: allow
    track: false
    reply: mirror
default: {{ action: drop }}
"""


@dataclass(frozen=True)
class Row:
    """One line of the experiment."""

    key: str
    title: str
    sluice: bool
    tracked: bool
    ruleset: str


ROWS = {row.key: row for row in (
    Row("a", "Linux, nftables tracked", False, True, NFT_TRACKED),
    Row("b", "Linux, nftables notrack", False, False, NFT_NOTRACK),
    Row("c", "Sluice, tracked", True, True, SLUICE_TRACKED),
    Row("d", "Sluice, untracked", True, False, SLUICE_UNTRACKED),
)}


@dataclass(frozen=True)
class Settings:
    """What all rows have in common."""

    rate: int       # new connections a second
    seconds: int    # for which they are started
    table: int      # entries
    timeout: float  # seconds that one connection may take
    build: Path
    driver: str     # of Sluice's ports


def run_row(row, settings):
    """Sets the lab up, runs the load, and returns the row's results: the load generator's report and more."""
    if row.sluice:
        return _run_sluice(row, settings)
    in_use = int(CONNTRACK_COUNT.read_text())
    if in_use > settings.table // 2:
        raise LabError(f"this host itself tracks {in_use} connections; limiting its table to {settings.table} would "
                       "cut new ones off: run this on a quieter host, or --rows c,d")
    with SavedSysctl(CONNTRACK_MAX, settings.table):
        return _run_kernel(row, settings)


def _lab(settings, routed):
    lab = Lab(sources=SOURCES, routed=routed, build=settings.build)
    available = sorted(os.sched_getaffinity(0))
    # The last CPU is Sluice's worker's; for equal conditions the ends stay off it in all rows.
    lab.traffic_cpus = available[:-1] or available
    return lab


def _run_kernel(row, settings):
    with _lab(settings, routed=True) as lab:
        # The way is tried without rules: the kernel tracks nothing yet, so the attempt takes no entry.
        _try_the_way(lab)
        lab.start_nftables(row.ruleset)
        report = _load(lab, settings)
        report["table_entries"] = int(lab.middle.read(CONNTRACK_COUNT))
        report["table_full_drops"] = conntrack_drops(lab.middle)
    return report


def _run_sluice(row, settings):
    with _lab(settings, routed=False) as lab:
        sluice = lab.start_sluice(row.ruleset, workers=1, driver=settings.driver, flows=f"{settings.table // 1024}Ki")
        _try_the_way(lab)
        report = _load(lab, settings)
        flows = sluice.status()["flows"]
        report.update(table_entries=flows["used"], table_capacity=flows["capacity"], table_ended=flows.get("ended", {}),
                      packets=sluice.check_accounts())
        code, _ = sluice.stop()
        if code != 0:
            raise LabError(f"sluiced ended with {code}; it said:\n{sluice.process.output()}")
    return report


def _try_the_way(lab):
    """Starts the server and makes one connection: ARP is done then, and a dead path is told apart from a full table."""
    lab.start_memcached()
    answer = lab.client.connect(lab.server_address, MEMCACHED_PORT)
    if answer != "connected":
        raise LabError(f"no way from client to server: {answer}")


def _load(lab, settings):
    load = lab.start_loadgen(rate=settings.rate, seconds=settings.seconds, timeout=settings.timeout, require=0)
    print("   ", end="", flush=True)
    while load.process.running():
        print(".", end="", flush=True)
        time.sleep(1)
    print(flush=True)
    report = load.finish()
    if report["completed"] + report["failed"] + report["timed_out"] + report["not_started"] != report["planned"]:
        print("    the load generator's counts do not add up", file=sys.stderr)
    return report


def conntrack_drops(namespace):
    """Packets that the kernel dropped because its table was full: column "drop" of all CPUs, hexadecimal."""
    lines = namespace.read("/proc/net/stat/nf_conntrack").splitlines()
    column = lines[0].split().index("drop")
    return sum(int(line.split()[column], 16) for line in lines[1:])
