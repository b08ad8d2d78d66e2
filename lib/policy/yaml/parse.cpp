// Events of yaml-cpp to a tree of nodes.
#include "policy/diagnostic/text.hpp"
#include "policy/yaml/document.hpp"
#include "policy/yaml/locator.hpp"
#include "policy/yaml/scalar_extent.hpp"
#include "policy/yaml/syntax_error.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <exception>
#include <sstream>
#include <unordered_map>
#include <utility>

namespace sluice::policy {
namespace {

/// Thrown by the event handler to leave yaml-cpp once going on makes no sense; the reason has been reported.
struct Stop {};

class TreeBuilder final : public YAML::EventHandler {
  public:
    TreeBuilder(std::uint32_t file, Diagnostics& diagnostics)
        : text_(diagnostics.files()[file].text)
        , locator_(file, text_)
        , diagnostics_(diagnostics) {}

    std::optional<YamlNode> take_root() { return std::move(root_); }
    Location locate(const YAML::Mark& mark, std::size_t size) { return locator_.at(offset_of(mark), size); }

    void OnDocumentStart(const YAML::Mark& mark) override {
        if (documents_++ == 0) return;
        auto& error = diagnostics_.error("P004", locate(mark, 3), "a second document begins here");
        error.help = "one file holds one policy; take out the line '---' or '...'";
        throw Stop{};
    }
    void OnDocumentEnd() override {}

    void OnNull(const YAML::Mark& mark, YAML::anchor_t) override {
        YamlNode node;
        node.where = place_of_null(offset_of(mark));
        node.kind = refuse_properties(mark) ? NodeKind::invalid : NodeKind::null;
        add(std::move(node));
    }

    void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
        YamlNode node;
        node.where = locate(mark, 2);
        auto& error = diagnostics_.error("P004", node.where, "an alias ('*name') is not allowed in a policy");
        error.help = "write the value out; address_sets, services and timeouts give names to what is used often";
        add(std::move(node));
    }

    void OnScalar(const YAML::Mark& mark, const std::string&, YAML::anchor_t, const std::string& value) override {
        YamlNode node;
        if (refuse_properties(mark)) {
            node.where = locate(mark, 1);
        } else {
            const ScalarExtent extent = scalar_extent(text_, offset_of(mark), value);
            node.where = locate(mark, extent.size);
            if (extent.unfinished) {
                auto& error = diagnostics_.error("P003", node.where, "a quoted text that does not end");
                error.help = "the closing quote is missing";
                throw Stop{};
            }
            node.kind = NodeKind::scalar;
            node.quoted = extent.quoted;
            node.text = value;
        }
        add(std::move(node));
    }

    void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t,
                         YAML::EmitterStyle::value) override {
        start(mark, NodeKind::sequence);
    }
    void OnSequenceEnd() override { finish(); }
    void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t, YAML::EmitterStyle::value) override {
        start(mark, NodeKind::map);
    }
    void OnMapEnd() override { finish(); }

  private:
    /// A map or sequence that is still open.
    struct Open {
        YamlNode node;
        bool refused = false; ///< had a tag or anchor: becomes an invalid node when it ends
        bool has_key = false;
        bool drop_value = false; ///< the key was refused
        std::string key;
        Location key_where;
        std::unordered_map<std::string, Location> seen; ///< keys
    };

    [[nodiscard]] std::size_t offset_of(const YAML::Mark& mark) const {
        return mark.pos < 0 ? 0 : std::min(static_cast<std::size_t>(mark.pos), text_.size());
    }

    /// Tags and anchors stand where the node begins.
    bool refuse_properties(const YAML::Mark& mark) {
        const std::size_t offset = offset_of(mark);
        const char first = offset < text_.size() ? text_[offset] : ' ';
        if (first != '!' && first != '&') return false;
        const std::size_t end = text_.find_first_of(" \n,]}", offset);
        const Location where = locator_.at(offset, std::min(end, text_.size()) - offset);
        if (first == '&') {
            auto& error = diagnostics_.error("P004", where, "an anchor ('&name') is not allowed in a policy");
            error.help = "address_sets, services and timeouts give names to what is used often";
        } else {
            auto& error = diagnostics_.error("P004", where, "'!' begins a YAML tag, which is not allowed in a policy");
            error.help = "quote the text if the '!' belongs to it; '!' does not negate";
        }
        return true;
    }

    Location place_of_null(std::size_t offset) {
        const std::string_view rest = std::string_view(text_).substr(offset);
        if (rest.starts_with('~')) return locator_.at(offset, 1);
        if (rest.starts_with("null") || rest.starts_with("Null") || rest.starts_with("NULL")) {
            return locator_.at(offset, 4);
        }
        if (!stack_.empty() && stack_.back().has_key) return stack_.back().key_where;
        // Nothing was written: yaml-cpp names the next token, perhaps lines further down. Go back to what stands there.
        const std::size_t last = std::string_view(text_).substr(0, offset).find_last_not_of(" \n");
        return locator_.at(last == std::string_view::npos ? offset : last, 1);
    }

    void start(const YAML::Mark& mark, NodeKind kind) {
        if (stack_.size() >= kMaxDepth) {
            diagnostics_.error("P005", locate(mark, 1), "nested deeper than " + std::to_string(kMaxDepth) + " levels");
            throw Stop{};
        }
        Open open;
        open.refused = refuse_properties(mark);
        open.node.kind = kind;
        open.node.where = locate(mark, 1);
        stack_.push_back(std::move(open));
    }

    void finish() {
        Open open = std::move(stack_.back());
        stack_.pop_back();
        if (open.refused) {
            YamlNode invalid;
            invalid.where = open.node.where;
            open.node = std::move(invalid);
        }
        add(std::move(open.node));
    }

    void add(YamlNode node) {
        if (++nodes_ > kMaxNodes) {
            auto& error = diagnostics_.error("P005", node.where, "more than " + std::to_string(kMaxNodes) + " values");
            error.help = "put long lists of addresses into files of their own: { file: … }";
            throw Stop{};
        }
        if (stack_.empty()) {
            root_ = std::move(node);
            return;
        }
        Open& parent = stack_.back();
        if (parent.node.kind == NodeKind::sequence) {
            parent.node.items.push_back(std::move(node));
        } else if (!parent.has_key) {
            add_key(parent, std::move(node));
        } else {
            parent.has_key = false;
            if (parent.drop_value) return;
            parent.node.entries.push_back({std::move(parent.key), parent.key_where, std::move(node)});
        }
    }

    void add_key(Open& map, YamlNode key) {
        map.has_key = true;
        map.drop_value = true;
        map.key_where = key.where;
        if (key.kind == NodeKind::invalid) return;
        if (key.kind != NodeKind::scalar) {
            auto& error = diagnostics_.error("P004", key.where, "a key must be a word");
            error.help = "a '{' or '[' too many, or a value that wants quotes";
            return;
        }
        if (key.text == "<<" && !key.quoted) {
            auto& error = diagnostics_.error("P004", key.where, "a merge key ('<<') is not allowed in a policy");
            error.help = "write the keys out; a timeouts profile may 'inherit' another";
            return;
        }
        const auto [first, is_new] = map.seen.emplace(key.text, key.where);
        if (!is_new) {
            auto& error = diagnostics_.error("P006", key.where, "duplicate key " + in_quotes(key.text));
            error.notes.push_back({first->second, "first given here"});
            return;
        }
        map.drop_value = false;
        map.key = std::move(key.text);
    }

    const std::string& text_;
    Locator locator_;
    Diagnostics& diagnostics_;
    std::vector<Open> stack_;
    std::optional<YamlNode> root_;
    std::size_t nodes_ = 0;
    std::size_t documents_ = 0;
};

void report_syntax(const YAML::Exception& exception, TreeBuilder& builder, Diagnostics& diagnostics) {
    const SyntaxError friendly = describe_syntax_error(exception.msg);
    auto& error = diagnostics.error(friendly.code, builder.locate(exception.mark, 1), friendly.message);
    error.help = friendly.help;
}

} // namespace

std::optional<YamlNode> parse_yaml(std::uint32_t file, Diagnostics& diagnostics) {
    if (!check_text(file, diagnostics)) return std::nullopt;
    // Copied, as the stream of yaml-cpp reads from it while diagnostics are added.
    std::istringstream stream(diagnostics.files()[file].text);
    TreeBuilder builder(file, diagnostics);
    try {
        YAML::Parser parser(stream);
        while (parser.HandleNextDocument(builder)) {
        }
    } catch (const Stop&) {
        return std::nullopt;
    } catch (const YAML::Exception& exception) {
        report_syntax(exception, builder, diagnostics);
        return std::nullopt;
    } catch (const std::exception& exception) {
        diagnostics.error("P003", {file, 0, 0, 0}, std::string("cannot be read as YAML: ") + exception.what());
        return std::nullopt;
    }
    std::optional<YamlNode> root = builder.take_root();
    if (!root) {
        auto& error = diagnostics.error("P009", {file, 0, 0, 0}, "the policy is empty");
        error.help = "the smallest one has 'version', 'interfaces' and 'rules'";
    }
    return root;
}

} // namespace sluice::policy
