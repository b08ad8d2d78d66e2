"""What is broken on purpose, where, and which test programs must notice.

`before` stands exactly once in the file; each program in `tests` has to go red, not only one of them. A `race` wants
ThreadSanitizer to be seen."""

from dataclasses import dataclass

PIPELINE = "tests/unit/pipeline/pipeline_test"
OWNERSHIP = "tests/unit/pipeline/ownership_test"
WORKER = "tests/unit/worker/worker_test"
FLOW = "tests/unit/flow/flow_test"
RCU = "tests/unit/rcu/rcu_test"
RULESET = "tests/unit/ruleset/ruleset_test"
COMPILE = "tests/unit/policy_compile/policy_compile_test"
CONTROL = "tests/unit/control/control_test"
RUNNING = "tests/unit/control/running_policy_test"
PROPERTY = "tests/property/ruleset_property_test"
SCENARIO = "tests/scenario/scenario_test"
ADMIN = "tests/unit/admin/admin_test"


@dataclass(frozen=True)
class Mutation:
    name: str
    file: str
    before: str
    after: str
    tests: tuple
    race: bool = False


MUTATIONS = [
    # -- pipeline: parse
    Mutation("land attack passes", "lib/pipeline/parse.cpp",
             "std::memcmp(parsed.source, parsed.destination, sizeof parsed.source) == 0", "false",
             (PIPELINE, SCENARIO, PROPERTY)),
    Mutation("neighbour discovery from afar", "lib/pipeline/parse.cpp",
             "parsed.ttl == 255 &&", "parsed.ttl >= 1 &&", (PIPELINE, SCENARIO)),
    Mutation("neighbour discovery off the link", "lib/pipeline/parse.cpp",
             "return stays_on_link(parsed) && parsed.extension_headers", "return parsed.extension_headers",
             (PIPELINE, SCENARIO)),
    Mutation("mtu one too small", "lib/pipeline/parse.cpp",
             "batch.length[i] > port.peer_mtu", "batch.length[i] >= port.peer_mtu", (PIPELINE, SCENARIO)),
    Mutation("fragments pass", "lib/pipeline/parse.cpp",
             "parsed.fragment != packet::FragmentState::whole", "false", (PIPELINE, SCENARIO)),
    Mutation("zones swapped", "lib/pipeline/parse.cpp",
             "port.zone, ruleset.port(port.peer).zone,", "ruleset.port(port.peer).zone, port.zone,",
             (PIPELINE, SCENARIO, PROPERTY)),
    Mutation("icmp code forgotten", "lib/pipeline/parse.cpp",
             "parsed.icmp_type << 8 | parsed.icmp_code", "parsed.icmp_type << 8", (PIPELINE,)),

    # -- pipeline: untracked rules
    Mutation("mirror lets a SYN pass", "lib/pipeline/untracked.cpp",
             "!(parsed.tcp_flags & (kAck | kRst))", "false", (PIPELINE, SCENARIO, PROPERTY)),
    Mutation("mirror lets a query pass", "lib/pipeline/untracked.cpp",
             "if (icmp && packet::is_icmp_query(parsed.family, parsed.icmp_type))", "if (icmp && false)",
             (PIPELINE, SCENARIO, PROPERTY)),
    Mutation("mirror_any is mirror", "lib/pipeline/untracked.cpp",
             "result.path == ruleset::Path::mirror && refused", "result.path >= ruleset::Path::mirror && refused",
             (PIPELINE, SCENARIO, PROPERTY)),
    Mutation("untracked rules do not count", "lib/pipeline/untracked.cpp",
             "count_packet(counters_of_slot(context, rule.counter_slot), batch.length[i], context.now);", "",
             (PIPELINE, SCENARIO)),

    # -- pipeline: flow look-up
    Mutation("icmp asker dropped", "lib/pipeline/flow_lookup.cpp",
             "(asker_is_second ? 0x8000u : 0u)", "0u", (PIPELINE, SCENARIO, PROPERTY)),
    Mutation("icmp question dropped", "lib/pipeline/flow_lookup.cpp",
             "static_cast<std::uint16_t>(question |", "static_cast<std::uint16_t>((question & 0u) |", (PIPELINE, SCENARIO)),
    Mutation("outer vlan dropped", "lib/pipeline/flow_lookup.cpp",
             "oriented.key.outer_vlan = vlan_of(parsed.outer_vlan);", "", (PIPELINE, SCENARIO)),
    Mutation("inner vlan dropped", "lib/pipeline/flow_lookup.cpp",
             "oriented.key.inner_vlan = vlan_of(parsed.inner_vlan);", "", (PIPELINE, SCENARIO)),
    Mutation("priority tag is a VLAN", "lib/pipeline/flow_lookup.cpp",
             "parsed == kPriorityTag ?", "parsed == kPriorityTag + 0x2000u ?", (PIPELINE, SCENARIO)),
    Mutation("wire dropped", "lib/pipeline/flow_lookup.cpp",
             "oriented.key.wire = wire;", "", (PIPELINE, SCENARIO, PROPERTY)),
    Mutation("handed in, handed off again", "lib/pipeline/flow_lookup.cpp",
             "ownership.workers > 1 && !batch.handed_in", "ownership.workers > 1", (PIPELINE,)),
    Mutation("nothing is handed off", "lib/pipeline/flow_lookup.cpp",
             "if (owner != ownership.self)", "if (owner != ownership.self && false)", (PIPELINE, WORKER, SCENARIO)),

    # -- pipeline: tracked rules
    Mutation("epoch not compared", "lib/pipeline/tracked.cpp",
             "return flows_.entry(index).epoch.load() != ruleset_.epoch();", "(void)index; return false;",
             (PIPELINE, SCENARIO, PROPERTY)),
    Mutation("zones not turned when judging again", "lib/pipeline/tracked.cpp",
             "std::swap(room.from_zone, room.to_zone);", "", (PIPELINE, SCENARIO, PROPERTY)),
    Mutation("icmp type not turned when judging again", "lib/pipeline/tracked.cpp",
             "static_cast<std::uint16_t>(question << 8 |",
             "static_cast<std::uint16_t>((question == packet.icmp_type ? question : packet.icmp_type) << 8 |",
             (PIPELINE, SCENARIO, PROPERTY)),
    Mutation("spoofed packets pass", "lib/pipeline/tracked.cpp",
             "return (at_peer(n) == opened_at_peer) == original;", "return original || true || opened_at_peer;",
             (PIPELINE, SCENARIO, PROPERTY)),
    Mutation("side of the opener forgotten", "lib/pipeline/tracked.cpp",
             "if (at_peer(n)) entry.flags.store(", "if (false) entry.flags.store(", (PIPELINE, SCENARIO, PROPERTY)),
    Mutation("entry that changed hands", "lib/pipeline/tracked.cpp",
             "flows_.entry(index).generation.load() != batch_.generation[n]", "false", (PIPELINE, SCENARIO)),
    Mutation("flow of the same burst not seen", "lib/pipeline/tracked.cpp",
             "index == flow::kNone ? created_any_ :", "index == flow::kNone ? false :", (PIPELINE, SCENARIO, PROPERTY)),
    Mutation("any TCP packet opens a flow", "lib/pipeline/tracked.cpp",
             "flow::tcp::classify(packet.tcp_flags) == flow::tcp::Segment::syn;", "true;",
             (PIPELINE, SCENARIO, PROPERTY)),
    Mutation("answer passes because its opener would", "lib/pipeline/tracked.cpp",
             "rule.action == ruleset::Action::allow && !original", "false && original", (PIPELINE, SCENARIO, PROPERTY)),
    Mutation("flow that is not allowed stays", "lib/pipeline/tracked.cpp",
             "flows_.remove(index, flow::EndReason::policy_changed);", "", (PIPELINE, SCENARIO, PROPERTY)),
    Mutation("UDP is never established", "lib/pipeline/tracked.cpp",
             "next = State::udp_established;", "next = State::udp_new;", (SCENARIO, WORKER)),
    Mutation("refused TCP packets refresh", "lib/pipeline/tracked.cpp",
             "if (!advance_tcp(n, index, direction)) return;",
             "entry.last_seen_tick.store(context_.now); if (!advance_tcp(n, index, direction)) return;",
             (PIPELINE, SCENARIO)),
    Mutation("packets do not refresh", "lib/pipeline/tracked.cpp",
             "entry.last_seen_tick.store(context_.now);", "", (PIPELINE, SCENARIO)),
    Mutation("old rule's name kept", "lib/pipeline/tracked.cpp",
             "entry.rule_slot.store(rule.counter_slot);\n            entry.profile = rule.profile;\n            flows_",
             "entry.profile = rule.profile;\n            flows_", (PIPELINE, SCENARIO)),
    Mutation("old timeouts kept", "lib/pipeline/tracked.cpp",
             "flows_.change_state(index, entry.state.load(), timeout(rule.profile, entry.state.load()), context_.now);", "",
             (PIPELINE, SCENARIO)),
    Mutation("counted twice", "lib/pipeline/rule_counting.hpp",
             "counters.packets.add(1);", "counters.packets.add(2);", (PIPELINE, SCENARIO)),
    Mutation("drops counted twice", "lib/pipeline/pipeline.cpp",
             "[static_cast<std::size_t>(batch.reason[i])].add(1);", "[static_cast<std::size_t>(batch.reason[i])].add(2);",
             (PIPELINE, WORKER, SCENARIO)),

    # -- ownership
    Mutation("owner by one end's port", "lib/pipeline/ownership.cpp",
             "word ^ key.port[0] ^ key.port[1]", "word ^ key.port[0]", (OWNERSHIP,)),
    Mutation("bytes of the hash swapped", "lib/pipeline/ownership.cpp",
             "table_[0][word & 0xff] ^ table_[1][word >> 8]", "table_[1][word & 0xff] ^ table_[0][word >> 8]",
             (OWNERSHIP,)),
    Mutation("icmp hashed with ports", "lib/pipeline/ownership.hpp",
             "toeplitz(key, ports)", "toeplitz(key, ports || true)", (OWNERSHIP,)),

    # -- worker
    Mutation("ring off by one", "lib/worker/spsc_ring.hpp",
             "known_head_ = head_.load(std::memory_order_acquire);\n            if (tail - known_head_ > mask_)",
             "known_head_ = head_.load(std::memory_order_acquire);\n            if (tail - known_head_ > mask_ + 1)",
             (WORKER,)),
    Mutation("full ring forgets the packet", "lib/worker/worker_loop.cpp",
             "io_.release(&packet.handle, 1);\n}\n\nvoid WorkerLoop::drain", "}\n\nvoid WorkerLoop::drain", (WORKER,)),
    Mutation("full ring does not count", "lib/worker/worker_loop.cpp",
             "count_drop(telemetry::DropReason::handoff_full);", "", (WORKER,)),
    Mutation("hand-off skips a packet", "lib/worker/worker_loop.cpp",
             "const unsigned row = batch_.count++;", "const unsigned row = batch_.count == 0 ? batch_.count++ : 0;",
             (WORKER, SCENARIO)),
    Mutation("decided packets are judged again", "lib/worker/worker_loop.cpp",
             "packets[i].purpose == HandedPacket::Purpose::transmit", "packets[i].data == nullptr && i > 99", (WORKER,)),
    Mutation("peers of a batch mixed up", "lib/worker/worker_loop.cpp",
             "leaving_count != 0 && peer != out_port", "false", (WORKER,)),
    Mutation("peers of handed packets mixed up", "lib/worker/worker_loop.cpp",
             "i + 1 == count || packets[i + 1].port != packets[i].port", "i + 1 == count", (WORKER,)),
    Mutation("unsent packets forgotten", "lib/worker/worker_loop.cpp",
             "io_.release(handles + sent, count - sent);", "", (WORKER, SCENARIO)),
    Mutation("unsent packets not counted", "lib/worker/worker_loop.cpp",
             "count_drop(up ? telemetry::DropReason::tx_queue_full : telemetry::DropReason::peer_down, count - sent);",
             "count_drop(up ? telemetry::DropReason::tx_queue_full : telemetry::DropReason::peer_down);", (WORKER,)),
    Mutation("link not looked at", "lib/worker/worker_loop.cpp",
             "const bool up = io_.link_up(port);", "const bool up = true;", (WORKER, SCENARIO)),
    Mutation("pieces are parsed", "lib/worker/worker_loop.cpp",
             "if (batch.length[i] == 0) {", "if (false) {", (WORKER, SCENARIO)),
    Mutation("drain releases without counting", "lib/worker/worker_loop.cpp",
             "count_drop(telemetry::DropReason::shutdown);", "", (WORKER,)),
    Mutation("dropped packets kept", "lib/worker/worker_loop.cpp",
             "if (dropped_count != 0) io_.release(dropped, dropped_count);", "(void)dropped_count; (void)dropped;",
             (WORKER, SCENARIO)),
    Mutation("nothing ages", "lib/worker/worker_loop.cpp",
             "return met + context_.flows->age(now, kAgeingBudget + 2 * met);", "return met;", (WORKER, SCENARIO)),
    Mutation("ageing does not keep up", "lib/worker/worker_loop.cpp",
             "kAgeingBudget + 2 * met", "kAgeingBudget", (WORKER,)),
    Mutation("ring not published", "lib/worker/spsc_ring.hpp",
             "tail_.store(tail + 1, std::memory_order_release)", "tail_.store(tail + 1, std::memory_order_relaxed)",
             (WORKER,), race=True),
    Mutation("slots not given back in order", "lib/worker/spsc_ring.hpp",
             "known_head_ = head_.load(std::memory_order_acquire);", "known_head_ = head_.load(std::memory_order_relaxed);",
             (WORKER,), race=True),
    Mutation("ruleset freed in use", "lib/rcu/domain.cpp",
             "reader.seen.load(std::memory_order_seq_cst) < wanted", "false", (WORKER,), race=True),
    Mutation("no quiescent report", "lib/worker/worker_loop.cpp",
             "domain_.quiescent(reader);", "", (WORKER,)),
    Mutation("stopped worker still waited for", "lib/worker/worker_loop.cpp",
             "domain_.offline(reader);", "", (WORKER,)),

    # -- flow
    Mutation("timeout not shortened", "lib/flow/table.cpp",
             "if (timeout_ticks < previous_timeout) {", "if (false && timeout_ticks < previous_timeout) {",
             (FLOW, SCENARIO)),
    Mutation("eviction order swapped", "lib/flow/table.cpp",
             "its_class < victim_class ||", "its_class > victim_class ||", (FLOW, SCENARIO)),
    Mutation("youngest is evicted", "lib/flow/table.cpp",
             "idle > victim_idle", "idle < victim_idle", (FLOW, SCENARIO)),
    Mutation("drop_new evicts", "lib/flow/table.cpp",
             "config_.on_full == OnFull::drop_new || victim == kNone", "victim == kNone", (FLOW, SCENARIO)),
    Mutation("ends too early", "lib/flow/table.cpp",
             "if (base::tick_reached(now, due)) remove(index, EndReason::expired);", "remove(index, EndReason::expired);",
             (FLOW, SCENARIO)),
    Mutation("SYN from the called end passes", "lib/flow/tcp.hpp",
             "/* syn */ Row{S2, iv, iv,", "/* syn */ Row{S2, iv, ig,", (FLOW, SCENARIO)),
    Mutation("FIN alone is a segment", "lib/flow/tcp.hpp",
             "case kFin | kAck:\n", "case kFin:\n    case kFin | kAck:\n", (FLOW, SCENARIO)),
    Mutation("grace period not waited for", "lib/rcu/domain.cpp",
             "reader.seen.load(std::memory_order_seq_cst) < wanted", "false", (RCU,)),

    # -- ruleset, compile
    Mutation("port range one short", "lib/ruleset/classifier.cpp",
             "rule.field[4].mask_range.u16 = row.destination_ports.last;",
             "rule.field[4].mask_range.u16 = static_cast<std::uint16_t>(row.destination_ports.last - 1);",
             (RULESET, SCENARIO, PROPERTY)),
    Mutation("prefix one short", "lib/ruleset/classifier.cpp",
             "std::min(32u, prefix.length - before)", "std::min(31u, prefix.length - before)",
             (RULESET, SCENARIO, PROPERTY)),
    Mutation("ranks the wrong way round", "lib/ruleset/classifier.cpp",
             "RTE_ACL_MAX_PRIORITY - row.rank", "RTE_ACL_MIN_PRIORITY + row.rank", (RULESET, SCENARIO, PROPERTY)),
    Mutation("default allows", "lib/policy/compile/compile.cpp",
             "action_of(policy.default_action)", "ruleset::Action::allow", (COMPILE, SCENARIO, PROPERTY)),
    Mutation("answer rows left out", "lib/policy/compile/rows.cpp",
             "if (ways.answer) emit(", "if (false) emit(", (COMPILE, SCENARIO, PROPERTY)),
    Mutation("direct rows left out", "lib/policy/compile/rows.cpp",
             "if (ways.direct) emit(", "if (false) emit(", (COMPILE, SCENARIO, PROPERTY)),
    Mutation("overlap of mirrors not looked at", "lib/policy/compile/rows.cpp",
             "ways.direct = ways.direct || may_overlap(earlier, u.mirror);", "", (COMPILE, SCENARIO, PROPERTY)),
    Mutation("ports not turned", "lib/policy/compile/rows.cpp",
             "std::swap(transport.source_ports, transport.destination_ports);", "", (COMPILE, SCENARIO, PROPERTY)),
    Mutation("ends not turned", "lib/policy/compile/rows.cpp",
             "std::swap(out.from, out.to);", "", (COMPILE, SCENARIO, PROPERTY)),
    Mutation("ICMP in both families", "lib/policy/compile/rows.cpp",
             "if (carries(family, transport)) emit_transport(", "emit_transport(", (COMPILE, SCENARIO)),
    Mutation("mirror of a drop", "lib/policy/compile/rows.cpp",
             "if (rule.action != Action::allow || rule.reply == Reply::none) return;", "", (COMPILE, PROPERTY)),
    Mutation("untracked rules not in the tracked classifier", "lib/policy/compile/rows.cpp",
             "        emit(policy.rules[position], direct_rank(position),",
             "        if (policy.rules[position].tracked) emit(policy.rules[position], direct_rank(position),",
             (COMPILE, SCENARIO, PROPERTY)),
    Mutation("mtu of the port itself", "lib/policy/compile/compile.cpp",
             "policy.interfaces[interface.peer].mtu", "interface.mtu", (COMPILE, SCENARIO)),

    # -- control
    Mutation("used slot begins where it was", "lib/control/counter_slots.cpp",
             "baseline_[slot] = counted(slot);", "", (CONTROL,)),
    Mutation("slots never come back", "lib/control/counter_slots.cpp",
             "returned_.push_back(it->second);", "", (CONTROL,)),
    Mutation("check keeps its slots", "lib/control/running_policy.cpp",
             "const auto ruleset = compile(*policy, last_epoch_ + 1, outcome);\n"
             "    slots_.keep_only(rule_names(running_->policy));",
             "const auto ruleset = compile(*policy, last_epoch_ + 1, outcome);", (RUNNING,)),
    Mutation("mtu may change live", "lib/control/running_policy.cpp",
             "a[i].mtu != b[i].mtu ||", "", (CONTROL, RUNNING)),

    # -- admin
    Mutation("readers take every place", "lib/admin/server.cpp",
             "left > options.reserved_clients ||", "left > 0 ||", (ADMIN,)),
]
