"""tools/traffic at the other ends of an appliance's two ports: memif, or whatever is named."""

import json
import os
from pathlib import Path

from netlab import leftovers
from netlab.processes import LabError
from netlab.sluice import WORKER_PRIORITY, worker_cpus

PORTS = ("client", "server")


def _device(number, role, socket, first=0):
    # Abstract sockets would be of one network namespace; a file is of all.
    return f"net_memif{first + number},role={role},id={number},rsize=11,socket={socket},socket-abstract=no"


def memif_head(socket, flows="64Ki", *, held=None, idle="sleep"):
    """The restart-only sections of a policy: a wire between two memif ports, zones client and server. `held` is the socket
    of a second wire between zones held_client and held_server, for flows that are to be there meanwhile."""
    wires = [("", socket)] + ([("held_", held)] if held else [])
    ports = "".join(f"  {prefix}{name}: {{ device: \"{_device(number, 'server', path, 2 * wire)}\", "
                    f"peer: {prefix}{PORTS[1 - number]} }}\n"
                    for wire, (prefix, path) in enumerate(wires) for number, name in enumerate(PORTS))
    return (f"version: 1\nname: traffic\nsystem: {{ workers: {worker_cpus(1)}, idle: {idle} }}\n"
            f"interfaces:\n{ports}tables: {{ flows: {{ size: {flows} }} }}\n")


def program(build):
    """The program behind tools/traffic."""
    path = Path(build) / "tools/traffic_generator/sluice-traffic"
    if not path.exists():
        raise LabError(f"{path} is not there: run tools/build")
    return path


class Traffic:
    """A running generator. It keeps its ports open when it has reported, until the appliance has gone: DPDK's memif
    driver takes memory away from under a process that polls when the other end goes first.

    socket   that memif ports are on
    devices  the two ports as DPDK devargs, instead of these
    """

    def __init__(self, namespace, build, folder, serial, socket, *arguments, devices=None):
        self.prefix = leftovers.file_prefix(serial)
        self._json = Path(folder) / f"traffic-{serial}.json"
        devices = devices or [_device(number, "client", socket) for number in range(len(PORTS))]
        ports = [part for name, device in zip(PORTS, devices) for part in (f"--{name}", device)]
        self.process = namespace.spawn(program(build), *arguments, *ports, "--core", min(os.sched_getaffinity(0)),
                                       "--file-prefix", self.prefix, "--json", self._json, "--hold", name="traffic",
                                       priority=WORKER_PRIORITY)

    def report(self, timeout=60.0):
        """Waits for its end; what it reports, see docs/traffic.md."""
        return self.process.wait_until(self.finished, timeout, "report")

    def finished(self):
        """The report if there is one already, else None."""
        try:
            return json.loads(self._json.read_text())
        except (OSError, ValueError):  # not there, or not whole
            return None

    def wait(self, timeout=10.0):
        """Its exit code, once the appliance has gone."""
        code = self.process.wait(timeout)
        leftovers.remove_dpdk_files(self.prefix)
        return code

    def stop(self):
        """Ends it, whatever it does."""
        self.process.stop()
        leftovers.remove_dpdk_files(self.prefix)
