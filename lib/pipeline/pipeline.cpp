#include "pipeline/pipeline.hpp"

namespace sluice::pipeline {

void run(Batch& batch, Context& context) {
    using telemetry::Stage;
    telemetry::StageClock& clock = context.clock;
    batch.made.count = 0;
    parse(batch, context);
    clock.end(Stage::parse);
    reassemble(batch, context);
    clock.end(Stage::reassemble);
    judge_untracked(batch, context);
    clock.end(Stage::untracked);
    dispatch(batch, context);
    clock.end(Stage::dispatch);
    look_up_flows(batch, context);
    clock.end(Stage::look_up);
    judge_tracked(batch, context);
    clock.end(Stage::tracked);

    if (!any_is(batch.disposition, batch.count, Disposition::drop)) [[likely]]
        return;
    for (unsigned i = 0; i < batch.count; ++i) {
        if (batch.disposition[i] != Disposition::drop) continue;
        context.counters->drops[static_cast<std::size_t>(batch.reason[i])].add(batch.packets_of(i));
    }
}

} // namespace sluice::pipeline
