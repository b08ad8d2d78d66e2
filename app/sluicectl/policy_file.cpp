#include "policy_file.hpp"

#include <array>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <system_error>

#include <sys/stat.h>

namespace sluice::sluicectl {

namespace {

using base::Unexpected;

std::string system_text() {
    return std::generic_category().message(errno);
}

} // namespace

base::Expected<std::string, std::string> read_policy_text(const std::string& path) {
    struct Close {
        void operator()(std::FILE* file) const {
            if (file != stdin) std::fclose(file);
        }
    };
    const std::unique_ptr<std::FILE, Close> file(path == "-" ? stdin : std::fopen(path.c_str(), "re"));
    if (file == nullptr) return Unexpected("cannot read " + path + ": " + system_text());
    struct stat found {};
    if (::fstat(::fileno(file.get()), &found) == 0 && S_ISDIR(found.st_mode)) {
        return Unexpected("cannot read " + path + ": it is a folder");
    }
    std::string text;
    std::array<char, std::size_t{64} << 10> buffer{};
    for (;;) {
        const std::size_t got = std::fread(buffer.data(), 1, buffer.size(), file.get());
        text.append(buffer.data(), got);
        if (text.size() > admin::kMaxPolicySize) return Unexpected(path + " is longer than a policy may be (16 MiB)");
        if (got == buffer.size()) continue;
        if (std::ferror(file.get()) != 0) return Unexpected("cannot read " + path + ": " + system_text());
        return text;
    }
}

Json diagnostics_json(const policy::Diagnostics& diagnostics) {
    Json list = Json::array();
    for (const policy::Diagnostic& found : diagnostics.all()) {
        const bool has_file = found.where.file < diagnostics.files().size();
        list.push_back({{"severity", found.severity == policy::Severity::error ? "error" : "warning"},
                        {"code", found.code},
                        {"message", found.message},
                        {"file", has_file ? Json(diagnostics.files()[found.where.file].name) : Json()},
                        {"line", found.where.line},
                        {"column", found.where.column},
                        {"label", found.label},
                        {"help", found.help}});
    }
    return {{"errors", diagnostics.error_count()},
            {"warnings", diagnostics.warning_count()},
            {"rendered", diagnostics.render(false)},
            {"diagnostics", std::move(list)}};
}

} // namespace sluice::sluicectl
