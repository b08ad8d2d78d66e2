#include "replay/capture.hpp"

#include <cerrno>
#include <cstring>

namespace sluice::replay {
namespace {

// draft-ietf-opsawg-pcapng: block types and option codes used here.
constexpr std::uint32_t kSectionHeader = 0x0a0d0d0a;
constexpr std::uint32_t kInterfaceDescription = 1;
constexpr std::uint32_t kEnhancedPacket = 6;
constexpr std::uint32_t kByteOrderMagic = 0x1a2b3c4d;
constexpr std::uint16_t kComment = 1;
constexpr std::uint16_t kInterfaceName = 2;
constexpr std::uint16_t kLinkTypeEthernet = 1;

/// Fields in this machine's byte order, as the section header announces.
class Body {
  public:
    template <typename T> Body& put(T value) {
        const auto* bytes = reinterpret_cast<const std::byte*>(&value);
        bytes_.insert(bytes_.end(), bytes, bytes + sizeof value);
        return *this;
    }
    Body& put_padded(const void* data, std::size_t size) {
        const auto* bytes = static_cast<const std::byte*>(data);
        if (size != 0) bytes_.insert(bytes_.end(), bytes, bytes + size);
        bytes_.resize((bytes_.size() + 3) / 4 * 4);
        return *this;
    }
    Body& option(std::uint16_t code, const std::string& text) {
        put(code).put(static_cast<std::uint16_t>(text.size()));
        return put_padded(text.data(), text.size());
    }
    Body& end_of_options() { return put(std::uint32_t{0}); }
    [[nodiscard]] const std::vector<std::byte>& bytes() const { return bytes_; }

  private:
    std::vector<std::byte> bytes_;
};

} // namespace

base::Expected<CaptureWriter, std::string> CaptureWriter::create(const std::string& path,
                                                                 const std::vector<std::string>& interfaces) {
    std::FILE* file = std::fopen(path.c_str(), "wbe");
    if (file == nullptr) return base::Unexpected("cannot write '" + path + "': " + std::strerror(errno));
    CaptureWriter writer(file);
    constexpr std::uint64_t kUnknownLength = ~std::uint64_t{0};
    writer.block(kSectionHeader,
                 Body().put(kByteOrderMagic).put(std::uint16_t{1}).put(std::uint16_t{0}).put(kUnknownLength).bytes());
    for (const std::string& name : interfaces) {
        writer.block(kInterfaceDescription, Body()
                                                .put(kLinkTypeEthernet)
                                                .put(std::uint16_t{0})
                                                .put(std::uint32_t{0}) // no limit on a packet's size
                                                .option(kInterfaceName, name)
                                                .end_of_options()
                                                .bytes());
    }
    return writer;
}

void CaptureWriter::block(std::uint32_t type, const std::vector<std::byte>& body) {
    const auto size = static_cast<std::uint32_t>(body.size() + 12);
    const std::uint32_t head[] = {type, size};
    failed_ = failed_ || std::fwrite(head, sizeof head, 1, file_.get()) != 1 ||
              std::fwrite(body.data(), 1, body.size(), file_.get()) != body.size() ||
              std::fwrite(&size, sizeof size, 1, file_.get()) != 1;
}

void CaptureWriter::write(const Captured& packet, std::uint32_t interface, const std::string& comment) {
    const auto size = static_cast<std::uint32_t>(packet.frame.size());
    block(kEnhancedPacket, Body()
                               .put(interface)
                               .put(static_cast<std::uint32_t>(packet.microseconds >> 32))
                               .put(static_cast<std::uint32_t>(packet.microseconds))
                               .put(size)
                               .put(size)
                               .put_padded(packet.frame.data(), packet.frame.size())
                               .option(kComment, comment)
                               .end_of_options()
                               .bytes());
}

bool CaptureWriter::finish() {
    failed_ = failed_ || std::fflush(file_.get()) != 0;
    return !failed_;
}

} // namespace sluice::replay
