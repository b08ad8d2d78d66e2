#include "command_tree.hpp"

#include "complete.hpp"
#include "help_text.hpp"
#include "recording.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace sluice::sluicectl {
namespace {

using Words = std::vector<std::string>;

class SluicectlTree : public testing::Test {
  protected:
    ScriptSettings script_;
    std::unique_ptr<CommandTree> tree_ = make_tree(Settings(), &script_);
    test::Recording recording_;

    Words whole(const Words& words) {
        const auto way = walk(*tree_, words);
        return way ? way->words : Words{"error: " + way.error()};
    }
    std::string error_of(const Words& words) {
        const auto way = walk(*tree_, words);
        return way ? "" : way.error();
    }
    Words completions(const Words& before, const std::string& partial) {
        Words texts;
        for (const auto& candidate : complete(*tree_, recording_.context, before, partial).candidates) {
            texts.push_back(candidate.text);
        }
        return texts;
    }
};

TEST_F(SluicectlTree, PrefixesOfCommandsAreMadeWhole) {
    EXPECT_EQ(whole({"sh", "fl", "dport", "443"}), (Words{"show", "flows", "dport", "443"}));
    EXPECT_EQ(whole({"p", "c", "sh"}), (Words{"policy", "check", "sh"}));
    EXPECT_EQ(whole({"-s", "sh", "-j", "st"}), (Words{"-s", "sh", "-j", "status"}));
    EXPECT_EQ(whole({"--socket=x", "stat"}), (Words{"--socket=x", "status"}));
    EXPECT_EQ(whole({"-js", "sh", "sh", "--color", "always", "ru", "sh"}),
              (Words{"-js", "sh", "show", "--color", "always", "rules", "sh"}));
}

TEST_F(SluicectlTree, UnknownAndAmbiguousWordsAreNamed) {
    EXPECT_EQ(error_of({"statsu"}), "unknown command 'statsu'; did you mean 'status'?");
    EXPECT_EQ(error_of({"show", "flwos"}), "unknown command 'flwos' after 'show'; did you mean 'flows'?");
    EXPECT_EQ(error_of({"s"}), "'s' is not unique: status, show, set");
    EXPECT_EQ(error_of({"show", "flows", "--alll"}), "unknown option '--alll'; did you mean '--all'?");
    EXPECT_EQ(error_of({"-x"}), "unknown option '-x'");
    EXPECT_NE(error_of({"show", ""}), "");
}

TEST_F(SluicectlTree, AfterTwoDashesNothingIsAnOption) {
    const auto way = walk(*tree_, {"show", "rules", "--", "--odd-name"});
    ASSERT_TRUE(way) << way.error();
    EXPECT_EQ(way->own_words, Words{"--odd-name"});
}

TEST_F(SluicectlTree, ParsingChoosesACommandAndSettings) {
    EXPECT_FALSE(parse(*tree_, {"sh", "fl", "-j", "--timeout", "2.5"}, recording_.context));
    EXPECT_TRUE(tree_->chosen);
    EXPECT_TRUE(tree_->settings.json);
    EXPECT_EQ(tree_->settings.timeout(), std::chrono::milliseconds(2500));
}

TEST_F(SluicectlTree, MistakesAreUsageErrors) {
    for (const Words& words :
         {Words{"show"}, Words{"policy", "check"}, Words{"status", "extra"}, Words{"-t", "0", "status"},
          Words{"-t", "soon", "status"}, Words{"show", "flows", "-l", "-3"}, Words{"show", "flows", "-a", "-l", "3"},
          Words{"--color", "pink", "status"}, Words{"policy", "apply", "a", "b"}, Words{"completion", "tcsh"}}) {
        ScriptSettings script;
        const auto tree = make_tree(Settings(), &script);
        EXPECT_EQ(parse(*tree, words, recording_.context), ExitCode::usage) << words.back();
    }
    EXPECT_TRUE(recording_.sink.lines.empty());
}

TEST_F(SluicectlTree, CommandsAndOptionsComplete) {
    EXPECT_EQ(completions({}, "s"), (Words{"status", "show", "set"}));
    EXPECT_EQ(completions({"sh"}, "f"), (Words{"flows"}));
    EXPECT_EQ(completions({"show", "flows"}, "--l"), (Words{"--limit"}));
    EXPECT_EQ(completions({"--color"}, "a"), (Words{"auto", "always"}));
    EXPECT_EQ(completions({"show", "flows"}, "d"), (Words{"destination", "dport"}));
    EXPECT_EQ(completions({"show", "flows", "protocol"}, "t"), (Words{"tcp"}));
    EXPECT_EQ(completions({"explain"}, "no_r"), (Words{"no_rule"}));
    EXPECT_EQ(completions({"help", "policy"}, ""), (Words{"check", "apply", "show"}));
    EXPECT_EQ(completions({"nonsense"}, ""), Words{});
    EXPECT_TRUE(complete(*tree_, recording_.context, {"policy", "check"}, "").files);
    EXPECT_FALSE(complete(*tree_, recording_.context, {"policy"}, "").files);
}

TEST_F(SluicectlTree, WithoutAnApplianceNamesAreMissingAndNothingElse) {
    tree_->settings.socket = "/nonexistent/ctl.sock";
    recording_.context.settings.socket = "/nonexistent/ctl.sock";
    EXPECT_EQ(completions({"show", "rules"}, ""), Words{});
    EXPECT_TRUE(recording_.errors.str().empty());
}

TEST_F(SluicectlTree, TheShellHasExitAndNoProgramOptions) {
    const auto shell = make_tree(Settings(), nullptr);
    EXPECT_FALSE(parse(*shell, {"exit"}, recording_.context));
    EXPECT_TRUE(shell->leave);
    EXPECT_FALSE(walk(*shell, {"-f", "x"}));
    EXPECT_FALSE(walk(*tree_, {"exit"}));
}

void visit(CLI::App& command, const std::function<void(CLI::App&)>& look) {
    look(command);
    for (CLI::App* sub : subcommands_of(command))
        visit(*sub, look);
}

TEST_F(SluicectlTree, EveryCommandAndOptionHasHelp) {
    visit(tree_->app, [](CLI::App& command) {
        EXPECT_FALSE(command.get_description().empty()) << full_name(command);
        const std::string help = help_text(command);
        EXPECT_NE(help.find("Usage: sluicectl"), std::string::npos);
        for (const CLI::Option* option : command.get_options()) {
            EXPECT_FALSE(option->get_description().empty()) << full_name(command) << ' ' << option->get_name();
            for (const auto& name : option->get_lnames())
                EXPECT_NE(help.find("--" + name), std::string::npos) << name;
        }
    });
}

TEST_F(SluicectlTree, CommonPrefixes) {
    EXPECT_EQ(common_prefix({{"show", ""}, {"shop", ""}}), "sho");
    EXPECT_EQ(common_prefix({{"show", ""}, {"x", ""}}), "");
    EXPECT_EQ(common_prefix({}), "");
}

} // namespace
} // namespace sluice::sluicectl
