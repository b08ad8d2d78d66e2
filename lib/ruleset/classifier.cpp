#include "ruleset/classifier.hpp"

#include <rte_acl.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

namespace sluice::ruleset {
namespace {

constexpr unsigned kIpv4Fields = 7;
constexpr unsigned kIpv6Fields = 13;

RTE_ACL_RULE_DEF(AclRule, kIpv6Fields);

constexpr rte_acl_field_def field(std::uint8_t type, std::uint8_t size, std::uint8_t index, std::uint8_t input,
                                  std::size_t offset) {
    return {type, size, index, input, static_cast<std::uint32_t>(offset)};
}

// librte_acl reads the first field alone and then four bytes at a time: fields of one input index share such a word.
constexpr void common_fields(std::array<rte_acl_field_def, RTE_ACL_MAX_FIELDS>& defs) {
    defs[0] = field(RTE_ACL_FIELD_TYPE_BITMASK, 1, 0, 0, offsetof(Query, protocol));
    defs[1] = field(RTE_ACL_FIELD_TYPE_BITMASK, 2, 1, 1, offsetof(Query, from_zone));
    defs[2] = field(RTE_ACL_FIELD_TYPE_BITMASK, 2, 2, 1, offsetof(Query, to_zone));
    defs[3] = field(RTE_ACL_FIELD_TYPE_RANGE, 2, 3, 2, offsetof(Query, source_port));
    defs[4] = field(RTE_ACL_FIELD_TYPE_RANGE, 2, 4, 2, offsetof(Query, destination_port));
}

constexpr unsigned words_of(net::Family family) {
    return family == net::Family::ipv4 ? 1 : 4;
}

rte_acl_config config_for(net::Family family, std::size_t max_memory_size) {
    std::array<rte_acl_field_def, RTE_ACL_MAX_FIELDS> defs{};
    common_fields(defs);
    const unsigned words = words_of(family);
    for (unsigned side = 0; side < 2; ++side) {
        const std::size_t start = side == 0 ? offsetof(Query, source) : offsetof(Query, destination);
        for (unsigned w = 0; w < words; ++w) {
            const auto index = static_cast<std::uint8_t>(5 + side * words + w);
            const auto input = static_cast<std::uint8_t>(3 + side * words + w);
            defs[index] = field(RTE_ACL_FIELD_TYPE_MASK, 4, index, input, start + 4 * w);
        }
    }
    rte_acl_config config{};
    config.num_categories = 1;
    config.num_fields = family == net::Family::ipv4 ? kIpv4Fields : kIpv6Fields;
    std::copy(defs.begin(), defs.end(), config.defs);
    config.max_size = max_memory_size;
    return config;
}

/// A prefix as `words` masked fields of 32 bits each.
void put_prefix(rte_acl_field* fields, const net::Prefix& prefix, unsigned words) {
    for (unsigned w = 0; w < words; ++w) {
        const std::uint8_t* bytes = prefix.address.bytes.data() + 4 * w;
        fields[w].value.u32 = static_cast<std::uint32_t>(bytes[0]) << 24 | static_cast<std::uint32_t>(bytes[1]) << 16 |
                              static_cast<std::uint32_t>(bytes[2]) << 8 | bytes[3];
        const unsigned before = 32 * w;
        fields[w].mask_range.u32 = prefix.length <= before ? 0 : std::min(32u, prefix.length - before);
    }
}

template <typename T> void put_exact(T& value, T& mask, const std::optional<T>& wanted) {
    value = wanted.value_or(T{0});
    mask = wanted ? static_cast<T>(~T{0}) : T{0};
}

AclRule rule_from(const Row& row) {
    AclRule rule{};
    rule.data.category_mask = 1;
    rule.data.priority = static_cast<std::int32_t>(RTE_ACL_MAX_PRIORITY - row.rank);
    rule.data.userdata = row.result;
    put_exact(rule.field[0].value.u8, rule.field[0].mask_range.u8, row.protocol);
    put_exact(rule.field[1].value.u16, rule.field[1].mask_range.u16, row.from_zone);
    put_exact(rule.field[2].value.u16, rule.field[2].mask_range.u16, row.to_zone);
    rule.field[3].value.u16 = row.source_ports.first;
    rule.field[3].mask_range.u16 = row.source_ports.last;
    rule.field[4].value.u16 = row.destination_ports.first;
    rule.field[4].mask_range.u16 = row.destination_ports.last;
    const unsigned words = words_of(row.family);
    put_prefix(&rule.field[5], row.source, words);
    put_prefix(&rule.field[5 + words], row.destination, words);
    return rule;
}

base::Expected<rte_acl_ctx*, BuildError> build_family(std::span<const Row> rows, net::Family family, const char* name,
                                                      int numa_socket, std::size_t max_memory_size) {
    const auto count = static_cast<std::uint32_t>(
        std::count_if(rows.begin(), rows.end(), [family](const Row& row) { return row.family == family; }));
    if (count == 0) return nullptr;

    char full_name[RTE_ACL_NAMESIZE] = {family == net::Family::ipv4 ? '4' : '6', '-'};
    std::strncpy(full_name + 2, name, sizeof full_name - 3);
    rte_acl_param param{};
    param.name = full_name;
    param.socket_id = numa_socket;
    param.rule_size = RTE_ACL_RULE_SZ(family == net::Family::ipv4 ? kIpv4Fields : kIpv6Fields);
    param.max_rule_num = count;
    rte_acl_ctx* context = rte_acl_create(&param);
    if (context == nullptr) return base::Unexpected(BuildError{ENOMEM, "reserving the rule list"});

    int status = 0;
    for (const Row& row : rows) {
        if (row.family != family || status != 0) continue;
        const AclRule rule = rule_from(row);
        // AclRule begins with the data that rte_acl_rule is; the fields follow, as many as rule_size says.
        status = rte_acl_add_rules(context, reinterpret_cast<const rte_acl_rule*>(&rule), 1);
    }
    const char* step = "adding rules";
    if (status == 0) {
        step = "compiling";
        const rte_acl_config config = config_for(family, max_memory_size);
        status = rte_acl_build(context, &config);
    }
    if (status != 0) {
        rte_acl_free(context);
        return base::Unexpected(BuildError{-status, step});
    }
    return context;
}

} // namespace

base::Expected<Classifier, BuildError> Classifier::build(std::span<const Row> rows, const char* name, int numa_socket,
                                                         std::size_t max_memory_size) {
    Classifier classifier;
    for (const net::Family family : {net::Family::ipv4, net::Family::ipv6}) {
        auto context = build_family(rows, family, name, numa_socket, max_memory_size);
        if (!context) return base::Unexpected(context.error());
        (family == net::Family::ipv4 ? classifier.ipv4_ : classifier.ipv6_) = *context;
    }
    return classifier;
}

Classifier::Classifier(Classifier&& other) noexcept
    : ipv4_(std::exchange(other.ipv4_, nullptr))
    , ipv6_(std::exchange(other.ipv6_, nullptr)) {}

Classifier& Classifier::operator=(Classifier&& other) noexcept {
    std::swap(ipv4_, other.ipv4_);
    std::swap(ipv6_, other.ipv6_);
    return *this;
}

Classifier::~Classifier() {
    rte_acl_free(ipv4_);
    rte_acl_free(ipv6_);
}

void Classifier::classify(net::Family family, const Query* const* queries, std::uint32_t* results,
                          unsigned count) const {
    rte_acl_ctx* acl = context(family);
    if (acl == nullptr) {
        std::fill(results, results + count, 0u);
        return;
    }
    // Fails only for categories beyond the limit; ours is one.
    (void)rte_acl_classify(acl, reinterpret_cast<const std::uint8_t**>(const_cast<const Query**>(queries)), results,
                           count, 1);
}

} // namespace sluice::ruleset
