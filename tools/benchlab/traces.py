"""Captures for replay ports, made by tools/traffic: 64-byte frames (60 without FCS)."""

import re
from dataclasses import dataclass
from pathlib import Path

from netlab import LabError, run

TOOLS = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Trace:
    """What clients send and what servers answer; `servers` is None when nobody answers."""

    clients: Path
    servers: Path
    packets: int  # in both

    @property
    def files(self):
        """What the two ports replay, None for one that only sends."""
        return (self.clients, self.servers)


class Library:
    """Makes each trace once and throws the last one away when another is asked for: they are large."""

    def __init__(self, folder, build):
        self._folder = Path(folder)
        self._build = build
        self._made = {}

    def get(self, kind, *arguments):
        """tools/traffic trace KIND ARGUMENTS."""
        key = (kind, *map(str, arguments))
        if key not in self._made:
            self._made[key] = self._make(key)
        return self._made[key]

    def forget(self):
        """Removes all traces."""
        for trace in self._made.values():
            for path in trace.files:
                if path is not None:
                    path.unlink(missing_ok=True)
        self._made.clear()

    def _make(self, key):
        folder = self._folder / f"trace-{re.sub('[^a-z0-9]+', '-', ' '.join(key))}"
        program = self._build / "tools/traffic_generator/sluice-traffic"
        if not program.exists():
            raise LabError(f"{program} is not there: run tools/build")
        said = run([program, "trace", *key, "-o", folder], timeout=300).stdout
        files = [folder / name for name in ("clients.pcap", "servers.pcap")]
        frames = int(re.search(r"(\d+) frames", said)[1])
        both = files[1].exists()
        return Trace(files[0], files[1] if both else None, frames * (2 if both else 1))
