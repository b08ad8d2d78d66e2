// The differences that are meant: reviewed.txt, a line for each kind, with the reason.
#pragma once

#include "base/expected.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace sluice::golden {

class Reviewed {
  public:
    /// Lines of `COUNT PATTERN REASON…`: so many scenarios whose names match (as the shell matches file names) differ
    /// for that reason. The error is "line: what".
    static base::Expected<Reviewed, std::string> read(const std::string& text);
    static base::Expected<Reviewed, std::string> read_file(const std::filesystem::path& file);

    /// Counts a difference of severity REVIEW under the first line that the scenario's name matches; false if none
    /// does.
    bool meet(const std::string& scenario);
    /// Lines that were not met as often as they say, each as a sentence.
    [[nodiscard]] std::vector<std::string> wrong() const;

  private:
    struct Line {
        unsigned number = 0;
        unsigned count = 0;
        std::string pattern;
        std::string reason;
        unsigned met = 0;
    };
    std::vector<Line> lines_;
};

} // namespace sluice::golden
