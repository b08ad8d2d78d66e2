"""Plays recorded scenarios (tests/golden) between two interfaces and sees which frames come out at the other one.

All scenarios are played side by side: the first step of each, then the second of each. Sentinels, packets of a flow
that the policy allows, tell when everything before them is through.
"""

import ctypes
import os
import select
import socket
import struct
import time
from collections import Counter, defaultdict
from pathlib import Path

import tools_path  # noqa: F401
from netlab import LabError

GOLDEN = Path(__file__).resolve().parent.parent / "golden"
CLIENT, SERVER = "10.77.1.10", "10.77.2.10"
SIDES = ("client", "server")
BURST = 48

SOL_PACKET, PACKET_ADD_MEMBERSHIP, PACKET_MR_PROMISC, PACKET_AUXDATA, PACKET_OUTGOING = 263, 1, 1, 8, 4
SO_RCVBUFFORCE, ETH_P_ALL = 33, 3
TP_STATUS_VLAN_VALID, TP_STATUS_VLAN_TPID_VALID = 0x10, 0x40
CLONE_NEWNET = 0x40000000


class End:
    """A raw socket on an interface of a namespace: whole frames out and in, tags where they are on the wire."""

    def __init__(self, namespace, interface):
        self.socket = _in_namespace(namespace.name, lambda: self._open(interface))

    @staticmethod
    def _open(interface):
        opened = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        opened.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 64 << 20)
        opened.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
        membership = struct.pack("iHH8s", socket.if_nametoindex(interface), PACKET_MR_PROMISC, 0, b"")
        opened.setsockopt(SOL_PACKET, PACKET_ADD_MEMBERSHIP, membership)
        opened.bind((interface, ETH_P_ALL))
        opened.setblocking(False)
        return opened

    def fileno(self):
        return self.socket.fileno()

    def close(self):
        self.socket.close()

    def send(self, frame):
        while True:
            try:
                self.socket.send(frame)
                return
            except BlockingIOError:
                select.select([], [self.socket], [], 1.0)

    def receive(self):
        """What has come in since the last time, in order."""
        frames = []
        while True:
            try:
                frame, ancillary, _, address = self.socket.recvmsg(1 << 16, 64)
            except BlockingIOError:
                return frames
            if address[2] != PACKET_OUTGOING:
                frames.append(_with_tag(frame, ancillary))


def _with_tag(frame, ancillary):
    """The kernel takes the outer tag off before anybody sees the frame, and tells it beside."""
    for level, kind, data in ancillary:
        if level == SOL_PACKET and kind == PACKET_AUXDATA:
            status, _, _, _, _, tag, tpid = struct.unpack("IIIHHHH", data[:20])
            if status & TP_STATUS_VLAN_VALID:
                tpid = tpid if status & TP_STATUS_VLAN_TPID_VALID else 0x8100
                return frame[:12] + struct.pack("!HH", tpid, tag) + frame[12:]
    return frame


def _in_namespace(name, act):
    """What act() returns when this thread calls it inside the namespace."""
    libc = ctypes.CDLL(None, use_errno=True)
    with open("/proc/thread-self/ns/net", "rb") as before, open(f"/run/netns/{name}", "rb") as inside:
        if libc.setns(inside.fileno(), CLONE_NEWNET) != 0:
            raise LabError(f"cannot enter {name}: {os.strerror(ctypes.get_errno())}")
        try:
            return act()
        finally:
            libc.setns(before.fileno(), CLONE_NEWNET)


def read_scenarios():
    """[(name, [(side, [frame, …]), …]), …] of data/*.txt."""
    scenarios = []
    for file in sorted((GOLDEN / "data").glob("*.txt")):
        for line in file.read_text(encoding="utf-8").splitlines():
            word, _, rest = line.strip().partition(" ")
            if word == "scenario":
                scenarios.append((rest, []))
            elif line.startswith(" "):
                scenarios[-1][1][-1][1].append(bytes.fromhex(rest.split()[1]))
            elif word in SIDES:
                scenarios[-1][1].append((word, []))
    only = os.environ.get("SLUICE_GOLDEN_ONLY")
    return [one for one in scenarios if not only or any(text in one[0] for text in only.split(","))]


def _checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total & 0xFFFF) + (total >> 16)
    return ~((total & 0xFFFF) + (total >> 16)) & 0xFFFF


def sentinel(side, number):
    """A DNS-like packet of one flow, that no scenario uses; `number` makes it unique."""
    client, server = (socket.inet_aton(address) for address in (CLIENT, SERVER))
    source, destination = (client, server) if side == "client" else (server, client)
    ports = (60999, 53) if side == "client" else (53, 60999)
    payload = b"SENTINEL" + struct.pack("!Q", number)
    udp = struct.pack("!HHHH", *ports, 8 + len(payload), 0) + payload
    pseudo = source + destination + struct.pack("!HH", socket.IPPROTO_UDP, len(udp))
    udp = udp[:6] + struct.pack("!H", _checksum(pseudo + udp)) + udp[8:]
    ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(udp), 0, 0x4000, 64, socket.IPPROTO_UDP, 0) + source + destination
    ip = ip[:10] + struct.pack("!H", _checksum(ip)) + ip[12:]
    macs = [bytes.fromhex("02dd0000005102dd000000c1"), bytes.fromhex("02dd000000c102dd00000051")]
    return macs[SIDES.index(side)] + b"\x08\x00" + ip + udp


class Player:
    """Plays scenarios between two ends.

    passed   (scenario's index, step, frame) of what came out at the other end
    strange  what came out without having been sent since the sentinel before, by description
    """

    def __init__(self, client, server, settle_seconds):
        self.ends = dict(zip(SIDES, (client, server)))
        self.settle_seconds = settle_seconds
        self.passed = set()
        self.strange = Counter()
        self._waiting = defaultdict(list)  # (side of the sender, frame) to what was sent
        self._sentinels = 0

    def play(self, scenarios):
        self._barrier()
        for step in range(max(len(steps) for _, steps in scenarios)):
            for side in SIDES:
                self._send(scenarios, step, side)

    def _send(self, scenarios, step, side):
        sent = 0
        for index, (_, steps) in enumerate(scenarios):
            if step >= len(steps) or steps[step][0] != side:
                continue
            for number, frame in enumerate(steps[step][1]):
                self._waiting[side, frame].append((index, step, number))
                self.ends[side].send(frame)
                sent += 1
            if sent >= BURST:
                self._barrier()
                sent = 0
        self._barrier()

    def _barrier(self):
        for side in SIDES:
            self._sentinels += 1
            wanted = sentinel(side, self._sentinels)
            self.ends[side].send(wanted)
            deadline = time.monotonic() + 5
            while not self._take(wanted):
                if time.monotonic() > deadline:
                    raise AssertionError(f"the {side}'s sentinel was lost: sluiced does not forward, or too slowly")
                select.select(list(self.ends.values()), [], [], 0.05)
        if self.settle_seconds:  # more workers than one: the sentinel's has overtaken the others
            time.sleep(self.settle_seconds)
            self._take(None)
        self._waiting.clear()

    def _take(self, wanted):
        """Reads what came out; whether `wanted` is among it."""
        seen = False
        for side, other in (SIDES, SIDES[::-1]):
            for frame in self.ends[other].receive():
                if frame == wanted:
                    seen = True
                elif waiting := self._waiting.get((side, frame)):
                    self.passed.add(waiting.pop(0))
                else:
                    self.strange[f"from the {side}: {frame.hex()}"] += 1
        return seen

    def write(self, scenarios, path):
        """As golden_judge reads it."""
        with open(path, "w", encoding="utf-8") as file:
            for index, (name, steps) in enumerate(scenarios):
                for step, (_, frames) in enumerate(steps):
                    passed = "".join("01"[(index, step, number) in self.passed] for number in range(len(frames)))
                    file.write(f"{name} {step} {passed}\n")
