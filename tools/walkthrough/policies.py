"""conf/policies/lab.yaml for this machine, and the same with memcached tracked."""

import re
from pathlib import Path

from netlab import LabError
from netlab.sluice import device, worker_cpus

LAB_POLICY = Path(__file__).resolve().parents[2] / "conf/policies/lab.yaml"


def untracked(driver, workers, idle=None):
    """The text of the lab's policy with the ports and the workers that this run has; `idle` as in the policy."""
    text = LAB_POLICY.read_text()
    text, devices = re.subn(r'"net_af_xdp([01]),iface=m\1"', lambda found: f'"{device(driver, int(found[1]))}"', text)
    system = f"  workers: {worker_cpus(workers)}" + (f"\n  idle: {idle}" if idle else "")
    text, places = re.subn(r"^  workers: .*$", system, text, flags=re.MULTILINE)
    if (devices, places) != (2, 1):
        raise LabError(f"{LAB_POLICY} is not the policy that this lab knows: it wants two AF_XDP ports on m0 and m1, "
                       "and 'workers:'")
    return text


def tracked(text):
    """The same policy without the two lines that make the rule `memcached` untracked."""
    def turn(rule):
        lines = rule[0].splitlines(keepends=True)
        kept = [line for line in lines if line.strip() not in ("track: false", "reply: mirror")]
        if len(lines) - len(kept) != 2:
            raise LabError(f"rule 'memcached' of {LAB_POLICY} is not an untracked one with a mirror")
        return "".join(kept)
    turned, rules = re.subn(r"^  - name: memcached\n(?:    .*\n)+", turn, text, flags=re.MULTILINE)
    if rules != 1:
        raise LabError(f"{LAB_POLICY} has no rule 'memcached'")
    return turned
