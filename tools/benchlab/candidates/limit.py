"""dpdk-testpmd in io mode: the limit of the ports and of the memory that their traces are in."""

from benchlab import machine
from benchlab.candidates import ports
from benchlab.candidates.base import Candidate, Running


class _Testpmd(Running):
    threads = "rte-worker"

    def __init__(self, process, prefix):
        self._process = process
        self._prefix = prefix

    def forwarded(self):
        return machine.port_statistics(self._prefix, (0, 1))

    def pid(self):
        return self._process.pid


class TestpmdIo(Candidate):
    """Frames are moved from port to port and not looked at."""

    is_limit = True

    def __init__(self, name, way="replay"):
        super().__init__(name)
        self.way = way

    def start(self, job, stack):
        own = ports.buffers(job.trace) if self.way == "replay" else 1 << 16
        size = ports.buffer_size(job.trace) if self.way == "replay" else 0
        devices, feed = ports.prepare(self.way, job, stack)
        running = _Testpmd(*ports.testpmd(job, stack, devices, job.options.cpu, own, size))
        feed()
        return running
