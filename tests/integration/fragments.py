"""IPv6 fragments, put into order by datagram."""

import struct
from dataclasses import dataclass, field

_FRAGMENT = 44
_ETHERNET_SIZE = 14
_IPV6_SIZE = 40


@dataclass
class Datagram:
    """All fragments with one identification between two addresses, as (offset, size, more follow)."""

    identification: int
    fragments: list = field(default_factory=list)

    def whole(self):
        """Whether they make one datagram, with each byte in one fragment exactly."""
        end = 0
        for offset, size, more in sorted(self.fragments):
            if offset != end:
                return False
            end = offset + size
        return [more for _, _, more in sorted(self.fragments)] == [True] * (len(self.fragments) - 1) + [False]


def arrived_datagrams(frames):
    """The datagrams of frames of which the fragment header follows the IPv6 header at once."""
    datagrams = {}
    for frame in frames:
        packet = frame[_ETHERNET_SIZE:]
        length, next_header = struct.unpack("!HB", packet[4:7])
        if next_header != _FRAGMENT:
            continue
        bits, identification = struct.unpack("!HI", packet[_IPV6_SIZE + 2:_IPV6_SIZE + 8])
        datagram = datagrams.setdefault((packet[8:_IPV6_SIZE], identification), Datagram(identification))
        datagram.fragments.append((bits & 0xFFF8, length - 8, bool(bits & 1)))
    return list(datagrams.values())
