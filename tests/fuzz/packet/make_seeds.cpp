// Writes the sample frames as files, one each: the corpus that the fuzzer starts from.
// usage: packet_make_seeds FOLDER
#include "support/sample_frames.hpp"

#include <cstdio>
#include <filesystem>
#include <fstream>

namespace {

using sluice::test_support::SampleFrame;

bool write_all(const std::filesystem::path& folder, const std::vector<SampleFrame>& samples) {
    for (const auto& [name, frame] : samples) {
        std::ofstream file(folder / name, std::ios::binary);
        file.write(reinterpret_cast<const char*>(frame.data()), static_cast<std::streamsize>(frame.size()));
        if (!file.flush()) {
            std::fprintf(stderr, "cannot write %s\n", (folder / name).c_str());
            return false;
        }
    }
    return true;
}

} // namespace

int main(int argc, char** argv) {
    if (argc != 2 || !std::filesystem::is_directory(argv[1])) {
        std::fprintf(stderr, "usage: packet_make_seeds FOLDER (which must exist)\n");
        return 2;
    }
    namespace samples = sluice::test_support;
    return write_all(argv[1], samples::well_formed_frames()) && write_all(argv[1], samples::malformed_frames()) ? 0 : 1;
}
