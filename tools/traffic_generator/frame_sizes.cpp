#include "traffic_generator/frame_sizes.hpp"

#include <charconv>

namespace sluice::traffic {
namespace {

constexpr unsigned kSmallest = 64;
constexpr unsigned kLargest = 1518;
constexpr unsigned kMostShares = 64;
constexpr std::size_t kMostSizes = 8;

bool read_number(std::string_view text, unsigned& value) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc() && end == text.data() + text.size() && !text.empty();
}

} // namespace

base::Expected<FrameSizes, std::string> FrameSizes::parse(std::string_view text) {
    if (text == "imix") return parse("64:7,594:4,1518:1");
    const auto wrong = [text](const std::string& what) {
        return base::Unexpected("'" + std::string(text) + "': " + what +
                                "; write 64, imix, or sizes with shares such as 64:7,594:4,1518:1");
    };
    FrameSizes result;
    std::vector<unsigned> shares;
    unsigned total = 0;
    for (std::size_t at = 0; at <= text.size();) {
        const std::size_t comma = std::min(text.find(',', at), text.size());
        const std::string_view part = text.substr(at, comma - at);
        const std::size_t colon = part.find(':');
        unsigned size = 0;
        unsigned share = 1;
        if (!read_number(part.substr(0, colon), size) || size < kSmallest || size > kLargest)
            return wrong("a frame size is 64 to 1518, FCS included");
        if (colon != std::string_view::npos && (!read_number(part.substr(colon + 1), share) || share == 0))
            return wrong("a share is a number above zero");
        if ((total += share) > kMostShares || result.sizes_.size() == kMostSizes)
            return wrong("at most 8 sizes and 64 shares");
        result.sizes_.push_back(static_cast<uint16_t>(size));
        shares.push_back(share);
        at = comma + 1;
    }
    result.spread(shares);
    return result;
}

void FrameSizes::spread(const std::vector<unsigned>& shares) {
    unsigned total = 0;
    for (const unsigned share : shares) {
        total += share;
    }
    // Whoever is the furthest behind his share comes next.
    std::vector<long> credit(shares.size(), 0);
    for (unsigned i = 0; i < total; ++i) {
        std::size_t next = 0;
        for (std::size_t s = 0; s < shares.size(); ++s) {
            credit[s] += shares[s];
            if (credit[s] > credit[next]) next = s;
        }
        credit[next] -= total;
        cycle_.push_back(static_cast<uint8_t>(next));
    }
}

double FrameSizes::mean() const {
    double sum = 0;
    for (const uint8_t index : cycle_) {
        sum += sizes_[index];
    }
    return sum / static_cast<double>(cycle_.size());
}

} // namespace sluice::traffic
