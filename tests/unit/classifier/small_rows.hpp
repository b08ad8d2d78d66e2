// Rows and queries written by hand.
#pragma once

#include "classifier/compiled.hpp"
#include "row_oracle.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace sluice::classifier {

inline net::Prefix prefix(const std::string& text) {
    const auto parsed = net::Prefix::parse(text);
    EXPECT_TRUE(parsed) << text;
    return parsed ? *parsed : net::Prefix{};
}

/// From zone 0 to zone 1, TCP, unless said otherwise.
inline ruleset::Query query(const std::string& source, const std::string& destination,
                            std::uint16_t destination_port = 80) {
    ruleset::Query query;
    query.protocol = 6;
    query.to_zone = 1;
    query.source_port = net::Be16::from_host(40'000);
    query.destination_port = net::Be16::from_host(destination_port);
    const auto from = prefix(source).address;
    const auto to = prefix(destination).address;
    std::copy(from.bytes.begin(), from.bytes.end(), query.source);
    std::copy(to.bytes.begin(), to.bytes.end(), query.destination);
    return query;
}

inline net::Family family_of(const std::string& address) {
    return prefix(address).address.family;
}

inline std::uint32_t ask(const ruleset::Classifier& classifier, net::Family family, const ruleset::Query& query) {
    const ruleset::Query* pointer = &query;
    std::uint32_t result = 77;
    classifier.classify(family, &pointer, &result, 1);
    return result;
}

/// Each prefix a list; rows are added by the test.
inline World world_of(std::initializer_list<std::vector<std::string>> lists) {
    World world;
    for (const auto& list : lists) {
        world.lists.emplace_back();
        for (const std::string& text : list)
            world.lists.back().push_back(prefix(text));
    }
    world.rows.zone_pairs = {{0, 1}, {1, 0}};
    world.show_lists();
    return world;
}

inline Row& add_row(World& world, std::vector<ListId> sources, std::vector<ListId> destinations) {
    Row& row = world.rows.rows.emplace_back();
    row.sources = std::move(sources);
    row.destinations = std::move(destinations);
    row.rank = static_cast<std::uint32_t>(world.rows.rows.size());
    row.result = row.rank * 10;
    return row;
}

} // namespace sluice::classifier
