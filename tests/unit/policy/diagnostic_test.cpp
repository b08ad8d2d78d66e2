#include "policy/diagnostic/diagnostic.hpp"

#include <gtest/gtest.h>

namespace sluice::policy {
namespace {

TEST(Diagnostics, CountsErrorsAndWarningsApart) {
    Diagnostics diagnostics;
    EXPECT_FALSE(diagnostics.has_errors());
    diagnostics.warning("W101", {}, "w");
    EXPECT_FALSE(diagnostics.has_errors());
    diagnostics.error("P001", {}, "e");
    diagnostics.error("P002", {}, "e");
    EXPECT_EQ(diagnostics.error_count(), 2u);
    EXPECT_EQ(diagnostics.warning_count(), 1u);
    EXPECT_EQ(diagnostics.summary(), "2 errors, 1 warning.");
}

TEST(Diagnostics, SortsByFileAndPlaceAndKeepsTheOrderOfFindingOtherwise) {
    Diagnostics diagnostics;
    diagnostics.error("P001", {1, 1, 1, 0}, "second file");
    diagnostics.error("P002", {0, 9, 1, 0}, "late");
    diagnostics.error("P003", {0, 2, 5, 0}, "early, first found");
    diagnostics.error("P004", {0, 2, 5, 0}, "early, second found");
    diagnostics.error("P005", {0, 2, 4, 0}, "earliest");
    diagnostics.sort();
    std::string order;
    for (const auto& d : diagnostics.all()) {
        order += d.code.back();
    }
    EXPECT_EQ(order, "53421");
}

TEST(Diagnostics, KeepsAThousandAndCountsTheRest) {
    Diagnostics diagnostics;
    for (std::size_t i = 0; i < Diagnostics::kMaxKept + 5; ++i) {
        diagnostics.error("P001", {}, "e").label = "label";
    }
    EXPECT_EQ(diagnostics.all().size(), Diagnostics::kMaxKept);
    EXPECT_EQ(diagnostics.error_count(), Diagnostics::kMaxKept + 5);
    EXPECT_NE(diagnostics.render(false).find("Only the first 1000 found are shown.\n1005 errors."), std::string::npos);
}

TEST(Nearest, FindsSlipsOfTheHand) {
    const std::vector<std::string_view> words = {"memcached_clients", "memcached_servers", "web", "ssh"};
    EXPECT_EQ(nearest("memcached_client", words), "memcached_clients");
    EXPECT_EQ(nearest("memcahced_clients", words), "memcached_clients") << "neighbours swapped";
    EXPECT_EQ(nearest("Memcached_Clients", words), "memcached_clients") << "case";
    EXPECT_EQ(nearest("wep", words), "web");
    EXPECT_EQ(nearest("sssh", words), "ssh");
}

TEST(Nearest, KeepsQuietWhenNothingIsNear) {
    const std::vector<std::string_view> words = {"web", "ssh", "to"};
    EXPECT_EQ(nearest("database", words), "");
    EXPECT_EQ(nearest("xyz", words), "");
    EXPECT_EQ(nearest("", words), "");
    EXPECT_EQ(nearest("a", words), "") << "one letter is not a slip of 'to'";
    EXPECT_EQ(nearest(std::string(1000, 'w'), words), "");
}

} // namespace
} // namespace sluice::policy
