// Reading files: the policy's own, and those of address sets.
#include "policy/diagnostic/text.hpp"
#include "policy/model/reading.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace sluice::policy {
namespace {

class Descriptor {
  public:
    /// Without blocking: a FIFO in place of a file must not hold the appliance.
    explicit Descriptor(const char* path)
        : number_(open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)) {}
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    ~Descriptor() {
        if (number_ >= 0) close(number_);
    }
    [[nodiscard]] int number() const { return number_; }

  private:
    int number_;
};

std::string mebibytes(std::size_t size) {
    return std::to_string(size >> 20) + " MiB";
}

/// One line of a set's file without its comment and the blanks around what is left.
struct Line {
    std::string_view text;
    std::uint32_t column = 1;
};

Line strip(std::string_view line) {
    line = line.substr(0, line.find('#'));
    const std::size_t first = line.find_first_not_of(" \t");
    if (first == std::string_view::npos) return {};
    const std::size_t last = line.find_last_not_of(" \t");
    return {line.substr(first, last - first + 1), static_cast<std::uint32_t>(first + 1)};
}

bool read_lines(Diagnostics& diagnostics, std::uint32_t file, std::vector<net::Prefix>& prefixes) {
    // A copy: the text inside moves when files are added, and errors are added here.
    const std::string text = diagnostics.files()[file].text;
    bool good = true;
    std::uint32_t number = 1;
    for (std::size_t start = 0; start < text.size(); ++number) {
        const std::size_t end = std::min(text.find('\n', start), text.size());
        const Line line = strip(std::string_view(text).substr(start, end - start));
        start = end + 1;
        if (line.text.empty()) continue;
        const Location where{file, number, line.column, static_cast<std::uint32_t>(count_characters(line.text))};
        const auto prefix = read_prefix(diagnostics, line.text, where);
        if (prefix) prefixes.push_back(*prefix);
        good &= prefix.has_value();
    }
    return good;
}

} // namespace

base::Expected<std::string, std::string> load_file(const std::string& path, std::size_t maximum_size) {
    if (path.find('\0') != std::string::npos) return base::Unexpected(std::string("its name holds a zero byte"));
    const Descriptor file(path.c_str());
    struct stat status {};
    if (file.number() < 0 || fstat(file.number(), &status) != 0) {
        return base::Unexpected(std::string(std::strerror(errno)));
    }
    if (!S_ISREG(status.st_mode)) return base::Unexpected(std::string("it is not a regular file"));
    std::string text;
    // Not by its size: the file may grow meanwhile, and those in /proc have none.
    constexpr std::size_t kChunkSize = std::size_t{64} * 1024;
    while (text.size() <= maximum_size) {
        const std::size_t before = text.size();
        text.resize(before + kChunkSize);
        const ssize_t got = ::read(file.number(), text.data() + before, kChunkSize);
        if (got < 0 && errno != EINTR) return base::Unexpected(std::string(std::strerror(errno)));
        text.resize(before + static_cast<std::size_t>(got > 0 ? got : 0));
        if (got == 0) return text;
    }
    return base::Unexpected("it is larger than " + mebibytes(maximum_size));
}

std::optional<std::vector<net::Prefix>> read_prefixes(std::string text, Diagnostics& diagnostics) {
    const std::uint32_t file = diagnostics.add_file("<addresses>", normalised(std::move(text)));
    std::vector<net::Prefix> prefixes;
    if (!check_text(file, diagnostics, kMaxSetFileSize) || !read_lines(diagnostics, file, prefixes))
        return std::nullopt;
    return prefixes;
}

bool read_set_file(Reading& reading, const YamlNode& node, std::vector<net::Prefix>& prefixes, std::string& path) {
    Diagnostics& diagnostics = reading.diagnostics;
    const std::string* given = as_scalar(node, "a path", diagnostics);
    if (given == nullptr) return false;
    path = given->starts_with('/') ? *given : reading.folder + *given;
    auto text = load_file(path, kMaxSetFileSize);
    if (!text) {
        reading.error("P001", node.where, "cannot read " + in_quotes(path) + ": " + text.error());
        return false;
    }
    if (text->size() > reading.set_bytes_left) {
        reading.error("P026", node.where, "the files of all address sets together are too large");
        return false;
    }
    reading.set_bytes_left -= text->size();
    const std::uint32_t file = diagnostics.add_file(path, normalised(std::move(*text)));
    if (!check_text(file, diagnostics, kMaxSetFileSize) || !read_lines(diagnostics, file, prefixes)) return false;
    if (!prefixes.empty()) return true;
    auto& error = reading.error("P027", node.where, "the file " + in_quotes(path) + " holds no address");
    error.help =
        "a set that holds nothing cannot be matched; take it out of the policy, or add 192.0.2.0/32 to the file";
    return false;
}

} // namespace sluice::policy
