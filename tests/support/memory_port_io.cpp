#include "support/memory_port_io.hpp"

#include <algorithm>
#include <utility>

namespace sluice::test_support {

using Fate = MemoryFrame::Fate;

MemoryPortIo::MemoryPortIo(std::uint16_t ports, std::uint16_t queues) {
    for (std::uint16_t i = 0; i < ports; ++i) {
        ports_.push_back(std::make_unique<Port>());
        ports_.back()->queues.resize(queues);
    }
}

MemoryFrame& MemoryPortIo::put_in(std::uint16_t port, std::uint16_t queue, Bytes bytes, bool in_pieces) {
    bytes.shrink_to_fit();
    frames_.push_back(std::make_unique<MemoryFrame>());
    MemoryFrame& frame = *frames_.back();
    frame.bytes = std::move(bytes);
    frame.in_port = port;
    frame.in_pieces = in_pieces;
    queue_of(port, queue).waiting.push_back(&frame);
    return frame;
}

std::size_t MemoryPortIo::count(Fate fate) const {
    const auto has_it = [fate](const auto& frame) { return frame->fate == fate; };
    return static_cast<std::size_t>(std::count_if(frames_.begin(), frames_.end(), has_it) +
                                    std::count_if(made_frames_.begin(), made_frames_.end(), has_it));
}

void MemoryPortIo::forget() {
    for (const auto& port : ports_) {
        for (Queue& queue : port->queues) {
            queue.sent.clear();
            queue.waiting.erase(queue.waiting.begin(),
                                queue.waiting.begin() + static_cast<std::ptrdiff_t>(std::exchange(queue.next, 0)));
        }
    }
    const auto is_over = [](const auto& frame) { return frame->fate == Fate::sent || frame->fate == Fate::released; };
    std::erase_if(frames_, is_over);
    std::erase_if(made_frames_, is_over);
}

void MemoryPortIo::receive(std::uint16_t port, std::uint16_t queue, pipeline::Batch& batch) {
    Queue& from = queue_of(port, queue);
    batch.count = 0;
    while (batch.count < pipeline::kBatchSize && from.next < from.waiting.size()) {
        MemoryFrame& frame = *from.waiting[from.next++];
        const unsigned i = batch.count++;
        frame.fate = Fate::taken;
        batch.data[i] = frame.bytes.data();
        batch.length[i] = frame.in_pieces ? std::uint16_t{0} : static_cast<std::uint16_t>(frame.bytes.size());
        batch.handle[i] = &frame;
        batch.port[i] = port;
        batch.checksum[i] = pipeline::Checksum::unknown;
    }
}

bool MemoryPortIo::take_back(MemoryFrame& frame, Fate fate) {
    if (frame.fate != Fate::taken) {
        misuses_.fetch_add(1, std::memory_order_relaxed);
        return false;
    }
    frame.fate = fate;
    return true;
}

unsigned MemoryPortIo::transmit(std::uint16_t port, std::uint16_t queue, void* const* handles, unsigned count) {
    const unsigned limit = ports_[port]->transmit_limit.load(std::memory_order_relaxed);
    const unsigned taken = std::min(count, limit);
    Queue& to = queue_of(port, queue);
    for (unsigned i = 0; i < taken; ++i) {
        MemoryFrame& frame = *static_cast<MemoryFrame*>(handles[i]);
        if (!take_back(frame, Fate::sent)) continue;
        frame.out_port = port;
        frame.out_queue = queue;
        to.sent.push_back(&frame);
    }
    return taken;
}

void MemoryPortIo::release(void* const* handles, unsigned count) {
    for (unsigned i = 0; i < count; ++i) {
        take_back(*static_cast<MemoryFrame*>(handles[i]), Fate::released);
    }
}

void* MemoryPortIo::make(std::span<const std::byte> frame) {
    unsigned left = buffers_.load(std::memory_order_relaxed);
    while (left != kNoLimit && left != 0 && !buffers_.compare_exchange_weak(left, left - 1)) {
    }
    if (left == 0) return nullptr;
    auto made = std::make_unique<MemoryFrame>();
    made->bytes.assign(frame.begin(), frame.end());
    made->made = true;
    made->fate = Fate::taken;
    const std::lock_guard lock(made_);
    made_frames_.push_back(std::move(made));
    return made_frames_.back().get();
}

void MemoryPortIo::shorten(void* handle, std::uint16_t length) {
    auto& frame = *static_cast<MemoryFrame*>(handle);
    if (frame.fate != Fate::taken || length > frame.bytes.size()) misuses_.fetch_add(1, std::memory_order_relaxed);
    frame.bytes.resize(length);
}

} // namespace sluice::test_support
