#include "recorded.hpp"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <iterator>
#include <sstream>

namespace sluice::golden {
namespace {

std::optional<std::uint32_t> number(std::string_view text) {
    std::uint32_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
}

std::optional<std::vector<std::byte>> bytes_of(std::string_view hex) {
    std::vector<std::byte> bytes;
    if (hex.size() % 2 != 0) return std::nullopt;
    for (std::size_t i = 0; i < hex.size(); i += 2) {
        unsigned value = 0;
        const auto [end, error] = std::from_chars(hex.data() + i, hex.data() + i + 2, value, 16);
        if (error != std::errc() || end != hex.data() + i + 2) return std::nullopt;
        bytes.push_back(static_cast<std::byte>(value));
    }
    return bytes;
}

std::optional<Verdict> verdict_of(std::string_view word) {
    if (word == "pass" || word == "p") return Verdict::pass;
    if (word == "drop" || word == "d") return Verdict::drop;
    return std::nullopt;
}

/// `0-104+`
std::optional<Piece> piece_of(std::string_view text) {
    Piece piece;
    piece.more = text.ends_with('+');
    if (piece.more) text.remove_suffix(1);
    const std::size_t dash = text.find('-');
    if (dash == std::string_view::npos) return std::nullopt;
    const auto begin = number(text.substr(0, dash));
    const auto end = number(text.substr(dash + 1));
    if (!begin || !end || *end < *begin) return std::nullopt;
    piece.begin = *begin;
    piece.end = *end;
    return piece;
}

class Reader {
  public:
    explicit Reader(const std::string& category)
        : category_(category) {}

    bool take(const std::string& line) {
        if (line.empty() || line.front() == '#') return true;
        std::istringstream words(line);
        std::string first;
        words >> first;
        if (line.front() == ' ') return take_frame(first, words);
        if (first == "scenario") return take_scenario(words);
        if (first == "tags") return take_tags(words);
        return take_step(first, words);
    }

    std::vector<Scenario> scenarios;

  private:
    bool take_scenario(std::istringstream& words) {
        scenarios.push_back({category_, {}, {}, {}});
        return static_cast<bool>(words >> scenarios.back().name);
    }

    bool take_tags(std::istringstream& words) {
        if (scenarios.empty()) return false;
        for (std::string tag; words >> tag;) {
            scenarios.back().tags.push_back(tag);
        }
        return true;
    }

    bool take_step(const std::string& side, std::istringstream& words) {
        std::string wanted, level, references, rfc;
        Step step;
        if (scenarios.empty() || !(words >> wanted >> level >> references >> rfc >> step.reason)) return false;
        if (side != "client" && side != "server") return false;
        if (level != "hard" && level != "soft") return false;
        const auto verdict = verdict_of(wanted);
        if (!verdict || references.size() != step.references.size()) return false;
        step.from = side == "client" ? Side::client : Side::server;
        step.wanted = *verdict;
        step.hard = level == "hard";
        for (std::size_t i = 0; i < references.size(); ++i) {
            step.references[i] = verdict_of(references.substr(i, 1));
        }
        step.rfc = verdict_of(rfc);
        std::getline(words >> std::ws, step.note);
        scenarios.back().steps.push_back(std::move(step));
        return true;
    }

    bool take_frame(const std::string& datagram, std::istringstream& words) {
        std::string part, hex;
        if (scenarios.empty() || scenarios.back().steps.empty() || !(words >> part >> hex)) return false;
        const auto which = number(datagram);
        auto bytes = bytes_of(hex);
        const auto piece = piece_of(part);
        if (!which || !bytes || (part != "whole" && !piece)) return false;
        scenarios.back().steps.back().frames.push_back({*which, piece, std::move(*bytes)});
        return true;
    }

    std::string category_;
};

} // namespace

std::string_view name(Verdict verdict) {
    constexpr std::array<std::string_view, 3> kNames = {"pass", "drop", "partial"};
    return kNames[static_cast<std::size_t>(verdict)];
}

std::string_view name(Side side) {
    return side == Side::client ? "client" : "server";
}

base::Expected<std::vector<Scenario>, std::string> read(const std::string& category, const std::string& text) {
    Reader reader(category);
    std::istringstream lines(text);
    unsigned number = 0;
    for (std::string line; std::getline(lines, line);) {
        ++number;
        if (!reader.take(line)) {
            return base::Unexpected(category + ":" + std::to_string(number) +
                                    ": not understood: " + line.substr(0, 80));
        }
    }
    return std::move(reader.scenarios);
}

base::Expected<std::vector<Scenario>, std::string> read_folder(const std::filesystem::path& folder) {
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        if (entry.path().extension() == ".txt") files.push_back(entry.path());
    }
    std::sort(files.begin(), files.end());
    std::vector<Scenario> all;
    for (const auto& file : files) {
        std::ifstream in(file, std::ios::binary);
        auto some = read(file.stem(), {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()});
        if (!some) return base::Unexpected(some.error());
        std::move(some->begin(), some->end(), std::back_inserter(all));
    }
    return all;
}

} // namespace sluice::golden
