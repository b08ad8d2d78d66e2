// The order in which a batch passes the stages. The order is the security argument: nothing reaches the flow table
// that an untracked rule decides, nothing creates a flow that the tracked rules did not allow.
//
// Stages change only the batch, the worker's own tables and the worker's own counters. They take no lock, make no
// system call, allocate nothing, throw nothing and log nothing.
#pragma once

#include "pipeline/batch.hpp"
#include "pipeline/context.hpp"

namespace sluice::pipeline {

/// Decides every packet of the batch: afterwards none is pending. Drops are counted by reason, rules by packet.
void run(Batch& batch, Context& context);

// The stages, in order. For tests and for showing what each one decided.

/// Bytes to tuples. Decides what is malformed, what is not IP, what may not be forwarded at all.
void parse(Batch& batch, const Context& context);
/// Takes fragments until their datagram is complete, which then goes on as one packet. Hands over what another worker
/// collects.
void reassemble(Batch& batch, Context& context);
/// Judges packets of untracked rules by themselves, before any flow is looked up.
void judge_untracked(Batch& batch, Context& context);
/// Makes the flow key of what is left, and hands over what another worker owns.
void dispatch(Batch& batch, const Context& context);
/// Finds the flows of what is left, all together.
void look_up_flows(Batch& batch, const Context& context);
/// Advances the flows that were found; for the others asks the tracked rules, once, and creates the flow.
void judge_tracked(Batch& batch, Context& context);

} // namespace sluice::pipeline
