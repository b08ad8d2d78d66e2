#include "script.hpp"

#include "frame_text.hpp"
#include "pipeline/batch.hpp"

#include <algorithm>
#include <charconv>
#include <map>
#include <string_view>

namespace sluice::scenario {
namespace {

using Words = std::vector<std::string_view>;

std::string joined(const Words& words, std::size_t end) {
    std::string text;
    for (std::size_t i = 0; i < end; ++i) {
        text += (i == 0 ? "" : " ") + std::string(words[i]);
    }
    return text;
}

std::string quoted(std::string_view text) {
    return "'" + std::string(text) + "'";
}

template <typename T> bool read_number(std::string_view text, T& value) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc{} && end == text.data() + text.size() && !text.empty();
}

/// `500ms`, `30s`, `5m`, `1h`.
std::optional<base::Tick> read_duration(std::string_view text) {
    static const std::map<std::string_view, std::uint64_t> kUnits = {
        {"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}};
    const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
    std::uint64_t value = 0;
    const auto unit = kUnits.find(text.substr(digits));
    if (!read_number(text.substr(0, digits), value) || unit == kUnits.end()) return std::nullopt;
    const std::uint64_t ticks = value * unit->second;
    if (value > base::kMaxInterval || ticks > base::kMaxInterval) return std::nullopt;
    return static_cast<base::Tick>(ticks);
}

template <typename Enum, typename Names> std::optional<Enum> by_name(const Names& names, std::string_view wanted) {
    const auto found = std::find(names.begin(), names.end(), wanted);
    if (found == names.end()) return std::nullopt;
    return static_cast<Enum>(found - names.begin());
}

class ScriptReader {
  public:
    explicit ScriptReader(std::string file)
        : file_(std::move(file)) {}

    void read(std::string_view text) {
        while (!text.empty()) {
            ++line_;
            const std::size_t end = text.find('\n');
            const std::string_view line = text.substr(0, end);
            const Words words = words_of(line.substr(0, line.find('#')));
            if (!words.empty()) read_line(words);
            text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
        }
        if (together_) error("'together' without 'end'");
    }

    Script script;
    std::vector<std::string> errors;

  private:
    void error(const std::string& what) { errors.push_back(file_ + ":" + std::to_string(line_) + ": " + what); }
    template <typename What> void add(What what) { script.steps.push_back({line_, std::move(what)}); }

    void read_line(const Words& words) {
        if (words.size() >= 2 && words[1] == ">") return read_packet(words);
        if (words[0] == "end" && words.size() == 1) return end_together();
        if (together_) return error("only packets may stand between 'together' and 'end'");
        if (words[0] == "together" && words.size() == 1) {
            together_.emplace();
            return;
        }
        if (words[0] == "@" || words[0] == "wait") return read_time(words);
        if (words[0] == "workers") return read_workers(words);
        if (words[0] == "reload" && words.size() == 2) return add(Reload{std::string(words[1])});
        if (words[0] == "flows") return read_flows(words);
        if (words[0] == "ended") return read_ended(words);
        if (words[0] == "rule") return read_rule(words);
        if (words[0] == "link" || words[0] == "transmit") return read_port(words);
        error("no step begins like " + quoted(words[0]) +
              ": INTERFACE > PACKET -> …, @, wait, reload, flows, ended, rule, link, transmit, together, end, workers");
    }

    void read_time(const Words& words) {
        const auto ticks = words.size() == 2 ? read_duration(words[1]) : std::nullopt;
        if (!ticks) return error("a time is written as: " + std::string(words[0]) + " 30s (ms, s, m, h)");
        if (words[0] == "@" && *ticks < now_) return error("the clock does not go back");
        now_ = words[0] == "@" ? *ticks : now_ + *ticks;
        add(Wait{now_});
    }

    void read_workers(const Words& words) {
        std::uint16_t count = 0;
        if (words.size() != 2 || !read_number(words[1], count) || count < 1 || count > 2) {
            return error("write 'workers 1' or 'workers 2'");
        }
        if (!script.steps.empty()) return error("'workers' comes before the first step");
        script.only_with_workers = count;
    }

    void read_flows(const Words& words) {
        FlowCount step;
        bool good = words.size() >= 2 && words.size() <= 3 && read_number(words[1], step.count);
        if (good && words.size() == 3) {
            step.state = by_name<flow::State>(flow::kStateNames, words[2]);
            if (!step.state) return error("no flow has a state " + quoted(words[2]));
        }
        good ? add(step) : error("write 'flows 2' or 'flows 1 tcp_established'");
    }

    void read_ended(const Words& words) {
        EndedCount step;
        if (words.size() != 3 || !read_number(words[2], step.count)) return error("write 'ended expired 2'");
        const auto reason = by_name<flow::EndReason>(flow::kEndReasonNames, words[1]);
        if (!reason) return error("no flow ends for " + quoted(words[1]));
        step.reason = *reason;
        add(step);
    }

    void read_rule(const Words& words) {
        RuleCount step;
        const bool good =
            words.size() == 4 && (words[2] == "packets" || words[2] == "flows") && read_number(words[3], step.count);
        if (!good) return error("write 'rule NAME packets 3' or 'rule NAME flows 1'");
        step.rule = words[1];
        step.what = words[2] == "packets" ? RuleCount::What::packets : RuleCount::What::flows;
        add(std::move(step));
    }

    void read_port(const Words& words) {
        const bool link = words[0] == "link";
        unsigned frames = 0;
        if (link && words.size() == 3 && (words[2] == "up" || words[2] == "down")) {
            add(Link{std::string(words[1]), words[2] == "up"});
        } else if (!link && words.size() == 3 && words[2] == "all") {
            add(TransmitLimit{std::string(words[1]), std::nullopt});
        } else if (!link && words.size() == 3 && read_number(words[2], frames)) {
            add(TransmitLimit{std::string(words[1]), frames});
        } else {
            error(link ? "write 'link INTERFACE up' or 'down'" : "write 'transmit INTERFACE 0' or 'all'");
        }
    }

    void end_together() {
        if (!together_) return error("'end' without 'together'");
        if (together_->packets.size() > pipeline::kBatchSize) {
            error("more than " + std::to_string(pipeline::kBatchSize) + " packets in one burst");
        }
        add(std::move(*together_));
        together_.reset();
    }

    /// `client > tcp … -> forward rule web`
    void read_packet(const Words& words) {
        const auto arrow = std::find(words.begin(), words.end(), "->");
        if (arrow == words.end()) return error("what must become of it? '-> forward' or '-> drop REASON'");
        const auto packet_end = static_cast<std::size_t>(arrow - words.begin());
        Packet packet;
        packet.line = line_;
        packet.text = joined(words, packet_end);
        packet.interface = words[0];
        if (!read_outcome(Words(arrow + 1, words.end()), packet)) return;
        Words text(words.begin() + 2, arrow);
        packet.in_pieces = std::erase(text, "pieces") != 0;
        auto frames = read_frames(text);
        if (!frames) return error(frames.error());
        for (test_support::Bytes& frame : *frames) {
            packet.frame = std::move(frame);
            if (together_)
                together_->packets.push_back(packet);
            else
                add(Burst{{packet}});
        }
    }

    bool read_outcome(Words words, Packet& packet) {
        if (!words.empty() && words[0] == "held") {
            packet.held = true;
            words.erase(words.begin());
            if (words.empty()) {
                packet.decided = false;
                return true;
            }
        }
        std::size_t next = 0;
        if (!words.empty() && words[0] == "forward") {
            next = 1;
        } else if (words.size() >= 2 && words[0] == "drop") {
            packet.drop = telemetry::drop_reason_from_name(words[1]);
            if (!packet.drop) {
                error("there is no drop reason " + quoted(words[1]));
                return false;
            }
            next = 2;
        }
        if (next != 0 && words.size() == next + 2 && words[next] == "rule") {
            packet.rule = words[next + 1];
            return true;
        }
        if (next != 0 && words.size() == next) return true;
        error("an outcome is written as: -> [held] forward [rule NAME], -> [held] drop REASON [rule NAME] or -> held");
        return false;
    }

    std::string file_;
    unsigned line_ = 0;
    base::Tick now_ = 0;
    std::optional<Burst> together_;
};

} // namespace

base::Expected<Script, std::vector<std::string>> read_script(const std::string& file, const std::string& text) {
    ScriptReader reader(file);
    reader.read(text);
    if (!reader.errors.empty()) return base::Unexpected(std::move(reader.errors));
    return std::move(reader.script);
}

} // namespace sluice::scenario
