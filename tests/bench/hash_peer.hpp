// rte_hash as a flow table would use it: the same keys, look-ups in bulk, safe beside readers without locks.
#pragma once

#include "flow/key.hpp"

#include <rte_hash.h>
#include <rte_hash_crc.h>

#include <cstdint>
#include <memory>

namespace sluice::bench {

class HashPeer {
  public:
    /// Without room for it in hugepages, valid() is false.
    explicit HashPeer(std::uint32_t capacity) {
        rte_hash_parameters parameters{};
        parameters.name = "peer";
        parameters.entries = capacity;
        parameters.key_len = sizeof(flow::Key);
        parameters.hash_func = rte_hash_crc;
        parameters.extra_flag = RTE_HASH_EXTRA_FLAGS_RW_CONCURRENCY_LF;
        hash_.reset(rte_hash_create(&parameters));
    }
    [[nodiscard]] bool valid() const { return hash_ != nullptr; }

    bool add(const flow::Key& key) { return rte_hash_add_key(hash_.get(), &key) >= 0; }
    /// Deletes and gives the key's place back at once: there are no readers here to wait for.
    bool remove(const flow::Key& key) {
        const std::int32_t place = rte_hash_del_key(hash_.get(), &key);
        return place >= 0 && rte_hash_free_key_with_position(hash_.get(), place) == 0;
    }
    /// Places of up to RTE_HASH_LOOKUP_BULK_MAX keys, negative where there is none.
    void find(const flow::Key* const* keys, unsigned count, std::int32_t* places) const {
        const void* pointers[RTE_HASH_LOOKUP_BULK_MAX];
        for (unsigned i = 0; i < count; ++i)
            pointers[i] = keys[i];
        rte_hash_lookup_bulk(hash_.get(), pointers, count, places);
    }

  private:
    struct Free {
        void operator()(rte_hash* hash) const { rte_hash_free(hash); }
    };
    std::unique_ptr<rte_hash, Free> hash_;
};

} // namespace sluice::bench
