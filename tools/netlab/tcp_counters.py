"""What the kernel's TCP has counted in a namespace: segments, retransmissions, timeouts."""

from dataclasses import dataclass


@dataclass(frozen=True)
class TcpCounters:
    """Of all connections of a namespace so far. The difference of two is what happened in between."""

    segments: int  # sent, the first time or again
    retransmitted: int  # those sent again
    timeouts: int  # how often nothing but the clock made it go on: a stall

    def __sub__(self, earlier):
        return TcpCounters(self.segments - earlier.segments, self.retransmitted - earlier.retransmitted,
                           self.timeouts - earlier.timeouts)

    def __add__(self, other):
        return TcpCounters(self.segments + other.segments, self.retransmitted + other.retransmitted,
                           self.timeouts + other.timeouts)

    def share(self):
        """Retransmitted segments as a share of all."""
        return self.retransmitted / self.segments


def read(namespace):
    """The counters of a namespace now. Linux leaves retransmissions out of OutSegs (RFC 4022)."""
    values = {}
    for file in ("snmp", "netstat"):
        lines = namespace.read(f"/proc/net/{file}").splitlines()
        for names, numbers in zip(lines[::2], lines[1::2]):
            group = names.split(":")[0]
            values.update({f"{group}.{name}": int(number)
                           for name, number in zip(names.split()[1:], numbers.split()[1:])})
    again = values["Tcp.RetransSegs"]
    return TcpCounters(values["Tcp.OutSegs"] + again, again, values["TcpExt.TCPTimeouts"])
