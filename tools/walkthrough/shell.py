"""A shell in which sluicectl talks to the lab's appliance, and its two ends are a word away."""

import ctypes
import shlex
import signal
import subprocess

_PR_SET_PDEATHSIG = 1


def open_shell(lab, sluice, policies):
    """Runs bash until it exits. `policies` is a dict of file names to try with `policy apply`."""
    programs = f"{lab.build}/app/sluicectl:{lab.build}/tools/loadgen"
    functions = {"sluicectl": f"command sluicectl -s {shlex.quote(str(sluice.socket))}",
                 "client": f"ip netns exec {lab.client.name}",
                 "server": f"ip netns exec {lab.server.name}"}
    lines = ["[ -r ~/.bashrc ] && . ~/.bashrc", f"PATH={shlex.quote(programs)}:$PATH", "PS1='sluice lab$ '"]
    lines += [f'{name}() {{ {command} "$@"; }}' for name, command in functions.items()]
    lines += [f"{name}={shlex.quote(str(path))}" for name, path in policies.items()]
    rcfile = lab.folder / "bashrc"
    rcfile.write_text("\n".join(lines) + "\n")
    print(_suggestions(lab, policies), flush=True)
    library = ctypes.CDLL(None)
    with subprocess.Popen(["bash", "--rcfile", str(rcfile), "-i"],
                          preexec_fn=lambda: library.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)) as shell:
        try:
            shell.wait()
        except BaseException:
            # What bash changed about the terminal it puts back when the terminal hangs up, not when it is killed.
            shell.send_signal(signal.SIGHUP)
            try:
                shell.wait(1.0)
            except subprocess.TimeoutExpired:
                shell.kill()
            raise


def _suggestions(lab, policies):
    target = f"{lab.server_address}:11211"
    tries = [("sluicectl status", "health, load, flow table on one screen"),
             ("sluicectl show rules", "what each rule has let through"),
             ("sluicectl show flows", "the flows there are"),
             ("sluicectl show drops", "what was dropped, and why"),
             (f"client curl http://{lab.server_address}/", "a web page from behind the firewall"),
             (f"client sluice-loadgen --to {target} --rate 500 --duration 10s", "load for memcached"),
             *((f"sluicectl policy apply ${name}", f"memcached {name}") for name in policies),
             (f"server nc -vz -w 1 {lab.client_address} 8080", "the server dials out: no answer"),
             ("sluicectl", "a shell of its own, with completion"),
             ("exit", "removes the lab")]
    width = max(len(command) for command, _ in tries)
    lines = [f"    {command.ljust(width)}  {what}" for command, what in tries]
    return "\n".join(["", "The lab is yours until you leave this shell. Things to try:", "", *lines, ""])
