"""One network namespace, and veth pairs between two of them."""

import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from netlab import leftovers
from netlab.processes import LabError, Process, run

# Sluice sees frames as they are on the wire: finished checksums, no segments to be cut later, tags in the bytes.
_OFFLOADS = ("tx", "rx", "tso", "gso", "gro", "txvlan", "rxvlan")


class Namespace:
    """A named network namespace. Commands run in it through `ip netns exec`."""

    def __init__(self, serial, role, folder):
        self.role = role
        self.name = leftovers.namespace_name(serial, role)
        self.folder = Path(folder)
        self._processes = []
        self._files = 0
        run(["ip", "netns", "add", self.name])
        self.ip("link set lo up")

    def remove(self):
        """Ends what runs in the namespace and deletes it."""
        for process in reversed(self._processes):
            process.stop(timeout=2.0)
        leftovers.remove_namespace(self.name)

    def inside(self, command):
        """The command line that runs `command` in this namespace. The process keeps its pid: nothing forks."""
        return ["ip", "netns", "exec", self.name, *map(str, command)]

    def run(self, *command, check=True, timeout=30.0, text_input=None):
        """Runs a command in the namespace, see processes.run."""
        return run(self.inside(command), check=check, timeout=timeout, text_input=text_input)

    def run_at_once(self, commands, at_a_time=12, timeout=60.0):
        """Runs commands that mostly wait, some at a time; their CompletedProcesses, whatever their exit codes."""
        with ThreadPoolExecutor(at_a_time) as pool:
            return list(pool.map(lambda command: self.run(*command, check=False, timeout=timeout), commands))

    def spawn(self, *command, name=None, cpus=None, priority=0):
        """Starts a background process in the namespace, see processes.Process; it ends with the namespace."""
        name = name or Path(str(command[0])).name
        if shutil.which(str(command[0])) is None:
            raise LabError(f"{command[0]} is not there: build it (tools/build) or install it (tools/setup)")
        process = Process(self.inside(command), log=self.new_path(f"{name}.log"), name=name, cpus=cpus,
                          priority=priority)
        self._processes.append(process)
        return process

    def new_path(self, name):
        """A path in the lab's folder that nobody else has been given."""
        self._files += 1
        return self.folder / f"{self.role}-{self._files}-{name}"

    def ip(self, *lines):
        """Runs lines of ip(8), such as "addr add 10.77.0.1/16 dev c0", in one go."""
        run(["ip", "-n", self.name, "-batch", "-"], text_input="\n".join(lines) + "\n")

    def sysctl(self, **values):
        """Sets values by name with dots as double underscores: sysctl(net__ipv4__ip_forward=1)."""
        pairs = [f"{name.replace('__', '.')}={value}" for name, value in values.items()]
        self.run("sysctl", "-q", "-w", *pairs)

    def read(self, path):
        """The text of a file as the namespace sees it, for /proc/net and /proc/sys/net."""
        return self.run("cat", path).stdout

    def listening(self, port, protocol="tcp"):
        """Whether a socket listens on the port."""
        kind = {"tcp": "-t", "udp": "-u"}[protocol]
        return bool(self.run("ss", "-H", "-l", "-n", kind, f"sport = :{port}").stdout.strip())

    def wait_until_listening(self, port, process, protocol="tcp", timeout=5.0):
        """Waits until a socket listens on the port; LabError when `process` ends before, or time is over."""
        process.wait_until(lambda: self.listening(port, protocol), timeout, f"listening on port {port}")

    def connect(self, address, port, timeout=1.0, source=None):
        """Tries a TCP connection, from (address, port) if `source` is given.

        "connected", or the reason in one word: "timeout", "ECONNREFUSED", …
        """
        code = ("import errno, socket, sys\n"
                "source = (sys.argv[4], int(sys.argv[5])) if len(sys.argv) > 4 else None\n"
                "to = (sys.argv[1], int(sys.argv[2]))\n"
                "try: socket.create_connection(to, float(sys.argv[3]), source).close()\n"
                "except TimeoutError: print('timeout')\n"
                "except OSError as error: print(errno.errorcode.get(error.errno, error))\n"
                "else: print('connected')\n")
        done = self.run("/usr/bin/python3", "-c", code, address, port, timeout, *(source or ()), timeout=timeout + 10)
        return done.stdout.strip()

    def ping(self, address, count=3, interval=0.1, size=56, timeout=1.0):
        """Sends echo requests; how many were answered."""
        done = self.run("ping", "-n", "-c", count, "-i", interval, "-s", size, "-W", timeout, address, check=False,
                        timeout=count * (interval + timeout) + 10)
        for line in done.stdout.splitlines():
            if "packets transmitted" in line:
                return int(line.split(",")[1].split()[0])
        raise LabError(f"ping {address} in {self.name}: {done.stderr.strip() or done.stdout.strip()}")


def connect_by_veth(first, first_name, second, second_name, queues=1):
    """A veth pair between two namespaces, without offloads and up. `queues` at both ends."""
    count = ["numtxqueues", queues, "numrxqueues", queues]
    run(["ip", "-n", first.name, "link", "add", first_name, *count, "type", "veth",
         "peer", "name", second_name, "netns", second.name, *count])
    for namespace, name in ((first, first_name), (second, second_name)):
        for offload in _OFFLOADS:
            # Some cannot be changed on some kernels; what must be off is checked below.
            namespace.run("ethtool", "-K", name, offload, "off", check=False)
        if "tx-checksumming: off" not in namespace.run("ethtool", "-k", name).stdout:
            raise LabError(f"cannot switch checksum offload of {name} off")
        namespace.ip(f"link set {name} up")


def wait_for(condition, timeout, what):
    """Waits until condition() is true and returns its value; LabError when time is over."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise LabError(f"no {what} within {timeout:g} s")
        time.sleep(0.02)
