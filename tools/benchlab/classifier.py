"""The classifier beside librte_acl and two designs of the literature: look-ups, compiling, memory, over rules.

Each design is a process of its own (tests/bench/classifier/ruleset_bench) that builds, is compared with the linear search, and
then measures when it is told to; so they take turns over the same rules and packets, A B C A B C …
"""

import json
import os
import select
import subprocess
import time
from dataclasses import dataclass, field

from benchlab import machine
from netlab import LabError

PROJECT, SCALAR, PEER = "sluice", "sluice-scalar", "rte_acl"
OTHERS = ("bit_vectors", "tuple_merge")
KINDS = ("acl", "fw", "ipc")
SIZES = (1, 10, 100, 1_000, 10_000, 100_000)
MAIN_TRACE = "spread"
ATTACKS = ("corners", "random", "sweep-source", "sweep-destination", "sweep-source-port", "sweep-destination-port")
SET_SIZES = (10, 1_000_000)
_HUGEPAGES = 4 << 30  # librte_acl takes its memory from them
_CHECK_SECONDS = 120.0


class Never(Exception):
    """A design cannot be had for these rules."""


@dataclass(frozen=True)
class Cell:
    """One rule set, the designs that take part, and the traces beyond the main one that they are asked."""

    kind: str
    family: int
    rules: int
    designs: tuple
    attacks: tuple = ()
    members: int = 0  # of a set of addresses that the first rule is about


@dataclass
class Result:
    """What one design did with one cell: `never` says why there is nothing else."""

    never: str = ""
    build_seconds: float = 0.0
    memory_bytes: int = 0
    build_peak_bytes: int = 0
    compared: int = 0
    traces: dict = field(default_factory=dict)  # nanoseconds a packet, a list by trace
    change: dict = field(default_factory=dict)


def cells(options):
    """The cells of this run, in their order."""
    quick = options.quick
    for family in (4, 6):
        for kind in KINDS:
            for rules in SIZES:
                if quick and (rules in (1, 100) or (family == 6 and (kind != "ipc" or rules == 100_000))):
                    continue
                designs = [PROJECT]
                if not quick or rules < 100_000:
                    designs.append(PEER)
                if not quick:
                    designs.append(SCALAR)
                if family == 4 and rules in (10, 1_000, 10_000, 100_000) and (not quick or (kind == "ipc" and rules == 10_000)):
                    designs += OTHERS
                attacked = rules in (1_000, 10_000, 100_000) and (not quick or (kind == "ipc" and rules == 10_000))
                yield Cell(kind, family, rules, tuple(designs), ATTACKS if attacked else ())
    for family in (4, 6):
        for members in SET_SIZES:
            if not quick or family == 4:
                yield Cell("acl", family, 100, (PROJECT,), ("members",), members)


class _Design:
    """One ruleset_bench that is told what to do."""

    def __init__(self, options, cell, name):
        program = options.build / "tests/bench/ruleset_bench"
        if not program.exists():
            raise LabError(f"{program} is not there: run tools/build")
        command = [str(program), "--design", name, "--kind", cell.kind, "--family", str(cell.family), "--rules", str(cell.rules)]
        if cell.members:
            command += ["--set", str(cell.members)]
        self.name = name
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        preexec_fn=lambda: os.sched_setaffinity(0, {options.cpu}))
        self._rest = b""

    def line(self, seconds):
        """The next object that it writes, within so many seconds; None when it takes longer."""
        end = time.monotonic() + seconds
        while b"\n" not in self._rest:
            ready, _, _ = select.select([self.process.stdout], [], [], max(0.0, end - time.monotonic()))
            if not ready:
                return None
            some = os.read(self.process.stdout.fileno(), 1 << 16)
            if not some:
                raise LabError(f"{self.name}: {self.process.stderr.read().decode(errors='replace').strip() or 'ended'}")
            self._rest += some
        line, self._rest = self._rest.split(b"\n", 1)
        return json.loads(line)

    def ask(self, words, seconds=120.0):
        self.process.stdin.write(words.encode() + b"\n")
        self.process.stdin.flush()
        answer = self.line(seconds)
        if answer is None:
            raise LabError(f"{self.name}: no answer to '{words}'")
        return answer

    def built(self, limit):
        """What building took; Never when it cannot be done, or not within `limit` seconds."""
        self.line(_CHECK_SECONDS)
        built = self.line(limit)
        if built is None:
            raise Never(f"> {limit:.0f} s")
        if "cannot" in built:
            raise Never(built["cannot"])
        compared = self.line(_CHECK_SECONDS)
        if compared is None:
            raise LabError(f"{self.name}: not compared within {_CHECK_SECONDS:.0f} s")
        return {**built, **compared}

    def end(self):
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            stream.close()


def _build(options, cell, running, results):
    for name in cell.designs:
        design = _Design(options, cell, name)
        running.append(design)
        try:
            results[name] = Result(**design.built(options.build_limit))
        except Never as reason:
            results[name] = Result(never=str(reason))
            running.remove(design)
            design.end()


def measure(options, cell):
    """Results by design."""
    results, running = {}, []
    try:
        _build(options, cell, running, results)
        for _ in range(options.rounds):
            for trace in (MAIN_TRACE, *cell.attacks):
                for design in running:
                    if trace in ATTACKS and design.name == SCALAR:
                        continue
                    seconds = options.seconds if trace == MAIN_TRACE else options.seconds / 2
                    answer = design.ask(f"measure {trace} {seconds}")
                    results[design.name].traces.setdefault(trace, []).append(answer["nanoseconds"])
        for design in running:
            if cell.members:
                results[design.name].change = design.ask("change 1000")
    finally:
        for design in running:
            design.end()
    return results


def run(options):
    """(cell, results by design) for all cells."""
    found = []
    with machine.hugepages(_HUGEPAGES):
        for cell in cells(options):
            results = measure(options, cell)
            found.append((cell, results))
            what = f"{cell.members} prefixes in a set" if cell.members else f"{cell.rules} rules"
            said = ", ".join(
                f"{name} {each.never or f'{min(each.traces[MAIN_TRACE]):.1f} ns'}" for name, each in results.items())
            print(f"  {cell.kind} IPv{cell.family} {what}: {said}", flush=True)
    return found
