"""Attacks on a table that is full: what connections that mean it notice of them, and what established flows lose.

Two wires lead through one appliance with one worker. On the second, established TCP connections fill the table, as far as a
table lets them. They are silent while it is attacked (their generator is stopped by SIGSTOP, which leaves the core to the other one),
and speak again when that is over: a flow that was lost shows then. On the first wire tools/traffic opens 10,000 connections a
second to one service and, from random addresses, sends the flood to the same service.

Latencies are told by processes that have their cores: worker and generator run in the real-time class, for less than a second.
"""

import itertools
import json
import signal
import statistics
import time
from dataclasses import dataclass

from benchlab import machine
from benchlab.candidates.sluice import Sluiced
from netlab import Lab
from netlab.traffic import Traffic, memif_head

TABLE = 65_536
HELD = 57_000         # established, of 61,440 that the table admits before they take each other's places
LEGITIMATE = 10_000   # connections a second
SHARE = 0.8           # of what passes, for the flood
_TOO_MANY = 20_000_000
_WARM_UP = 0.2        # seconds
_RULES = """
timeouts:
  default: { tcp_closing: 1s }
rules:
  - { name: held, from: { zone: held_client }, to: { zone: held_server }, action: allow }
  - { name: open, from: { zone: client }, to: { zone: server }, action: allow }
"""
_SERIALS = itertools.count()


@dataclass(frozen=True)
class Attack:
    """One row. `flood` is the generator's option, None for no flood; `held`: whether the table is full."""

    key: str
    title: str
    cookies: str = "auto"
    flood: str = None
    answered: bool = False
    held: int = HELD


ALL = (
    Attack("calm", "nobody else", held=0),
    Attack("full", "table full"),
    Attack("syn", "table full, SYN flood", flood="--syn-flood"),
    Attack("syn-answered", "table full, SYN flood, answered by the server", flood="--syn-flood", answered=True),
    Attack("syn-never", "table full, SYN flood, no SYN cookies", "never", "--syn-flood"),
    Attack("syn-never-answered", "table full, SYN flood, answered, no SYN cookies", "never", "--syn-flood", True),
    Attack("udp", "table full, one-packet UDP flows", flood="--random-flood"),
)


def _held(lab, sluice, socket, attack, seconds):
    """The generator of the established connections, when all are established and it has been stopped."""
    held = Traffic(lab.middle, lab.build, lab.folder, f"held{next(_SERIALS)}", socket, "flows", "--protocol", "tcp", "--flows",
                   attack.held, "--rate", attack.held // 2, "--warm-up", f"{seconds + 5:g}s", "--duration", "2s", "--limit", "0s",
                   "--rest", "2s", "--clients", "10.64.0.0/16", "--servers", "10.96.0.0/28")

    def established():
        return sluice.status()["flows"]["per_state"].get("tcp_established") == attack.held
    held.process.wait_until(established, 30.0, f"{attack.held} established connections")
    time.sleep(0.3)  # the last answers
    held.process.send_signal(signal.SIGSTOP)
    return held


def _connections(lab, socket, attack, rate, seconds):
    """The generator of connections, and of the flood beside them."""
    flood = [attack.flood, int(rate)] if attack.flood else []
    if attack.answered:
        flood.append("--flood-answered")
    return Traffic(lab.middle, lab.build, lab.folder, f"attack{next(_SERIALS)}", socket, "connections", "--rate", LEGITIMATE,
                   "--duration", f"{seconds:g}s", "--warm-up", f"{_WARM_UP}s", "--limit", "0s", "--timeout", "1s", "--retransmits", "4",
                   "--servers", "10.32.0.0/32", "--server-ports", "80-80", *flood)


def sample(lab, attack, rate, seconds):
    """One run from an empty table to the accounts at its end; numbers by name."""
    serial = next(_SERIALS)
    sockets = [lab.folder / f"{name}{serial}.memif" for name in ("open", "held")]
    head = memif_head(sockets[0], f"{TABLE}, syn_cookies: {attack.cookies}", held=sockets[1], idle="poll")
    sluice = lab.start_sluice(_RULES, head=head)
    generators = []
    try:
        if attack.held:
            generators.append(_held(lab, sluice, sockets[1], attack, seconds))
        before = sluice.status()
        generator, report = _report(sluice, lambda: _connections(lab, sockets[0], attack, rate, seconds))
        generators.append(generator)
        after = sluice.status()
        held = None
        if attack.held:
            generators[0].process.send_signal(signal.SIGCONT)
            held = generators[0].report(timeout=60)
        sluice.check_accounts()
        established = sluice.status()["flows"]["per_state"].get("tcp_established", 0)
        drops = {reason: count for reason, count in sluice.drops().items() if reason != "peer_down"}
    finally:
        for generator in generators:
            generator.process.send_signal(signal.SIGCONT)
        sluice.stop()
        for generator in generators:
            generator.wait()
    return _numbers(report, seconds, before, after) | _kept(held, established, attack) | {"drops": drops}


def _report(sluice, start):
    """The report of the generator that start() starts, which has its core, as the worker has, from when there is a link."""
    appliance = Sluiced(sluice.process, sluice.socket)
    with machine.ahead_of_all() as ahead:
        generator = start()
        generator.process.wait_until(appliance.has_link, 30.0, "link")
        ahead(sluice.process.pid)
        ahead(generator.process.pid)
        report = generator.report()
    appliance.close()
    return generator, report


def _numbers(report, seconds, before, after):
    connections, latency, floods = report["connections"], report["latency_us"], report["floods"]
    latency = latency or dict.fromkeys(("p50", "p99", "max"), float("inf"))  # not one has completed
    ended = {reason: count - before["flows"]["ended"].get(reason, 0) for reason, count in after["flows"]["ended"].items()}
    cookies = {name: after["syn_cookies"][name] - before["syn_cookies"][name] for name in ("sent", "accepted", "refused")}
    # What the table has seen of the flood: it passed, or got a cookie (an answer that is not the server's).
    seen = floods["syn_passed"] + max(0, floods["answers_passed"] - floods["answers_sent"]) + floods["random_passed"]
    return {"begun": connections["begun"], "completed": connections["completed"], "retransmits": connections["retransmits"],
            "completed_percent": 100 * connections["completed"] / max(1, connections["begun"]), "wrong": report["wrong"]["total"],
            "p50_us": latency["p50"], "p99_us": latency["p99"], "max_us": latency["max"],
            "flood_sent": (floods["syn_sent"] + floods["random_sent"]) / seconds, "flood_seen": seen / seconds,
            "flood_passed": (floods["syn_passed"] + floods["random_passed"]) / seconds,
            "ended": {reason: count for reason, count in ended.items() if count}, "cookies": cookies}


def _kept(held, established, attack):
    """What has become of the established connections. Packets are lost as well where a generator was late for its ring."""
    if held is None:
        return {"held": 0, "held_packets": 0, "held_packets_lost": 0, "held_lost": 0}
    return {"held": held["flows"]["established"], "held_packets": held["packets"]["sent"],
            "held_packets_lost": held["packets"]["lost"], "held_lost": attack.held - established}


def _rates(lab, options, attacks):
    """By attack, four fifths of what is seen of a flood that is larger than anybody can take."""
    rates = {}
    for attack in attacks:
        if attack.flood:
            rates[attack.key] = SHARE * sample(lab, attack, _TOO_MANY, min(options.seconds, 0.5))["flood_seen"]
            print(f"  {attack.title}: {rates[attack.key] / SHARE / 1e3:.0f} k/s at most", flush=True)
    return rates


def chosen(options):
    """The attacks of this run; the first one is what the others are compared with."""
    return [attack for attack in ALL if not options.only or attack.key in options.only or attack.key == "calm"]


def measure(options):
    """(rates by attack, lists of samples by attack). Attacks take turns, so that a slow minute is everybody's."""
    attacks = chosen(options)
    samples = {attack.key: [] for attack in attacks}
    with Lab(sources=1, build=options.build) as lab:
        rates = _rates(lab, options, attacks)
        for number in range(options.rounds):
            for attack in attacks:
                found = sample(lab, attack, rates.get(attack.key, 0), options.seconds)
                samples[attack.key].append(found)
                print(f"  round {number + 1}  {attack.title:<50} {found['completed_percent']:.2f} % of {found['begun']}, p99 "
                      f"{found['p99_us']:.0f} µs, {found['held_lost']} lost", flush=True)
    return rates, samples


def _causes(found):
    """Evictions by cause, "half_open 1234"."""
    causes = {}
    for one in found:
        for reason, count in one["ended"].items():
            if reason.startswith("evicted_"):
                causes.setdefault(reason.removeprefix("evicted_"), []).append(count)
    return ", ".join(f"{cause.replace('_', '-')} {sum(counts) // len(found):,}" for cause, counts in causes.items())


HEADS = ("ATTACK", "FLOOD", "PASSED", "COMPLETED", "P50", "P99", "MAX", "P99 TO CALM", "ESTABLISHED LOST", "COOKIES", "EVICTED")


def rows(samples):
    """Cells of medians; of what must not be, all of it."""
    calm = statistics.median(one["p99_us"] for one in samples["calm"])
    for attack in ALL:
        found = samples.get(attack.key)
        if not found:
            continue

        def median(name, found=found):
            return statistics.median(one[name] for one in found)
        begun, completed = (sum(one[name] for one in found) for name in ("begun", "completed"))
        cookies = statistics.median(one["cookies"]["sent"] for one in found)
        ratio = statistics.median(one["p99_us"] / reference["p99_us"] for one, reference in zip(found, samples["calm"]))
        yield [attack.title, f"{median('flood_sent') / 1e3:.0f} k/s" if attack.flood else "",
               f"{median('flood_passed') / 1e3:.0f} k/s" if attack.flood else "", f"{100 * completed / begun:.3f} %",
               f"{median('p50_us'):.0f} µs", f"{median('p99_us'):.0f} µs", f"{max(one['max_us'] for one in found):.0f} µs",
               f"{ratio:.2f} ×" if calm and attack.key != "calm" else "",
               f"{sum(one['held_lost'] for one in found)} of {attack.held:,}" if attack.held else "",
               f"{cookies:,.0f}" if cookies else "", _causes(found)]


def text(samples, options):
    """The table for a terminal."""
    whole = [list(HEADS), *rows(samples)]
    widths = [max(len(line[column]) for line in whole) for column in range(len(HEADS))]
    return "\n".join([machine.sentence(machine.describe(options)), f"{options.rounds} rounds of {options.seconds:g} s", ""] + [
        ("  " + "  ".join(cell.ljust(width) if column in (0, 10) else cell.rjust(width)
                          for column, (cell, width) in enumerate(zip(line, widths)))).rstrip() for line in whole])


def markdown(samples, options):
    """The table for docs/attacks.md."""
    lines = [f"{machine.sentence(machine.describe(options))}. {options.rounds} rounds of {options.seconds:g} s in turns.", "",
             "| " + " | ".join(head.lower() for head in HEADS) + " |", "|" + "---|" * len(HEADS)]
    return "\n".join(lines + ["| " + " | ".join(cells) + " |" for cells in rows(samples)]) + "\n"


def run(options):
    """The subcommand; its exit code says whether anybody established was lost."""
    rates, samples = measure(options)
    print("\n" + text(samples, options))
    if options.json:
        options.json.write_text(json.dumps({"schema": "sluice.bench_attacks/1", "machine": machine.describe(options), "floods": rates,
                                            "samples": samples}, indent=1) + "\n")
    if options.markdown:
        options.markdown.write_text(markdown(samples, options))
    return 1 if any(one["held_lost"] for found in samples.values() for one in found) else 0
