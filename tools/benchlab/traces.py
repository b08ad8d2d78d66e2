"""Captures for replay ports: 64-byte frames (60 without FCS) of UDP, flows in random order."""

import random
import struct
from dataclasses import dataclass
from pathlib import Path

_FRAME_SIZE = 60
_SERVER = bytes([10, 78, 0, 1])


@dataclass
class Trace:
    """Two captures with the same number of packets: what clients send and what servers answer."""
    clients: Path
    servers: Path
    packets: int


def _checksum(header):
    total = sum(struct.unpack(f"!{len(header) // 2}H", header))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def _frame(source, source_port, destination, destination_port, from_client):
    client_mac, server_mac = bytes([2, 0, 0, 0, 0, 1]), bytes([2, 0, 0, 0, 0, 2])
    ethernet = (server_mac + client_mac if from_client else client_mac + server_mac) + b"\x08\x00"
    udp_length = _FRAME_SIZE - 14 - 20
    header = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + udp_length, 0, 0x4000, 64, 17, 0, source, destination)
    header = header[:10] + struct.pack("!H", _checksum(header)) + header[12:]
    udp = struct.pack("!HHHH", source_port, destination_port, udp_length, 0)
    return ethernet + header + udp + bytes(_FRAME_SIZE - 14 - 20 - 8)


def _write(path, frames):
    with open(path, "wb") as out:
        out.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
        for frame in frames:
            out.write(struct.pack("<IIII", 0, 0, len(frame), len(frame)) + frame)


def two_way_udp(folder, flows):
    """A packet and its answer for each of `flows` flows, in two captures. Fewer than 1,024 flows are repeated."""
    clients, servers = [], []
    for number in range(flows):
        address = bytes([10, 77, number >> 16 & 0xff, number >> 8 & 0xff])
        port = 1024 + (number & 0xff) * 200
        clients.append(_frame(address, port, _SERVER, 53, True))
        servers.append(_frame(_SERVER, 53, address, port, False))
    copies = max(1, 1024 // flows)
    order = random.Random(1)
    clients, servers = clients * copies, servers * copies
    order.shuffle(clients)
    order.shuffle(servers)
    trace = Trace(Path(folder) / f"clients-{flows}.pcap", Path(folder) / f"servers-{flows}.pcap", len(clients))
    _write(trace.clients, clients)
    _write(trace.servers, servers)
    return trace
