"""Servers in a namespace: memcached, iperf3, HTTP. None of them runs as root for longer than it takes to start."""

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
