"""Network labs for Sluice: namespaces, veth pairs, servers, load, and Sluice between them.

    from netlab import Lab, main_guard

    with Lab() as lab:                                # client, middle and server namespaces, wired
        lab.start_memcached()
        sluice = lab.start_sluice("rules:\\n  - {...}")  # a bump in the wire in the middle namespace
        report = lab.loadgen(rate=500, seconds=2)     # real connections from client to server
        sluice.control("show", "flows")               # sluicectl's answers as dicts and lists
        sluice.check_accounts()                       # received + made = forwarded + dropped + answered + held
                                                      # everything is gone here, whatever happened

Used by tools/experiment, tools/lab and tests/integration. Wants root, iproute2 and ethtool; standard library only.

- `lab`         Lab, the three namespaces and what one does with them
- `namespaces`  one network namespace, veth pairs
- `processes`   commands and background processes that do not outlive us
- `sluice`      sluiced and sluicectl in a lab, policies
- `accounts`    received + made = forwarded + dropped + answered + held, from independent counters
- `forwarder`   dpdk-testpmd in place of sluiced, to compare with
- `servers`     memcached, iperf3, HTTP, bare listeners
- `load`        sluice-loadgen, sluice-udpblast and iperf3 as functions that return dicts
- `capture`     what arrives at an interface, counted by tcpdump's filters
- `impairment`  a line that loses, delays, reorders and duplicates, by a seed
- `tcp_counters` segments, retransmissions and timeouts of a namespace
- `vlan`        802.1Q ends, also on kernels without 802.1Q devices
- `sysctl`      system-wide settings that are put back
- `leftovers`   the record of what exists, and the removal of what a killed run left
- `interrupts`  signals that end a run in an orderly way
"""

from netlab.interrupts import main_guard
from netlab.lab import Lab
from netlab.namespaces import Namespace
from netlab.processes import LabError, Process, run
from netlab.sluice import Sluice
from netlab.sysctl import SavedSysctl

__all__ = ["Lab", "LabError", "Namespace", "Process", "SavedSysctl", "Sluice", "main_guard", "run"]
