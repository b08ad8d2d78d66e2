// What is wrong with a policy, where, and what to do about it.
//
// Rendered GNU-style first (file:line:column: error[P014]: …) so that editors and CI jump to the place, then the line
// itself with the spot underlined, notes and a help line. Codes are stable and all of them stand in codes.cpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::policy {

/// A stretch of text in one of the policy's files. Lines and columns count from 1; line 0 means "the file as a whole".
struct Location {
    std::uint32_t file = 0; ///< index into Diagnostics::files()
    std::uint32_t line = 0;
    std::uint32_t column = 0; ///< in characters (code points), as editors count
    std::uint32_t length = 0; ///< characters to underline; 0 for one
};

enum class Severity : std::uint8_t { error, warning };

struct Note {
    Location where;
    std::string message;
};

struct Diagnostic {
    Severity severity = Severity::error;
    std::string code;    ///< "P014" for errors, "W105" for warnings
    std::string message; ///< one clause, lower case, no full stop
    Location where;
    std::string label; ///< beside the carets: "did you mean 'memcached_clients'?"; may be empty
    std::string help;  ///< "= help:" line; may be empty
    std::vector<Note> notes;
};

/// A file of the policy: its name as the operator gave it, and its text for showing lines.
struct SourceFile {
    std::string name;
    std::string text;
};

/// Collects what reading, linting and compiling find, and shows it.
class Diagnostics {
  public:
    /// How many are kept; those beyond are counted only, so that a broken file cannot fill the memory.
    static constexpr std::size_t kMaxKept = 1000;

    /// The index for Location::file.
    std::uint32_t add_file(std::string name, std::string text);
    /// Adds one, whose label, help and notes the caller may then fill in. The reference holds until the next call.
    Diagnostic& error(std::string code, Location where, std::string message);
    Diagnostic& warning(std::string code, Location where, std::string message);

    [[nodiscard]] const std::vector<Diagnostic>& all() const { return all_; }
    [[nodiscard]] const std::vector<SourceFile>& files() const { return files_; }
    [[nodiscard]] std::size_t error_count() const { return error_count_; }
    [[nodiscard]] std::size_t warning_count() const { return warning_count_; }
    [[nodiscard]] bool has_errors() const { return error_count() != 0; }

    /// Orders by file and place; the same place keeps the order of finding.
    void sort();

    /// The whole list as text, ending with "2 errors, 1 warning." and no line end; empty when nothing was found. ANSI
    /// colours if `colour`. A warning with neither label nor help is one line: its sentence says all.
    [[nodiscard]] std::string render(bool colour) const;

    /// Only "2 errors, 1 warning."; empty when nothing was found.
    [[nodiscard]] std::string summary() const;

  private:
    Diagnostic& add(Diagnostic diagnostic);

    std::vector<Diagnostic> all_;
    std::vector<SourceFile> files_;
    std::size_t error_count_ = 0;
    std::size_t warning_count_ = 0;
    Diagnostic beyond_; ///< what the caller of one too many may write into
};

/// The candidate nearest to `word` by edit distance, if near enough to be a slip of the hand; else empty.
std::string_view nearest(std::string_view word, const std::vector<std::string_view>& candidates);

} // namespace sluice::policy
