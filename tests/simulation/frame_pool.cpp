#include "frame_pool.hpp"

#include <cstring>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(from, size) ((void)(from), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(from, size) ((void)(from), (void)(size))
#endif

namespace sluice::simulation {

bool Frame::unchanged() const {
    return std::memcmp(data, copy.get(), length) == 0;
}

FramePool::FramePool(std::uint16_t queues, std::size_t frames)
    : frames_(frames) {
    for (Frame& frame : frames_) {
        frame.buffer = std::make_unique<std::byte[]>(kFrameRoom);
        frame.copy = std::make_unique<std::byte[]>(kFrameRoom);
        free_.push_back(&frame);
    }
    finished_.reserve(frames);
    for (auto& port : queues_) {
        port.resize(queues);
    }
}

FramePool::~FramePool() {
    for (const Frame& frame : frames_) {
        ASAN_UNPOISON_MEMORY_REGION(frame.buffer.get(), kFrameRoom);
    }
}

Frame* FramePool::put_in(std::uint16_t port, std::uint16_t queue, std::span<const std::uint8_t> bytes) {
    if (free_.empty()) return nullptr;
    Frame* frame = free_.back();
    free_.pop_back();
    const std::size_t before = kFrameRoom - bytes.size();
    ASAN_UNPOISON_MEMORY_REGION(frame->buffer.get(), kFrameRoom);
    frame->data = frame->buffer.get() + before;
    std::memcpy(frame->data, bytes.data(), bytes.size());
    std::memcpy(frame->copy.get(), bytes.data(), bytes.size());
    ASAN_POISON_MEMORY_REGION(frame->buffer.get(), before);
    frame->length = static_cast<std::uint16_t>(bytes.size());
    frame->in_port = port;
    frame->fate = Frame::Fate::waiting;
    frame->has_reason = false;
    frame->origin = Origin{};
    ++waiting_;
    queues_[port][queue].frames.push_back(frame);
    return frame;
}

void FramePool::give_back() {
    for (Frame* frame : finished_) {
        frame->fate = Frame::Fate::free;
        free_.push_back(frame);
    }
    finished_.clear();
}

void FramePool::receive(std::uint16_t port, std::uint16_t queue, pipeline::Batch& batch) {
    Queue& from = queues_[port][queue];
    batch.count = 0;
    while (batch.count < pipeline::kBatchSize && from.next < from.frames.size()) {
        Frame& frame = *from.frames[from.next++];
        const unsigned i = batch.count++;
        frame.fate = Frame::Fate::taken;
        --waiting_;
        ++taken_;
        batch.data[i] = frame.data;
        batch.length[i] = frame.length;
        batch.handle[i] = &frame;
        batch.port[i] = port;
        batch.checksum[i] = pipeline::Checksum::unknown;
    }
    if (from.next == from.frames.size()) {
        from.frames.clear();
        from.next = 0;
    }
}

void FramePool::finish(void* handle, Frame::Fate fate, std::uint16_t out_port) {
    Frame& frame = *static_cast<Frame*>(handle);
    if (frame.fate != Frame::Fate::taken) {
        ++misuses_;
        return;
    }
    frame.fate = fate;
    frame.out_port = out_port;
    --taken_;
    finished_.push_back(&frame);
}

unsigned FramePool::transmit(std::uint16_t port, std::uint16_t, void* const* handles, unsigned count) {
    for (unsigned i = 0; i < count; ++i) {
        finish(handles[i], Frame::Fate::sent, port);
    }
    return count;
}

void FramePool::release(void* const* handles, unsigned count) {
    for (unsigned i = 0; i < count; ++i) {
        finish(handles[i], Frame::Fate::released, 0);
    }
}

} // namespace sluice::simulation
