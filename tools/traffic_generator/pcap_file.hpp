// Captures written at the speed of the disk: millions of frames, no timestamps worth having.
#pragma once

#include "loadgen/file_descriptor.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace sluice::traffic {

/// A pcap file of Ethernet frames. Errors are kept until close() tells them.
class PcapFile {
  public:
    explicit PcapFile(const std::string& path);

    /// Where the next frame is to be written, `room` bytes; counts once append() says how long it is.
    std::byte* next(std::size_t room);
    void append(std::size_t length);
    /// Writes what is left. Returns a line for the person at the terminal if something failed.
    std::string close();

  private:
    void flush();

    std::string path_;
    loadgen::FileDescriptor file_;
    std::vector<std::byte> buffer_;
    std::size_t used_ = 0;
    int error_ = 0; ///< of the first call that failed
};

} // namespace sluice::traffic
