// The plain line in SystemC: a process for each station, an sc_fifo for each buffer.
//
// A station waits in read() when it starves and in write() when it is blocked, so a finished part
// stays with it: blocking after service, as in `benchmarks/plain_line.py`. Written to be quick:
// whole microseconds without a conversion, a cheap generator, and, as `methods`, the same line
// without coroutines and delta cycles, which is how a model that must be fast is written.
//
// line (threads|methods) STATIONS CAPACITY SEED WARM_UP_US SPAN_US
// prints: operations, parts out and CPU seconds of the span after the warm-up.
#include <systemc>

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <string>
#include <vector>

namespace {

struct Draws {
    std::uint64_t state;

    // Exponential with a mean of 1 s, in whole microseconds, 1 at least.
    sc_core::sc_time next() {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        const double uniform = (static_cast<double>(state >> 11) + 0.5) * 0x1p-53;
        const auto us = static_cast<std::uint64_t>(std::llround(-1e6 * std::log(uniform)));
        return sc_core::sc_time::from_value(us < 1 ? 1 : us);
    }
};

std::uint64_t key(std::uint64_t seed, std::uint64_t station) {
    std::uint64_t z = seed * 0x9e3779b97f4a7c15 + (station + 1) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return (z ^ (z >> 31)) | 1;
}

using Fifo = sc_core::sc_fifo<std::int64_t>;

struct Worker : sc_core::sc_module {
    Fifo *in, *out;
    Draws draws;
    std::int64_t completed = 0, made = 0;

    SC_HAS_PROCESS(Worker);
    Worker(sc_core::sc_module_name name, Fifo *in, Fifo *out, std::uint64_t key)
        : sc_module(name), in(in), out(out), draws{key} {
        SC_THREAD(work);
    }
    void work() {
        for (;;) {
            const std::int64_t part = in ? in->read() : made++;
            wait(draws.next());
            completed++;
            if (out) out->write(part);
        }
    }
};

struct Ring {
    std::vector<std::int64_t> slots;
    std::size_t head = 0, count = 0;
    sc_core::sc_event gained_part, gained_room;

    explicit Ring(std::size_t capacity) : slots(capacity) {}
    bool full() const { return count == slots.size(); }
    void put(std::int64_t part) {
        std::size_t at = head + count++;
        slots[at < slots.size() ? at : at - slots.size()] = part;
    }
    std::int64_t take() {
        const std::int64_t part = slots[head];
        if (++head == slots.size()) head = 0;
        count--;
        return part;
    }
};

struct Stepper : sc_core::sc_module {
    enum { STARVED, WORKING, BLOCKED } state = STARVED;
    Ring *in, *out;
    Draws draws;
    std::int64_t completed = 0, made = 0, part = 0;
    Stepper *before = nullptr, *after = nullptr;

    SC_HAS_PROCESS(Stepper);
    Stepper(sc_core::sc_module_name name, Ring *in, Ring *out, std::uint64_t key)
        : sc_module(name), in(in), out(out), draws{key} {
        SC_METHOD(step);
    }
    void step() {
        if (state == WORKING) {
            completed++;
            state = BLOCKED;
        }
        if (state == BLOCKED) {
            if (out && out->full()) return next_trigger(out->gained_room);
            if (out) {
                out->put(part);
                if (after->state == STARVED) out->gained_part.notify();
            }
            state = STARVED;
        }
        if (in && in->count == 0) return next_trigger(in->gained_part);
        if (in) {
            part = in->take();
            if (before->state == BLOCKED) in->gained_room.notify();
        } else {
            part = made++;
        }
        state = WORKING;
        next_trigger(draws.next());
    }
};

double cpu_s() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

template <typename Station>
void run(const std::vector<std::unique_ptr<Station>> &stations, std::uint64_t warm_up_us, std::uint64_t span_us) {
    const auto operations = [&] {
        std::int64_t sum = 0;
        for (const auto &station : stations) sum += station->completed;
        return sum;
    };
    sc_core::sc_start(sc_core::sc_time::from_value(warm_up_us));
    const std::int64_t before = operations(), out_before = stations.back()->completed;
    const double began = cpu_s();
    sc_core::sc_start(sc_core::sc_time::from_value(span_us));
    const double spent = cpu_s() - began;
    std::printf("%lld %lld %.6f\n", static_cast<long long>(operations() - before),
                static_cast<long long>(stations.back()->completed - out_before), spent);
}

}  // namespace

int sc_main(int argc, char **argv) {
    if (argc != 7) {
        std::fputs("line (threads|methods) STATIONS CAPACITY SEED WARM_UP_US SPAN_US\n", stderr);
        return 2;
    }
    sc_core::sc_report_handler::set_actions(sc_core::SC_WARNING, sc_core::SC_DO_NOTHING);
    sc_core::sc_set_time_resolution(1, sc_core::SC_US);
    const std::string how = argv[1];
    const std::size_t count = std::strtoull(argv[2], nullptr, 10);
    const int capacity = std::atoi(argv[3]);
    const std::uint64_t seed = std::strtoull(argv[4], nullptr, 10);
    const std::uint64_t warm_up_us = std::strtoull(argv[5], nullptr, 10);
    const std::uint64_t span_us = std::strtoull(argv[6], nullptr, 10);

    if (how == "threads") {
        std::vector<std::unique_ptr<Fifo>> fifos;
        std::vector<std::unique_ptr<Worker>> stations;
        for (std::size_t i = 0; i + 1 < count; i++) fifos.push_back(std::make_unique<Fifo>(capacity));
        for (std::size_t i = 0; i < count; i++)
            stations.push_back(std::make_unique<Worker>(
                sc_core::sc_gen_unique_name("S"), i ? fifos[i - 1].get() : nullptr,
                i + 1 < count ? fifos[i].get() : nullptr, key(seed, i)));
        run(stations, warm_up_us, span_us);
    } else {
        std::vector<std::unique_ptr<Ring>> rings;
        std::vector<std::unique_ptr<Stepper>> stations;
        for (std::size_t i = 0; i + 1 < count; i++)
            rings.push_back(std::make_unique<Ring>(static_cast<std::size_t>(capacity)));
        for (std::size_t i = 0; i < count; i++)
            stations.push_back(std::make_unique<Stepper>(
                sc_core::sc_gen_unique_name("S"), i ? rings[i - 1].get() : nullptr,
                i + 1 < count ? rings[i].get() : nullptr, key(seed, i)));
        for (std::size_t i = 0; i + 1 < count; i++) {
            stations[i]->after = stations[i + 1].get();
            stations[i + 1]->before = stations[i].get();
        }
        run(stations, warm_up_us, span_us);
    }
    return 0;
}
