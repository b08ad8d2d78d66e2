"""Completed connections over time, summed up or a second, as SVG drawn by gnuplot."""

import itertools
from pathlib import Path

from netlab import run

# Rows that go on lie on top of each other: the later ones are thinner, so that each can be seen.
_STYLES = {"a": "lc rgb '#c0392b' lw 3", "b": "lc rgb '#bdc3c7' lw 11", "c": "lc rgb '#2980b9' lw 5",
           "d": "lc rgb '#f1c40f' lw 2"}
_FULL_STYLES = {"a": "lc rgb '#c0392b' lw 3", "b": "lc rgb '#bdc3c7' lw 13", "c": "lc rgb '#2980b9' lw 8",
                "d": "lc rgb '#27ae60' lw 4", "e": "lc rgb '#f1c40f' lw 2"}
_FRAME = ("set terminal svg size 900,520 font 'sans-serif,14' background rgb 'white' noenhanced", "set xlabel 'seconds'",
          "set key top left reverse Left", "set grid lc rgb '#ecf0f1'", "set border 3", "set tics nomirror")


def script(results, settings):
    """The gnuplot program, data included; `results` is a list of (row, report)."""
    blocks, curves = [], []
    for row, report in results:
        step = report["interval_ms"] / 1000
        sums = itertools.accumulate(report["intervals"]["completed"], initial=0)
        points = [f"{index * step:.3f} {count}" for index, count in enumerate(sums)]
        blocks.append("\n".join([f"$row_{row.key} << END", *points, "END"]))
        curves.append(f"$row_{row.key} using 1:2 with lines {_STYLES[row.key]} title '({row.key}) {row.title}'")
    curves.append(f"{settings.table} with lines lc rgb '#7f8c8d' lw 1 dt 2 title 'entries in the table'")
    return "\n".join([
        *blocks,
        *_FRAME,
        f"set title '{settings.rate} new connections a second, connection table of {settings.table} entries'",
        "set ylabel 'connections completed'",
        f"set xrange [0:{settings.seconds}]",
        "set yrange [0:*]",
        "plot " + ", \\\n  ".join(curves),
        ""])


def rates_script(results, settings):
    """The same for connections a second instead of their sum."""
    blocks, curves = [], []
    for row, report in results:
        course = report["intervals"]["completed"][:settings.seconds]
        points = [f"{second + 1} {count}" for second, count in enumerate(course)]
        blocks.append("\n".join([f"$row_{row.key} << END", *points, "END"]))
        curves.append(f"$row_{row.key} using 1:2 with lines {_FULL_STYLES[row.key]} title '({row.key}) {row.title}'")
    lasts = [row.stays for row, _ in results if row.stays]
    if lasts:
        curves.append(f"{settings.table / lasts[0]:.0f} with lines lc rgb '#7f8c8d' lw 1 dt 2 "
                      f"title '{settings.table:,} entries / {lasts[0]} s'")
    return "\n".join([
        *blocks,
        *_FRAME,
        f"set title '{settings.rate:,} new connections a second, connection table of {settings.table:,} entries'",
        "set ylabel 'connections completed a second'",
        f"set xrange [0:{settings.seconds}]",
        f"set yrange [0:{1.6 * settings.rate:.0f}]",
        "plot " + ", \\\n  ".join(curves),
        ""])


def draw(results, settings, path, script=script):
    """Writes the SVG; LabError when gnuplot is missing or refuses."""
    done = run(["gnuplot"], text_input=script(results, settings))
    Path(path).write_text(done.stdout)
