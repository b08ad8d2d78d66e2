"""sluiced and sluicectl in a lab."""

import json
import os
import shlex
from pathlib import Path

from netlab import leftovers
from netlab.namespaces import wait_for
from netlab.processes import LabError

DRIVERS = {"af_xdp": "net_af_xdp{index},iface={interface}{queues}",
           "af_packet": "net_af_packet{index},iface={interface}{queues}"}
_QUEUES = {"af_xdp": ",queue_count={count}", "af_packet": ",qpairs={count}"}


def policy_head(workers=1, driver="af_xdp", flows="64Ki", queues=1):
    """The restart-only sections of a lab's policy: the wire between m0 (zone client) and m1 (zone server)."""
    devices = []
    for index, interface in enumerate(("m0", "m1")):
        more = _QUEUES[driver].format(count=queues) if queues > 1 else ""
        devices.append(DRIVERS[driver].format(index=index, interface=interface, queues=more))
    return (f"version: 1\n"
            f"name: lab\n"
            f"system:\n"
            f"  workers: {worker_cpus(workers)}\n"
            f"interfaces:\n"
            f"  client: {{ device: \"{devices[0]}\", peer: server }}\n"
            f"  server: {{ device: \"{devices[1]}\", peer: client }}\n"
            f"tables:\n"
            f"  flows: {{ size: {flows} }}\n")


def worker_cpus(workers):
    """The last `workers` CPUs that we may use, as a CPU list: "1", "0,1"."""
    available = sorted(os.sched_getaffinity(0))
    if workers > len(available):
        raise LabError(f"{workers} workers want as many CPUs, there are {len(available)}")
    return ",".join(str(cpu) for cpu in available[-workers:])


class Sluice:
    """A running sluiced, a bump in the wire in the lab's middle namespace."""

    def __init__(self, namespace, build, folder, serial, head, rules, arguments=()):
        self.namespace = namespace
        self.build = Path(build)
        self.folder = Path(folder)
        self.prefix = leftovers.file_prefix(serial)
        self.socket = self.folder / f"sluice-{serial}.sock"
        self.head = head
        self.policy = self.write_policy(rules, f"sluice-{serial}.yaml")
        command = [self.build / "app/sluiced/sluiced", "-c", self.policy, "-s", self.socket, "--file-prefix",
                   self.prefix, *arguments]
        if not command[0].exists():
            raise LabError(f"{command[0]} is not there: run tools/build")
        # ip netns exec mounts a new /sys for the namespace, which hides the BPF file system that AF_XDP likes.
        script = "mount -t bpf bpf /sys/fs/bpf 2>/dev/null; exec " + shlex.join(str(part) for part in command)
        self.process = namespace.spawn("/bin/sh", "-c", script, name="sluiced")

    def wait_ready(self, timeout=20.0):
        """Waits for the line that sluiced says when it forwards; returns it."""
        return self.process.wait_for_line("ready:", timeout)

    def write_policy(self, rules, name="policy.yaml"):
        """Writes a policy with this appliance's restart-only sections and the given live ones; returns its path."""
        path = self.folder / name
        path.write_text(self.head + rules)
        return path

    def sluicectl(self, *arguments, check=True, timeout=10.0):
        """Runs sluicectl against this appliance; the CompletedProcess."""
        command = [self.build / "app/sluicectl/sluicectl", "-s", self.socket, *arguments]
        return self.namespace.run(*command, check=check, timeout=timeout)

    def control(self, *arguments, timeout=10.0):
        """sluicectl ARGUMENTS --json: the `data` of its answer, a dict or a list."""
        text = self.sluicectl(*arguments, "--json", timeout=timeout).stdout
        try:
            return json.loads(text)["data"]
        except (ValueError, KeyError):
            raise LabError(f"sluicectl {' '.join(map(str, arguments))} --json said: {text.strip()}") from None

    def status(self):
        """sluicectl status as a dict, see docs/admin_protocol.md."""
        return self.control("status")

    def check_accounts(self, patience=2.0):
        """Received = forwarded + dropped + held, or LabError; returns the counts.

        While packets fly the four are not read at one instant, so they may take `patience` seconds to agree.
        """
        seen = {}

        def balanced():
            seen.update(self.status()["packets"])
            return seen["received"] == seen["forwarded"] + seen["dropped"] + seen["held"]
        try:
            wait_for(balanced, patience, "balance")
        except LabError:
            raise LabError(f"packets unaccounted for: {seen}") from None
        return seen

    def apply(self, rules):
        """Replaces the policy's live sections; LabError with the diagnostics when it is refused."""
        return self.control("policy", "apply", self.write_policy(rules), timeout=30.0)

    def stop(self, timeout=5.0):
        """SIGTERM; returns (exit code, seconds). Removes what sluiced did not remove by itself."""
        result = self.process.stop(timeout)
        leftovers.remove_dpdk_files(self.prefix)
        return result
