"""The command line of tools/bench, and the order in which a run goes."""

import argparse
import json
import os
import tempfile
import time
from pathlib import Path

from benchlab import (attack, attacks, classifier, classifier_plots, classifier_report, machine, parts, plots, report, traces,
                      workloads)
from benchlab.candidates.base import CannotDo, Job
from netlab import LabError


def arguments(description, root):
    """What the user asks for."""
    parser = argparse.ArgumentParser(prog="bench", description=description,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="?", choices=["parts", "attacks", "classifier"],
                        help="parts: operations by themselves, with google-benchmark; attacks: a full table under floods; "
                        "classifier: rules alone, beside other designs")
    parser.add_argument("--quick", action="store_true", help="fewer workloads, rounds and seconds")
    parser.add_argument("--only", nargs="+", metavar="WORKLOAD", help="these workloads, by name or by how the name begins")
    parser.add_argument("--candidates", nargs="+", metavar="NAME", help="only those whose name begins so (the limit always takes part)")
    parser.add_argument("--list", action="store_true", help="name the workloads and end")
    parser.add_argument("--rounds", type=int, help="repetitions of each candidate (default: 5, --quick: 2)")
    parser.add_argument("--seconds", type=float, help="length of one measurement (default: 1.5, --quick: 0.7)")
    parser.add_argument("--patience", type=float, default=45.0, help="seconds that a candidate may take to warm up")
    parser.add_argument("--build-limit", type=float, metavar="SECONDS",
                        help="classifier: how long a design may build (default: 60, --quick: 8)")
    parser.add_argument("--build", type=Path, default=root / "build")
    parser.add_argument("--cpu", type=int, default=max(os.sched_getaffinity(0)), help="the forwarding core")
    parser.add_argument("--json", type=Path, metavar="FILE", help="every sample, and the machine")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="the tables as docs/performance.md has them")
    parser.add_argument("--plots", type=Path, metavar="FOLDER", help="draw SVGs there")
    options = parser.parse_args()
    options.rounds = options.rounds or (2 if options.quick else 3 if options.what == "attacks" else 5)
    if options.what == "classifier":
        options.seconds = options.seconds or (0.1 if options.quick else 0.3)
    options.seconds = options.seconds or (0.5 if options.what == "attacks" else 0.7 if options.quick else 1.5)
    options.settle = 0.3
    options.build_limit = options.build_limit or (8 if options.quick else 60)
    return options


def chosen(options):
    """The workloads of this run, in their order."""
    if not options.only:
        return [workload for workload in workloads.ALL if workload.quick or not options.quick]
    found = [workload for workload in workloads.ALL
             if any(workload.key == name or workload.key.startswith(name + "-") for name in options.only)]
    if not found:
        raise LabError(f"no workload is called {' or '.join(options.only)}: tools/bench --list names them")
    return found


def takes_part(workload, options):
    """The workload's candidates, as far as the user wants them."""
    return [candidate for candidate in workload.takes_part
            if not options.candidates or candidate.is_limit or candidate.name.startswith(tuple(options.candidates))]


def _rounds(workload, options):
    """Long ones have fewer rounds, and in a quick run one."""
    if options.quick and workload.most_rounds <= 3:
        return 1
    return min(options.rounds, workload.most_rounds)


def measure(workload, options, library, folder):
    """Samples by candidate: lists of dicts, or the reason why there are none."""
    results = {candidate.name: [] for candidate in takes_part(workload, options)}
    for number in range(_rounds(workload, options)):
        for candidate in takes_part(workload, options):
            if isinstance(results[candidate.name], str):
                continue
            job = Job(workload, workload.trace(library, candidate), options, folder)
            try:
                sample = attack.measure(candidate, job) if workload.kind == "attack" else candidate.measure(job)
            except (CannotDo, LabError) as reason:
                # A candidate that fails must not cost the others' half hour.
                failed = isinstance(reason, LabError)
                results[candidate.name] = f"FAILED: {str(reason).splitlines()[0]}" if failed else str(reason)
                print(f"  {candidate.name:<26} {'FAILED: ' if failed else ''}{reason}", flush=True)
                continue
            results[candidate.name].append(sample)
            print(f"  round {number + 1}  {candidate.name:<26} {report.short(workload, sample)}", flush=True)
    return results


def run(options):
    """The whole run: what report.py writes down."""
    wanted = chosen(options)
    began = time.monotonic()
    blocks = []
    with tempfile.TemporaryDirectory(prefix="sluice-bench-") as name, \
            machine.hugepages(max(workload.memory_size() for workload in wanted)):
        folder = Path(name)
        library = traces.Library(folder, options.build)
        for workload in wanted:
            print(f"bench: {workload.title}", flush=True)
            blocks.append((workload, measure(workload, options, library, folder)))
            library.forget()
    return report.Run(machine.describe(options), options, blocks, time.monotonic() - began)


def main(description, root):
    """The exit code."""
    options = arguments(description, root)
    if options.list:
        for workload in workloads.ALL:
            print(f"{workload.key:<14} {workload.title}: {', '.join(each.name for each in workload.takes_part)}")
        return 0
    if options.what == "parts":
        return _parts(options)
    if options.what == "attacks":
        return attacks.run(options)
    if options.what == "classifier":
        return _classifier(options)
    result = run(options)
    print("\n" + report.text(result))
    if options.json:
        options.json.write_text(json.dumps(report.to_json(result), indent=1) + "\n")
    if options.markdown:
        options.markdown.write_text(report.markdown(result))
    if options.plots:
        plots.draw(result, options.plots)
    return 1 if report.failures(result) else 0


def _parts(options):
    samples = parts.measure(options)
    print("\n" + parts.text(samples, options))
    if options.json:
        options.json.write_text(json.dumps({"schema": "sluice.bench_parts/1", "machine": machine.describe(options),
                                            "nanoseconds": samples}, indent=1) + "\n")
    if options.markdown:
        options.markdown.write_text(parts.markdown(samples, options))
    return 0


def _classifier(options):
    began = time.monotonic()
    results = classifier.run(options)
    took = time.monotonic() - began
    page = classifier_report.markdown(results, options, took)
    print("\n" + page)
    if options.json:
        options.json.write_text(json.dumps(classifier_report.to_json(results, options, took), indent=1) + "\n")
    if options.markdown:
        options.markdown.write_text(page)
    if options.plots:
        classifier_plots.draw(results, options.plots)
    return 0
