#include "rule_sets/lines.hpp"

#include <algorithm>

namespace sluice::rule_sets {
namespace {

std::array<std::uint32_t, 4> words_of(const net::IpAddress& address) {
    std::array<std::uint32_t, 4> words{};
    for (unsigned byte = 0; byte < 16; ++byte)
        words[byte / 4] = words[byte / 4] << 8 | address.bytes[byte];
    return words;
}

std::uint32_t mask_of(unsigned length, unsigned word) {
    const unsigned before = 32 * word;
    if (length <= before) return 0;
    const unsigned bits = std::min(32u, length - before);
    return ~std::uint32_t{0} << (32 - bits);
}

} // namespace

Lines::Block Lines::empty_block() {
    Block block{};
    // No zone at all: nothing goes there.
    block.owner.fill(kNobody);
    return block;
}

Lines::Lines(net::Family family, std::span<const Line> lines)
    : family_(family)
    , blocks_((lines.size() + kBlock - 1) / kBlock, empty_block()) {
    for (std::size_t i = 0; i < lines.size(); ++i) {
        const Line& line = lines[i];
        Block& block = blocks_[i / kBlock];
        const std::size_t at = i % kBlock;
        const auto source = words_of(line.rule.source.address);
        const auto destination = words_of(line.rule.destination.address);
        for (unsigned word = 0; word < 4; ++word) {
            block.source[word][at] = source[word];
            block.source_mask[word][at] = mask_of(line.rule.source.length, word);
            block.destination[word][at] = destination[word];
            block.destination_mask[word][at] = mask_of(line.rule.destination.length, word);
        }
        block.first_source_port[at] = line.rule.source_ports.first;
        block.last_source_port[at] = line.rule.source_ports.last;
        block.first_destination_port[at] = line.rule.destination_ports.first;
        block.last_destination_port[at] = line.rule.destination_ports.last;
        block.protocol[at] = line.rule.protocol.value_or(0);
        block.protocol_mask[at] = line.rule.protocol ? 0xff : 0;
        block.from_zones[at] = line.from_zones;
        block.to_zones[at] = line.to_zones;
        block.owner[at] = line.owner;
    }
}

template <unsigned kWords> bool Lines::take_in(const Block& block, const Passage& passage, Taken& taken) const {
    const auto source = words_of(passage.packet.source);
    const auto destination = words_of(passage.packet.destination);
    const std::int32_t source_port = passage.packet.source_port;
    const std::int32_t destination_port = passage.packet.destination_port;
    const std::uint32_t protocol = passage.packet.protocol;
    std::uint32_t any = 0;
    for (std::size_t i = 0; i < kBlock; ++i) {
        std::uint32_t differs = (protocol ^ block.protocol[i]) & block.protocol_mask[i];
        for (unsigned word = 0; word < kWords; ++word) {
            differs |= (source[word] ^ block.source[word][i]) & block.source_mask[word][i];
            differs |= (destination[word] ^ block.destination[word][i]) & block.destination_mask[word][i];
        }
        const std::uint32_t zones =
            block.from_zones[i] >> passage.from_zone & block.to_zones[i] >> passage.to_zone & 1u;
        const auto ports = static_cast<std::uint32_t>(source_port >= block.first_source_port[i]) &
                           static_cast<std::uint32_t>(source_port <= block.last_source_port[i]) &
                           static_cast<std::uint32_t>(destination_port >= block.first_destination_port[i]) &
                           static_cast<std::uint32_t>(destination_port <= block.last_destination_port[i]);
        taken[i] = static_cast<std::uint32_t>(differs == 0) & zones & ports;
        any |= taken[i];
    }
    return any != 0;
}

bool Lines::take(std::size_t block, const Passage& passage, Taken& taken) const {
    return family_ == net::Family::ipv4 ? take_in<1>(blocks_[block], passage, taken)
                                        : take_in<4>(blocks_[block], passage, taken);
}

std::uint32_t Lines::first(const Passage& passage) const {
    Taken taken;
    for (std::size_t block = 0; block < blocks_.size(); ++block) {
        if (!take(block, passage, taken)) continue;
        for (std::size_t place = 0; place < kBlock; ++place) {
            if (taken[place] != 0) return owner(block, place);
        }
    }
    return kNobody;
}

} // namespace sluice::rule_sets
