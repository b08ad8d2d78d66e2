"""Access lists that all firewalls of a benchmark get, each in its own language; the first rule that matches decides.

The servers' addresses are in blocks of 16. Every rule but the last is about one block: about its first address, its first
four, all of it, or all of it at one port, in turns. The last one takes the rest, as lists often do.
"""

import ipaddress
from dataclasses import dataclass

_BLOCK = 28
SERVER_PORTS = (80, 95)


@dataclass(frozen=True)
class Rule:
    """Clients may ask these servers."""

    net: ipaddress.IPv4Network
    ports: tuple  # first and last


def servers_for(count):
    """The prefix of the servers that `count` rules are about."""
    bits = max(0, (max(count - 1, 1) - 1).bit_length())
    return ipaddress.ip_network(f"10.32.0.0/{_BLOCK - bits}")


def access_list(count):
    """`count` rules over servers_for(count)."""
    servers = servers_for(count)
    first = int(servers.network_address)
    rules = []
    for number in range(count - 1):
        address = first + 16 * number
        length, ports = ((32, SERVER_PORTS), (30, SERVER_PORTS), (28, SERVER_PORTS), (28, None))[number % 4]
        rules.append(Rule(ipaddress.ip_network((address, length)),
                          ports or (SERVER_PORTS[0] + number // 4 % 16,) * 2))
    return rules + [Rule(servers, SERVER_PORTS)]


def as_policy(rules, protocol, tracked, timeouts="default"):
    """`rules:` of a Sluice policy."""
    how = f"timeouts: {timeouts}" if tracked else "track: false, reply: mirror"
    return "rules:\n" + "".join(
        f"- {{ name: r{number}, from: {{ zone: clients }}, to: {{ zone: servers, nets: [{rule.net}], "
        f"ports: [{_ports(rule, '-')}] }}, protocol: {protocol}, action: allow, {how} }}\n"
        for number, rule in enumerate(rules))


def as_nftables(rules, protocol, tracked):
    """A chain that forwards what the rules allow."""
    lines = ["table inet bench {"]
    if not tracked:
        lines += [" chain raw { type filter hook prerouting priority raw; policy accept; notrack; }"]
    lines += [" chain forward { type filter hook forward priority filter; policy drop;"]
    if tracked:
        lines += ["  ct state established,related accept"]
    for rule in rules:
        way = f"ip daddr {rule.net} {protocol} dport {_ports(rule, '-')}"
        lines += [f"  {'ct state new ' if tracked else ''}{way} accept"]
        if not tracked:
            lines += [f"  ip saddr {rule.net} {protocol} sport {_ports(rule, '-')} accept"]
    return "\n".join(lines + [" }", "}", ""])


def as_openflow(rules, protocol, tracked, clients, servers):
    """Flows of a bridge, between the ports of these numbers."""
    lines = []
    if tracked:
        lines += ["table=0,priority=10,ip,ct_state=-trk,actions=ct(table=1,zone=1)",
                  f"table=1,priority=65000,ct_state=+trk+est,ip,in_port={clients},actions=output:{servers}",
                  f"table=1,priority=65000,ct_state=+trk+est,ip,in_port={servers},actions=output:{clients}"]
    for number, rule in enumerate(rules):
        priority = 60_000 - number
        for port, mask in _masked(*rule.ports):
            if tracked:
                lines += [f"table=1,priority={priority},ct_state=+trk+new,{protocol},in_port={clients},nw_dst={rule.net},"
                          f"tp_dst={port:#x}/{mask:#x},actions=ct(commit,zone=1),output:{servers}"]
            else:
                lines += [f"priority={priority},{protocol},in_port={clients},nw_dst={rule.net},tp_dst={port:#x}/{mask:#x},"
                          f"actions=output:{servers}",
                          f"priority={priority},{protocol},in_port={servers},nw_src={rule.net},tp_src={port:#x}/{mask:#x},"
                          f"actions=output:{clients}"]
    return "\n".join(lines) + "\n"


def _ports(rule, dash):
    first, last = rule.ports
    return f"{first}" if first == last else f"{first}{dash}{last}"


def _masked(first, last):
    """A range of ports as values and masks."""
    while first <= last:
        size = first & -first or 1 << 16
        while size > last - first + 1:
            size >>= 1
        yield first, 0x10000 - size
        first += size
