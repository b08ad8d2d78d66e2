"""A veth end whose traffic carries an 802.1Q tag.

Where the kernel has 802.1Q devices, that is one of them. Where it has none (CONFIG_VLAN_8021Q is not set), two small
eBPF programs on the interface itself do the same: the one on egress adds the tag, the one on ingress takes it off and
drops what does not carry it. They are attached as tcx links (Linux 6.6), which live as long as the process that holds
them; run as a program, this module is that process: `python3 -m netlab.vlan INTERFACE VLAN`.
"""

import ctypes
import os
import platform
import signal
import socket
import struct
import sys
from pathlib import Path

from netlab.processes import LabError

_TOOLS = Path(__file__).resolve().parent.parent

_BPF_NUMBER = {"x86_64": 321, "aarch64": 280}
_BPF_PROG_LOAD = 5
_BPF_LINK_CREATE = 28
_BPF_PROG_TYPE_SCHED_CLS = 3
_BPF_TCX_INGRESS = 46
_BPF_TCX_EGRESS = 47
_SKB_VLAN_PUSH = 18
_SKB_VLAN_POP = 19
_TCX_PASS = 0
_TCX_DROP = 2
# struct __sk_buff in linux/bpf.h
_VLAN_PRESENT = 20
_VLAN_TCI = 24


def add_vlan_end(namespace, interface, vlan):
    """Makes the traffic of `interface` in `namespace` tagged; returns the name of the interface to use."""
    name = f"{interface}.{vlan}"
    done = namespace.run("ip", "link", "add", "link", interface, "name", name, "type", "vlan", "id", vlan, check=False)
    if done.returncode == 0:
        namespace.ip(f"link set {name} up")
        return name
    if "Unknown device type" not in done.stderr:
        raise LabError(f"cannot make {name}: {done.stderr.strip()}")
    holder = namespace.spawn("/usr/bin/env", f"PYTHONPATH={_TOOLS}", "PYTHONDONTWRITEBYTECODE=1", "/usr/bin/python3",
                             "-m", "netlab.vlan", interface, vlan, name=f"vlan-{vlan}")
    holder.wait_for_line("attached", timeout=5.0)
    return interface


def _instruction(code, destination=0, source=0, offset=0, immediate=0):
    return struct.pack("<BBhi", code, source << 4 | destination, offset, immediate)


def _load_word(destination, source, offset):
    return _instruction(0x61, destination, source, offset)


def _move(destination, immediate):
    return _instruction(0xB7, destination, immediate=immediate)


def _and(destination, immediate):
    return _instruction(0x57, destination, immediate=immediate)


def _jump_unless_equal(register, immediate, offset):
    return _instruction(0x55, register, offset=offset, immediate=immediate)


def _jump_if_equal(register, immediate, offset):
    return _instruction(0x15, register, offset=offset, immediate=immediate)


def _call(helper):
    return _instruction(0x85, immediate=helper)


_EXIT = _instruction(0x95)
_PASS_OR_DROP = [_jump_unless_equal(0, 0, 2), _move(0, _TCX_PASS), _EXIT, _move(0, _TCX_DROP), _EXIT]


def egress_program(vlan):
    """bpf_skb_vlan_push(skb, htons(ETH_P_8021Q), vlan), and pass when it worked."""
    return b"".join([_move(2, socket.htons(0x8100)), _move(3, vlan), _call(_SKB_VLAN_PUSH), *_PASS_OR_DROP])


def ingress_program(vlan):
    """Drops what has no tag or another one; otherwise bpf_skb_vlan_pop(skb), and pass when it worked."""
    return b"".join([_load_word(2, 1, _VLAN_PRESENT), _jump_if_equal(2, 0, 7), _load_word(2, 1, _VLAN_TCI),
                     _and(2, 0xFFF), _jump_unless_equal(2, vlan, 4), _call(_SKB_VLAN_POP), *_PASS_OR_DROP])


def _bpf(command, attributes):
    number = _BPF_NUMBER.get(platform.machine())
    if number is None:
        raise LabError(f"the number of bpf(2) on {platform.machine()} is not known here")
    libc = ctypes.CDLL(None, use_errno=True)
    buffer = ctypes.create_string_buffer(attributes, max(len(attributes), 128))
    result = libc.syscall(number, command, buffer, len(buffer))
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def _attach(interface, attach_type, program):
    code = ctypes.create_string_buffer(program, len(program))
    licence = ctypes.create_string_buffer(b"Apache-2.0")
    loaded = _bpf(_BPF_PROG_LOAD, struct.pack("<IIQQ", _BPF_PROG_TYPE_SCHED_CLS, len(program) // 8,
                                              ctypes.addressof(code), ctypes.addressof(licence)))
    return _bpf(_BPF_LINK_CREATE, struct.pack("<IIII", loaded, socket.if_nametoindex(interface), attach_type, 0))


def _main():
    interface, vlan = sys.argv[1], int(sys.argv[2])
    try:
        _attach(interface, _BPF_TCX_EGRESS, egress_program(vlan))
        _attach(interface, _BPF_TCX_INGRESS, ingress_program(vlan))
    except (OSError, LabError) as error:
        sys.exit(f"this kernel has neither 802.1Q devices nor tcx programs: {error}")
    print("attached", flush=True)
    signal.pause()


if __name__ == "__main__":
    _main()
