// Captures in and out.
#pragma once

#include "base/expected.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <span>
#include <string>
#include <vector>

struct pcap;

namespace sluice::replay {

/// A packet of a capture, as an Ethernet frame whatever the capture's link type was.
struct Captured {
    std::vector<std::byte> frame;
    std::uint64_t microseconds = 0; ///< since the epoch
    bool truncated = false;         ///< the capture holds less than there was
};

/// Reads pcap and pcapng through libpcap. Raw IP, Linux cooked and BSD loopback captures get an Ethernet header.
class CaptureReader {
  public:
    static base::Expected<CaptureReader, std::string> open(const std::string& path);

    /// The next packet; false at the end. A damaged file is an error.
    base::Expected<bool, std::string> next(Captured& out);

  private:
    struct Close {
        void operator()(pcap* handle) const;
    };
    explicit CaptureReader(pcap* handle, int link_type)
        : handle_(handle)
        , link_type_(link_type) {}
    [[nodiscard]] bool to_ethernet(std::span<const std::byte> packet, std::vector<std::byte>& frame) const;

    std::unique_ptr<pcap, Close> handle_;
    int link_type_;
};

/// Writes pcapng (draft-ietf-opsawg-pcapng), which libpcap does not: packets with their interface and a comment.
class CaptureWriter {
  public:
    static base::Expected<CaptureWriter, std::string> create(const std::string& path,
                                                             const std::vector<std::string>& interfaces);
    void write(const Captured& packet, std::uint32_t interface, const std::string& comment);
    /// False if anything could not be written.
    bool finish();

  private:
    struct Close {
        void operator()(std::FILE* file) const { std::fclose(file); }
    };
    explicit CaptureWriter(std::FILE* file)
        : file_(file) {}
    void block(std::uint32_t type, const std::vector<std::byte>& body);

    std::unique_ptr<std::FILE, Close> file_;
    bool failed_ = false;
};

} // namespace sluice::replay
