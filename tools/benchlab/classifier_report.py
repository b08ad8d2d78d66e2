"""What tools/bench classifier found, as markdown for docs/classifier_measured.md and as JSON."""

import statistics
from dataclasses import asdict

from benchlab import machine
from benchlab.classifier import ATTACKS, KINDS, MAIN_TRACE, OTHERS, PEER, PROJECT, SCALAR

# Nanoseconds a packet that a look-up may take over IPv4, by rules; 1.6 times that over IPv6.
WANTED = {1: 15, 10: 15, 100: 30, 1_000: 30, 10_000: 40, 100_000: 80}
WANTED_IPV6 = 1.6


def size(count):
    """1000 as 1,000."""
    return f"{count:,}"


def _bytes(count):
    if count < 1 << 20:
        return f"{count / 1024:.0f} KiB"
    return f"{count / (1 << 20):.1f} MiB" if count < 100 << 20 else f"{count / (1 << 20):.0f} MiB"


def _seconds(seconds):
    if seconds < 1e-3:
        return f"{seconds * 1e6:.0f} µs"
    return f"{seconds * 1e3:.1f} ms" if seconds < 1 else f"{seconds:.1f} s"


def median(result, trace=MAIN_TRACE):
    """Nanoseconds a packet, or None."""
    return statistics.median(result.traces[trace]) if result and trace in result.traces else None


def _spread(result, trace=MAIN_TRACE):
    if result is None:
        return ""
    if result.never:
        return f"never ({result.never})"
    times = result.traces[trace]
    return f"{statistics.median(times):.1f} ({min(times):.1f} – {max(times):.1f})"


class Found:
    """Results by cell, to be asked for."""

    def __init__(self, found):
        self.sets = [(cell, results) for cell, results in found if cell.members]
        self.rules = [(cell, results) for cell, results in found if not cell.members]
        self._by_key = {(cell.kind, cell.family, cell.rules): results for cell, results in self.rules}
        self.sizes = sorted({cell.rules for cell, _ in self.rules})

    def get(self, kind, family, rules, design):
        """A Result, or None when that was not part of the run."""
        return self._by_key.get((kind, family, rules), {}).get(design)


def _table(head, rows):
    return ["| " + " | ".join(head) + " |", "|" + "---|" * len(head),
            *("| " + " | ".join(str(each) for each in row) + " |" for row in rows), ""]


def _look_ups(found):
    rows = []
    for kind in KINDS:
        for rules in found.sizes:
            ours, ours6 = found.get(kind, 4, rules, PROJECT), found.get(kind, 6, rules, PROJECT)
            mine, mine6, peer = median(ours), median(ours6), median(found.get(kind, 4, rules, PEER))
            wanted = WANTED[rules]
            rows.append((kind, size(rules), _spread(ours), f"≤ {wanted}" + ("" if mine is None or mine <= wanted else " **missed**"),
                         _spread(found.get(kind, 4, rules, SCALAR)), _spread(found.get(kind, 4, rules, PEER)),
                         f"{peer / mine:.1f} ×" if peer and mine else "", _spread(ours6),
                         f"{mine6 / mine:.2f} ×" if mine and mine6 else "", _spread(found.get(kind, 6, rules, PEER))))
    return _table(("rules", "number", "Sluice", "wanted", "Sluice, scalar", "`rte_acl`", "`rte_acl` to Sluice", "Sluice, IPv6",
                   "IPv6 to IPv4", "`rte_acl`, IPv6"), rows)


def _building(found):
    def both(result):
        if result is None:
            return "", ""
        if result.never:
            return f"never ({result.never})", ""
        return _seconds(result.build_seconds), _bytes(result.memory_bytes)
    rows = []
    for kind in KINDS:
        for rules in found.sizes:
            cells = [both(found.get(kind, family, rules, design)) for design in (PROJECT, PEER) for family in (4, 6)]
            peak = found.get(kind, 4, rules, PROJECT)
            rows.append((kind, size(rules), *cells[0], _bytes(peak.build_peak_bytes) if peak and not peak.never else "",
                         *cells[1], *cells[2], *cells[3]))
    return _table(("rules", "number", "Sluice, compile", "memory", "more while compiling", "IPv6, compile", "memory",
                   "`rte_acl`, compile", "memory", "IPv6, compile", "memory"), rows)


def _others(found):
    rows = []
    for kind in KINDS:
        for rules in found.sizes:
            others = [found.get(kind, 4, rules, design) for design in OTHERS]
            if not any(others):
                continue
            row = [kind, size(rules), _spread(found.get(kind, 4, rules, PROJECT))]
            for other in others:
                row += [_spread(other), "" if other is None or other.never else
                        f"{_seconds(other.build_seconds)}, {_bytes(other.memory_bytes)}"]
            rows.append(row)
    return _table(("rules", "number", "Sluice", "bit vectors", "compile, memory", "tuple merge", "compile, memory"), rows)


def _attacks(found):
    rows = []
    for cell, results in found.rules:
        if not cell.attacks:
            continue
        for name, result in results.items():
            if result.never or name == SCALAR:
                continue
            calm = median(result)
            worst = max(median(result, trace) for trace in ATTACKS)
            rows.append((cell.kind, f"IPv{cell.family}", size(cell.rules), name, f"{calm:.1f}",
                         *(f"{median(result, trace):.1f}" for trace in ATTACKS), f"{worst / calm:.2f} ×"))
    return _table(("rules", "family", "number", "design", "spread over rules", *(trace.replace("-", " ") for trace in ATTACKS),
                   "worst to spread"), rows)


def _sets(found):
    rows = []
    for cell, results in found.sets:
        result = results[PROJECT]
        if result.never:
            rows.append((f"IPv{cell.family}", size(cell.members), f"never ({result.never})", "", "", "", "", ""))
            continue
        change = result.change
        rows.append((f"IPv{cell.family}", size(cell.members), _seconds(result.build_seconds), _bytes(result.memory_bytes),
                     _spread(result), _spread(result, "members"),
                     f"{_seconds(change['median_seconds'])}, 1 % above {_seconds(change['p99_seconds'])}, "
                     f"at most {_seconds(change['worst_seconds'])}", _bytes(change["memory_bytes"])))
    return _table(("family", "prefixes in the set", "load", "memory", "look-up, the rules", "look-up, half of the packets in the set",
                   "one address in or out", "memory after 2,000 changes"), rows)


def markdown(results, options, took):
    """The page."""
    found = Found(results)
    lines = ["# The classifier, measured", "",
             "Written by `tools/bench classifier" + (" --quick" if options.quick else "") + "`; [classifier.md](classifier.md) says what is "
             "measured and [performance.md](performance.md) how to read it.", "",
             f"{machine.sentence(machine.describe(options))}. {options.rounds} rounds in turns, {took:.0f} s in all. Nanoseconds of processor "
             "time a packet in batches of 32, 100,000 different packets spread over the rules (acl, fw and ipc as "
             "[tests/rule_sets](../tests/rule_sets/parameters.hpp) has them): median (lowest – highest). Every design was compared with "
             "the linear search before it was measured. *Never*: not built within the time that stands there, or refused.", "",
             "## Look-up", "", *_look_ups(found), "![look-up over rules](images/classifier-look-up.svg)", "",
             "![look-up over rules, IPv6](images/classifier-look-up-ipv6.svg)", "",
             "## Compiling and memory", "", *_building(found), "![compiling over rules](images/classifier-compile.svg)", "",
             "![memory over rules](images/classifier-memory.svg)", "",
             "## Other designs, IPv4", "", *_others(found),
             "## Who knows the rules", "",
             "*Corners*: each rule's corner and a packet a step beside it, in turns. *Random*: packets that know nothing. *Sweep*: one field "
             "takes 100,000 values, the others stay.", "", *_attacks(found),
             "![hostile traffic](images/classifier-attacks.svg)", "",
             "## A set of addresses", "",
             "100 acl rules, and before them one about a set.", "", *_sets(found)]
    return "\n".join(lines)


def to_json(results, options, took):
    """Every sample, and the machine."""
    return {"schema": "sluice.bench_classifier/1", "machine": machine.describe(options), "rounds": options.rounds, "seconds": took,
            "cells": [{**asdict(cell), "results": {name: asdict(result) for name, result in by_design.items()}}
                      for cell, by_design in results]}
