"""dpdk-testpmd in a lab: DPDK's own program that moves frames from port to port, to compare with."""

import os
import shlex

from netlab import leftovers
from netlab.sluice import device


class Testpmd:
    """A running dpdk-testpmd between the lab's two ports."""

    def __init__(self, process, prefix):
        self.process = process
        self._prefix = prefix

    def stop(self, timeout=5.0):
        """SIGTERM, and the removal of what DPDK leaves."""
        self.process.stop(timeout)
        leftovers.remove_dpdk_files(self._prefix)


def start_testpmd(namespace, driver, serial, cpu, priority):
    """Starts dpdk-testpmd in `namespace` with its forwarding on `cpu`, and waits until it forwards."""
    prefix = leftovers.file_prefix(serial)
    others = sorted(os.sched_getaffinity(0) - {cpu}) or [cpu]
    command = ["dpdk-testpmd", "-l", f"{others[0]},{cpu}", "--no-pci", "--file-prefix", prefix,
               "--huge-unlink=always", "-m", 128, *[f"--vdev={device(driver, index)}" for index in (0, 1)], "--",
               "--forward-mode=io", "--nb-cores=1", "--auto-start", "--total-num-mbufs=32768", "--no-lsc-interrupt"]
    keyboard = namespace.new_path("testpmd.in")
    os.mkfifo(keyboard)
    # It ends when its standard input does, so that gets a writer: itself.
    script = (f"mount -t bpf bpf /sys/fs/bpf 2>/dev/null; exec stdbuf -o0 {shlex.join(map(str, command))} "
              f"0<>{shlex.quote(str(keyboard))}")
    process = namespace.spawn("/bin/sh", "-c", script, name="dpdk-testpmd", priority=priority)
    process.wait_for_words("Press enter to exit", timeout=20.0)
    return Testpmd(process, prefix)
