"""What arrives at an interface of a namespace, to be counted when the traffic is over: tcpdump and its filters."""

import struct

from netlab.processes import LabError

# What hosts say by themselves, whoever talks to them: ARP, neighbour discovery, multicast listener reports.
OWN_BUSINESS = "arp or (icmp6 and (ip6[40] >= 130 and ip6[40] <= 137)) or (ip6 proto 0)"


class Capture:
    """Records what an interface receives within a `with` block, and, once that has ended, counts it.

    what    a tcpdump filter: the only frames that are recorded
    """

    def __init__(self, namespace, interface, what=f"not ({OWN_BUSINESS})"):
        self._namespace = namespace
        self._file = namespace.new_path("capture.pcap")
        self._command = ["tcpdump", "-i", interface, "-Q", "in", "-n", "-U", "-B", 8192, "--immediate-mode", "-Z",
                         "root", "-w", self._file, what]
        self._process = None

    def __enter__(self):
        self._process = self._namespace.spawn(*self._command, name="tcpdump")
        self._process.wait_for_words("listening on", timeout=5.0)
        return self

    def __exit__(self, *_):
        code, _ = self._process.stop()
        said = self._process.output()
        if code != 0 or "\n0 packets dropped by kernel" not in said:
            raise LabError(f"tcpdump has not seen everything: {said}")

    def lines(self, what=""):
        """One line of text for each recorded frame that the tcpdump filter matches."""
        done = self._namespace.run("tcpdump", "-r", self._file, "-n", "-t", "-v", *([what] if what else []))
        return _joined(done.stdout)

    def frames(self, what=""):
        """The bytes of each of these frames."""
        self._namespace.run("tcpdump", "-r", self._file, "-w", f"{self._file}.some", *([what] if what else []))
        with open(f"{self._file}.some", "rb") as pcap:
            pcap.read(24)
            while header := pcap.read(16):
                yield pcap.read(struct.unpack("=IIII", header)[2])

    def count(self, what=""):
        """How many recorded frames the tcpdump filter matches."""
        return len(self.lines(what))


def _joined(text):
    """tcpdump -v goes on with a packet in lines that begin with white space."""
    packets = []
    for line in text.splitlines():
        if line[:1].isspace() and packets:
            packets[-1] += " " + line.strip()
        else:
            packets.append(line)
    return packets
