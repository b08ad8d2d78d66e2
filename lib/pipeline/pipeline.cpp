#include "pipeline/pipeline.hpp"

namespace sluice::pipeline {

void run(Batch& batch, Context& context) {
    parse(batch, context);
    reassemble(batch, context);
    judge_untracked(batch, context);
    dispatch(batch, context);
    look_up_flows(batch, context);
    judge_tracked(batch, context);

    for (unsigned i = 0; i < batch.count; ++i) {
        if (batch.disposition[i] != Disposition::drop) continue;
        context.counters->drops[static_cast<std::size_t>(batch.reason[i])].add(batch.packets_of(i));
    }
}

} // namespace sluice::pipeline
