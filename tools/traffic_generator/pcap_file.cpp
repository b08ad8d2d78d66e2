#include "traffic_generator/pcap_file.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

namespace sluice::traffic {
namespace {

constexpr std::size_t kBufferSize = 1u << 20;

/// The classic format (draft-ietf-opsawg-pcap), in the machine's byte order.
struct FileHeader {
    uint32_t magic = 0xa1b2c3d4;
    uint16_t major = 2;
    uint16_t minor = 4;
    uint32_t reserved[2] = {};
    uint32_t longest = 65535;
    uint32_t link_type = 1; // Ethernet
};
static_assert(sizeof(FileHeader) == 24);

struct FrameHeader {
    uint32_t seconds = 0;
    uint32_t microseconds = 0;
    uint32_t captured = 0;
    uint32_t length = 0;
};
static_assert(sizeof(FrameHeader) == 16);

} // namespace

PcapFile::PcapFile(const std::string& path)
    : path_(path)
    , file_(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644))
    , buffer_(kBufferSize) {
    if (file_.get() < 0) error_ = errno;
    const FileHeader header;
    std::memcpy(buffer_.data(), &header, sizeof header);
    used_ = sizeof header;
}

std::byte* PcapFile::next(std::size_t room) {
    if (used_ + sizeof(FrameHeader) + room > buffer_.size()) flush();
    return buffer_.data() + used_ + sizeof(FrameHeader);
}

void PcapFile::append(std::size_t length) {
    FrameHeader header;
    header.captured = header.length = static_cast<uint32_t>(length);
    std::memcpy(buffer_.data() + used_, &header, sizeof header);
    used_ += sizeof header + length;
}

void PcapFile::flush() {
    std::size_t done = 0;
    while (done < used_ && error_ == 0) {
        const ssize_t written = ::write(file_.get(), buffer_.data() + done, used_ - done);
        if (written >= 0)
            done += static_cast<std::size_t>(written);
        else if (errno != EINTR)
            error_ = errno;
    }
    used_ = 0;
}

std::string PcapFile::close() {
    flush();
    file_.reset();
    return error_ == 0 ? std::string() : "cannot write " + path_ + ": " + std::strerror(error_);
}

} // namespace sluice::traffic
