#!/usr/bin/env python3
"""Turns recorded verdicts, a gzipped JSON file, into the text files of data/, one a category. README.md describes both.

  tests/golden/convert.py RECORDING.json.gz
"""

import argparse
import gzip
import json
import struct
import sys
from pathlib import Path

DATA = Path(__file__).resolve().parent / "data"
REFERENCES = ("kernel-routed", "kernel-bridge", "ovs-userspace")
VLAN_TAGS = (0x8100, 0x88A8)
IPV4, IPV6 = 0x0800, 0x86DD
# Extension headers that may stand before a fragment header: hop by hop, routing, destination, AH, mobility, HIP, shim6.
EXTENSIONS = {0, 43, 60, 51, 135, 139, 140}
AH, FRAGMENT = 51, 44


def network_layer(frame):
    """EtherType behind the tags, and what it announces."""
    at = 12
    while len(frame) >= at + 4 and struct.unpack_from("!H", frame, at)[0] in VLAN_TAGS:
        at += 4
    if len(frame) < at + 2:
        return 0, b""
    return struct.unpack_from("!H", frame, at)[0], frame[at + 2:]


def ipv4_piece(packet):
    """(offset, length, more) of a fragment, None for a whole packet."""
    if len(packet) < 20 or packet[0] >> 4 != 4 or packet[0] & 15 < 5:
        return None
    header, total = (packet[0] & 15) * 4, struct.unpack_from("!H", packet, 2)[0]
    end = total if header <= total <= len(packet) else len(packet)
    word = struct.unpack_from("!H", packet, 6)[0]
    offset, more = (word & 0x1FFF) * 8, word >> 13 & 1
    return (offset, max(0, end - header), more) if offset or more else None


def ipv6_piece(packet):
    if len(packet) < 40 or packet[0] >> 4 != 6:
        return None
    length = struct.unpack_from("!H", packet, 4)[0]
    end = 40 + length if length and 40 + length <= len(packet) else len(packet)
    header, at = packet[6], 40
    while header in EXTENSIONS and at + 8 <= end:
        header, at = packet[at], at + ((packet[at + 1] + 2) * 4 if header == AH else (packet[at + 1] + 1) * 8)
    if header != FRAGMENT or at + 8 > end:
        return None
    word = struct.unpack_from("!H", packet, at + 2)[0]
    offset, more = word & 0xFFF8, word & 1
    return (offset, end - at - 8, more) if offset or more else None


def piece(frame):
    """Which bytes of its datagram a frame carries: `whole`, `0-104+` (more follow) or `104-208`."""
    ethertype, packet = network_layer(frame)
    found = {IPV4: ipv4_piece, IPV6: ipv6_piece}.get(ethertype, lambda _: None)(packet)
    if found is None:
        return "whole"
    offset, length, more = found
    return f"{offset}-{offset + length}{'+' if more else ''}"


def letter(verdict):
    return {"pass": "p", "drop": "d", None: "-"}[verdict]


class Writer:
    def __init__(self, addresses):
        # The recording speaks to a router's two addresses; on a wire the ends speak to each other.
        binary = {name: bytes.fromhex(value.replace(":", "")) for name, value in addresses.items()
                  if name.endswith("_mac")}
        self._far_end = {binary["fwc_mac"]: binary["srv_mac"], binary["fws_mac"]: binary["cli_mac"]}

    def scenario(self, scenario):
        yield f"scenario {scenario['name']}"
        if scenario["tags"]:
            yield f"tags {' '.join(scenario['tags'])}"
        for step in scenario["steps"]:
            yield from self._step(step)

    def _step(self, step):
        side = {"c": "client", "s": "server"}[step["dir"]]
        references = "".join(letter(step["ref"].get(name)) for name in REFERENCES)
        why = step.get("why", {}).get(REFERENCES[0], "-")
        yield f"{side} {step['want']} {step['level']} {references} {letter(step['exp'])} {why} {step['note']}".rstrip()
        for datagram, text in step["frames"]:
            frame = bytes.fromhex(text)
            frame = self._far_end.get(frame[:6], frame[:6]) + frame[6:]
            yield f"  {datagram} {piece(frame)} {frame.hex()}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recording", type=Path)
    parser.add_argument("--into", type=Path, default=DATA, help="the folder to write to (default: data/ beside this)")
    options = parser.parse_args()
    with gzip.open(options.recording, "rt", encoding="utf-8") as file:
        recording = json.load(file)
    writer = Writer(recording["meta"]["cfg"])
    lines = {}
    for scenario in recording["scenarios"]:
        lines.setdefault(scenario["cat"], []).extend([*writer.scenario(scenario), ""])
    options.into.mkdir(parents=True, exist_ok=True)
    for category, text in sorted(lines.items()):
        (options.into / f"{category}.txt").write_text("\n".join(text), encoding="utf-8")
    steps = sum(len(scenario["steps"]) for scenario in recording["scenarios"])
    print(f"{len(recording['scenarios'])} scenarios, {steps} steps, {len(lines)} files")
    return 0


if __name__ == "__main__":
    sys.exit(main())
