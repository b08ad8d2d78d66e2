"""Operations by themselves: the project's google-benchmark programs, in turns, as one table."""

import json
import statistics
from dataclasses import dataclass

from benchlab import machine
from netlab import LabError, run

_ENTRIES = (1_000, 100_000, 1_000_000, 10_000_000)
_QUICK = (1_000, 1_000_000)
_MEMORY = 4 << 30  # of hugepages, for ten million entries, or for tables of prefixes
# What each operation is compared with.
_AGAINST = {"hit": "memory/two_lines", "hit_and_count": "memory/two_lines", "miss": "memory/one_line"}


@dataclass(frozen=True)
class Part:
    """One program and the benchmarks that it runs at a time."""

    program: str
    filter: str


def _parts(options):
    entries = _QUICK if options.quick else _ENTRIES
    yield Part("packet_bench", ".")
    yield Part("classify_bench", ".")
    yield Part("address_map_bench", "/1000$" if options.quick else ".")
    for count in entries:
        yield Part("flow_bench", f"/{count}/")


def _measure(part, options):
    """Nanoseconds by benchmark's name, of one run."""
    program = options.build / "tests/bench" / part.program
    if not program.exists():
        raise LabError(f"{program} is not there: run tools/build")
    done = run([program, f"--benchmark_filter={part.filter}", "--benchmark_format=json"], timeout=300)
    found = {}
    for each in json.loads(done.stdout[done.stdout.index("{"):])["benchmarks"]:
        name = "/".join(word for word in each["name"].split("/") if ":" not in word and word != "manual_time")
        if each.get("error_occurred"):
            raise LabError(f"{part.program}: {name}: {each['error_message']}")
        found[name] = 1e9 * each["each"] if "each" in each else 1e9 / each["items_per_second"]
    return found


def measure(options):
    """Lists of nanoseconds by name. The parts take turns, so that a slow minute is everybody's."""
    samples = {}
    with machine.hugepages(_MEMORY):
        for number in range(options.rounds):
            for part in _parts(options):
                for name, nanoseconds in _measure(part, options).items():
                    samples.setdefault(name, []).append(nanoseconds)
                print(f"  round {number + 1}  {part.program} {part.filter}", flush=True)
    return samples


def _against(name):
    """The benchmark that this one is compared with, by name, or None."""
    words = name.split("/")
    if words[0] == "address_map":
        return "/".join(["rte_fib", *words[1:]])
    if words[0] != "table":
        return None
    peer = "/".join(["rte_hash", "hit" if words[1] == "hit_and_count" else words[1], *words[2:]])
    return peer


def rows(samples):
    """(name, median, lowest, highest, ratio to rte_hash or rte_fib, or None, ratio to the memory's limit or None)."""
    medians = {name: statistics.median(times) for name, times in samples.items()}
    for name, times in samples.items():
        words = name.split("/")
        peer = medians.get(_against(name) or "")
        memory = medians.get(f"{_AGAINST[words[1]]}/{words[-1]}") if len(words) > 2 and words[1] in _AGAINST else None
        yield (name, medians[name], min(times), max(times), medians[name] / peer if peer else None,
               medians[name] / memory if memory else None)


def text(samples, options):
    """The table for a terminal."""
    lines = [machine.sentence(machine.describe(options)), f"{options.rounds} rounds; nanoseconds each", "",
             f"  {'PART':<36} {'MEDIAN':>8} {'LOWEST':>8} {'HIGHEST':>8} {'TO DPDK':>12} {'TO MEMORY':>10}"]
    for name, median, low, high, peer, memory in rows(samples):
        lines.append(f"  {name:<36} {median:8.1f} {low:8.1f} {high:8.1f} {f'{peer:.2f} ×' if peer else '':>12} "
                     f"{f'{memory:.1f} ×' if memory else '':>10}".rstrip())
    return "\n".join(lines)


def markdown(samples, options):
    """The table for docs/performance.md."""
    lines = [f"{machine.sentence(machine.describe(options))}. {options.rounds} rounds in turns; nanoseconds each.", "",
             "| part | median | lowest – highest | to DPDK | to the memory's limit |", "|---|---|---|---|---|"]
    for name, median, low, high, peer, memory in rows(samples):
        lines.append(f"| `{name}` | {median:.1f} | {low:.1f} – {high:.1f} | {f'{peer:.2f} ×' if peer else ''} | "
                     f"{f'{memory:.1f} ×' if memory else ''} |")
    return "\n".join(lines) + "\n"
