"""Look-ups, compiling and memory over rules, and hostile traffic, as SVG drawn by gnuplot."""

from pathlib import Path

from benchlab.classifier import ATTACKS, KINDS, MAIN_TRACE, OTHERS, PEER, PROJECT, SCALAR
from benchlab.classifier_report import Found, median
from netlab import run

_COLOURS = {PROJECT: "#16a085", SCALAR: "#7fb3d5", PEER: "#c0392b", "bit_vectors": "#8e44ad", "tuple_merge": "#e67e22"}
_TITLES = {PROJECT: "Sluice", SCALAR: "Sluice, scalar", PEER: "rte_acl", "bit_vectors": "bit vectors", "tuple_merge": "tuple merge"}
_POINTS = {"acl": 7, "fw": 5, "ipc": 9}
_DASHES = {"acl": 1, "fw": 2, "ipc": 4}
_SIZE = "set terminal svg size 900,520 font 'sans-serif,14' background rgb 'white' noenhanced"
_PLAIN = ["set grid lc rgb '#ecf0f1'", "set border 3", "set tics nomirror", "set key outside right top"]


def over_rules(found, family, designs, value, title, unit):
    """The gnuplot program for one value of each design over the number of rules, data included; empty without any."""
    data, curves = [], []
    for design in designs:
        for kind in KINDS:
            points = []
            for rules in found.sizes:
                result = found.get(kind, family, rules, design)
                if result and not result.never:
                    points.append((rules, value(result)))
            if not points:
                continue
            number = len(curves)
            data += [f"$s{number} << END", *(f"{rules} {each:.6f}" for rules, each in points), "END"]
            curves.append(f"$s{number} using 1:2 with linespoints lw 2 dt {_DASHES[kind]} pt {_POINTS[kind]} ps 0.7 "
                          f"lc rgb '{_COLOURS[design]}' title '{_TITLES[design]}, {kind}'")
    if not curves:
        return ""
    return "\n".join([*data, _SIZE, f"set title '{title}'", "set xlabel 'rules'", f"set ylabel '{unit}'", "set logscale xy",
                      "set xrange [0.8:130000]", *_PLAIN, "plot " + ", \\\n  ".join(curves), ""])


def attacks(found):
    """The gnuplot program for what hostile traffic costs each design, over the largest cell that all were asked in."""
    cells = [(cell, results) for cell, results in found.rules if cell.attacks and cell.rules == 10_000 and cell.family == 4]
    if not cells:
        return ""
    cell, results = cells[-1]
    names = [name for name in (PROJECT, PEER, *OTHERS) if name in results and not results[name].never]
    traces = (MAIN_TRACE, *ATTACKS)
    data = ["$bars << END"]
    for trace in traces:
        label = "spread over rules" if trace == MAIN_TRACE else trace.replace("-", " ")
        data.append(f"\"{label}\" " + " ".join(f"{median(results[name], trace):.2f}" for name in names))
    bars = [f"$bars using {number + 2}:xtic(1) lc rgb '{_COLOURS[name]}' title '{_TITLES[name]}'" for number, name in enumerate(names)]
    return "\n".join([*data, "END", _SIZE, f"set title '{cell.rules:,} {cell.kind} rules, IPv4'", "set ylabel 'nanoseconds a packet'",
                      "set style data histograms", "set style fill solid 0.9 border -1", "set xtics rotate by -25", "set yrange [0:*]",
                      *_PLAIN, "plot " + ", \\\n  ".join(bars), ""])


def draw(results, folder):
    """Writes the SVGs; LabError when gnuplot is missing or refuses. Their paths."""
    found = Found(results)
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    four = (PROJECT, PEER, *OTHERS)
    programs = {
        "look-up": over_rules(found, 4, four, median, "Look-up, IPv4, batches of 32", "nanoseconds a packet"),
        "look-up-ipv6": over_rules(found, 6, (PROJECT, PEER), median, "Look-up, IPv6, batches of 32", "nanoseconds a packet"),
        "compile": over_rules(found, 4, four, lambda result: result.build_seconds * 1e3, "Compiling, IPv4", "milliseconds"),
        "memory": over_rules(found, 4, four, lambda result: result.memory_bytes / (1 << 20), "What look-ups read, IPv4", "MiB"),
        "attacks": attacks(found)}
    written = []
    for name, program in programs.items():
        if program:
            path = folder / f"classifier-{name}.svg"
            path.write_text(run(["gnuplot"], text_input=program).stdout)
            written.append(path)
    return written
