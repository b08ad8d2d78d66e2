"""The arithmetic, the table, the judgement and the JSON at full size."""

import platform

from founding import report


def arithmetic(rows, settings):
    """What a table of this size can carry for ever, by how long an entry stays in it."""
    lines = [f"{settings.table:,} entries, {settings.rate:,} new connections a second for {settings.seconds} s:"]
    for stays in sorted({row.stays for row in rows if row.stays}, reverse=True):
        titles = ", ".join(f"({row.key})" for row in rows if row.stays == stays)
        lines.append(f"  {titles} keep an entry {stays} s after its connection: {settings.table:,} / {stays} s = "
                     f"{settings.table // stays:,} new connections a second for ever; at {settings.rate:,} full after "
                     f"{settings.table / settings.rate:.1f} s")
    titles = ", ".join(f"({row.key})" for row in rows if row.stays == 0)
    if titles:
        lines.append(f"  {titles} keeps it while its connection lasts: the rate times some milliseconds")
    titles = ", ".join(f"({row.key})" for row in rows if row.stays is None)
    if titles:
        lines.append(f"  {titles} keep none")
    return "\n".join(lines)


def _full(counts, settings):
    """When a table that filled was full, and the rate from then on."""
    if counts["table_peak"] < settings.table:
        return None, None
    return report.full_at(counts, settings), report.rate_when_full(counts, settings)


def _memory(counts):
    if "table_bytes" not in counts:
        return "-", "-"
    return (f"{counts['table_bytes'] / (1 << 20):.1f} MiB", f"{counts['table_bytes'] / counts['table_capacity']:.0f} B")


def table(results, settings):
    """The results as text; `results` is a list of (row, counts)."""
    heads = ("ROW", "FIREWALL", "BEGUN", "COMPLETED", "PERCENT", "FULL AFTER", "THEN A SECOND", "DROPPED", "PEAK",
             "MADE ROOM", "P50 MS", "P99 MS", "TABLE", "AN ENTRY")
    lines = [heads]
    for row, counts in results:
        full, after = _full(counts, settings)
        lines.append((row.key, row.title, f"{counts['begun']:,}", f"{counts['completed']:,}",
                      f"{counts['completed_percent']:.3f}", "-" if full is None else f"{full:.0f} s",
                      "-" if after is None else f"{after:,.0f}",
                      "-" if row.sluice else f"{counts['table_full_drops']:,}", f"{counts['table_peak']:,}",
                      f"{report.made_room(counts):,}" if row.sluice else "-", f"{counts['latency_us']['p50'] / 1000:.2f}",
                      f"{counts['latency_us']['p99'] / 1000:.2f}", *_memory(counts)))
    return report.aligned(lines)


def judge(row, counts, settings):
    """(good, text). The kernel's rows are only described: they are here to compare with."""
    if row.sluice:
        return report.judge_sluice(row, counts, settings)
    if not row.tracked:
        return report.judge_untracked_kernel(counts)
    return report.judge_tracked_kernel(counts, settings)


def to_json(results, settings):
    """All that was measured, ready for json.dump."""
    rows = []
    for row, counts in results:
        good, text = judge(row, counts, settings)
        full, after = _full(counts, settings)
        rows.append({"row": row.key, "firewall": row.title, "good": good, "judgement": text, "entry_stays_s": row.stays,
                     "full_after_s": full, "rate_when_full": after, **counts})
    return {"schema": "sluice.experiment_full/1", "kernel": platform.release(), "cpu": report.cpu_model(),
            "rate": settings.rate, "seconds": settings.seconds, "table": settings.table,
            "timeout_s": settings.timeout, "driver": settings.driver, "rows": rows}
