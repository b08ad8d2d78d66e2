#include "child.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <csignal>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

#include <unistd.h>

namespace sluice::sluicectl {
namespace {

using admin::Json;

struct Heard {
    std::vector<Json> messages;
    bool operator()(const Json& message) {
        messages.push_back(message);
        return true;
    }
};

TEST(SluicectlChild, ItsWordsArriveInOrder) {
    Heard heard;
    const std::string ended = run_in_child(
        [](const TellParent& tell) {
            for (int i = 0; i < 10'000; ++i)
                tell({{"i", i}});
        },
        std::ref(heard), nullptr);
    EXPECT_EQ(ended, "ended without a report");
    ASSERT_EQ(heard.messages.size(), 10'000u);
    for (int i = 0; i < 10'000; ++i)
        ASSERT_EQ(heard.messages[static_cast<std::size_t>(i)]["i"], i);
}

TEST(SluicectlChild, ACrashIsTold) {
    Heard heard;
    EXPECT_EQ(run_in_child([](const TellParent&) { ::kill(::getpid(), SIGKILL); }, std::ref(heard), nullptr),
              "was ended by signal 9");
    EXPECT_TRUE(heard.messages.empty());
}

TEST(SluicectlChild, ItEndsWhenNobodyListensAnyMore) {
    int heard = 0;
    run_in_child(
        [](const TellParent& tell) {
            for (;;)
                tell({{"text", std::string(1000, 'x')}});
        },
        [&](const Json&) { return ++heard < 5; }, nullptr);
    EXPECT_EQ(heard, 5);
}

TEST(SluicectlChild, ItEndsWhenTheUserInterrupts) {
    std::atomic<bool> interrupted = true;
    Heard heard;
    const std::string ended = run_in_child(
        [](const TellParent&) {
            for (;;)
                ::pause();
        },
        std::ref(heard), &interrupted);
    EXPECT_EQ(ended, "was ended by signal 15");
}

TEST(SluicectlChild, WhatItThrowsGoesNoFurther) {
    Heard heard;
    EXPECT_EQ(run_in_child([](const TellParent&) { throw std::runtime_error("on purpose"); }, std::ref(heard), nullptr),
              "ended without a report");
}

} // namespace
} // namespace sluice::sluicectl
