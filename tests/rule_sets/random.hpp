// Draws that are the same with every standard library: what comes out of a seed is part of a test's name.
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <span>

namespace sluice::rule_sets {

/// The engine is fixed by the standard, its distributions are not; so these are ours.
using Random = std::mt19937_64;

inline std::size_t below(Random& random, std::size_t n) {
    return static_cast<std::size_t>(random() % n);
}

/// 0 to 1, without 1.
inline double fraction(Random& random) {
    return static_cast<double>(random() >> 11) * 0x1p-53;
}

inline bool with_probability(Random& random, double probability) {
    return fraction(random) < probability;
}

/// One of `choices`, by the member `weight` of each; the weights need not add up to 1.
template <typename T> const T& weighted(Random& random, std::span<const T> choices) {
    double all = 0;
    for (const T& choice : choices)
        all += choice.weight;
    double left = fraction(random) * all;
    for (const T& choice : choices) {
        left -= choice.weight;
        if (left < 0) return choice;
    }
    return choices.back();
}

} // namespace sluice::rule_sets
