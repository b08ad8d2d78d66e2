#include "policy/diagnostic/diagnostic.hpp"

#include "policy/diagnostic/codes.hpp"

#include <algorithm>
#include <cassert>
#include <tuple>
#include <utility>

namespace sluice::policy {
namespace {

constexpr std::size_t kMaxComparedLength = 64;

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

/// Optimal string alignment distance: insertions, deletions, replacements and swaps of neighbours, case ignored.
std::size_t edit_distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> before(b.size() + 1);
    std::vector<std::size_t> previous(b.size() + 1);
    std::vector<std::size_t> current(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j) {
        previous[j] = j;
    }
    for (std::size_t i = 1; i <= a.size(); ++i) {
        current[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t replace = previous[j - 1] + (lower(a[i - 1]) == lower(b[j - 1]) ? 0 : 1);
            current[j] = std::min({previous[j] + 1, current[j - 1] + 1, replace});
            const bool swapped =
                i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) && lower(a[i - 2]) == lower(b[j - 1]);
            if (swapped) current[j] = std::min(current[j], before[j - 2] + 1);
        }
        std::swap(before, previous);
        std::swap(previous, current);
    }
    return previous[b.size()];
}

} // namespace

std::uint32_t Diagnostics::add_file(std::string name, std::string text) {
    files_.push_back({std::move(name), std::move(text)});
    return static_cast<std::uint32_t>(files_.size() - 1);
}

Diagnostic& Diagnostics::add(Diagnostic diagnostic) {
    assert(find_code(diagnostic.code) != nullptr && "every code stands in codes.cpp");
    ++(diagnostic.severity == Severity::error ? error_count_ : warning_count_);
    if (all_.size() >= kMaxKept) {
        beyond_ = std::move(diagnostic);
        return beyond_;
    }
    return all_.emplace_back(std::move(diagnostic));
}

Diagnostic& Diagnostics::error(std::string code, Location where, std::string message) {
    return add({Severity::error, std::move(code), std::move(message), where, {}, {}, {}});
}

Diagnostic& Diagnostics::warning(std::string code, Location where, std::string message) {
    return add({Severity::warning, std::move(code), std::move(message), where, {}, {}, {}});
}

void Diagnostics::sort() {
    const auto place = [](const Diagnostic& d) { return std::tuple(d.where.file, d.where.line, d.where.column); };
    std::stable_sort(all_.begin(), all_.end(),
                     [&](const Diagnostic& a, const Diagnostic& b) { return place(a) < place(b); });
}

std::string_view nearest(std::string_view word, const std::vector<std::string_view>& candidates) {
    if (word.empty() || word.size() > kMaxComparedLength) return {};
    // A third of the letters may differ, but a short word must not turn into a quite different short word.
    const std::size_t tolerated = std::clamp<std::size_t>(word.size() / 3, 1, 3);
    std::string_view best;
    std::size_t best_distance = tolerated + 1;
    for (const std::string_view candidate : candidates) {
        const std::size_t longer = std::max(candidate.size(), word.size());
        const std::size_t shorter = std::min(candidate.size(), word.size());
        if (longer - shorter >= best_distance) continue;
        const std::size_t distance = edit_distance(word, candidate);
        if (distance < best_distance && distance < shorter) {
            best = candidate;
            best_distance = distance;
        }
    }
    return best;
}

} // namespace sluice::policy
