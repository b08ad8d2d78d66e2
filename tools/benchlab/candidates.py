"""Programs that forward between two replay ports, and how fast they do."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time
from abc import ABC, abstractmethod

_POOL_EXTRA = 16_384
_WARM_UP = 1.0


class Failed(Exception):
    """A candidate that could not be measured, in one sentence."""


def _devices(trace):
    return [f"net_pcap{i},rx_pcap={path},infinite_rx=1" for i, path in enumerate((trace.clients, trace.servers))]


def _buffers(trace):
    return 2 * trace.packets + _POOL_EXTRA


def _spare_cpu(cpu):
    return next((other for other in sorted(os.sched_getaffinity(0)) if other != cpu), cpu)


class Candidate(ABC):
    name = ""

    @abstractmethod
    def measure(self, options, trace, folder):
        """Packets forwarded a second, both directions together."""


class TestpmdIo(Candidate):
    """The limit: frames are moved from port to port and not looked at."""
    name = "testpmd io"

    def measure(self, options, trace, folder):
        program = shutil.which("dpdk-testpmd")
        if program is None:
            raise Failed("dpdk-testpmd is not installed: run sudo tools/setup")
        command = [program, "-l", f"{_spare_cpu(options.cpu)},{options.cpu}", "--no-pci", "--file-prefix", "sl-testpmd",
                   "--huge-unlink=always", *[f"--vdev={device}" for device in _devices(trace)], "--", "-i",
                   "--forward-mode=io", "--nb-cores=1", f"--total-num-mbufs={_buffers(trace)}"]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

        def tell(text):
            process.stdin.write(text + "\n")
            process.stdin.flush()

        try:
            tell("start")
            time.sleep(_WARM_UP + 1.5)
            # The second of two "show" commands prints the rate over the time between them.
            tell("show port stats all")
            time.sleep(options.seconds)
            tell("show port stats all")
            tell("stop")
            tell("quit")
            out, _ = process.communicate(timeout=30)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
        rates = [int(rate) for rate in re.findall(r"Tx-pps:\s+(\d+)", out)]
        if len(rates) != 4 or not all(rates[2:]):
            raise Failed("dpdk-testpmd did not forward: " + " / ".join(out.splitlines()[-5:]))
        return sum(rates[2:])


class Sluice(Candidate):
    """The appliance, with one rule."""

    def __init__(self, name, track):
        self.name = name
        self._track = track

    def _policy(self, options, trace):
        clients, servers = _devices(trace)
        return (f"version: 1\nname: bench\nsystem: {{ workers: \"{options.cpu}\", buffers: {_buffers(trace)} }}\n"
                f"interfaces:\n  clients: {{ device: \"{clients}\", peer: servers }}\n"
                f"  servers: {{ device: \"{servers}\", peer: clients }}\n"
                "tables: { flows: { size: 256Ki } }\n"
                "rules:\n  - { name: dns, from: { zone: clients }, to: { zone: servers, ports: [53] }, protocol: udp, "
                f"action: allow, {self._track} }}\n")

    def measure(self, options, trace, folder):
        policy, control = folder / "bench.yaml", folder / "bench.sock"
        policy.write_text(self._policy(options, trace))
        program = options.build / "app/sluiced/sluiced"
        if not program.exists():
            raise Failed(f"{program} is not there: run tools/build")
        process = subprocess.Popen([program, "-c", policy, "-s", control, "--file-prefix", "sl-bench"],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        try:
            if not process.stdout.readline().startswith("ready:"):
                raise Failed("sluiced did not start: " + process.communicate()[1].strip().splitlines()[-1])
            time.sleep(_WARM_UP)
            before, start = _forwarded(control), time.monotonic()
            time.sleep(options.seconds)
            after, end = _forwarded(control), time.monotonic()
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=10)
        return (after - before) / (end - start)


def _forwarded(path):
    """Packets forwarded so far, asked over the admin socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(10)
        client.connect(str(path))
        lines = client.makefile("rw")
        lines.readline()  # the hello
        lines.write(json.dumps({"jsonrpc": "2.0", "id": 1, "method": "status", "params": {}}) + "\n")
        lines.flush()
        return json.loads(lines.readline())["result"]["packets"]["forwarded"]


ALL = [TestpmdIo(), Sluice("sluice untracked", "track: false, reply: mirror"), Sluice("sluice tracked", "track: true")]
