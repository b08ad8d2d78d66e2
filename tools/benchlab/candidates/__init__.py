"""The programs that are compared: each can start itself on a job and say how much it has forwarded.

- `base`   what they have in common: start, warm up, count, stop
- `ports`  the two ports that a trace comes from
- `limit`  dpdk-testpmd, which moves frames and looks at none
- `sluice` the appliance
- `ovs`    Open vSwitch over DPDK
- `linux`  the kernel with nftables
"""

from benchlab.candidates.limit import TestpmdIo
from benchlab.candidates.linux import Linux
from benchlab.candidates.ovs import OpenVswitch
from benchlab.candidates.sluice import Sluice

LIMIT = TestpmdIo("testpmd io")
LIMIT_VHOST = TestpmdIo("testpmd io by vhost", way="vhost")
LIMIT_GENERATED = TestpmdIo("testpmd io", way="memif, generator")
SLUICE_UNTRACKED = Sluice("sluice untracked", tracked=False)
SLUICE_UNTRACKED_TCP = Sluice("sluice untracked tcp", tracked=False, protocol="tcp")
SLUICE = Sluice("sluice tracked", tracked=True)
SLUICE_TCP = Sluice("sluice tracked tcp", tracked=True, protocol="tcp")
OVS_STATELESS = OpenVswitch("ovs stateless", tracked=False)
OVS = OpenVswitch("ovs conntrack", tracked=True)
OVS_TCP = OpenVswitch("ovs conntrack tcp", tracked=True, protocol="tcp")
OVS_VHOST = OpenVswitch("ovs conntrack by vhost", tracked=True, way="vhost")
SLUICE_UNTRACKED_TWO = Sluice("sluice untracked × 2 workers", tracked=False, workers=2)
SLUICE_TWO = Sluice("sluice tracked × 2 workers", tracked=True, workers=2)
SLUICE_GENERATED = Sluice("sluice tracked", tracked=True, protocol="tcp", way="memif, generator")
OVS_GENERATED = OpenVswitch("ovs conntrack", tracked=True, protocol="tcp", way="vhost, generator")
VETH = Linux("veth alone", firewall=False)
LINUX_NOTRACK = Linux("linux notrack", tracked=False)
LINUX = Linux("linux conntrack", tracked=True)
LINUX_TCP = Linux("linux conntrack tcp", tracked=True, protocol="tcp")
