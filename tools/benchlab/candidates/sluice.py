"""The appliance."""

import json
import os
import socket

from benchlab import rules
from benchlab.candidates import ports
from benchlab.candidates.base import Candidate, CannotDo, Running, dpdk_prefix
from netlab import LabError
from netlab.processes import Process


class Sluiced(Running):
    """A running one, asked over its socket."""

    threads = "rte-worker"

    def __init__(self, process, control):
        self._process = process
        self._client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._client.settimeout(10)
        self._client.connect(str(control))
        self._lines = self._client.makefile("rw")
        self._lines.readline()  # the hello

    def ask(self, method, **parameters):
        """The result of a method, see docs/admin_protocol.md."""
        self._lines.write(json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters}) + "\n")
        self._lines.flush()
        return json.loads(self._lines.readline())["result"]

    def close(self):
        """Hangs up."""
        self._lines.close()
        self._client.close()

    def forwarded(self):
        return self.ask("status")["packets"]["forwarded"]

    def has_link(self):
        """Whether the ports of the first wire have a link."""
        return all(port["link"]["up"] for port in self.ask("show.interfaces")[:2])

    def pid(self):
        return self._process.pid

    def facts(self):
        status = self.ask("status")
        flows = status["flows"]
        stages = self.ask("show.stages")
        sums = {"+timed_packets": sum(worker["packets"] for worker in stages),
                "+handed_off": sum(worker["handed_off"] for worker in self.ask("show.workers"))}
        for worker in stages:
            for stage in worker["stages"]:
                name = f"+cycles.{stage['stage']}"
                sums[name] = sums.get(name, 0) + stage["cycles"]
        return {"+received": status["packets"]["received"], "+dropped": status["packets"]["dropped"],
                "+flows_created": flows["created"], "+flows_refused": flows["refused"],
                "+flows_evicted": sum(count for cause, count in flows["ended"].items() if cause.startswith("evicted")),
                "flows": flows["used"], "table_bytes": status["memory"]["flow_table_bytes"], **sums}


class Sluice(Candidate):
    """sluiced with the workload's rules."""

    def __init__(self, name, tracked, protocol="udp", way="replay", workers=1):
        super().__init__(name)
        self.way = way
        self.workers = workers
        self.tracked = tracked
        self.protocol = protocol

    def policy(self, job, devices):
        """The whole policy."""
        workload, trace = job.workload, job.trace
        clients, servers = devices
        size = ports.buffer_size(trace)
        small = f", buffer_size: {size}" if size else ""
        mtu = f", mtu: {size - 22}" if size else ""
        return (f"version: 1\nname: bench\n"
                f"system: {{ workers: \"{_cpus(job.options.cpu, self.workers)}\", "
                f"buffers: {ports.buffers(trace) * self.workers}{small} }}\n"
                f"interfaces:\n  clients: {{ device: \"{clients}\", peer: servers{mtu} }}\n"
                f"  servers: {{ device: \"{servers}\", peer: clients{mtu} }}\n"
                f"tables: {{ flows: {{ size: {workload.table} }} }}\n"
                f"timeouts:\n  default: {{ {workload.timeouts} }}\n"
                + rules.as_policy(workload.rules, self.protocol, self.tracked))

    def start(self, job, stack):
        prefix = stack.enter_context(dpdk_prefix())
        control = job.new_path("sluice.sock")
        policy = job.new_path("policy.yaml")
        devices, feed = ports.prepare(self.way, job, stack, self.workers)
        policy.write_text(self.policy(job, devices))
        program = job.options.build / "app/sluiced/sluiced"
        if not program.exists():
            raise LabError(f"{program} is not there: run tools/build")
        process = Process([program, "-c", policy, "-s", control, "--file-prefix", prefix], log=job.new_path("sluiced.log"),
                          name="sluiced", priority=ports.PRIORITY)
        stack.callback(process.stop, 10.0)
        process.wait_for_line("ready:", timeout=60.0)
        running = Sluiced(process, control)
        stack.callback(running.close)
        feed()
        return running


def _cpus(first, count):
    """`count` CPUs as a policy writes them, the forwarding core among them."""
    others = [cpu for cpu in sorted(os.sched_getaffinity(0)) if cpu != first]
    if count > len(others) + 1:
        raise CannotDo(f"wants {count} cores")
    return ",".join(map(str, sorted([first, *others[:count - 1]])))
