#include "support/fragments.hpp"

#include "net/checksum.hpp"

#include <algorithm>
#include <span>

namespace sluice::test_support {
namespace {

/// Where things are in a whole packet.
struct Layout {
    bool ipv4 = false;
    std::size_t ip = 0;   ///< its header
    std::size_t next = 0; ///< the byte that says what is at `part`
    std::size_t part = 0; ///< what is fragmented
    std::size_t end = 0;
};

unsigned u8(const Bytes& frame, std::size_t at) {
    return static_cast<unsigned>(frame.at(at));
}
unsigned u16(const Bytes& frame, std::size_t at) {
    return u8(frame, at) << 8 | u8(frame, at + 1);
}
void put_u16(Bytes& frame, std::size_t at, std::size_t value) {
    frame.at(at) = static_cast<std::byte>(value >> 8);
    frame.at(at + 1) = static_cast<std::byte>(value);
}

Layout layout_of(const Bytes& frame) {
    Layout out;
    std::size_t type = 12;
    while (u16(frame, type) == 0x8100 || u16(frame, type) == 0x88a8) {
        type += 4;
    }
    out.ip = type + 2;
    out.ipv4 = u16(frame, type) == 0x0800;
    if (out.ipv4) {
        out.next = out.ip + 9;
        out.part = out.ip + (u8(frame, out.ip) & 15) * std::size_t{4};
        out.end = out.ip + u16(frame, out.ip + 2);
        return out;
    }
    out.next = out.ip + 6;
    out.part = out.ip + 40;
    out.end = out.part + u16(frame, out.ip + 4);
    while (u8(frame, out.next) == 0 || u8(frame, out.next) == 43) {
        out.next = out.part;
        out.part += (u8(frame, out.part + 1) + std::size_t{1}) * 8;
    }
    return out;
}

} // namespace

std::size_t fragmented_size(const Bytes& frame) {
    const Layout layout = layout_of(frame);
    return layout.end - layout.part;
}

Bytes fragment_of(const Bytes& frame, const FragmentCut& cut) {
    const Layout layout = layout_of(frame);
    const std::size_t end = std::min(cut.end, layout.end - layout.part);
    const bool more = cut.more.value_or(layout.part + end < layout.end);
    const auto at = [&frame](std::size_t offset) { return frame.begin() + static_cast<std::ptrdiff_t>(offset); };
    Bytes out(frame.begin(), at(layout.part));
    if (layout.ipv4) {
        put_u16(out, layout.ip + 2, layout.part - layout.ip + end - cut.begin);
        put_u16(out, layout.ip + 4, cut.identification);
        put_u16(out, layout.ip + 6, cut.begin / 8 + (more ? 0x2000 : 0));
        put_u16(out, layout.ip + 10, 0);
        put_u16(out, layout.ip + 10,
                net::checksum_finish(net::checksum_add(std::span(out).subspan(layout.ip, layout.part - layout.ip))));
    } else {
        out.push_back(out.at(layout.next));
        out.at(layout.next) = std::byte{44};
        out.resize(out.size() + 7);
        put_u16(out, layout.part + 2, cut.begin + (more ? 1 : 0));
        put_u16(out, layout.part + 4, cut.identification >> 16);
        put_u16(out, layout.part + 6, cut.identification & 0xffff);
        put_u16(out, layout.ip + 4, layout.part + 8 - layout.ip - 40 + end - cut.begin);
    }
    out.insert(out.end(), at(layout.part + cut.begin), at(layout.part + end));
    return out;
}

std::vector<Bytes> fragments_of(const Bytes& frame, std::size_t size, std::uint32_t identification) {
    std::vector<Bytes> out;
    for (std::size_t begin = 0; begin < fragmented_size(frame); begin += size) {
        out.push_back(fragment_of(frame, {begin, begin + size, identification}));
    }
    return out;
}

} // namespace sluice::test_support
