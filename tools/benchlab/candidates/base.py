"""What all candidates have in common."""

import itertools
import shutil
import time
from abc import ABC, abstractmethod
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from benchlab import machine
from netlab import LabError, leftovers

_serials = itertools.count(1)


def next_serial():
    """A number that no namespace, file or DPDK prefix of this run has had."""
    return next(_serials)


class CannotDo(Exception):
    """This candidate does not do this workload, and why, in a few words for the table."""


@dataclass(frozen=True)
class Job:
    """One workload for one candidate."""

    workload: object
    trace: object
    options: object
    folder: object  # pathlib.Path
    sockets: list = field(default_factory=list)  # of the candidate's ports, where they are joined to another process's
    ends: list = field(default_factory=list)     # devargs of the ports at their other ends

    def new_path(self, name):
        """A path that no other measurement has been given."""
        return self.folder / f"{next_serial()}-{name}"


class Running(ABC):
    """A candidate at work."""

    threads = ""  # how the names of its forwarding threads begin

    @abstractmethod
    def forwarded(self):
        """Packets forwarded so far, both directions together."""

    def pid(self):
        """The process whose threads forward, or None."""
        return None

    def facts(self):
        """Numbers worth keeping beside the rate, a dict; those that only grow are told as what they grew by."""
        return {}

    def warm(self):
        """Whether it is in the state that is to be measured."""
        return True


class Candidate(ABC):
    """A program with its settings; `name` is its row in the table, `way` how its packets come, see ports.py; or veth."""

    way = "replay"
    protocol = "udp"
    is_limit = False

    def __init__(self, name):
        self.name = name

    @abstractmethod
    def start(self, job, stack):
        """Starts the program, its end on `stack`; a Running. CannotDo if this workload is not for it."""

    def measure(self, job):
        """One sample: {"rate": packets a second, …}."""
        options = job.options
        with ExitStack() as stack:
            running = self.start(job, stack)
            self._warm_up(running, job)
            facts = running.facts()
            delay = machine.run_delay(running.pid(), running.threads) if running.pid() else 0.0
            course = [(time.monotonic(), running.forwarded())]
            for _ in range(job.workload.looks):
                time.sleep(options.seconds / job.workload.looks)
                course.append((time.monotonic(), running.forwarded()))
            (began, first), (ended, last) = course[0], course[-1]
            if running.pid():
                delay = machine.run_delay(running.pid(), running.threads) - delay
            later = running.facts()
        taken = ended - began
        if last == first:
            raise LabError(f"{self.name} forwarded nothing in {taken:.1f} s of {job.workload.key}")
        return {"rate": (last - first) / taken, "seconds": taken, "without_cpu": delay / taken,
                "facts": _growth(facts, later), "course": [(at - began, count - first) for at, count in course]}

    def _warm_up(self, running, job):
        """Until each packet of the trace has passed as often as the workload asks for, and a little longer."""
        deadline = time.monotonic() + job.options.patience
        wanted = max(1, job.workload.warm_passes * job.trace.packets)
        while running.forwarded() < wanted or not running.warm():
            if time.monotonic() > deadline:
                raise CannotDo(f"not there after {job.options.patience:g} s of warming up: "
                               f"{running.forwarded() / 1e6:.1f} of {wanted / 1e6:.1f} million packets")
            time.sleep(0.05)
        time.sleep(job.options.settle)


def _growth(before, after):
    return {name: value - before[name] if name.startswith("+") else value for name, value in after.items()}


def program(name):
    """The path of an installed program; CannotDo without it."""
    path = shutil.which(name)
    if path is None:
        raise CannotDo(f"{name} is not installed: run sudo tools/setup")
    return path


@contextmanager
def dpdk_prefix():
    """A --file-prefix of its own, whose files are gone afterwards, however the process ended."""
    prefix = leftovers.file_prefix(next_serial())
    try:
        yield prefix
    finally:
        leftovers.remove_dpdk_files(prefix)
