// The words of a packet text that may stand anywhere in it, and how mistakes in any of its words are told.
#pragma once

#include "support/fragments.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::scenario {

using Words = std::span<const std::string_view>;

/// Ends the reading of a packet; `clause` is what the steps file's reader shows.
struct Wrong {
    std::string clause;
};
[[noreturn]] void wrong(std::string clause);

std::string quoted(std::string_view text);
/// `what` is the word for it in the complaint.
std::uint32_t number(std::string_view text, std::uint32_t most, std::string_view what);
std::vector<std::string_view> split(std::string_view text, char separator);

/// An edge to an edge of selectively acknowledged data (RFC 2018).
struct SackBlock {
    std::uint32_t left = 0;
    std::uint32_t right = 0;
};

/// What the words behind the ends say, whatever their order.
struct Attributes {
    std::vector<std::uint16_t> vlans;
    bool service_tag = false; ///< the outer tag is 802.1ad's
    std::optional<std::uint8_t> ttl;
    std::size_t payload = 0;
    std::optional<std::size_t> size; ///< of the IP packet
    std::size_t padded = 0;
    std::optional<std::size_t> cut;
    test_support::Bytes options; ///< of IPv4
    bool wrong_ip_checksum = false;
    std::vector<std::string_view> extensions;
    std::string_view fragment;
    std::optional<test_support::FragmentCut> part;
    std::uint8_t code = 0;
    std::uint16_t identifier = 0;
    std::uint32_t sequence = 0; ///< TCP's, or ICMP's
    std::uint32_t acknowledgment = 0;
    std::uint16_t window = 65535;
    std::optional<std::uint16_t> segment_size;
    std::optional<std::uint8_t> window_scale;
    std::vector<SackBlock> sack_blocks;
    bool sack_permitted = false;
    std::uint32_t verification_tag = 0;
    std::uint32_t initiate_tag = 0;
    bool tag_reflected = false; ///< SCTP's T bit
    std::string_view quote;     ///< the text of the packet that an ICMP error is about
    bool wrong_checksum = false;
    bool no_checksum = false;
    bool answer = false; ///< ARP
};

/// The attributes among `words`, and the words that are none.
struct SortedWords {
    Attributes attributes;
    std::vector<std::string_view> left;
};
SortedWords sort_words(Words words);

} // namespace sluice::scenario
