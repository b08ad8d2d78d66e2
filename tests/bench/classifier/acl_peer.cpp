// librte_acl, which Sluice used until it had a classifier of its own: all fields in one trie, walked by many packets at
// a time.
#include "design.hpp"

#include "net/byte_order.hpp"

#include <rte_acl.h>
#include <rte_malloc.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <string>
#include <vector>

namespace sluice::bench {
namespace {

using rule_sets::Rule;
using rule_sets::RuleSet;

constexpr unsigned kIpv4Fields = 5;
constexpr unsigned kIpv6Fields = 11;

RTE_ACL_RULE_DEF(AclRule, kIpv6Fields);

/// Everything in network order. librte_acl reads the first field alone and then four bytes at a time.
struct AclQuery {
    std::uint8_t protocol;
    std::uint8_t padding[3];
    net::Be16 source_port;
    net::Be16 destination_port;
    std::uint8_t source[16];
    std::uint8_t destination[16];
};
static_assert(sizeof(AclQuery) == 40);

constexpr unsigned words_of(net::Family family) {
    return family == net::Family::ipv4 ? 1 : 4;
}

constexpr rte_acl_field_def field(std::uint8_t type, std::uint8_t size, std::size_t index, std::size_t input,
                                  std::size_t offset) {
    return {type, size, static_cast<std::uint8_t>(index), static_cast<std::uint8_t>(input),
            static_cast<std::uint32_t>(offset)};
}

rte_acl_config config_for(net::Family family) {
    std::array<rte_acl_field_def, RTE_ACL_MAX_FIELDS> defs{};
    defs[0] = field(RTE_ACL_FIELD_TYPE_BITMASK, 1, 0, 0, offsetof(AclQuery, protocol));
    defs[1] = field(RTE_ACL_FIELD_TYPE_RANGE, 2, 1, 1, offsetof(AclQuery, source_port));
    defs[2] = field(RTE_ACL_FIELD_TYPE_RANGE, 2, 2, 1, offsetof(AclQuery, destination_port));
    const unsigned words = words_of(family);
    for (unsigned word = 0; word < 2 * words; ++word) {
        const std::size_t offset =
            word < words ? offsetof(AclQuery, source) + 4 * word : offsetof(AclQuery, destination) + 4 * (word - words);
        defs[3 + word] = field(RTE_ACL_FIELD_TYPE_MASK, 4, 3 + word, 2 + word, offset);
    }
    rte_acl_config config{};
    config.num_categories = 1;
    config.num_fields = family == net::Family::ipv4 ? kIpv4Fields : kIpv6Fields;
    std::copy(defs.begin(), defs.end(), config.defs);
    return config;
}

/// A prefix as masked fields of 32 bits.
void put_prefix(rte_acl_field* fields, const net::Prefix& prefix, unsigned words) {
    for (unsigned word = 0; word < words; ++word) {
        std::uint32_t value = 0;
        for (unsigned byte = 0; byte < 4; ++byte)
            value = value << 8 | prefix.address.bytes[4 * word + byte];
        fields[word].value.u32 = value;
        fields[word].mask_range.u32 = prefix.length <= 32 * word ? 0 : std::min(32u, prefix.length - 32 * word);
    }
}

AclRule acl_rule(const Rule& rule, std::size_t position) {
    AclRule out{};
    out.data.category_mask = 1;
    out.data.priority = static_cast<std::int32_t>(RTE_ACL_MAX_PRIORITY - position);
    out.data.userdata = static_cast<std::uint32_t>(position + 1);
    out.field[0].value.u8 = rule.protocol.value_or(0);
    out.field[0].mask_range.u8 = rule.protocol ? 0xff : 0;
    out.field[1].value.u16 = rule.source_ports.first;
    out.field[1].mask_range.u16 = rule.source_ports.last;
    out.field[2].value.u16 = rule.destination_ports.first;
    out.field[2].mask_range.u16 = rule.destination_ports.last;
    const unsigned words = words_of(rule.source.address.family);
    put_prefix(&out.field[3], rule.source, words);
    put_prefix(&out.field[3 + words], rule.destination, words);
    return out;
}

/// Bytes that the EAL has given out.
std::size_t allocated() {
    rte_malloc_socket_stats stats{};
    std::size_t sum = 0;
    for (int socket = 0; socket < RTE_MAX_NUMA_NODES; ++socket) {
        if (rte_malloc_get_socket_stats(socket, &stats) == 0) sum += stats.heap_allocsz_bytes;
    }
    return sum;
}

class AclPeer : public Design {
  public:
    explicit AclPeer(const RuleSet& set) {
        rte_acl_param param{};
        param.name = "peer";
        param.socket_id = SOCKET_ID_ANY;
        param.rule_size = RTE_ACL_RULE_SZ(set.family == net::Family::ipv4 ? kIpv4Fields : kIpv6Fields);
        param.max_rule_num = static_cast<std::uint32_t>(set.rules.size());
        context_ = rte_acl_create(&param);
        if (context_ == nullptr) throw CannotBuild("no memory for the list of rules");
        const std::size_t list = allocated();
        for (std::size_t i = 0; i < set.rules.size(); ++i) {
            const AclRule rule = acl_rule(set.rules[i], i);
            // AclRule begins with the data that rte_acl_rule is; the fields follow, as many as rule_size says.
            if (rte_acl_add_rules(context_, reinterpret_cast<const rte_acl_rule*>(&rule), 1) != 0)
                throw CannotBuild("a rule is refused");
        }
        const rte_acl_config config = config_for(set.family);
        const int status = rte_acl_build(context_, &config);
        if (status != 0) throw CannotBuild(std::string("rte_acl_build: ") + std::strerror(-status));
        // The list of rules is not read by look-ups.
        memory_size_ = allocated() - list;
    }
    AclPeer(const AclPeer&) = delete;
    AclPeer& operator=(const AclPeer&) = delete;
    ~AclPeer() override { rte_acl_free(context_); }

    void load(const rule_sets::Trace& trace) override {
        queries_.clear();
        for (const rule_sets::Packet& packet : trace) {
            AclQuery query{};
            query.protocol = packet.protocol;
            query.source_port = net::Be16::from_host(packet.source_port);
            query.destination_port = net::Be16::from_host(packet.destination_port);
            std::memcpy(query.source, packet.source.bytes.data(), sizeof query.source);
            std::memcpy(query.destination, packet.destination.bytes.data(), sizeof query.destination);
            queries_.push_back(query);
        }
    }

    void classify(std::size_t begin, unsigned count, std::uint32_t* results) const override {
        std::array<const std::uint8_t*, kBatch> pointers;
        for (unsigned i = 0; i < count; ++i)
            pointers[i] = reinterpret_cast<const std::uint8_t*>(&queries_[begin + i]);
        (void)rte_acl_classify(context_, pointers.data(), results, count, 1);
    }

    [[nodiscard]] std::size_t memory_size() const override { return memory_size_; }

  private:
    rte_acl_ctx* context_ = nullptr;
    std::size_t memory_size_ = 0;
    std::vector<AclQuery> queries_;
};

} // namespace

std::unique_ptr<Design> make_acl_peer(const RuleSet& set) {
    return std::make_unique<AclPeer>(set);
}

} // namespace sluice::bench
