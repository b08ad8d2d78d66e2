"""The table, the judgement and the JSON."""

import platform

REQUIRED_PERCENT = 99.9


def last_completion(report):
    """Seconds from the start to the end of the last interval in which a connection was completed; None if none was."""
    completed = report["intervals"]["completed"]
    last = max((index for index, count in enumerate(completed) if count), default=None)
    return None if last is None else (last + 1) * report["interval_ms"] / 1000


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
    widths = [max(len(line[column]) for line in lines) for column in range(len(heads))]
    text = [f"{settings.rate} new connections a second for {settings.seconds} s, connection table of {settings.table} "
            "entries", ""]
    for line in lines:
        cells = [cell.ljust(width) if column < 2 else cell.rjust(width)
                 for column, (cell, width) in enumerate(zip(line, widths))]
        text.append("  ".join(cells).rstrip())
    return "\n".join(text)


def judge(row, report, settings):
    """(good, text). The kernel's rows are only described: they are here to compare with."""
    if row.sluice:
        return _judge_sluice(row, report, settings)
    if not row.tracked:
        if report["completed_percent"] >= REQUIRED_PERCENT:
            return True, "as expected: goes on past the table's size, for nothing is tracked"
        return True, f"UNEXPECTED: only {report['completed_percent']:.3f} % completed without tracking"
    last = last_completion(report)
    stopped = last is not None and last < settings.seconds - 1
    if report["completed"] == settings.table and stopped:
        return True, (f"as expected: exactly {settings.table} connections, then none, for each keeps its entry in "
                      f"TIME_WAIT for 120 s ({report['table_full_drops']} packets dropped for the full table)")
    return True, (f"UNEXPECTED: {report['completed']} connections completed, the last "
                  f"{'never' if last is None else f'after {last:.1f} s'}; such a table usually stops at exactly "
                  f"{settings.table}")


def _judge_sluice(row, report, settings):
    text = f"{report['completed_percent']:.3f} % completed, at least {REQUIRED_PERCENT} % wanted"
    if report["completed_percent"] < REQUIRED_PERCENT:
        return False, f"NOT ENOUGH: {text}"
    if report["table_capacity"] > settings.table:
        return False, f"NOT COMPARABLE: the table holds {report['table_capacity']} entries, not {settings.table}"
    if not row.tracked:
        return True, f"as required: {text}"
    room_made = sum(count for cause, count in report["table_ended"].items() if cause.startswith("evicted"))
    return True, f"as required: {text}; {room_made} finished or lesser flows made room for new ones"


def to_json(results, settings):
    """All that was measured, ready for json.dump."""
    rows = []
    for row, report in results:
        good, text = judge(row, report, settings)
        rows.append({"row": row.key, "firewall": row.title, "good": good, "judgement": text,
                     "last_completion_s": last_completion(report), **report})
    return {"schema": "sluice.experiment/1", "kernel": platform.release(), "cpu": _cpu_model(),
            "rate": settings.rate, "seconds": settings.seconds, "table": settings.table,
            "timeout_s": settings.timeout, "driver": settings.driver, "rows": rows}


def _cpu_model():
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as file:
        names = [line.split(":", 1)[1].strip() for line in file if line.startswith("model name")]
    return {"count": len(names), "model": names[0] if names else platform.machine()}
