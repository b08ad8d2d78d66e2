#include "reviewed.hpp"

#include <fnmatch.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <sstream>

namespace sluice::golden {

base::Expected<Reviewed, std::string> Reviewed::read(const std::string& text) {
    Reviewed reviewed;
    std::istringstream lines(text);
    unsigned number = 0;
    for (std::string line; std::getline(lines, line);) {
        ++number;
        if (line.empty() || line.front() == '#') continue;
        std::istringstream words(line);
        Line read{number, 0, {}, {}, 0};
        words >> read.count >> read.pattern >> std::ws;
        std::getline(words, read.reason);
        if (read.count == 0 || read.reason.empty()) {
            return base::Unexpected(std::to_string(number) + ": not 'COUNT PATTERN REASON': " + line);
        }
        reviewed.lines_.push_back(std::move(read));
    }
    return reviewed;
}

base::Expected<Reviewed, std::string> Reviewed::read_file(const std::filesystem::path& file) {
    std::ifstream in(file, std::ios::binary);
    if (!in) return base::Unexpected("cannot read " + file.string());
    return read({std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()});
}

bool Reviewed::meet(const std::string& scenario) {
    const auto found = std::find_if(lines_.begin(), lines_.end(), [&scenario](const Line& line) {
        return fnmatch(line.pattern.c_str(), scenario.c_str(), 0) == 0;
    });
    if (found == lines_.end()) return false;
    ++found->met;
    return true;
}

std::vector<std::string> Reviewed::wrong() const {
    std::vector<std::string> sentences;
    for (const Line& line : lines_) {
        if (line.met == line.count) continue;
        sentences.push_back("reviewed.txt:" + std::to_string(line.number) + ": " + line.pattern + " says " +
                            std::to_string(line.count) + " scenarios, " + std::to_string(line.met) + " differ");
    }
    return sentences;
}

} // namespace sluice::golden
