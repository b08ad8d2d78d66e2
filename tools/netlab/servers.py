"""Servers in a namespace: memcached, iperf3, HTTP, bare listeners. None of them runs as root for longer than it takes to start."""

import resource

MEMCACHED_PORT = 11211
IPERF3_PORT = 5201
HTTP_PORT = 80
# What else the machine does shall not decide how long an answer takes.
PRIORITY = 10


def start_memcached(namespace, addresses, port=MEMCACHED_PORT, udp=False, cpus=None):
    """memcached from Debian as user nobody, with room for many short connections."""
    connections = min(16384, resource.getrlimit(resource.RLIMIT_NOFILE)[1] - 256)
    process = namespace.spawn("memcached", "-u", "nobody", "-l", ",".join(addresses), "-p", port, "-U",
                              port if udp else 0, "-c", connections, "-b", 4096, "-t", 1, "-m", 64, cpus=cpus,
                              priority=PRIORITY)
    namespace.wait_until_listening(port, process)
    return process


def start_iperf3_server(namespace, address, port=IPERF3_PORT):
    """An iperf3 server for one test, as user nobody."""
    process = namespace.spawn("setpriv", "--reuid", "nobody", "--regid", "nogroup", "--clear-groups", "iperf3", "-s",
                              "-1", "-B", address, "-p", port, name="iperf3-server",
                              priority=PRIORITY)
    namespace.wait_until_listening(port, process)
    return process


def start_http(namespace, address, port=HTTP_PORT):
    """A web server that answers every GET with 200 and one line of text, as user nobody."""
    code = ("import http.server, os, socket, sys\n"
            "os.chdir('/')\n"
            "class Server(http.server.ThreadingHTTPServer):\n"
            "    address_family = socket.AF_INET6 if ':' in sys.argv[1] else socket.AF_INET\n"
            "class Handler(http.server.BaseHTTPRequestHandler):\n"
            "    def do_GET(self):\n"
            "        self.send_response(200); self.send_header('Content-Type', 'text/plain'); self.end_headers()\n"
            "        self.wfile.write(b'hello from the server\\n')\n"
            "    def log_message(self, *_): pass\n"
            "server = Server((sys.argv[1], int(sys.argv[2])), Handler)\n"
            "os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
            "server.serve_forever()\n")
    process = namespace.spawn("/usr/bin/python3", "-c", code, address, port, name="http")
    namespace.wait_until_listening(port, process)
    return process


def start_listeners(namespace, addresses, tcp=(), udp=()):
    """Accepts and closes what comes to the TCP ports, echoes what comes to the UDP ports, as user nobody."""
    code = ("import os, selectors, socket, sys\n"
            "addresses, ports = sys.argv[1].split(','), [port.split('/') for port in sys.argv[2:]]\n"
            "waiting = selectors.DefaultSelector()\n"
            "for address in addresses:\n"
            "    family = socket.AF_INET6 if ':' in address else socket.AF_INET\n"
            "    for kind, port in ports:\n"
            "        one = socket.socket(family, socket.SOCK_STREAM if kind == 'tcp' else socket.SOCK_DGRAM)\n"
            "        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)\n"
            "        one.bind((address, int(port)))\n"
            "        if kind == 'tcp': one.listen(1024)\n"
            "        waiting.register(one, selectors.EVENT_READ, kind)\n"
            "os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
            "print('listening', flush=True)\n"
            "while True:\n"
            "    for key, _ in waiting.select():\n"
            "        if key.data == 'tcp': key.fileobj.accept()[0].close()\n"
            "        else:\n"
            "            said, peer = key.fileobj.recvfrom(65535)\n"
            "            key.fileobj.sendto(said, peer)\n")
    process = namespace.spawn("/usr/bin/python3", "-c", code, ",".join(addresses), *[f"tcp/{port}" for port in tcp],
                              *[f"udp/{port}" for port in udp], name="listeners", priority=PRIORITY)
    process.wait_for_line("listening", timeout=5.0)
    return process
