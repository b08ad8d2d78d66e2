"""What a run says: the table, the same in Markdown, and all of it as JSON."""

import statistics
from dataclasses import dataclass

from benchlab import attack, machine


@dataclass(frozen=True)
class Run:
    """A run's results: `blocks` are (workload, {candidate's name: [samples], or a reason})."""

    machine: dict
    options: object
    blocks: list
    seconds: float


@dataclass(frozen=True)
class Row:
    """One candidate in one workload; `reason` stands in place of figures where there are none."""

    candidate: str
    way: str
    median: float
    low: float
    high: float
    of_limit: float
    ratio: float       # Sluice tracked to this one
    nanoseconds: float
    remark: str
    reason: str


def figure(value, unit):
    """A rate with as many digits as it deserves."""
    if unit == "Mpps":
        return f"{value / 1e6:.2f} Mpps"
    return f"{value / 1e6:.2f} M {unit}" if value >= 1e6 else f"{value / 1e3:.0f} k {unit}"


def rows(workload, results):
    """The rows of a workload, in the order in which candidates took part."""
    by_name = {candidate.name: candidate for candidate in workload.takes_part}
    medians = {name: statistics.median(sample["rate"] for sample in samples)
               for name, samples in results.items() if not isinstance(samples, str) and samples}
    limits = {by_name[name].way: rate for name, rate in medians.items()
              if by_name[name].is_limit or name.startswith("veth")}
    for name, samples in results.items():
        way = by_name[name].way
        if name not in medians:
            yield Row(name, way, 0, 0, 0, 0, 0, 0, "", samples or "not measured")
            continue
        rates = [sample["rate"] for sample in samples]
        reference = medians.get("sluice tracked tcp" if by_name[name].protocol == "tcp" and "sluice tracked tcp" in medians
                                else "sluice tracked", medians.get("sluice tracked tcp", 0))
        limit = limits.get(way, 0)
        yield Row(name, way, medians[name] / workload.per, min(rates) / workload.per, max(rates) / workload.per,
                  medians[name] / limit if limit else 0, reference / medians[name], 1e9 / medians[name],
                  remark(workload, by_name[name], samples), "")


def remark(workload, candidate, samples):
    """What a reader must not miss about a candidate's samples."""
    words = [workload.short_remark] if candidate in workload.short_for else []
    facts = [sample["facts"] for sample in samples]
    received = sum(each.get("+received", 0) for each in facts)
    dropped = sum(each.get("+dropped", 0) for each in facts)
    if received and dropped / received > 1e-4:
        words.append(f"{100 * dropped / received:.1f} % dropped")
    handed = sum(each.get("+handed_off", 0) for each in facts)
    if handed:
        words.append(f"{100 * handed / received:.0f} % handed over")
    lost = max(sample["without_cpu"] for sample in samples)
    if lost > 0.02:
        words.append(f"without its core for up to {100 * lost:.0f} % of the time")
    return "; ".join(words)


def stages(run):
    """Cycles a packet by stage: (workload, candidate, {stage: cycles}) for all that say."""
    for workload, results in run.blocks:
        for name, samples in results.items():
            facts = [sample["facts"] for sample in samples if "+timed_packets" in sample.get("facts", {})] \
                if not isinstance(samples, str) else []
            packets = sum(each["+timed_packets"] for each in facts)
            if packets:
                yield workload, name, {key.removeprefix("+cycles."): sum(each[key] for each in facts) / packets
                                       for key in facts[0] if key.startswith("+cycles.")}


def _stage_lines(run, line):
    """The table of stages, each of its rows made by `line` from cells; empty when nobody says."""
    found = list(stages(run))
    if not found:
        return []
    names = list(found[0][2])
    return [line(["", "", *names, "all"])] + [
        line([workload.key, name, *(f"{cycles[stage]:.0f}" for stage in names), f"{sum(cycles.values()):.0f}"])
        for workload, name, cycles in found]


def _columns(workload, row):
    if row.reason:
        return [row.candidate, row.way, row.reason]
    scale, digits = (1e6, 2) if row.median >= 1e6 or workload.unit == "Mpps" else (1e3, 0)
    unit = workload.unit if workload.unit == "Mpps" else f"{'M' if scale == 1e6 else 'k'} {workload.unit}"
    return [row.candidate, row.way, f"{row.median / scale:.{digits}f} {unit}",
            f"{row.low / scale:.{digits}f} – {row.high / scale:.{digits}f}", f"{row.nanoseconds:.0f}",
            f"{100 * row.of_limit:.0f} %" if row.of_limit else "", f"{row.ratio:.1f} ×" if row.ratio else "", row.remark]


HEADS = ("CANDIDATE", "PORTS", "MEDIAN", "LOWEST – HIGHEST", "NS/PACKET", "OF LIMIT", "SLUICE TRACKED IS", "")


def short(workload, sample):
    """One sample in a few words, for who waits."""
    if workload.kind == "attack":
        return (f"{sample['loaded']['completed_percent']:.2f} % completed beside {sample['flood'] / 1e3:.0f} k SYN/s, "
                f"{sample['calm']['completed_percent']:.2f} % without")
    return figure(sample["rate"] / workload.per, workload.unit)


def table(workload, results):
    """(heads, rows of cells); a row without figures has three."""
    if workload.kind != "attack":
        return HEADS, [_columns(workload, row) for row in rows(workload, results)]
    ways = {candidate.name: candidate.way for candidate in workload.takes_part}
    return attack.HEADS, [[name, ways[name], samples or "not measured"] if isinstance(samples, str) or not samples else
                          attack.cells(name, ways[name], samples) for name, samples in results.items()]


def text(run):
    """All tables, for a terminal."""
    lines = [machine.sentence(run.machine),
             f"{run.options.rounds} rounds of {run.options.seconds:g} s at most; {run.seconds / 60:.1f} minutes"]
    for workload, results in run.blocks:
        heads, found = table(workload, results)
        whole = [list(heads)] + found
        widths = [max((len(line[column]) for line in whole if len(line) == len(heads)), default=0)
                  for column in range(len(heads))]
        widths[0] = max(len(line[0]) for line in whole)
        lines += ["", workload.title]
        for line in whole:
            cells = [cell.ljust(widths[column]) if column < 2 or len(line) < len(heads) else cell.rjust(widths[column])
                     for column, cell in enumerate(line)]
            lines.append(("  " + "  ".join(cells)).rstrip())

    def stage_line(cells):
        return f"  {cells[0]:<12} {cells[1]:<20}" + "".join(f"{cell:>11}" for cell in cells[2:])
    timed = _stage_lines(run, stage_line)
    if timed:
        lines += ["", f"cycles a packet by stage, of a counter at {run.machine['tsc_mhz']} MHz", *timed]
    return "\n".join(lines)


def markdown(run):
    """The tables for docs/measured.md."""
    parts = ["# Measured\n\nWritten by `tools/bench --markdown`; [performance.md](performance.md) says what it means.\n\n"
             f"{machine.sentence(run.machine)}. {run.options.rounds} rounds of {run.options.seconds:g} s at most, in turns; "
             f"{run.seconds / 60:.0f} minutes.\n"]

    def line(cells):
        return "| " + " | ".join(cells) + " |\n"
    for workload, results in run.blocks:
        heads, found = table(workload, results)
        parts += [f"\n## {workload.title}\n\n", line([head.lower() for head in heads]), "|" + "---|" * len(heads) + "\n"]
        parts += [line(cells + [""] * (len(heads) - len(cells))) for cells in found]
    timed = _stage_lines(run, line)
    if timed:
        parts += [f"\n## Cycles a packet by stage\n\nOf a counter at {run.machine['tsc_mhz']} MHz, one burst in 1,021.\n\n",
                  timed[0], "|" + "---|" * (timed[0].count("|") - 1) + "\n", *timed[1:]]
    return "".join(parts)


def failures(run):
    """Candidates that should have had figures, and why they have none."""
    return [f"{workload.key}: {name}: {samples}" for workload, results in run.blocks for name, samples in results.items()
            if isinstance(samples, str) and samples.startswith("FAILED")]


def to_json(run):
    """Every sample."""
    blocks = []
    for workload, results in run.blocks:
        if workload.kind == "attack":
            found = [{"candidate": name, **({"cannot": samples} if isinstance(samples, str) else {"samples": samples})}
                     for name, samples in results.items()]
            blocks.append({"workload": workload.key, "title": workload.title, "group": workload.group, "candidates": found})
            continue
        found = [{"candidate": row.candidate, "ports": row.way, "cannot": row.reason} if row.reason else
                 {"candidate": row.candidate, "ports": row.way, "median": row.median, "lowest": row.low, "highest": row.high,
                  "of_limit": row.of_limit, "sluice_tracked_is": row.ratio, "nanoseconds": row.nanoseconds,
                  "remark": row.remark, "samples": results[row.candidate]} for row in rows(workload, results)]
        blocks.append({"workload": workload.key, "title": workload.title, "group": workload.group, "count": workload.count,
                       "unit": workload.unit, "packets_per_unit": workload.per, "candidates": found})
    return {"schema": "sluice.bench/1", "machine": run.machine, "rounds": run.options.rounds,
            "seconds": run.options.seconds, "took_seconds": round(run.seconds, 1), "workloads": blocks}
