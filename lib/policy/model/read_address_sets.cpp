// `address_sets:`: lists, files, and sets made of other sets.
#include "policy/diagnostic/text.hpp"
#include "policy/model/reading.hpp"

#include <algorithm>
#include <memory>

namespace sluice::policy {
namespace {

constexpr std::size_t kMaxSetDepth = 16;
constexpr std::size_t kMaxNetText = 64;

class SetResolver {
  public:
    SetResolver(Reading& reading, const YamlNode& section)
        : reading_(reading)
        , section_(section) {
        reading.resolved_sets.resize(section.entries.size());
        reading.policy.address_sets.resize(section.entries.size());
        states_.resize(section.entries.size(), State::untouched);
    }

    void run() {
        for (std::size_t i = 0; i < section_.entries.size(); ++i) {
            resolve(i, 0);
        }
    }

  private:
    enum class State : std::uint8_t { untouched, open, done };

    /// `above` is how many sets lead here, one through the other: the depth of the recursion.
    void resolve(std::size_t index, std::size_t above) {
        if (states_[index] != State::untouched) return;
        states_[index] = State::open;
        const Entry& entry = section_.entries[index];
        ResolvedSet& set = reading_.resolved_sets[index];
        AddressSet& out = reading_.policy.address_sets[index];
        out.name = entry.key;
        out.where = entry.key_where;
        std::vector<net::Prefix> own;
        if (entry.value.kind == NodeKind::map) {
            read_file(entry.value, set, out, own);
        } else {
            read_items(entry, set, out, own, above);
        }
        fill(entry, set, out, std::move(own));
        states_[index] = State::done;
    }

    void fill(const Entry& entry, ResolvedSet& set, AddressSet& out, std::vector<net::Prefix> own) {
        sort_prefixes(own);
        own.shrink_to_fit();
        std::vector<net::Prefix> all = own;
        for (const std::size_t inner : out.inner) {
            const std::vector<net::Prefix>& more = *reading_.policy.address_sets[inner].prefixes;
            if (all.size() + more.size() > 2 * kMaxSetPrefixes) break; // spend() refuses it
            all.insert(all.end(), more.begin(), more.end());
        }
        tidy(all);
        spend(entry, set, all);
        const bool same = all.size() == own.size(); // and then nothing came from elsewhere
        out.own = std::make_shared<const std::vector<net::Prefix>>(std::move(own));
        out.prefixes =
            same && out.inner.empty() ? out.own : std::make_shared<const std::vector<net::Prefix>>(std::move(all));
        if (!out.prefixes->empty()) set.families = families_of(*out.prefixes);
    }

    void read_file(const YamlNode& node, ResolvedSet& set, AddressSet& out, std::vector<net::Prefix>& own) {
        Fields fields(node, words::kAddressFile, reading_.diagnostics);
        const Entry* file = fields.require("file", node.where, "write { file: path }, or a list of addresses");
        if (file != nullptr && reading_.set_files == SetFiles::refuse) {
            set.broken = true;
            reading_.error("P030", file->value.where, "a set file in a policy that did not come from root").help =
                "apply the policy as root, or put it where sluiced reads it and send SIGHUP";
            return;
        }
        set.broken = file == nullptr || !read_set_file(reading_, file->value, own, out.file);
    }

    void read_items(const Entry& entry, ResolvedSet& set, AddressSet& out, std::vector<net::Prefix>& own,
                    std::size_t above) {
        set.broken = true;
        if (entry.value.kind == NodeKind::null) {
            reading_.error("P010", entry.value.where, in_quotes(entry.key) + " has no value").help =
                "write a list of addresses, or { file: path }";
            return;
        }
        const auto* items = as_list(entry.value, "a list of addresses and sets, or { file: path }",
                                    "a set that holds nothing cannot be matched; take it out", reading_.diagnostics);
        if (items == nullptr) return;
        set.broken = false;
        for (const YamlNode& item : *items) {
            const std::string* text =
                as_scalar(item, "an address, a prefix or the name of a set", reading_.diagnostics);
            if (text == nullptr) {
                set.broken = true;
            } else if (is_literal_net(*text)) {
                const auto prefix = read_prefix(reading_.diagnostics, *text, item.where);
                if (prefix) own.push_back(*prefix);
                set.broken |= !prefix;
            } else {
                set.broken |= !include(entry, item, set, out, above);
            }
        }
    }

    bool include(const Entry& entry, const YamlNode& item, ResolvedSet& set, AddressSet& out, std::size_t above) {
        const auto other = reading_.sets.refer(item, reading_.diagnostics,
                                               "addresses are written as 10.0.0.1, 10.0.0.0/8 or \"2001:db8::/32\"");
        if (!other) return false;
        if (above < kMaxSetDepth) resolve(*other, above + 1);
        if (states_[*other] == State::open) {
            auto& error =
                reading_.error("P018", item.where, "address set " + in_quotes(entry.key) + " contains itself");
            error.notes.push_back(
                {section_.entries[*other].key_where, "through " + in_quotes(item.text) + ", defined here"});
            return false;
        }
        const ResolvedSet& inner = reading_.resolved_sets[*other];
        if (inner.broken) return false;
        set.depth = std::max(set.depth, inner.depth + 1);
        if (states_[*other] == State::untouched || set.depth > kMaxSetDepth) {
            reading_.error("P005", item.where, "sets within sets, more than " + std::to_string(kMaxSetDepth) + " deep");
            return false;
        }
        if (std::find(out.inner.begin(), out.inner.end(), *other) == out.inner.end()) out.inner.push_back(*other);
        return true;
    }

    /// Sets of sets could multiply without end: what all of them hold together is bounded.
    void spend(const Entry& entry, ResolvedSet& set, std::vector<net::Prefix>& prefixes) {
        if (prefixes.size() <= reading_.set_prefixes_left) {
            reading_.set_prefixes_left -= prefixes.size();
            return;
        }
        reading_.error("P026", entry.key_where,
                       "more than " + std::to_string(kMaxSetPrefixes) + " prefixes in all address sets together");
        prefixes.clear();
        set.broken = true;
    }

    Reading& reading_;
    const YamlNode& section_;
    std::vector<State> states_;
};

} // namespace

bool is_literal_net(std::string_view text) {
    const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
    return text.find_first_of(":/") != std::string_view::npos || std::none_of(text.begin(), text.end(), letter);
}

std::optional<net::Prefix> read_prefix(Diagnostics& diagnostics, std::string_view text, Location where) {
    if (text.size() > kMaxNetText) {
        diagnostics.error("P017", where, in_quotes(text) + " is not an IPv4 or IPv6 address");
        return std::nullopt;
    }
    auto prefix = net::Prefix::parse(text);
    if (prefix) return *prefix;
    auto& error = diagnostics.error("P017", where, prefix.error());
    if (text.find('-') != std::string_view::npos)
        error.help = "ranges of addresses are written as prefixes: 10.0.0.0/30";
    if (text.starts_with('!')) error.help = "'!' does not negate; put a rule for the exception above this one";
    return std::nullopt;
}

void read_address_sets(Reading& reading, const YamlNode& node) {
    if (node.kind != NodeKind::map) {
        reading.sets.set_incomplete();
        report_shape(node, "a map of address sets", "write address_sets: { name: [10.0.0.0/8], … }",
                     reading.diagnostics);
        return;
    }
    for (std::size_t i = 0; i < node.entries.size(); ++i) {
        // Index and position agree: a name that is taken was refused as a duplicate key already.
        reading.sets.define(node.entries[i].key, node.entries[i].key_where, i, reading.diagnostics);
    }
    SetResolver(reading, node).run();
}

} // namespace sluice::policy
