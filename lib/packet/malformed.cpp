// The words for what is wrong with a frame: one list for the CLI, the logs and the manual.
#include "packet/parse.hpp"

namespace sluice::packet {

std::string_view name(Malformed reason) {
    switch (reason) {
    case Malformed::none: return "none";
    case Malformed::truncated_ethernet: return "truncated_ethernet";
    case Malformed::too_many_vlan_tags: return "too_many_vlan_tags";
    case Malformed::vlan_id_reserved: return "vlan_id_reserved";
    case Malformed::truncated_ip: return "truncated_ip";
    case Malformed::ip_version: return "ip_version";
    case Malformed::ip_header_length: return "ip_header_length";
    case Malformed::ip_total_length: return "ip_total_length";
    case Malformed::ipv4_options: return "ipv4_options";
    case Malformed::extension_truncated: return "extension_truncated";
    case Malformed::extension_chain_long: return "extension_chain_long";
    case Malformed::extension_order: return "extension_order";
    case Malformed::extension_options: return "extension_options";
    case Malformed::fragment_length: return "fragment_length";
    case Malformed::fragment_tiny: return "fragment_tiny";
    case Malformed::fragment_nested: return "fragment_nested";
    case Malformed::truncated_l4: return "truncated_l4";
    case Malformed::tcp_header_length: return "tcp_header_length";
    case Malformed::udp_length: return "udp_length";
    }
    return "unknown";
}

std::string_view text(Malformed reason) {
    switch (reason) {
    case Malformed::none: return "nothing is wrong with the frame";
    case Malformed::truncated_ethernet: return "the frame ends inside its Ethernet header or a VLAN tag";
    case Malformed::too_many_vlan_tags: return "the frame has more than two VLAN tags";
    case Malformed::vlan_id_reserved: return "the frame has the VLAN id 4095, which is reserved";
    case Malformed::truncated_ip: return "the frame ends inside its IP header";
    case Malformed::ip_version: return "the IP version disagrees with the EtherType";
    case Malformed::ip_header_length: return "the IPv4 header length is below 20 or beyond the total length";
    case Malformed::ip_total_length: return "the IP length disagrees with the frame";
    case Malformed::ipv4_options: return "an IPv4 option runs over the end of the header";
    case Malformed::extension_truncated: return "an IPv6 extension header runs over the end of the packet";
    case Malformed::extension_chain_long: return "the packet has more than eight IPv6 extension headers";
    case Malformed::extension_order: return "hop-by-hop options do not come first among the extension headers";
    case Malformed::extension_options:
        return "an option runs over the end of its IPv6 extension header, or there are more than 64 of them";
    case Malformed::fragment_length: return "the length of the fragment fits no datagram";
    case Malformed::fragment_tiny: return "a TCP fragment that begins inside the TCP header";
    case Malformed::fragment_nested: return "the packet has more than one fragment header";
    case Malformed::truncated_l4: return "the packet ends inside its transport header";
    case Malformed::tcp_header_length: return "the TCP data offset is below 20 bytes or beyond the segment";
    case Malformed::udp_length: return "the UDP length disagrees with the IP length";
    }
    return "an unknown fault";
}

} // namespace sluice::packet
