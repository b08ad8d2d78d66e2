"""Whether everybody who counts packets in an appliance at rest comes to the same result.

Workers count what they receive and what they forward, drop reasons count one by one, and ports count for themselves:
received + made = forwarded + dropped + answered + held only means something if they are not made from each other.
"""


def disagreements(status, drops, interfaces, workers):
    """Sentences about what does not add up, none if all does; arguments as `sluicectl --json` has them.

    drops  packets by reason
    """
    packets = status["packets"]
    intake = packets["received"] + packets["made"]
    outcome = packets["forwarded"] + packets["dropped"] + packets["answered"] + packets["held"]
    said = []
    if intake != outcome:
        said.append(f"received + made = {intake}, but forwarded + dropped + answered + held = {outcome}")
    # Fragments of datagrams that are not complete may be waiting; nothing else does.
    if packets["held"] != status["fragments"]["held"]:
        said.append(f"{packets['held']} packets held at rest, {status['fragments']['held']} of them fragments")
    for name, total in (("dropped", sum(drops.values())),
                        ("received", sum(row["rx_packets"] for row in interfaces)),
                        ("forwarded", sum(row["tx_packets"] for row in interfaces)),
                        ("received", sum(row["received"] for row in workers)),
                        ("forwarded", sum(row["forwarded"] for row in workers))):
        if packets[name] != total:
            said.append(f"{name} {packets[name]}, but the {_TELLERS[name]} sum up to {total}")
    taken, given = (sum(row[key] for row in workers) for key in ("handed_in", "handed_off"))
    if taken != given:
        said.append(f"{given} packets handed off, but {taken} handed in")
    for row in workers:
        if row["received"] + row["made"] + row["handed_in"] != (row["forwarded"] + row["dropped"] + row["answered"]
                                                                + row["handed_off"] + row["held_fragments"]):
            said.append(f"worker {row['worker']} does not balance: {row}")
    return said


_TELLERS = {"dropped": "drop reasons", "received": "ports or workers", "forwarded": "ports or workers"}
