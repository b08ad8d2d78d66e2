"""Throughput over flows and over rules, and rates side by side, as SVG drawn by gnuplot."""

from pathlib import Path

from benchlab import report
from netlab import run

_COLOURS = {"testpmd io": "#7f8c8d", "sluice untracked": "#16a085", "sluice tracked": "#2980b9", "sluice tracked tcp": "#8e44ad",
            "ovs stateless": "#e67e22", "ovs conntrack": "#c0392b", "linux notrack": "#b7950b", "linux conntrack": "#6e2c00"}
_TITLES = {"flows": ("established two-way flows", "bench-flows.svg"),
           "rules": ("rules, with 100,000 established two-way flows", "bench-rules.svg")}


def _series(blocks):
    """Points (count, Mpps) by candidate; one that came by vhost where its own ports are too small goes on its line."""
    series = {}
    for workload, results in blocks:
        for row in report.rows(workload, results):
            name = row.candidate.removesuffix(" by vhost")
            if not row.reason and name in _COLOURS and not (name == "testpmd io" and row.way == "vhost"):
                series.setdefault(name, []).append((workload.count, row.median / 1e6))
    return series


def lines(blocks, title):
    """The gnuplot program for throughput over a count, data included."""
    data, curves = [], []
    for number, (name, points) in enumerate(_series(blocks).items()):
        data += [f"$s{number} << END", *(f"{count} {rate:.4f}" for count, rate in points), "END"]
        curves.append(f"$s{number} using 1:2 with linespoints lw 2 pt 7 ps 0.7 lc rgb '{_COLOURS[name]}' title '{name}'")
    return "\n".join([
        *data, "set terminal svg size 900,520 font 'sans-serif,14' background rgb 'white' noenhanced",
        "set title 'One core, 64-byte frames'", f"set xlabel '{title}'", "set ylabel 'million packets a second'",
        "set logscale x", "set logscale y", "set xrange [0.8:*]", "set key outside right top", "set grid lc rgb '#ecf0f1'",
        "set border 3", "set tics nomirror", "plot " + ", \\\n  ".join(curves), ""])


def bars(blocks):
    """The gnuplot program for the rates of new flows and connections, data included."""
    data, labels = ["$rates << END"], []
    for workload, results in blocks:
        for row in report.rows(workload, results):
            if row.reason or row.candidate.startswith(("testpmd", "veth")):
                continue
            data.append(f"{len(labels)} {row.median / 1e6:.4f}")
            labels.append(f"\"{row.candidate}: {workload.key}\" {len(labels)}")
    return "\n".join([
        *data, "END", "set terminal svg size 900,520 font 'sans-serif,13' background rgb 'white' noenhanced",
        "set title 'One core: flows and connections a second'", "set ylabel 'millions a second'", "set logscale y",
        "set style fill solid 0.9", "set boxwidth 0.6", f"set xtics rotate by -30 ({', '.join(labels)})", "set bmargin 9",
        "set rmargin 14", f"set xrange [-0.6:{len(labels) - 0.4}]", "set grid ytics lc rgb '#ecf0f1'", "set border 3",
        "set tics nomirror", "plot $rates using 1:2 with boxes lc rgb '#2980b9' notitle", ""])


def over_time(workload, results):
    """The gnuplot program for what each candidate completed by when, in its last round, data included."""
    data, curves = [], []
    for name, samples in results.items():
        if isinstance(samples, str) or not samples or name.startswith(("testpmd", "veth")):
            continue
        number = len(curves)
        data += [f"$s{number} << END", *(f"{at:.3f} {count / workload.per:.0f}" for at, count in samples[-1]["course"]), "END"]
        colour = _COLOURS.get(name, _COLOURS.get(name.removesuffix(" tcp"), "#34495e"))
        curves.append(f"$s{number} using 1:2 with linespoints lw 2 pt 7 ps 0.5 lc rgb '{colour}' title '{name}'")
    return "\n".join([
        *data, "set terminal svg size 900,520 font 'sans-serif,14' background rgb 'white' noenhanced",
        "set title 'One core: complete TCP connections'", "set xlabel 'seconds'", "set ylabel 'connections completed'",
        "set key top left reverse Left", "set grid lc rgb '#ecf0f1'", "set border 3", "set tics nomirror", "set format y '%.0f'",
        "plot " + ", \\\n  ".join(curves), ""]) if curves else ""


def draw(result, folder):
    """Writes the SVGs that the run has figures for; LabError when gnuplot is missing or refuses. Their paths."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    written = []

    def write(name, program):
        (folder / name).write_text(run(["gnuplot"], text_input=program).stdout)
        written.append(folder / name)

    for group, (title, name) in _TITLES.items():
        blocks = [block for block in result.blocks if block[0].group == group]
        if _series(blocks):
            write(name, lines(blocks, title))
    rates = [block for block in result.blocks if block[0].group == "rates"]
    if any(not row.reason for workload, results in rates for row in report.rows(workload, results)):
        write("bench-rates.svg", bars(rates))
    for workload, results in result.blocks:
        program = over_time(workload, results) if workload.kind == "connections" else ""
        if program:
            write("bench-connections.svg", program)
    return written
