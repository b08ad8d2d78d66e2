"""sluiced and sluicectl in a lab."""

import json
import os
import re
import shlex
import signal
from pathlib import Path

from netlab import leftovers
from netlab.accounts import disagreements
from netlab.namespaces import wait_for
from netlab.processes import LabError

# AF_PACKET's own default, 512 frames, overflows as soon as its reader is late by a few milliseconds.
DRIVERS = {"af_xdp": "net_af_xdp{index},iface={interface}{queues}",
           "af_packet": "net_af_packet{index},iface={interface},framecnt=4096{queues}"}
_QUEUES = {"af_xdp": ",queue_count={count}", "af_packet": ",qpairs={count}"}
INTERFACES = ("m0", "m1")
# A worker that waits for its CPU lets its ports overflow, whoever else wants to compile something there.
WORKER_PRIORITY = 20


def device(driver, index, queues=1):
    """The devargs of one of the lab's two ports."""
    more = _QUEUES[driver].format(count=queues) if queues > 1 else ""
    return DRIVERS[driver].format(index=index, interface=INTERFACES[index], queues=more)


def policy_head(workers=1, driver="af_xdp", flows="64Ki", queues=1, idle="poll"):
    """The restart-only sections of a lab's policy: the wire between m0 (zone client) and m1 (zone server)."""
    return (f"version: 1\n"
            f"name: lab\n"
            f"system:\n"
            f"  workers: {worker_cpus(workers)}\n"
            f"  idle: {idle}\n"
            f"interfaces:\n"
            f"  client: {{ device: \"{device(driver, 0, queues)}\", peer: server }}\n"
            f"  server: {{ device: \"{device(driver, 1, queues)}\", peer: client }}\n"
            f"tables:\n"
            f"  flows: {{ size: {flows} }}\n")


def worker_cpus(workers):
    """The last `workers` CPUs that we may use, as a CPU list: "1", "0,1"."""
    available = sorted(os.sched_getaffinity(0))
    if workers > len(available):
        raise LabError(f"{workers} workers want as many CPUs, there are {len(available)}")
    return ",".join(str(cpu) for cpu in available[-workers:])


class Sluice:
    """A running sluiced, a bump in the wire in the lab's middle namespace.

    head      the restart-only sections of its policies, see policy_head()
    command   what was started in the namespace
    policy    the policy file that it starts with and reads again on SIGHUP
    priority  of the whole process, see processes.Process
    """

    def __init__(self, namespace, build, folder, serial, head, rules, arguments=(), priority=WORKER_PRIORITY):
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
        self.command = ["/bin/sh", "-c", script]
        self.process = namespace.spawn(*self.command, name="sluiced", priority=priority)

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

    def flows_used(self):
        """How many flows the table has now."""
        return self.status()["flows"]["used"]

    def drops(self):
        """Dropped packets by reason, a dict without zeros."""
        return {row["reason"]: row["packets"] for row in self.control("show", "drops")["reasons"]}

    def generation(self):
        """The number of the policy that runs."""
        return self.status()["policy"]["generation"]

    def seconds_without_cpu(self):
        """How long workers have been ready to run but not running, all together; proc(5), schedstat."""
        tasks = Path(f"/proc/{self.process.pid}/task")
        names = {task: (task / "comm").read_text() for task in tasks.iterdir()}
        return sum(int((task / "schedstat").read_text().split()[1]) / 1e9
                   for task, name in names.items() if name.startswith("rte-worker"))

    def rule(self, name):
        """`sluicectl show rules NAME` as a dict."""
        return self.control("show", "rules", name)[0]

    def check_accounts(self, patience=10.0):
        """Every packet is accounted for, by each of those who count (see accounts.py), or LabError; returns the counts.

        Packets that are under way, and counters that are not read at one instant, may take `patience` seconds to
        agree. Under load they need not.
        """
        seen = {}

        def balanced():
            seen.update(status=self.status(), drops=self.drops(), interfaces=self.control("show", "interfaces"),
                        workers=self.control("show", "workers"))
            at_rest = self.status()["packets"] == seen["status"]["packets"]
            return at_rest and not disagreements(**seen)
        try:
            wait_for(balanced, patience, "balance")
        except LabError:
            wrong = "; ".join(disagreements(**seen)) or "they never come to rest"
            raise LabError(f"packets unaccounted for: {wrong}") from None
        return seen["status"]["packets"]

    def apply(self, rules):
        """Replaces the policy's live sections; LabError with the diagnostics when it is refused."""
        return self.control("policy", "apply", self.write_policy(rules), timeout=30.0)

    def reload(self, rules, patience=5.0):
        """The same by way of the policy file and SIGHUP; waits until the log says that another generation runs."""
        def applied():
            return len(re.findall(r"applied as generation \d+ \(SIGHUP\)", self.process.output()))
        before = applied()
        self.write_policy(rules, self.policy.name)
        self.process.send_signal(signal.SIGHUP)
        self.process.wait_until(lambda: applied() > before, patience, "log line 'applied as generation … (SIGHUP)'")

    def stop(self, timeout=5.0):
        """SIGTERM; returns (exit code, seconds). Removes what sluiced did not remove by itself."""
        result = self.process.stop(timeout)
        leftovers.remove_dpdk_files(self.prefix)
        return result

    def final_account(self):
        """What the last log line of a stopped sluiced says, as a dict of numbers: received, …, kept, missing."""
        found = re.search(r"stopped: received (?P<received>\d+), made (?P<made>\d+), forwarded (?P<forwarded>\d+), "
                          r"dropped (?P<dropped>\d+), answered (?P<answered>\d+), held (?P<held>-?\d+); "
                          r"buffers: (?P<kept>\d+) kept by drivers, (?P<missing>\d+) missing", self.process.output())
        if not found:
            raise LabError(f"sluiced did not say how it stopped:\n{self.process.output()}")
        return {name: int(value) for name, value in found.groupdict().items()}
