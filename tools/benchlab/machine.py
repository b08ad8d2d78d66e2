"""The machine that measures: what it is, its cores, its hugepages."""

import json
import os
import platform
import socket
from contextlib import contextmanager
from pathlib import Path

from netlab import LabError, SavedSysctl

_HUGEPAGES = Path("/proc/sys/vm/nr_hugepages")
_PAGE = 2 << 20


def _cpu_field(name):
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith(name):
            return line.split(":", 1)[1].strip()
    return ""


def _memory_field(name):
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith(name):
            return int(line.split()[1]) << 10
    return 0


def describe(options):
    """What a reader has to know to compare figures, ready for JSON."""
    flags = _cpu_field("flags").split()
    return {"cpu": _cpu_field("model name") or platform.processor(), "family": _cpu_field("cpu family"),
            "model": _cpu_field("model\t"), "cpus": len(os.sched_getaffinity(0)), "worker_cpu": options.cpu,
            "tsc_mhz": _cpu_field("cpu MHz"), "virtual": "hypervisor" in flags,
            "vector": [name for name in ("avx2", "avx512f") if name in flags],
            "memory_bytes": _memory_field("MemTotal"), "hugepage_bytes": _PAGE, "kernel": platform.release(),
            "system": platform.freedesktop_os_release().get("PRETTY_NAME", platform.system())}


def sentence(machine):
    """The same as one line."""
    kind = "virtual, " if machine["virtual"] else ""
    return (f"{machine['cpu']} (family {machine['family']}, model {machine['model']}; {', '.join(machine['vector']) or 'no AVX2'}), "
            f"{kind}{machine['cpus']} cores, {machine['memory_bytes'] / (1 << 30):.0f} GiB, {machine['system']}, Linux "
            f"{machine['kernel']}; forwarding on CPU {machine['worker_cpu']}")


def spare_cpu(cpu):
    """A core for all that does not forward."""
    return next((other for other in sorted(os.sched_getaffinity(0)) if other != cpu), cpu)


def hugepages(size):
    """A `with` block in which at least `size` bytes of hugepages are there; it puts the number back."""
    pages = max(int(_HUGEPAGES.read_text()), (size + _PAGE - 1) // _PAGE)
    return _Hugepages(_HUGEPAGES, pages)


class _Hugepages(SavedSysctl):
    def __enter__(self):
        super().__enter__()
        got = int(self.path.read_text())
        if got < int(self.value):
            self.__exit__()
            raise LabError(f"{self.value} hugepages of 2 MiB wanted, the kernel found {got}: leave out the largest "
                           "workloads with --only, or boot afresh")
        return self


def free_memory():
    """Bytes that can be had without swapping."""
    return _memory_field("MemAvailable")


def run_delay(pid, starts):
    """Seconds for which threads of a process, by the start of their names, were ready but another had their CPU."""
    total = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        try:
            if (task / "comm").read_text().startswith(starts):
                total += int((task / "schedstat").read_text().split()[1])
        except OSError:
            pass  # a thread that has just ended
    return total / 1e9


@contextmanager
def ahead_of_all():
    """A `with` block in which this process, and those given to the function that it yields, have the real-time class.

    What is measured must take less than a second: after that the kernel gives others a twentieth of it.
    """
    def schedule(pid, how, priority):
        for task in Path(f"/proc/{pid}/task").iterdir():
            os.sched_setscheduler(int(task.name), how, os.sched_param(priority))
    chosen = []

    def ahead(pid):
        chosen.append(pid)
        schedule(pid, os.SCHED_RR, 2)
    try:
        schedule(os.getpid(), os.SCHED_RR | os.SCHED_RESET_ON_FORK, 3)
        yield ahead
    finally:
        for pid in [*chosen, os.getpid()]:
            schedule(pid, os.SCHED_OTHER, 0)


def port_statistics(prefix, ports):
    """Packets that a DPDK process has sent by its first `ports` ports so far, from its telemetry socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as client:
        client.settimeout(10)
        client.connect(f"/run/dpdk/{prefix}/dpdk_telemetry.v2")
        client.recv(1 << 14)
        total = 0
        for port in ports:
            client.send(f"/ethdev/stats,{port}".encode())
            total += json.loads(client.recv(1 << 16))["/ethdev/stats"]["opackets"]
        return total
