#include "dpdk/eal.hpp"

#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_version.h>

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <utility>

namespace sluice::dpdk {
namespace {

constexpr std::uint64_t kMiB = 1u << 20;

std::string runtime_folder(const std::string& file_prefix) {
    return runtime_root() + "/" + file_prefix;
}

std::string cpu_set(const std::vector<unsigned>& cpus) {
    std::string text = "(";
    for (const unsigned cpu : cpus) {
        if (text.size() > 1) text += ',';
        text += std::to_string(cpu);
    }
    return text + ")";
}

/// "0@(0,1),1@1": lcore 0 is the main thread, lcore w + 1 worker w.
std::string lcores(const EalOptions& options) {
    std::vector<unsigned> control = options.control_cpus;
    if (control.empty()) {
        cpu_set_t allowed;
        sched_getaffinity(0, sizeof allowed, &allowed);
        for (unsigned cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
            if (CPU_ISSET(cpu, &allowed)) control.push_back(cpu);
        }
    }
    std::string text = "0@" + cpu_set(control);
    for (std::size_t w = 0; w < options.worker_cpus.size(); ++w) {
        text += "," + std::to_string(w + 1) + "@" + std::to_string(options.worker_cpus[w]);
    }
    return text;
}

std::vector<std::string> arguments(const EalOptions& options) {
    std::vector<std::string> args = {"sluice",        "--lcores",         lcores(options), "--log-level=*:warning",
                                     "--file-prefix", options.file_prefix};
    if (options.pci_devices.empty()) args.emplace_back("--no-pci");
    for (const std::string& device : options.pci_devices) {
        args.insert(args.end(), {"-a", device});
    }
    // With hugepages: so much is taken at start, more when it is needed. Without: that is all there will ever be.
    if (options.memory_size != 0)
        args.insert(args.end(), {"-m", std::to_string((options.memory_size + kMiB - 1) / kMiB)});
    if (!options.hugepages) {
        args.emplace_back("--no-huge");
    } else if (options.virtio_user) {
        args.emplace_back("--single-file-segments"); // vhost-user carries eight files at most; excludes the other
    } else {
        args.emplace_back("--huge-unlink=always"); // a crash leaves no hugepages behind
    }
    if (!options.shared_files) args.insert(args.end(), {"--no-shconf", "--no-telemetry"});
    return args;
}

Error why_eal_failed(const EalOptions& options) {
    using Kind = Error::Kind;
    const std::string reason = rte_strerror(rte_errno);
    if (prefix_in_use(options.file_prefix)) {
        return {Kind::in_use, "another process uses the file prefix '" + options.file_prefix +
                                  "'; stop it, or choose another with --file-prefix"};
    }
    if (options.hugepages) {
        if (geteuid() != 0 && access("/dev/hugepages", W_OK) != 0) {
            return {Kind::not_permitted, "no access to hugepages: run as root, or try --no-huge"};
        }
        const std::uint64_t free_size = hugepage_memory().free_size;
        if (free_size == 0) return {Kind::no_memory, "no free hugepages: run tools/setup, or try --no-huge"};
        if (options.memory_size > free_size) {
            return {Kind::no_memory, "system.memory asks for " + std::to_string(options.memory_size / kMiB) +
                                         " MiB in hugepages, but only " + std::to_string(free_size / kMiB) +
                                         " MiB are free: run tools/setup --hugepages, or ask for less"};
        }
    }
    return {Kind::failed, "DPDK did not start: " + reason};
}

/// A folder of this name is removed at the end: it must be one below the runtime folder, and nothing above.
bool is_plain_name(const std::string& name) {
    constexpr const char* kPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
    return !name.empty() && name.front() != '.' && name.find_first_not_of(kPlain) == std::string::npos;
}

std::uint64_t number_in(const std::filesystem::path& file) {
    std::ifstream in(file);
    std::uint64_t value = 0;
    in >> value;
    return value;
}

} // namespace

base::Expected<Eal, Error> Eal::start(const EalOptions& options) {
    if (!is_plain_name(options.file_prefix)) {
        return base::Unexpected(
            Error{Error::Kind::failed,
                  "the file prefix '" + options.file_prefix +
                      "' is not letters, digits, '-', '_' and inner dots; choose another with --file-prefix"});
    }
    // AF_XDP locks its rings and programs in memory; a limit that root may raise is no reason to fail. Where that is
    // not allowed, the port that needs it says so.
    const rlimit unlimited{RLIM_INFINITY, RLIM_INFINITY};
    (void)setrlimit(RLIMIT_MEMLOCK, &unlimited);
    // One program a port is enough: libxdp's dispatcher, which lets several share it, only adds ways to fail.
    setenv("LIBXDP_SKIP_DISPATCHER", "1", 0);

    std::vector<std::string> args = arguments(options);
    std::vector<char*> argv;
    for (std::string& arg : args) {
        argv.push_back(arg.data());
    }
    if (rte_eal_init(static_cast<int>(argv.size()), argv.data()) < 0) {
        Error why = why_eal_failed(options);
        std::error_code ignored;
        if (!prefix_in_use(options.file_prefix))
            std::filesystem::remove_all(runtime_folder(options.file_prefix), ignored);
        return base::Unexpected(std::move(why));
    }
    return Eal(runtime_folder(options.file_prefix));
}

Eal::Eal(Eal&& other) noexcept
    : running_(std::exchange(other.running_, false))
    , runtime_folder_(std::move(other.runtime_folder_)) {}

Eal::~Eal() {
    if (!running_) return;
    rte_eal_cleanup();
    // The EAL leaves its folder behind, even one without files. It is ours until this process ends: the lock is held.
    std::error_code ignored;
    std::filesystem::remove_all(runtime_folder_, ignored);
}

bool Eal::launch(unsigned worker, int (*function)(void*), void* argument) {
    return rte_eal_remote_launch(function, argument, worker + 1) == 0;
}

void Eal::wait(unsigned worker) {
    rte_eal_wait_lcore(worker + 1);
}

std::uint64_t Eal::cycles_per_second() {
    return rte_get_tsc_hz();
}

std::string Eal::version() {
    return rte_version();
}

HugepageMemory hugepage_memory() {
    HugepageMemory memory;
    std::error_code ignored;
    for (const auto& folder : std::filesystem::directory_iterator("/sys/kernel/mm/hugepages", ignored)) {
        // hugepages-2048kB
        const std::string name = folder.path().filename();
        const auto dash = name.find('-');
        if (dash == std::string::npos) continue;
        const std::uint64_t page_size = std::strtoull(name.c_str() + dash + 1, nullptr, 10) << 10;
        memory.free_size += page_size * number_in(folder.path() / "free_hugepages");
        memory.total_size += page_size * number_in(folder.path() / "nr_hugepages");
    }
    return memory;
}

std::uint64_t available_memory_size() {
    std::ifstream in("/proc/meminfo");
    std::string name, unit;
    std::uint64_t size_kib = 0;
    while (in >> name >> size_kib && std::getline(in, unit)) {
        if (name == "MemAvailable:") return size_kib * 1024;
    }
    return UINT64_MAX;
}

std::string runtime_root() {
    // As eal_create_runtime_dir() chooses it.
    if (geteuid() == 0) return "/var/run/dpdk";
    const char* xdg = std::getenv("XDG_RUNTIME_DIR");
    return std::string(xdg != nullptr ? xdg : "/tmp") + "/dpdk";
}

bool prefix_in_use(const std::string& file_prefix) {
    // The EAL holds a record lock on this file for as long as it runs.
    const int fd = open((runtime_folder(file_prefix) + "/config").c_str(), O_RDWR | O_CLOEXEC);
    if (fd < 0) return false;
    struct flock lock {};
    lock.l_type = F_WRLCK;
    lock.l_whence = SEEK_SET;
    const bool held = fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
    close(fd);
    return held;
}

} // namespace sluice::dpdk
