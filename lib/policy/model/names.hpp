// Names of one kind (zones, sets, …): defined once, found by reference, and which of them nobody asked for.
#pragma once

#include "policy/diagnostic/diagnostic.hpp"
#include "policy/yaml/document.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace sluice::policy {

class Names {
  public:
    /// `what` is how messages call one of them: "address set".
    explicit Names(std::string what)
        : what_(std::move(what)) {}

    /// Reports a text that is no name, or one that is taken. A name that is taken keeps its first meaning.
    bool define(const std::string& name, Location where, std::size_t index, Diagnostics& diagnostics);

    /// The index of the name a scalar refers to; an error with a suggestion when there is none. `help` is for the case
    /// that nothing is near.
    std::optional<std::size_t> refer(const YamlNode& node, Diagnostics& diagnostics, std::string_view help = {});

    [[nodiscard]] std::optional<std::size_t> find(std::string_view name) const;
    [[nodiscard]] Location where(std::string_view name) const;
    void mark_used(std::string_view name);
    /// The section could not be read: what is unknown may well have been in it, so nobody is told off for it.
    void set_incomplete() { incomplete_ = true; }

    struct Definition {
        std::string name;
        Location where;
        std::size_t index = 0;
        bool used = false;
    };
    [[nodiscard]] const std::vector<Definition>& all() const { return definitions_; }
    [[nodiscard]] const std::string& what() const { return what_; }

  private:
    [[nodiscard]] std::string_view nearest_to(std::string_view name) const;

    std::string what_;
    bool incomplete_ = false;
    std::vector<Definition> definitions_;
    std::unordered_map<std::string, std::size_t> positions_; ///< into definitions_
};

} // namespace sluice::policy
