"""The table, the judgement and the JSON."""

import itertools
import platform

REQUIRED_PERCENT = 99.9
# Of the rate. A full table lets some connections pass: the kernel's garbage collection takes closed entries away then, a few
# at a time, see docs/experiment.md.
MOST_WHEN_FULL = 0.5


def last_completion(report):
    """Seconds from the start to the end of the last interval in which a connection was completed; None if none was."""
    completed = report["intervals"]["completed"]
    last = max((index for index, count in enumerate(completed) if count), default=None)
    return None if last is None else (last + 1) * report["interval_ms"] / 1000


def full_at(report, settings):
    """Seconds until as many connections were completed as the table has entries; None if so many never were."""
    sums = itertools.accumulate(report["intervals"]["completed"])
    full = next((index for index, count in enumerate(sums) if count >= settings.table), None)
    return None if full is None else (full + 1) * report["interval_ms"] / 1000


def rate_when_full(report, settings):
    """Connections completed a second from then on, while new ones were begun; None if that is no time at all."""
    full = full_at(report, settings)
    if full is None or full > settings.seconds - 1:
        return None
    step = report["interval_ms"] / 1000
    rest = report["intervals"]["completed"][round(full / step):round(settings.seconds / step)]
    return sum(rest) / (len(rest) * step) if rest else None


def table(results, settings):
    """The results as text; `results` is a list of (row, report)."""
    heads = ("ROW", "FIREWALL", "CONNECTIONS", "COMPLETED", "PERCENT", "FAILED", "TIMED OUT", "LAST AT", "P50 MS",
             "P99 MS", "TABLE")
    lines = [heads]
    for row, report in results:
        last = last_completion(report)
        lines.append((row.key, row.title, f"{report['planned']}", f"{report['completed']}",
                      f"{report['completed_percent']:.3f}", f"{report['failed']}", f"{report['timed_out']}",
                      "-" if last is None else f"{last:.1f} s", f"{report['latency_us']['p50'] / 1000:.2f}",
                      f"{report['latency_us']['p99'] / 1000:.2f}", f"{report['table_entries']}"))
    return (f"{settings.rate} new connections a second for {settings.seconds} s, connection table of {settings.table} "
            "entries\n\n" + aligned(lines))


def aligned(lines):
    """Lines of cells as text: the first two columns are words, the others numbers."""
    widths = [max(map(len, column)) for column in zip(*lines)]
    text = []
    for line in lines:
        cells = [cell.ljust(width) if column < 2 else cell.rjust(width)
                 for column, (cell, width) in enumerate(zip(line, widths))]
        text.append("  ".join(cells).rstrip())
    return "\n".join(text)


def judge(row, report, settings):
    """(good, text). The kernel's rows are only described: they are here to compare with."""
    if row.sluice:
        return judge_sluice(row, report, settings)
    if not row.tracked:
        return judge_untracked_kernel(report)
    return judge_tracked_kernel(report, settings)


def judge_tracked_kernel(report, settings):
    """(good, text) of a kernel that tracks: it should go on until its table is full."""
    full, after = full_at(report, settings), rate_when_full(report, settings)
    if after is None or after >= MOST_WHEN_FULL * settings.rate:
        last = last_completion(report)
        return True, (f"UNEXPECTED: {report['completed']:,} connections completed, the last "
                      f"{'never' if last is None else f'after {last:.1f} s'}; such a table usually stops at {settings.table:,}")
    freed = report["completed"] - settings.table
    passed = (f"then {freed:,}, {after:,.0f} a second, in entries that garbage collection took from others" if freed
              else "then none")
    return True, (f"as expected: {settings.table:,} connections in {full:.1f} s, each keeps its entry in TIME_WAIT for 120 s; "
                  f"{passed} ({report['table_full_drops']:,} packets dropped: 'table full, dropping packet')")


def judge_untracked_kernel(report):
    """(good, text) of a kernel that tracks nothing."""
    if report["completed_percent"] >= REQUIRED_PERCENT:
        return True, "as expected: goes on past the table's size, for nothing is tracked"
    return True, f"UNEXPECTED: only {report['completed_percent']:.3f} % completed without tracking"


def made_room(report):
    """Flows that ended for want of room: evicted, or before their time under pressure."""
    return sum(count for cause, count in report.get("table_ended", {}).items()
               if cause.startswith("evicted") or cause == "expired_early")


def judge_sluice(row, report, settings):
    """(good, text) of one of Sluice's rows."""
    text = f"{report['completed_percent']:.3f} % completed, at least {REQUIRED_PERCENT} % wanted"
    if report["completed_percent"] < REQUIRED_PERCENT:
        return False, f"NOT ENOUGH: {text}"
    if report["table_capacity"] > settings.table:
        return False, f"NOT COMPARABLE: the table holds {report['table_capacity']} entries, not {settings.table}"
    if not row.tracked:
        return True, f"as required: {text}"
    return True, f"as required: {text}; {made_room(report):,} finished or lesser flows made room for new ones"


def to_json(results, settings):
    """All that was measured, ready for json.dump."""
    rows = []
    for row, report in results:
        good, text = judge(row, report, settings)
        rows.append({"row": row.key, "firewall": row.title, "good": good, "judgement": text,
                     "last_completion_s": last_completion(report), **report})
    return {"schema": "sluice.experiment/1", "kernel": platform.release(), "cpu": cpu_model(),
            "rate": settings.rate, "seconds": settings.seconds, "table": settings.table,
            "timeout_s": settings.timeout, "driver": settings.driver, "rows": rows}


def cpu_model():
    """The processors of this machine, ready for JSON."""
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as file:
        names = [line.split(":", 1)[1].strip() for line in file if line.startswith("model name")]
    return {"count": len(names), "model": names[0] if names else platform.machine()}
