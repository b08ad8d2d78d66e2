"""A bad line between two interfaces: frames are lost, late, out of order and twice, by a seeded generator.

What `tc qdisc … netem` does, for kernels without it (CONFIG_NET_SCH_NETEM is not set). Run as a program, this module
forwards between two interfaces of its namespace: `python3 -m netlab.impairment l0 l1 --loss 0.01 --delay 0.002`.
"""

import argparse
import heapq
import itertools
import random
import select
import signal
import socket
import time
from pathlib import Path

from netlab.processes import REAL_TIME

_TOOLS = Path(__file__).resolve().parent.parent
_ETH_P_ALL = 3
_SOL_PACKET = 263
_PACKET_IGNORE_OUTGOING = 23
_PACKET_QDISC_BYPASS = 20
_SO_SNDBUFFORCE = 32
_SO_RCVBUFFORCE = 33
_BUFFER_SIZE = 8 << 20
_LONGEST_FRAME = 10_000


def start(namespace, first, second, *, cpus=None, **how):
    """Starts the program in the background; `how` by name: seed, loss, delay, reorder, duplicate. See _arguments."""
    options = [text for name, value in how.items() for text in (f"--{name}", value)]
    # It sleeps most of the time, and whatever keeps it from its CPU would be a delay that nobody has asked for.
    process = namespace.spawn("/usr/bin/env", f"PYTHONPATH={_TOOLS}", "PYTHONDONTWRITEBYTECODE=1", "/usr/bin/python3",
                              "-m", "netlab.impairment", first, second, *options, name="impairment", cpus=cpus,
                              priority=REAL_TIME)
    process.wait_for_line("ready", timeout=5.0)
    return process


class Line:
    """One direction: from `source` to `sink`, two packet sockets. Frames that are late wait in a heap."""

    def __init__(self, source, sink, seed, how):
        self.source = source
        self._sink = sink
        self._random = random.Random(seed)
        self._how = how
        self._waiting = []
        self._order = itertools.count()

    def take(self, now):
        """Receives what there is, and decides what becomes of each frame."""
        while True:
            try:
                frame = self.source.recv(_LONGEST_FRAME)
            except BlockingIOError:
                return
            # The number of draws is the same for each frame, so that one decision does not shift all the others.
            lost, early, twice = (self._random.random() for _ in range(3))
            if lost < self._how.loss:
                continue
            # As netem does: out of order are those that need not wait.
            due = now if early < self._how.reorder else now + self._how.delay
            for _ in range(2 if twice < self._how.duplicate else 1):
                heapq.heappush(self._waiting, (due, next(self._order), frame))

    def send(self, now):
        """Sends what is due; the time at which the next one is, or None."""
        while self._waiting and self._waiting[0][0] <= now:
            try:
                self._sink.send(heapq.heappop(self._waiting)[2])
            except OSError:  # no room, or the interface is down: lost, like the others
                pass
        return self._waiting[0][0] if self._waiting else None


def _open(interface):
    one = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ETH_P_ALL))
    one.bind((interface, _ETH_P_ALL))
    one.setsockopt(_SOL_PACKET, _PACKET_IGNORE_OUTGOING, 1)
    one.setsockopt(_SOL_PACKET, _PACKET_QDISC_BYPASS, 1)
    for option in (_SO_SNDBUFFORCE, _SO_RCVBUFFORCE):
        one.setsockopt(socket.SOL_SOCKET, option, _BUFFER_SIZE)
    one.setblocking(False)
    return one


def forward(first, second, how):
    """Forwards between two interfaces until SIGTERM."""
    ends = _open(first), _open(second)
    lines = [Line(*ends, how.seed, how), Line(*reversed(ends), how.seed + 1, how)]
    poll = select.poll()
    for end in ends:
        poll.register(end, select.POLLIN)
    print("ready", flush=True)
    while True:
        now = time.monotonic()
        for line in lines:
            line.take(now)
        times = [due for due in (line.send(now) for line in lines) if due is not None]
        poll.poll(max(0, (min(times) - time.monotonic()) * 1000) if times else None)


def _arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("first")
    parser.add_argument("second")
    parser.add_argument("--seed", type=int, default=1, help="of the generator; the other direction takes the next one")
    parser.add_argument("--loss", type=float, default=0.0, help="share of frames that are lost")
    parser.add_argument("--delay", type=float, default=0.0, help="seconds that a frame takes")
    parser.add_argument("--reorder", type=float, default=0.0, help="share of frames that do not wait for `delay`")
    parser.add_argument("--duplicate", type=float, default=0.0, help="share of frames that are sent twice")
    return parser.parse_args()


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: exit(0))
    GIVEN = _arguments()
    forward(GIVEN.first, GIVEN.second, GIVEN)
