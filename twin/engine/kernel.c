/*
 * The compiled engine: what a line does, by the rules of docs/explanation/semantics.md.
 *
 * It follows the reference engine event for event. All numbers are whole: times are int64
 * microseconds, probabilities are thresholds, distributions are quantile tables. Nothing here
 * knows a file, a clock or a locale.
 *
 * It reads in this order: the program (what never changes), the state (what does), the list of
 * pending events, draws, queues, and then the life of a place: it becomes free, takes a load, works,
 * fails and is repaired, completes, judges its parts, puts them out.
 */
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef int64_t i64;
typedef uint64_t u64;

/* -DSTATISTICS=0 leaves out what is only counted, for benchmarks: nothing that happens depends on it. */
#ifndef STATISTICS
#define STATISTICS 1
#endif

#define FOREVER (INT64_C(1) << 62)
#define UNLIMITED (INT64_C(1) << 62)
#define NONE (-1)
#define MILLI 1000
#define INTERVALS 1024
#define TABLE_LENGTH (2 * (INTERVALS + 1))
#define CONDITIONS 7
#define FEW_OF 16
#define HOUR_US INT64_C(3600000000)
#define MOST_HOURS INT64_C(876600)  /* of which the output is noted: a hundred years */

#if defined(_WIN32)
#define EXPORT __declspec(dllexport)
#else
#define EXPORT __attribute__((visibility("default")))
#endif

#if defined(__GNUC__)
#define SELDOM __attribute__((noinline, cold))
#define OFTEN inline __attribute__((always_inline))
#define APART __attribute__((noinline))
#define RARELY(condition) __builtin_expect(!!(condition), 0)
#else
#define SELDOM
#define OFTEN inline
#define APART
#define RARELY(condition) (condition)
#endif

enum Condition { EXECUTE, STARVED, BLOCKED, FAULT, SETUP, MAINTENANCE, PLANNED_STOP };
enum After { RESUME, RESTART, SCRAP_LOAD };
enum Verdict { PASS, SCRAP, REWORK, REJECT };
enum Pending { NOTHING, COMPLETED, STRUCK, REPAIRED };
enum Waits { FOR_NOTHING, FOR_A_LOAD, FOR_ROOM };
enum Task { GAINED_PARTS, GAINED_ROOM, FREE };
enum EventKind {
    OPERATION_STARTED = 1, OPERATION_COMPLETED, PART_PASSED, PART_SCRAPPED, PART_REWORKED,
    STATE_CHANGED, MACHINE_FAILED, MACHINE_REPAIRED, MATERIAL_DELIVERED
};
enum Outcome { OK = 0, OUT_OF_MEMORY = 1, LOG_IS_FULL = 2, STOPPED = 3 };

/* ---- The program: a line as arrays of structs of int64, laid out by program.py ---------------- */

/* The keys are none of the line's: an engine has these rows in memory of its own, and its keys there. */

typedef struct { u64 k0, k1; } Key;
typedef struct { i64 from, count; } Range;

typedef struct {
    Range machines, groups, uses, arise, detect;
    i64 passes_on, gives_milli, code, table, calendar, rework_lane, reject_lane, shares, plain;
    i64 inspects, false_below, scrap_below, outcome_below, by_time;
    Key service, route, arise_key, false_reject, outcome;
} StationPlan;

typedef struct { i64 station; Range inlets, outlets; i64 single_lane; } GroupPlan;
typedef struct { Range lanes; i64 milli; } InletPlan;
typedef struct { i64 group; Range lanes; i64 share_below; } OutletPlan;
typedef struct { i64 capacity; Range takers, givers; } LanePlan;
typedef struct { i64 station, number; Range places, modes, services; } MachinePlan;
typedef struct { i64 machine, group, number; } PlacePlan;
typedef struct {
    i64 number, is_setup, after, stops_handling, crew, due_table, lasts_table;
    Key due, lasts;
} ModePlan;
typedef struct { i64 machine, every_us, lasts_us, first_us, crew; } ServicePlan;
typedef struct { Range stops, stations; } CalendarPlan;
typedef struct { i64 every_us, at_us, lasts_us; } StopPlan;
typedef struct { i64 stock, has_delivery, every_us, first_us, amount; Range stations; } MaterialPlan;
typedef struct { i64 material, amount; } UsePlan;
typedef struct { i64 below, bit; } ArisePlan;
typedef struct { i64 bit, below; Key key; } DetectPlan;
typedef struct { Range lanes; i64 rework_lane; } BufferPlan;
typedef struct { Range text; } StreamPlan;  /* bytes of `stream_texts` */

#define PLAN_TABLES(X)                                                                             \
    X(StationPlan, stations) X(GroupPlan, groups) X(InletPlan, inlets) X(OutletPlan, outlets)        \
    X(LanePlan, lanes) X(MachinePlan, machines) X(PlacePlan, places) X(ModePlan, modes)              \
    X(ServicePlan, services) X(CalendarPlan, calendars) X(StopPlan, stops)                          \
    X(MaterialPlan, materials) X(UsePlan, uses) X(ArisePlan, arise) X(DetectPlan, detect)            \
    X(BufferPlan, buffers) X(StreamPlan, streams) X(i64, stream_texts)                              \
    X(i64, crews) X(i64, inlet_lanes) X(i64, outlet_lanes) X(i64, lane_takers) X(i64, lane_givers)   \
    X(i64, calendar_stations) X(i64, material_stations) X(i64, tables) X(i64, table_constants)

typedef struct {
#define DECLARE(type, name) const type *name; i64 name##_count;
    PLAN_TABLES(DECLARE)
#undef DECLARE
} Program;

/* ---- The state ---------------------------------------------------------------------------------- */

/* It refers to itself by pointers, which wire() sets once; what is counted is int64. All of it that
 * never grows lies in one block. The tables that Python reads (stations, machines, places) are
 * described a second time in kernel_counters.py. */

typedef struct Place Place;
typedef struct Machine Machine;
typedef struct Lane Lane;
typedef struct Outlet Outlet;
typedef struct Group Group;

/* The sum of the lengths of many spans, which tells at any instant also what those that still last
 * come to: a span's beginning is taken off, its end added; read, it is the sum and now for each span
 * that lasts. It may go round: the difference of two readings is right all the same. */
typedef u64 Sum;

typedef struct { i64 number; int32_t rework_pass; uint32_t defects; } Part;
typedef struct { Part part; i64 entered; } PartInLane;

/* What lies on a place. Most places hold one part at most: it lies in the load itself; where there are
 * or have been more, they lie elsewhere, from `first` on, and the slot before them all says for which
 * part the work is drawn. `held` is how many there are, and whether elsewhere; `redone`, how often the
 * work on them was done again in place. */
typedef struct {
    union {
        Part only;
        struct { Part *slots; uint32_t room, first; };
    };
    uint32_t held;
    int32_t redone;
} Load;

#define ELSEWHERE (UINT32_C(1) << 31)
#define MOST_HELD (ELSEWHERE - 1)

/* What lies in a lane: a ring from `begin` to `end`; the next part to enter goes to `next`. */
typedef struct { PartInLane *first, *next, *begin, *end; i64 count, room; } Queue;
typedef struct { Place *head, *tail; i64 count; } PlaceQueue;  /* linked through the places */

/* A node is the winner below it: when, since `start_us`, and which leaf, in one word, so that the
 * smaller word is the earlier event and, on a tie, the lower leaf. The root is at 1, the leaves from
 * `width` on, and behind them one that never comes; the lowest `bits` of a word are the leaf. What is due
 * later than a word can say is never, until the start is moved up to it. */
typedef struct { i64 width, leaves; int bits; i64 start_us; u64 never, leaf_mask, *nodes; } Tournament;

typedef struct {
    const StationPlan *plan;
    const i64 *quantiles;  /* of the operation's time; not read if it is constant */
    i64 constant_us;
    Key service;
    i64 started, completed;
    int32_t plain, closed;
} Station;

struct Lane {
    Queue parts;
    i64 capacity;
    Sum level_us;
    Group *taker;      /* if there is but one */
    Outlet *giver;     /* likewise */
    Group **takers;
    Outlet **givers;
    i64 takers_count, givers_count;
    int32_t gained_parts, gained_room;
    i64 tells_causes;  /* if one of its takers does */
};

/* whole: 0 if it alternates */
typedef struct { Lane **lanes; i64 lanes_count, milli, whole; Sum starved_us; } Inlet;

struct Outlet {
    PlaceQueue waiting;
    Lane **lanes;
    i64 lanes_count;
    u64 share_below;
    i64 blocked;            /* places whose time goes to blocked for want of room here */
    Sum blocked_us;
};

struct Group {
    PlaceQueue waiting;
    Station *station;
    Lane *single_lane;  /* if one part from this lane is all that an operation needs */
    const Inlet *single;/* if one part from this buffer is all that an operation needs */
    Lane *way_out;      /* if all parts go to this lane, and it has a capacity */
    Lane *short_way;    /* the same, if an operation puts out what it took, or makes one part */
    const Inlet *inlet; /* if an operation needs a fixed number of parts from one buffer, and no material */
    Inlet *inlets;
    Outlet *outlets;
    int32_t inlets_count, outlets_count, uses_count;
    int32_t makes_one;    /* and puts out nothing that it took */
    int32_t hand_to_hand; /* if one of its inputs is a lane with capacity 0 */
    int32_t tells_causes; /* if its places can starve for want of different things */
    i64 starved, short_of; /* places whose time goes to starved; what for: an input, or a use after those */
};

typedef struct { const ModePlan *plan; i64 count, strikes_at; } Mode;
typedef struct { const ServicePlan *plan; Machine *machine; i64 due, due_at, done_at; } Service;
typedef struct { i64 free; Machine *head, *tail; } Crew;  /* free < 0: it has shrunk, rule S20 */
typedef struct { i64 level, used; } Store;
typedef struct { Sum starved_us; } Use;

struct Machine {
    Station *station;
    Group *group;
    Tournament *inner;      /* of its places, if it has several */
    i64 leaf;
    i64 hindered;           /* if `down`, `service` or `services_due` is not 0, or its station is closed */
    Sum worked_us;          /* of the operations on its places, as spans: what strikes depends on it */
    i64 next_strike, cycle_time_us;
    i64 consumed, good;
    Sum time_us[CONDITIONS];
    i64 tells_causes;       /* of its places' starved or blocked time, one by one */
    i64 defective, reworked, failures;
    Place *places;
    i64 places_count, several;  /* whether one of its places has held more parts than one */
    int32_t *wants;         /* of each place: which way out is to blame for its being blocked, if there are several */
    Mode *down;             /* which mode has struck */
    Service *service;       /* which maintenance is going on */
    i64 services_due;
    const MachinePlan *plan;
    Mode *modes;
    i64 clock_us, clock_since, clock_runs;
    Machine *crew_next;
};

/* What a loaded place is at: an operation; when it is done, while it goes on, and how much is left of it
 * while it stands still. */
typedef struct {
    i64 drawn_us;
    union { i64 due_us, left_us; };
    i64 started_us, operation;
} Work;

/* What a place waits for that is not loaded: for a load, or for room for its parts at an outlet; how many
 * words ahead of it those before and behind it in its queue lie, 0: none. */
typedef struct { i64 turn, outlet; int32_t previous, next; } Wait;

/* Places are most of the state: nothing in one needs to be changed when the block is copied as it is,
 * unless it holds several parts. */
struct Place {
    int32_t machine_away;   /* in words, from here; the block's tables stay at the same distance */
    int8_t condition, pending, loaded, waits;
    i64 since_us;
    Load parts;             /* the load; once the work is done, what goes out */
    union { Work work; Wait wait; };
};

static inline Machine *machine_of(const Place *p) { return (Machine *)((i64 *)(uintptr_t)p + p->machine_away); }
static inline Place *place_away(const Place *p, int32_t words) { return (Place *)((i64 *)(uintptr_t)p + words); }
static inline int32_t words_to(const Place *from, const Place *to) {
    return (int32_t)((const i64 *)to - (const i64 *)from);
}

#define STATE_TABLES(X)                                                                            \
    X(Station, stations) X(Group, groups) X(Inlet, inlets) X(Outlet, outlets) X(Lane, lanes)         \
    X(Machine, machines) X(Mode, modes) X(Service, services) X(Crew, crews) X(Store, materials)      \
    X(Use, uses) X(Place, places)
#define LINK_TABLES(X)                                                                             \
    X(Lane, inlet_lanes, lanes) X(Lane, outlet_lanes, lanes) X(Group, lane_takers, groups)           \
    X(Outlet, lane_givers, outlets)

/* What the event of a leaf is about, so that nothing has to be followed from one row to the next: the
 * machine, the way in and out of its parts, and who takes them next, where there is but one of them. */
typedef struct {
    Place *first;
    Tournament *inner;
    Machine *machine;
    Station *station;
    Group *group, *taker;   /* the taker only if it takes them one by one */
    Lane *single_lane, *short_way;
} Leaf;

typedef struct { i64 at_us, kind, station, machine, place, number, value; } Event;
typedef struct { i64 task; union { Place *place; Lane *lane; }; } Todo;

/* What to add up over which stations, machines or lanes, and between which bounds to stop. */
enum Summed { OPERATIONS = 0, GOOD_PARTS = 1, PARTS_IN_LANES = 2, PLACES_IN_CONDITION = 3 };
typedef struct { i64 what; Range of; i64 other, at_least, at_most; } StopAt;

/* What a state that was loaded has not been told yet, as it depends on draws: who waits, in turn. */
typedef struct { i64 turn, subject, waits_for; } Turn;
typedef struct { i64 places, machines; int settled; Turn *turns; } Rest;

/* Time that a station's places had been starved and blocked when the engine began. */
typedef struct { i64 starved_us, blocked_us; } Begun;

#define MOST_OF_A_NAME 128

typedef struct Engine {
    Program plan;
    char draws_of[MOST_OF_A_NAME];  /* seed and replication: how the texts begin that keys are made of */
    i64 draws_of_bytes;
    Rest *rest;             /* NULL where nothing was loaded */
    char *block;            /* where everything of the following lies up to `clock_due_us` */
    size_t block_bytes;
#define DECLARE(type, name) type *name;
    STATE_TABLES(DECLARE)
#undef DECLARE
#define DECLARE(type, name, table) type **name;
    LINK_TABLES(DECLARE)
#undef DECLARE
    StationPlan *own_stations; ModePlan *own_modes; DetectPlan *own_detect;  /* the plan's rows, with keys */
    Begun *begun;           /* of each station */
    i64 *ends_us;           /* of a loaded machine: when its repair or maintenance ends; NONE: no such */
    Tournament *inner;      /* of each machine with several places: its places */
    Leaf *leaves;           /* of `work` */
    Tournament clocks;      /* calendars, deliveries, services, failures by time: they rarely fire */
    Tournament work;        /* a leaf for each machine */
    i64 *clock_due_us, *work_due_us;  /* of each leaf */
    i64 firing;             /* the leaf of `work` whose event is going on: it is set at the end, see `run` */
    i64 services_leaf, failures_leaf, next_clock_us;
    i64 counted_from_us, reach_us;  /* of pending events */
    i64 most_events;
    const StopAt *stop_at;  /* NULL: nothing to watch for */
    int stop;               /* why to stop before the time is up: an Outcome */
    int watches;            /* whether there may be something to stop at */
    i64 now_us, start_us, began_us, end_us, turns;
    Load made;              /* what an operation has made, until it is judged */
    Todo *todo; i64 todo_room, todo_count, lanes_that_gained;
    i64 *hourly; i64 hourly_room, hourly_count, next_hour_us;  /* what has left the line by each full hour */
    Event *log; i64 log_room, log_count; int logging;
    jmp_buf give_up;
} Engine;

/* ---- Memory: the only four things that grow ------------------------------------------------------- */

SELDOM static void *grown(Engine *e, void *old, i64 *room, size_t size) {
    i64 wanted = *room ? 2 * *room : 256;
    void *bigger = realloc(old, (size_t)wanted * size);
    if (!bigger) longjmp(e->give_up, OUT_OF_MEMORY);
    *room = wanted;
    return bigger;
}

/* The list of rule S26; it is worked off from its start and emptied at its end. */
static inline void add_todo(Engine *e, Todo todo) {
    if (e->todo_count == e->todo_room) e->todo = grown(e, e->todo, &e->todo_room, sizeof(Todo));
    e->todo[e->todo_count++] = todo;
}

static inline void set_free(Engine *e, Place *place) { add_todo(e, (Todo){FREE, .place = place}); }

SELDOM static void write_event(Engine *e, i64 kind, i64 station, i64 machine, i64 place, i64 number,
                               i64 value) {
    if (e->log_count == e->log_room) e->log = grown(e, e->log, &e->log_room, sizeof(Event));
    if (e->log_count + 1 >= e->most_events && !e->stop) e->stop = LOG_IS_FULL;
    e->log[e->log_count++] = (Event){e->now_us, kind, station, machine, place, number, value};
}

SELDOM static void log_place(Engine *e, i64 kind, const Place *p, i64 number, i64 value) {
    const MachinePlan *mp = machine_of(p)->plan;
    write_event(e, kind, mp->station, mp->number, p - machine_of(p)->places, number, value);
}

SELDOM static void log_machine(Engine *e, i64 kind, const Machine *m, i64 number, i64 value) {
    write_event(e, kind, m->plan->station, m->plan->number, NONE, number, value);
}

/* ---- Parts -------------------------------------------------------------------------------------------- */

static inline uint32_t held(const Load *load) { return load->held & MOST_HELD; }
static inline int is_elsewhere(const Load *load) { return load->held >= ELSEWHERE; }
static inline void set_held(Load *load, uint32_t parts) { load->held = (load->held & ELSEWHERE) | parts; }

SELDOM static void enlarge_load(Engine *e, Load *load, uint32_t more) {
    int elsewhere = is_elsewhere(load);
    uint32_t before = elsewhere ? load->room : 1, first = elsewhere ? load->first : 0;
    u64 room = before < 4 ? 4 : 2 * (u64)before;
    while (room < (u64)first + held(load) + more) room *= 2;
    Part *slots = room < MOST_HELD ? malloc((room + 1) * sizeof(Part)) : NULL;
    if (!slots) longjmp(e->give_up, OUT_OF_MEMORY);
    if (elsewhere) memcpy(slots, load->slots - 1, ((size_t)before + 1) * sizeof(Part));
    else memcpy(slots, (Part[2]){{0}, load->only}, 2 * sizeof(Part));
    if (elsewhere) free(load->slots - 1);
    *load = (Load){.slots = slots + 1, .room = (uint32_t)room, .first = first,
                   .held = held(load) | ELSEWHERE, .redone = load->redone};
    if (load == &e->made) return;
    Place *p = (Place *)((char *)load - offsetof(Place, parts));
    machine_of(p)->several = 1;
}

/* What lies in a lane, in its order. */
static void write_out(const Queue *queue, PartInLane *to) {
    i64 before_end = queue->end - queue->first;
    if (before_end > queue->count) before_end = queue->count;
    memcpy(to, queue->first, (size_t)before_end * sizeof(PartInLane));
    memcpy(to + before_end, queue->begin, (size_t)(queue->count - before_end) * sizeof(PartInLane));
}

SELDOM static void enlarge_queue(Engine *e, Queue *queue, i64 more) {
    i64 room = queue->count ? 2 * queue->count : 4;
    while (room < queue->count + more) room *= 2;
    PartInLane *slots = malloc((size_t)room * sizeof(PartInLane));
    if (!slots) longjmp(e->give_up, OUT_OF_MEMORY);
    if (queue->count) write_out(queue, slots);
    free(queue->begin);
    *queue = (Queue){slots, slots + queue->count, slots, slots + room, queue->count, room};
}

static inline const Part *part_at(const Load *load, uint32_t i) {
    return is_elsewhere(load) ? &load->slots[load->first + i] : &load->only;
}

static inline Part *own_part_at(Load *load, uint32_t i) {
    return is_elsewhere(load) ? &load->slots[load->first + i] : &load->only;
}

static inline void empty(Load *load) {
    set_held(load, 0);
    if (is_elsewhere(load)) load->first = 0;
}

static inline void drop_first(Load *load) {
    load->held--;
    if (is_elsewhere(load)) load->first++;
}

/* Room for more parts at the end of a load. */
static inline void make_room(Engine *e, Load *load, uint32_t more) {
    u64 wanted = (u64)held(load) + more;
    if (is_elsewhere(load) ? load->first + wanted > load->room : wanted > 1) enlarge_load(e, load, more);
}

/* The end of a load, to be written to. */
static inline Part *new_last(Engine *e, Load *load) {
    make_room(e, load, 1);
    return own_part_at(load, load->held++ & MOST_HELD);
}

/* The end of a lane, to be written to. */
static inline PartInLane *new_in_lane(Engine *e, Queue *queue) {
    if (RARELY(queue->count == queue->room)) enlarge_queue(e, queue, 1);
    PartInLane *slot = queue->next++;
    if (RARELY(queue->next == queue->end)) queue->next = queue->begin;
    queue->count++;
    return slot;
}

/* The part taken from a lane; it stands until another enters. */
static inline const Part *take_first(Queue *queue) {
    const PartInLane *first = queue->first++;
    if (RARELY(queue->first == queue->end)) queue->first = queue->begin;
    queue->count--;
    return &first->part;
}

/* So many parts taken from a lane, to the end of a load. */
static void take_many(Engine *e, Queue *queue, i64 many, Load *load) {
    make_room(e, load, (uint32_t)many);
    Part *to = own_part_at(load, held(load));
    load->held += (uint32_t)many;
    queue->count -= many;
    while (many) {
        const PartInLane *from = queue->first;
        i64 stretch = queue->end - from < many ? queue->end - from : many;
        for (i64 i = 0; i < stretch; i++) to[i] = from[i].part;
        to += stretch;
        many -= stretch;
        queue->first = from + stretch == queue->end ? queue->begin : queue->first + stretch;
    }
}

/* ---- Pending events: tournaments; the earliest wins, the lower leaf on a tie (rule S25) ------------- */

static inline i64 tournament_leaf(const Tournament *t) { return (i64)(t->nodes[1] & t->leaf_mask); }
static inline i64 tournament_at(const Tournament *t) { return t->start_us + (i64)(t->nodes[1] >> t->bits); }

static inline u64 word_of(const Tournament *t, i64 leaf, i64 at) {
    u64 since = (u64)(at - t->start_us);
    if (RARELY(since > t->never)) since = t->never;
    return since << t->bits | (u64)leaf;
}

/* A function of its own keeps `tournament_set` from doing without a branch here. */
SELDOM static void set_root(Tournament *t, u64 word) { t->nodes[1] = word; }

/* Nobody could foretell who wins below the root: no branch there. At the root it is nearly always one
 * of the others; a branch that says so lets the processor go on with that event before the time drawn
 * for this leaf is known, which is worth a quarter of speed on a line of plain stations. */
static OFTEN void tournament_set(Tournament *t, i64 leaf, i64 at) {
    u64 *nodes = t->nodes, word = word_of(t, leaf, at), winner = word, others = UINT64_MAX;
    u64 node = (u64)(leaf + t->width);
    do {
        nodes[node] = winner;
        node ^= 1;
        u64 other = nodes[node];
        node >>= 1;
        others = other < others ? other : others;
        winner = other < winner ? other : winner;
    } while (node != 1);
    if (RARELY(word < others)) set_root(t, word);
    else nodes[1] = others;
}

/* A leaf is due earlier than it was: that needs no look at the others. */
static OFTEN void tournament_wake(Tournament *t, i64 leaf, i64 at) {
    u64 *nodes = t->nodes, word = word_of(t, leaf, at);
    u64 node = (u64)(leaf + t->width);
    nodes[node] = word;
    do {
        node >>= 1;
        nodes[node] = word < nodes[node] ? word : nodes[node];
    } while (node != 1);
}

/* When a place of a machine with several is due: nothing strikes it but the clock. */
static i64 place_is_due(const Place *p) {
    return p->pending == COMPLETED ? p->work.due_us : FOREVER;
}

/* Of a tournament whose leaves have been set one by one. */
static void find_winners(Tournament *t) {
    i64 end = t->width + t->leaves;
    t->nodes[end] = UINT64_MAX;
    for (i64 node = t->width - 1; node >= 1; node--) {
        u64 left = 2 * node > end ? UINT64_MAX : t->nodes[2 * node];
        u64 right = 2 * node >= end ? UINT64_MAX : t->nodes[2 * node + 1];
        t->nodes[node] = left < right ? left : right;
    }
}

static void tournament_start(Tournament *t, i64 start_us, const i64 *due) {
    t->start_us = start_us;
    for (i64 i = 0; i < t->leaves; i++) t->nodes[t->width + i] = word_of(t, i, due[i]);
    find_winners(t);
}

/* Count pending events from another instant: everything up to and at it has happened. What was too far
 * off for the words may be near enough for them now. */
static void count_from(Engine *e, i64 at_us) {
    e->counted_from_us = at_us;
    tournament_start(&e->clocks, at_us, e->clock_due_us);
    e->next_clock_us = tournament_at(&e->clocks);
    for (const Machine *m = e->machines; m < e->machines + e->plan.machines_count; m++) {
        Tournament *t = m->inner;
        if (!t) continue;
        t->start_us = at_us;
        for (i64 i = 0; i < t->leaves; i++)
            t->nodes[t->width + i] = word_of(t, i, place_is_due(&m->places[i]));
        find_winners(t);
        e->work_due_us[m->leaf] = tournament_at(t);
    }
    tournament_start(&e->work, at_us, e->work_due_us);
}

SELDOM static void move_back(Engine *e, i64 leaf, i64 at) { tournament_set(&e->work, leaf, at); }

static OFTEN void schedule_machine(Engine *e, const Machine *m, i64 at) {
    i64 before = e->work_due_us[m->leaf];
    e->work_due_us[m->leaf] = at;
    if (m->leaf == e->firing) return;
    if (at < before) tournament_wake(&e->work, m->leaf, at);
    else move_back(e, m->leaf, at);
}

/* One of a machine's several places: the first of them is due when the machine is. */
static void schedule_among(Engine *e, const Place *p, i64 at) {
    const Machine *m = machine_of(p);
    i64 before = tournament_at(m->inner);
    tournament_set(m->inner, p - m->places, at);
    at = tournament_at(m->inner);
    if (at != before) schedule_machine(e, m, at);
}

static OFTEN void schedule_place(Engine *e, const Place *p, i64 at) {
    const Machine *m = machine_of(p);
    if (RARELY(m->inner)) schedule_among(e, p, at);
    else schedule_machine(e, m, at);
}

/* Clocks rarely change: when the first of them is due is kept at hand. */
static void set_clock(Engine *e, i64 leaf, i64 at) {
    e->clock_due_us[leaf] = at;
    tournament_set(&e->clocks, leaf, at);
    e->next_clock_us = tournament_at(&e->clocks);
}

static void schedule_service(Engine *e, const Service *s) {
    i64 at = s->due_at < s->done_at ? s->due_at : s->done_at;
    set_clock(e, e->services_leaf + (s - e->services), at);
}

/* A time-dependent failure of a machine, or the end of its repair. */
static void schedule_failure(Engine *e, const Machine *m, i64 at) {
    set_clock(e, e->failures_leaf + (m - e->machines), at);
}

/* ---- Keys: BLAKE2b (RFC 7693) of what a stream is for, as draws.py makes them ------------------------ */

static const u64 blake_start[8] = {
    UINT64_C(0x6A09E667F3BCC908), UINT64_C(0xBB67AE8584CAA73B), UINT64_C(0x3C6EF372FE94F82B),
    UINT64_C(0xA54FF53A5F1D36F1), UINT64_C(0x510E527FADE682D1), UINT64_C(0x9B05688C2B3E6C1F),
    UINT64_C(0x1F83D9ABFB41BD6B), UINT64_C(0x5BE0CD19137E2179)};
static const uint8_t blake_order[10][16] = {
    {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
    {14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
    {11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4},
    {7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8},
    {9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13},
    {2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9},
    {12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11},
    {13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10},
    {6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5},
    {10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0}};

enum { BLAKE_BLOCK = 128 };
#define ROTATED(word, by) ((word) >> (by) | (word) << (64 - (by)))
#define BLAKE_MIX(a, b, c, d, x, y)                                                                \
    a += b + (x); d = ROTATED(d ^ a, 32); c += d; b = ROTATED(b ^ c, 24);                          \
    a += b + (y); d = ROTATED(d ^ a, 16); c += d; b = ROTATED(b ^ c, 63);

static void blake_compress(u64 h[8], const uint8_t *block, u64 bytes, int last) {
    u64 m[16] = {0}, v[16];
    for (int i = 0; i < BLAKE_BLOCK; i++) m[i / 8] |= (u64)block[i] << i % 8 * 8;
    for (int i = 0; i < 8; i++) {
        v[i] = h[i];
        v[8 + i] = blake_start[i];
    }
    v[12] ^= bytes;
    if (last) v[14] = ~v[14];
    for (int round = 0; round < 12; round++) {
        const uint8_t *o = blake_order[round % 10];
        BLAKE_MIX(v[0], v[4], v[8], v[12], m[o[0]], m[o[1]])
        BLAKE_MIX(v[1], v[5], v[9], v[13], m[o[2]], m[o[3]])
        BLAKE_MIX(v[2], v[6], v[10], v[14], m[o[4]], m[o[5]])
        BLAKE_MIX(v[3], v[7], v[11], v[15], m[o[6]], m[o[7]])
        BLAKE_MIX(v[0], v[5], v[10], v[15], m[o[8]], m[o[9]])
        BLAKE_MIX(v[1], v[6], v[11], v[12], m[o[10]], m[o[11]])
        BLAKE_MIX(v[2], v[7], v[8], v[13], m[o[12]], m[o[13]])
        BLAKE_MIX(v[3], v[4], v[9], v[14], m[o[14]], m[o[15]])
    }
    for (int i = 0; i < 8; i++) h[i] ^= v[i] ^ v[8 + i];
}

/* 16 bytes of digest, made personal with "linetwin-draw", of one text after another. */
static Key hashed(const char *first, i64 first_bytes, const char *second, i64 second_bytes) {
    u64 h[8];
    memcpy(h, blake_start, sizeof h);
    h[0] ^= UINT64_C(0x01010010);
    h[6] ^= UINT64_C(0x6E697774656E696C);  /* "linetwin" */
    h[7] ^= UINT64_C(0x000000776172642D);  /* "-draw" */
    i64 bytes = first_bytes + second_bytes;
    for (i64 done = 0; done < bytes || !done; done += BLAKE_BLOCK) {
        uint8_t block[BLAKE_BLOCK] = {0};
        i64 end = bytes - done < BLAKE_BLOCK ? bytes : done + BLAKE_BLOCK;
        for (i64 i = done; i < end; i++)
            block[i - done] = (uint8_t)(i < first_bytes ? first[i] : second[i - first_bytes]);
        blake_compress(h, block, (u64)end, end == bytes);
    }
    return (Key){h[0], h[1]};
}

static Key stream_key(const Engine *e, i64 stream) {
    Range text = e->plan.streams[stream].text;
    return hashed(e->draws_of, e->draws_of_bytes, (const char *)e->plan.stream_texts + text.from, text.count);
}

/* Streams are numbered as `streams_of` in program.py does: stations, modes, detections. */
enum { KEYS_OF_STATION = 5, KEYS_OF_MODE = 2 };

static void make_keys(Engine *e) {
    const Program *plan = &e->plan;
    i64 stream = 0;
    for (StationPlan *sp = e->own_stations; sp < e->own_stations + plan->stations_count; sp++) {
        sp->service = stream_key(e, stream++);
        sp->route = stream_key(e, stream++);
        sp->arise_key = stream_key(e, stream++);
        sp->false_reject = stream_key(e, stream++);
        sp->outcome = stream_key(e, stream++);
        e->stations[sp - e->own_stations].service = sp->service;
    }
    stream += KEYS_OF_MODE * plan->modes_count;
    for (i64 i = 0; i < plan->detect_count; i++) e->own_detect[i].key = stream_key(e, stream++);
}

/* Most failures never happen in a run: their keys are made at the first draw. */
static Key mode_key(const Engine *e, i64 mode, int lasts) {
    Key *key = lasts ? &e->own_modes[mode].lasts : &e->own_modes[mode].due;
    if (!key->k0 && !key->k1)
        *key = stream_key(e, KEYS_OF_STATION * e->plan.stations_count + KEYS_OF_MODE * mode + lasts);
    return *key;
}

/* ---- Draws (rules S2, S3) --------------------------------------------------------------------------- */

static inline u64 mix64(u64 z) {
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

static inline u64 draw(Key key, u64 index) {
    return mix64(mix64(key.k0 + (index + 1) * UINT64_C(0x9E3779B97F4A7C15)) ^ key.k1);
}

static inline u64 draw_index(i64 number, i64 rework_pass) {
    return (u64)number + (u64)rework_pass * UINT64_C(0xD6E8FEB86659FD93);
}

static inline int strikes(Key key, u64 index, i64 below) {
    return draw(key, index) >> 1 < (u64)below;
}

/* So many 2^32nds of a step. */
static inline i64 part_of(u64 step, u64 fraction) {
#if defined(__SIZEOF_INT128__)
    __extension__ typedef unsigned __int128 u128;
    return (i64)((u128)step * fraction >> 32);
#else
    return (i64)((step >> 32) * fraction + ((step & 0xFFFFFFFF) * fraction >> 32));
#endif
}

static inline i64 variate(const i64 *q, i64 constant, Key key, u64 index) {
    if (constant) return constant;
    u64 word = draw(key, index);
    u64 i = word >> 54, fraction = word >> 22 & 0xFFFFFFFF;
    if (RARELY(i == INTERVALS - 1)) {
        q += INTERVALS + 1;
        i = word >> 44 & 1023;
        fraction = word >> 12 & 0xFFFFFFFF;
    }
    return q[i] + part_of((u64)(q[i + 1] - q[i]), fraction);
}

/* ---- Sums over time ------------------------------------------------------------------------------------- */

static inline void span_begins(Sum *sum, i64 spans, i64 now_us) {
    if (STATISTICS) *sum -= (u64)spans * (u64)now_us;
}

static inline void span_ends(Sum *sum, i64 spans, i64 now_us) {
    if (STATISTICS) *sum += (u64)spans * (u64)now_us;
}

static inline void count(i64 *counter, i64 more) {
    if (STATISTICS) *counter += more;
}

/* ---- What starves and blocks (rules S39, S40) -------------------------------------------------------------- */

static inline i64 need(const Inlet *in, i64 operation) {
    if (in->whole) return in->whole;
    return (operation + 1) * in->milli / MILLI - operation * in->milli / MILLI;
}

static inline i64 parts_at(const Inlet *in) {
    i64 there = in->lanes[0]->parts.count;
    for (i64 k = 1; k < in->lanes_count; k++) there += in->lanes[k]->parts.count;
    return there;
}

/* What the next operation has too little of: an input, or a use after those; NONE: of nothing. */
static i64 first_short(const Engine *e, const Group *group) {
    i64 operation = group->station->started;
    for (i64 k = 0; k < group->inlets_count; k++)
        if (parts_at(&group->inlets[k]) < need(&group->inlets[k], operation)) return k;
    const UsePlan *use = e->plan.uses + group->station->plan->uses.from;
    for (i64 k = 0; k < group->uses_count; k++)
        if (e->materials[use[k].material].level < use[k].amount) return group->inlets_count + k;
    return NONE;
}

static Sum *starved_by(Engine *e, const Group *group) {
    i64 use = group->short_of - group->inlets_count;
    return use < 0 ? &group->inlets[group->short_of].starved_us
                   : &e->uses[group->station->plan->uses.from + use].starved_us;
}

/* Find out what the group's places that wait for a load are short of now. */
SELDOM static void look_for_cause(Engine *e, Group *group) {
    i64 found = first_short(e, group);
    if (found == NONE || found == group->short_of) return;
    span_ends(starved_by(e, group), group->starved, e->now_us);
    group->short_of = found;
    span_begins(starved_by(e, group), group->starved, e->now_us);
}

SELDOM static void look_for_causes_at(Engine *e, const Lane *lane) {
    for (i64 i = 0; i < lane->takers_count; i++) {
        Group *group = lane->takers[i];
        if (group->tells_causes && group->waiting.head) look_for_cause(e, group);
    }
}

static int32_t *wants_of(const Place *p) {
    const Machine *m = machine_of(p);
    return &m->wants[p - m->places];
}

/* A place begins to starve or be blocked, or ends. */
static void count_cause(Engine *e, const Place *p, int begins) {
    Group *group = machine_of(p)->group;
    Sum *sum;
    if (p->condition == STARVED && group->tells_causes) {
        group->starved += begins ? 1 : -1;
        sum = starved_by(e, group);
    } else if (p->condition == BLOCKED && group->outlets_count > 1) {
        group->outlets[*wants_of(p)].blocked += begins ? 1 : -1;
        sum = &group->outlets[*wants_of(p)].blocked_us;
    } else {
        return;
    }
    if (begins) span_begins(sum, 1, e->now_us);
    else span_ends(sum, 1, e->now_us);
}

static Outlet *outlet_of(const Place *p);

static void begin_cause(Engine *e, Place *p) {
    const Group *group = machine_of(p)->group;
    if (p->condition == BLOCKED && group->outlets_count > 1) *wants_of(p) = (int32_t)(outlet_of(p) - group->outlets);
    count_cause(e, p, 1);
}

/* A place's time goes to something else from now on. */
SELDOM static void tell_causes(Engine *e, Place *p, int8_t condition) {
    count_cause(e, p, 0);
    p->condition = condition;
    begin_cause(e, p);
}

/* ---- What a place's time goes to (rule S28) ----------------------------------------------------------- */

static OFTEN void set_condition(Engine *e, Place *p, int8_t condition) {
    if (!STATISTICS || p->condition == condition) return;
    machine_of(p)->time_us[p->condition] += (u64)(e->now_us - p->since_us);
    p->since_us = e->now_us;
    if (RARELY(machine_of(p)->tells_causes)) tell_causes(e, p, condition);
    p->condition = condition;
    if (e->logging) log_place(e, STATE_CHANGED, p, 0, condition);
}

static void restate(Engine *e, Place *p) {
    const Machine *m = machine_of(p);
    int8_t condition;
    if (p->loaded && (p->pending == COMPLETED || p->pending == STRUCK)) condition = EXECUTE;
    else if (m->down) condition = m->down->plan->is_setup ? SETUP : FAULT;
    else if (m->service) condition = MAINTENANCE;
    else if (m->station->closed && !p->loaded) condition = PLANNED_STOP;
    else if (!p->loaded && held(&p->parts)) condition = BLOCKED;
    else condition = STARVED;
    set_condition(e, p, condition);
}

/* ---- Queues of places, first come, first served (rule S9) ---------------------------------------------- */

static inline Place *next_of(const Place *p) { return p->wait.next ? place_away(p, p->wait.next) : NULL; }

static inline void join(Engine *e, PlaceQueue *queue, Place *p) {
    Place *last = queue->tail;
    p->wait.turn = ++e->turns;
    p->wait.next = 0;
    p->wait.previous = last ? words_to(p, last) : 0;
    if (last) last->wait.next = words_to(last, p);
    else queue->head = p;
    queue->tail = p;
    queue->count++;
}

static inline void leave(PlaceQueue *queue, Place *p) {
    Place *before = p->wait.previous ? place_away(p, p->wait.previous) : NULL, *behind = next_of(p);
    if (before) before->wait.next = behind ? words_to(before, behind) : 0;
    else queue->head = behind;
    if (behind) behind->wait.previous = before ? words_to(behind, before) : 0;
    else queue->tail = before;
    queue->count--;
    p->waits = FOR_NOTHING;
}

static inline void wait_for_room(Engine *e, Place *p, Outlet *outlet) {
    join(e, &outlet->waiting, p);
    p->wait.outlet = outlet - e->outlets;
    p->waits = FOR_ROOM;
    if (p->condition == BLOCKED && machine_of(p)->tells_causes) tell_causes(e, p, BLOCKED);
}

static inline void stop_waiting_for_load(Place *p) {
    if (p->waits == FOR_A_LOAD) leave(&machine_of(p)->group->waiting, p);
}

static inline void stop_waiting_for_room(Engine *e, Place *p) {
    if (p->waits == FOR_ROOM) leave(&e->outlets[p->wait.outlet].waiting, p);
}

/* ---- Lanes --------------------------------------------------------------------------------------------- */

/* Rule S11. */
static int has_room_in_hand(const Lane *lane) {
    i64 waiting = 0;
    for (i64 i = 0; i < lane->takers_count; i++) waiting += lane->takers[i]->waiting.count;
    return lane->parts.count < waiting;
}

static inline int has_room(const Lane *lane) {
    return lane->capacity ? lane->parts.count < lane->capacity : has_room_in_hand(lane);
}

static inline int has_waiting_taker(const Lane *lane) {
    if (lane->taker) return lane->taker->waiting.head != NULL;
    for (i64 i = 0; i < lane->takers_count; i++)
        if (lane->takers[i]->waiting.head) return 1;
    return 0;
}

static inline int has_waiting_giver(const Lane *lane) {
    if (lane->giver) return lane->giver->waiting.head != NULL;
    for (i64 i = 0; i < lane->givers_count; i++)
        if (lane->givers[i]->waiting.head) return 1;
    return 0;
}

static inline void gained_room(Engine *e, Lane *lane) {
    if (!RARELY(!lane->gained_room && has_waiting_giver(lane))) return;
    lane->gained_room = 1;
    add_todo(e, (Todo){GAINED_ROOM, .lane = lane});
}

static inline void gained_parts(Engine *e, Lane *lane) {
    if (lane->gained_parts || !has_waiting_taker(lane)) return;
    lane->gained_parts = 1;
    e->lanes_that_gained++;
    add_todo(e, (Todo){GAINED_PARTS, .lane = lane});
}

static OFTEN void lay_in(Engine *e, Lane *lane, const Part *part) {
    *new_in_lane(e, &lane->parts) = (PartInLane){*part, ++e->turns};
    span_begins(&lane->level_us, 1, e->now_us);
}

static void lay_in_many(Engine *e, Lane *lane, const Part *part, i64 many) {
    Queue *queue = &lane->parts;
    if (queue->room - queue->count < many) enlarge_queue(e, queue, many);
    span_begins(&lane->level_us, many, e->now_us);
    queue->count += many;
    while (many) {
        PartInLane *to = queue->next;
        i64 stretch = queue->end - to < many ? queue->end - to : many;
        for (i64 i = 0; i < stretch; i++) to[i] = (PartInLane){part[i], ++e->turns};
        part += stretch;
        many -= stretch;
        queue->next = to + stretch == queue->end ? queue->begin : to + stretch;
    }
}

static OFTEN void enter(Engine *e, Lane *lane, const Part *part) {
    lay_in(e, lane, part);
    gained_parts(e, lane);
}

static inline int is_ready(const Engine *e, const Group *group) {
    if (group->single_lane) return group->single_lane->parts.count > 0;
    return group->inlet ? parts_at(group->inlet) >= group->inlet->whole : first_short(e, group) == NONE;
}

/* Whether those that already wait for what the group takes have not been served yet. */
static inline int is_contested(const Engine *e, const Group *group) {
    if (!RARELY(e->lanes_that_gained)) return 0;
    if (group->single_lane) return group->single_lane->gained_parts;
    for (const Inlet *in = group->inlets; in < group->inlets + group->inlets_count; in++)
        for (i64 k = 0; k < in->lanes_count; k++)
            if (in->lanes[k]->gained_parts) return 1;
    return 0;
}

/* ---- Work ------------------------------------------------------------------------------------------------ */

/* Work goes on for so long as is left. Only one of the places of a machine with several could be struck
 * meanwhile, but nothing strikes those except the clock. */
static OFTEN void work(Engine *e, Place *p, i64 left_us) {
    Machine *m = machine_of(p);
    if (RARELY(m->hindered) && m->down && !m->down->plan->stops_handling) {
        p->work.left_us = left_us;
        restate(e, p);
        return;
    }
    i64 due_us = e->now_us + left_us;
    p->work.due_us = due_us;
    p->pending = COMPLETED;
    if (RARELY(m->inner)) {
        schedule_among(e, p, due_us);
    } else {
        i64 strikes_us = e->now_us + (m->next_strike - (i64)m->worked_us);
        if (RARELY(strikes_us < due_us)) {
            due_us = strikes_us;
            p->pending = STRUCK;
        }
        schedule_machine(e, m, due_us);
    }
    m->worked_us -= (u64)e->now_us;
    set_condition(e, p, EXECUTE);
}

static OFTEN void begin(Engine *e, Place *p, i64 lead, int32_t rework_pass) {
    const Station *s = machine_of(p)->station;
    i64 drawn_us = variate(s->quantiles, s->constant_us, s->service, draw_index(lead, rework_pass));
    p->work.drawn_us = drawn_us;
    if (e->logging) log_place(e, OPERATION_STARTED, p, lead, drawn_us);
    work(e, p, drawn_us);
}

/* Of several lanes the one whose first part entered first; whether others hold parts too. */
static Lane *oldest_of(const Inlet *in, int *others) {
    Lane *oldest = NULL;
    i64 entered = 0;
    *others = 0;
    for (i64 k = 0; k < in->lanes_count; k++) {
        Lane *lane = in->lanes[k];
        if (!lane->parts.count) continue;
        i64 its = lane->parts.first->entered;
        if (oldest) *others = 1;
        if (!oldest || its < entered) {
            oldest = lane;
            entered = its;
        }
    }
    return oldest;
}

/* The lane that the next part comes from, where one is all that an operation needs; NULL if there is none. */
static OFTEN Lane *oldest_lane(const Group *group) {
    Lane *lane = group->single_lane;
    int others;
    if (lane) return lane->parts.count ? lane : NULL;
    return oldest_of(group->single, &others);
}

static OFTEN void take_from(Engine *e, const Inlet *in, i64 wanted, Place *p) {
    while (wanted > 0) {
        int others = 0;
        Lane *lane = in->lanes_count == 1 ? in->lanes[0] : oldest_of(in, &others);
        i64 many = others ? 1 : wanted;  /* the others are empty, and stay so */
        wanted -= many;
        span_ends(&lane->level_us, many, e->now_us);
        take_many(e, &lane->parts, many, &p->parts);
        gained_room(e, lane);
    }
}

static void take_load(Engine *e, const Group *group, i64 operation, Place *p) {
    if (group->inlet) {
        take_from(e, group->inlet, group->inlet->whole, p);
        return;
    }
    for (const Inlet *in = group->inlets; in < group->inlets + group->inlets_count; in++)
        take_from(e, in, need(in, operation), p);
    const UsePlan *use = e->plan.uses + group->station->plan->uses.from;
    for (const UsePlan *end = use + group->uses_count; use < end; use++) {
        Store *store = &e->materials[use->material];
        store->used += use->amount;
        if (store->level < UNLIMITED) store->level -= use->amount;
    }
}

/* The number of the first part that an operation makes. */
static inline i64 first_made(const StationPlan *sp, i64 operation) {
    return sp->code + operation * sp->gives_milli / MILLI;
}

/* For which part the work on a load is drawn, and for which of its passes: the first that was taken; the
 * first that is made where none is. */
static Part drawn_for(const Place *p) {
    const Load *load = &p->parts;
    const StationPlan *sp = machine_of(p)->station->plan;
    if (is_elsewhere(load)) return load->slots[-1];
    if (!load->held) return (Part){first_made(sp, p->work.operation), load->redone, 0};
    int32_t before = sp->passes_on ? 0 : load->redone;  /* a part that stays the same has counted them */
    return (Part){load->only.number, load->only.rework_pass + before, 0};
}

SELDOM static void begin_again(Engine *e, Place *p) {
    Part part = drawn_for(p);
    begin(e, p, part.number, part.rework_pass);
}

/* An operation begins with the load that lies on its place. */
static OFTEN void begin_operation(Engine *e, Place *p, i64 operation, i64 lead, int32_t rework_pass) {
    p->loaded = 1;
    p->parts.redone = 0;
    p->work.operation = operation;
    p->work.started_us = e->now_us;
    if (RARELY(is_elsewhere(&p->parts))) p->parts.slots[-1] = (Part){lead, rework_pass, 0};
    begin(e, p, lead, rework_pass);
}

/* One part, which has been taken out of its lane, is the whole load. */
static OFTEN void load_one(Engine *e, Place *p, const Part *part) {
    Machine *m = machine_of(p);
    count(&m->consumed, 1);
    if (RARELY(is_elsewhere(&p->parts))) {
        empty(&p->parts);
        *new_last(e, &p->parts) = *part;
    } else {
        p->parts.only = *part;
        p->parts.held = 1;
    }
    begin_operation(e, p, m->station->started++, part->number, part->rework_pass);
}

static OFTEN void take_one(Engine *e, Place *p, Lane *lane) {
    const Part *part = take_first(&lane->parts);
    span_ends(&lane->level_us, 1, e->now_us);
    gained_room(e, lane);
    load_one(e, p, part);
}

static void take_several(Engine *e, Place *p) {
    Machine *m = machine_of(p);
    const Group *group = m->group;
    i64 operation = group->station->started++;
    empty(&p->parts);
    take_load(e, group, operation, p);
    count(&m->consumed, held(&p->parts));
    const Part *first = part_at(&p->parts, 0);
    if (held(&p->parts)) begin_operation(e, p, operation, first->number, first->rework_pass);
    else begin_operation(e, p, operation, first_made(group->station->plan, operation), 0);
}

/* Take everything an operation needs, and begin it (rules S5, S8, S13). */
static OFTEN void take(Engine *e, Place *p) {
    const Group *group = machine_of(p)->group;
    if (!group->single) take_several(e, p);
    else take_one(e, p, oldest_lane(group));
}

/* ---- Judging (rules S14 to S16) ---------------------------------------------------------------------------- */

static inline int inspected(const Engine *e, const StationPlan *sp, const Part *part, u64 index) {
    if (!RARELY(part->defects)) return sp->false_below && strikes(sp->false_reject, index, sp->false_below);
    for (i64 i = sp->detect.from; i < sp->detect.from + sp->detect.count; i++) {
        const DetectPlan *d = &e->plan.detect[i];
        if (part->defects & d->bit && strikes(d->key, index, d->below)) return 1;
    }
    return 0;
}

static OFTEN int judge(Engine *e, const StationPlan *sp, Part *part) {
    u64 index = draw_index(part->number, part->rework_pass);
    if (sp->arise.count) {
        u64 drawn = draw(sp->arise_key, index) >> 1;
        const ArisePlan *arise = e->plan.arise + sp->arise.from;
        /* The thresholds rise: what is not below the last is below none. */
        if (RARELY(drawn < (u64)arise[sp->arise.count - 1].below)) {
            while (drawn >= (u64)arise->below) arise++;
            part->defects |= (uint32_t)arise->bit;
        }
    }
    if (sp->inspects && inspected(e, sp, part, index)) return sp->reject_lane == NONE ? SCRAP : REJECT;
    if (sp->outcome_below) {
        u64 drawn = draw(sp->outcome, index) >> 1;
        if (RARELY(drawn < (u64)sp->outcome_below)) return drawn < (u64)sp->scrap_below ? SCRAP : REWORK;
    }
    return PASS;
}

/* A part that an operation makes, with the defects of all that it took (rules S5, S6). */
static inline Part part_made(const Place *p, i64 number) {
    uint32_t defects = 0;
    const Part *part = part_at(&p->parts, 0);
    for (const Part *end = part + held(&p->parts); part < end; part++) defects |= part->defects;
    return (Part){number, p->parts.redone, defects};
}

static Load *make_parts(Engine *e, const Place *p) {
    const StationPlan *sp = machine_of(p)->station->plan;
    i64 first = p->work.operation * sp->gives_milli / MILLI;
    i64 last = (p->work.operation + 1) * sp->gives_milli / MILLI;
    Load *made = &e->made;
    Part part = part_made(p, sp->code + first);
    empty(made);
    make_room(e, made, (uint32_t)(last - first));
    set_held(made, (uint32_t)(last - first));
    Part *to = own_part_at(made, 0);
    for (; first < last; first++, part.number++) *to++ = part;
    return made;
}

/* A part goes back: to a lane, or the operation is done again in place; false then. */
static int rework(Engine *e, Place *p, Part *part, i64 lane) {
    machine_of(p)->reworked++;
    part->rework_pass++;
    part->defects = 0;
    if (e->logging) log_place(e, PART_REWORKED, p, part->number, part->rework_pass);
    if (lane != NONE) {
        enter(e, &e->lanes[lane], part);
        return 1;
    }
    p->parts.redone++;
    if (is_elsewhere(&p->parts)) p->parts.slots[-1].rework_pass++;
    /* What a new part is made of again must not bring its defects back. */
    for (uint32_t i = 0; i < held(&p->parts); i++) own_part_at(&p->parts, i)->defects = 0;
    begin_again(e, p);
    return 0;
}

/* Do away with the part that did not pass, and judge those after it; what goes on moves up. */
static int sort_out(Engine *e, Place *p, Load *out, uint32_t i, int verdict) {
    const StationPlan *sp = machine_of(p)->station->plan;
    uint32_t kept = i;
    for (;;) {
        Part *part = own_part_at(out, i);
        if (verdict == PASS) {
            *own_part_at(out, kept++) = *part;
        } else if (verdict == SCRAP) {
            machine_of(p)->defective++;
            if (e->logging) log_place(e, PART_SCRAPPED, p, part->number, part->defects);
        } else if (!rework(e, p, part, verdict == REWORK ? sp->rework_lane : sp->reject_lane)) {
            return 0;
        }
        if (++i == held(out)) break;
        verdict = judge(e, sp, own_part_at(out, i));
    }
    set_held(out, kept);
    return 1;
}

/* Judge what is to go out; what goes on stays there. False if the operation is done again. */
static OFTEN int judge_all(Engine *e, Place *p, Load *out) {
    const StationPlan *sp = machine_of(p)->station->plan;
    Part *first = own_part_at(out, 0), *end = first + held(out);
    for (Part *part = first; part < end; part++) {
        int verdict = judge(e, sp, part);
        if (RARELY(verdict != PASS)) return sort_out(e, p, out, (uint32_t)(part - first), verdict);
    }
    return 1;
}

/* ---- Putting out ---------------------------------------------------------------------------------------------- */

static Outlet *drawn_outlet(const Group *group, const Part *part) {
    Outlet *outlet = group->outlets, *last = outlet + group->outlets_count - 1;
    u64 index = draw_index(part->number, part->rework_pass);
    u64 drawn = draw(group->station->plan->route, index) >> 1;
    while (outlet < last && drawn >= outlet->share_below) outlet++;
    return outlet;
}

/* Where the place's first part wants to go. */
static Outlet *outlet_of(const Place *p) {
    const Group *group = machine_of(p)->group;
    return group->outlets_count == 1 ? group->outlets : drawn_outlet(group, part_at(&p->parts, 0));
}

static Lane *emptiest(const Outlet *outlet) {
    Lane *best = NULL;
    for (i64 k = 0; k < outlet->lanes_count; k++) {
        Lane *lane = outlet->lanes[k];
        if ((!best || lane->parts.count < best->parts.count) && has_room(lane)) best = lane;
    }
    return best;
}

/* The lane that the next part goes to; NULL if there is no room. */
static inline Lane *room(const Outlet *outlet) {
    if (outlet->lanes_count > 1) return emptiest(outlet);
    return has_room(outlet->lanes[0]) ? outlet->lanes[0] : NULL;
}

/* Put out the first part that waits. */
static OFTEN void put(Engine *e, Place *p, Lane *lane) {
    const Part *part = part_at(&p->parts, 0);
    drop_first(&p->parts);
    count(&machine_of(p)->good, 1);
    if (e->logging) log_place(e, PART_PASSED, p, part->number, lane - e->lanes);
    enter(e, lane, part);
}

static inline int handling_is_shut(const Machine *m) {
    return m->hindered && ((m->down && m->down->plan->stops_handling) || (m->service && m->places_count > 1));
}

/* Parts leave the line. */
static void let_go(Engine *e, Place *p) {
    count(&machine_of(p)->good, held(&p->parts));
    if (e->logging)
        for (uint32_t i = 0; i < held(&p->parts); i++)
            log_place(e, PART_PASSED, p, part_at(&p->parts, i)->number, NONE);
    set_held(&p->parts, 0);
}

/* Put parts out in their order while there is room (rules S7, S10). */
static void put_out(Engine *e, Place *p) {
    int shut = handling_is_shut(machine_of(p));
    if (!machine_of(p)->group->outlets_count && !shut) let_go(e, p);
    while (held(&p->parts)) {
        Outlet *outlet = shut ? NULL : outlet_of(p);
        Lane *lane = outlet ? room(outlet) : NULL;
        if (!lane) {
            if (outlet) wait_for_room(e, p, outlet);
            restate(e, p);
            return;
        }
        put(e, p, lane);
    }
    set_free(e, p);
}

/* What was made takes the place of what it was made of. */
static void replace(Engine *e, Place *p, const Load *made) {
    empty(&p->parts);
    make_room(e, &p->parts, held(made));
    memcpy(own_part_at(&p->parts, 0), part_at(made, 0), held(made) * sizeof(Part));
    set_held(&p->parts, held(made));
}

/* ---- A place becomes free ---------------------------------------------------------------------------------------- */

static int begin_due_service(Engine *e, Machine *m);

static inline int is_closed(const Machine *m) {
    return m->station->closed || m->service || (m->down && m->down->plan->stops_handling);
}

/* Something has changed that may keep a machine from taking, working or putting out. */
static void look_for_hindrances(Machine *m) {
    m->hindered = m->down || m->service || m->services_due || m->station->closed;
}

static void wait_for_load(Engine *e, Place *p) {
    Group *group = machine_of(p)->group;
    join(e, &group->waiting, p);
    p->waits = FOR_A_LOAD;
    if (group->tells_causes) look_for_cause(e, group);
    if (machine_of(p)->hindered) restate(e, p);
    else set_condition(e, p, STARVED);
    if (!RARELY(group->hand_to_hand)) return;
    for (const Inlet *in = group->inlets; in < group->inlets + group->inlets_count; in++)
        for (i64 k = 0; k < in->lanes_count; k++)
            if (!in->lanes[k]->capacity) gained_room(e, in->lanes[k]);
}

static OFTEN void take_or_wait(Engine *e, Place *p) {
    const Group *group = machine_of(p)->group;
    Lane *lane = NULL;
    if (group->waiting.head || is_contested(e, group)) wait_for_load(e, p);
    else if (!group->single && is_ready(e, group)) take_several(e, p);
    else if (group->single && (lane = oldest_lane(group))) take_one(e, p, lane);
    else wait_for_load(e, p);
}

static void become_free(Engine *e, Place *p) {
    Machine *m = machine_of(p);
    if (p->loaded || p->waits) return;
    if (held(&p->parts)) put_out(e, p);
    else if (m->hindered && m->services_due && begin_due_service(e, m)) return;
    else if (m->hindered && is_closed(m)) restate(e, p);
    else take_or_wait(e, p);
}

/* ---- The two ends of a lane (rule S9) ------------------------------------------------------------------------------ */

static OFTEN void serve_group(Engine *e, Group *group) {
    Place *p = group->waiting.head;
    leave(&group->waiting, p);
    take(e, p);
}

/* Load the places of a group that wait, in turn, as far as they can be (rule S13). */
SELDOM static void serve_waiting(Engine *e, Group *group) {
    while (group->waiting.head && is_ready(e, group)) serve_group(e, group);
    if (group->waiting.head && group->tells_causes) look_for_cause(e, group);
}

static Group *longest_waiting(const Engine *e, const Lane *lane) {
    Group *best = NULL;
    for (i64 i = 0; i < lane->takers_count; i++) {
        Group *group = lane->takers[i];
        if (!group->waiting.head || !is_ready(e, group)) continue;
        if (!best || group->waiting.head->wait.turn < best->waiting.head->wait.turn) best = group;
    }
    return best;
}

static OFTEN void serve(Engine *e, Lane *lane) {
    Group *group;
    while ((group = lane->taker ? lane->taker : longest_waiting(e, lane))) {
        if (!group->waiting.head || !is_ready(e, group)) break;
        serve_group(e, group);
    }
    if (RARELY(lane->tells_causes)) look_for_causes_at(e, lane);
}

static Outlet *longest_held(const Lane *lane) {
    Outlet *best = NULL;
    for (i64 i = 0; i < lane->givers_count; i++) {
        Outlet *outlet = lane->givers[i];
        if (!outlet->waiting.head) continue;
        if (!best || outlet->waiting.head->wait.turn < best->waiting.head->wait.turn) best = outlet;
    }
    return best;
}

static void admit(Engine *e, Lane *lane) {
    while (has_room(lane)) {
        Outlet *first = longest_held(lane), *wanted = first;
        if (!first) return;
        Place *p = first->waiting.head;
        while (held(&p->parts)) {
            wanted = outlet_of(p);
            Lane *to = room(wanted);
            if (!to) break;
            put(e, p, to);
        }
        if (!held(&p->parts)) {
            leave(&first->waiting, p);
            set_free(e, p);
        } else if (wanted != first) {
            leave(&first->waiting, p);
            wait_for_room(e, p, wanted);
        }
    }
}

/* ---- The work is done -------------------------------------------------------------------------------------------------- */

/* The usual end of an operation: all its parts go into one lane with room, or out of the line; nothing
 * hinders, and nothing is on the list yet. What would go on it, the lane and then the place, is done
 * here at once. False if it is another end: then nothing has happened. */
static OFTEN int hand_on(Engine *e, Place *p) {
    const Group *group = machine_of(p)->group;
    Lane *lane = group->way_out;
    i64 parts = held(&p->parts); /* none where all were scrapped: then the lane has no turn */
    if (machine_of(p)->hindered || e->todo_count) return 0;
    if (lane && parts && lane->capacity - lane->parts.count >= parts) {
        const Part *part = part_at(&p->parts, 0);
        for (i64 i = 0; e->logging && i < parts; i++)
            log_place(e, PART_PASSED, p, part[i].number, lane - e->lanes);
        lay_in_many(e, lane, part, parts);
        count(&machine_of(p)->good, parts);
        set_held(&p->parts, 0);
        if (has_waiting_taker(lane)) serve(e, lane);
    } else if (!group->outlets_count) {
        let_go(e, p);
    } else {
        return 0;
    }
    take_or_wait(e, p);
    return 1;
}

static OFTEN void count_completed(Engine *e, const Place *p, i64 parts) {
    Machine *m = machine_of(p);
    m->worked_us += (u64)e->now_us;
    if (STATISTICS) m->cycle_time_us = e->now_us - p->work.started_us;
    m->station->completed++;
    if (e->logging) log_place(e, OPERATION_COMPLETED, p, drawn_for(p).number, parts);
}

static void completed(Engine *e, Place *p) {
    const Station *s = machine_of(p)->station;
    Load *out = s->plan->passes_on ? &p->parts : make_parts(e, p);
    count_completed(e, p, held(out));
    if (!s->plan->plain && !judge_all(e, p, out)) return;
    if (!s->plan->passes_on) replace(e, p, out);
    p->loaded = 0;
    if (!hand_on(e, p)) put_out(e, p);
}

/* What `completed` and all that follows come to where nothing is out of the ordinary: one part is good
 * and goes on into one lane with room, and a place that waits for it has it at once. The list of rule
 * S26 is empty, so nobody waits for what is there already. Anything else goes the long way: false then,
 * and nothing has happened. */
static OFTEN int goes_the_short_way(Engine *e, const Leaf *leaf, Place *p) {
    Machine *m = leaf->machine;
    Lane *lane = leaf->short_way, *next_lane = leaf->single_lane;
    Group *group = leaf->group, *taker = leaf->taker;
    if (!lane || m->hindered || lane->parts.count >= lane->capacity) return 0;
    const StationPlan *sp = leaf->station->plan;
    Part made, *part = &made;
    if (group->makes_one) made = part_made(p, sp->code + p->work.operation);
    else if (p->parts.held == 1) part = &p->parts.only;
    else return 0;
    if (!leaf->station->plain && judge(e, sp, part) != PASS) return 0;
    count_completed(e, p, 1);
    count(&m->good, 1);
    p->loaded = 0;
    set_held(&p->parts, 0);
    if (e->logging) log_place(e, PART_PASSED, p, part->number, lane - e->lanes);
    if (taker && taker->waiting.head) {
        Place *next = taker->waiting.head;
        e->turns++;  /* as if it had been in the lane */
        leave(&taker->waiting, next);
        load_one(e, next, part);
    } else {
        lay_in(e, lane, part);
        if (!taker) serve(e, lane);
    }
    if (next_lane && next_lane->parts.count && !group->waiting.head) take_one(e, p, next_lane);
    else take_or_wait(e, p);
    return 1;
}

/* Work off the list of rule S26, in turn, until nothing moves any more; it grows meanwhile. */
static OFTEN void settle(Engine *e) {
    for (i64 k = 0; k < e->todo_count; k++) {
        Todo next = e->todo[k];
        if (next.task == FREE) {
            become_free(e, next.place);
        } else if (next.task == GAINED_PARTS) {
            next.lane->gained_parts = 0;
            e->lanes_that_gained--;
            serve(e, next.lane);
        } else {
            next.lane->gained_room = 0;
            admit(e, next.lane);
        }
    }
    e->todo_count = 0;
}

/* ---- Failures and repairs (rules S17 to S21) -------------------------------------------------------------------------- */

static i64 variate_of(const Engine *e, i64 table, Key key, u64 index) {
    return variate(e->plan.tables + table * TABLE_LENGTH, e->plan.table_constants[table], key, index);
}

static i64 draw_due(const Engine *e, const Mode *mode, i64 from) {
    return from + variate_of(e, mode->plan->due_table, mode_key(e, mode - e->modes, 0), (u64)mode->count);
}

static Mode *first_mode(const Machine *m) {
    Mode *first = m->modes;
    for (Mode *mode = first + 1; mode < m->modes + m->plan->modes.count; mode++)
        if (mode->strikes_at < first->strikes_at) first = mode;
    return first;
}

static Crew *crew_of(Engine *e, i64 crew) { return crew == NONE ? NULL : &e->crews[crew]; }

static void go_down(Engine *e, Machine *m, Mode *mode) {
    m->down = mode;
    look_for_hindrances(m);
    if (!mode->plan->is_setup) m->failures++;
    if (e->logging) log_machine(e, MACHINE_FAILED, m, mode->count, mode->plan->number);
}

static void scrap_load(Engine *e, Place *p) {
    const Load *gone = machine_of(p)->station->plan->passes_on ? &p->parts : make_parts(e, p);
    machine_of(p)->defective += held(gone);
    if (e->logging)
        for (uint32_t i = 0; i < held(gone); i++)
            log_place(e, PART_SCRAPPED, p, part_at(gone, i)->number, part_at(gone, i)->defects);
    set_held(&p->parts, 0);
    p->loaded = 0;
    set_free(e, p);
}

static void schedule_repair(Engine *e, Machine *m, i64 at) {
    if (m->station->plan->by_time) {
        schedule_failure(e, m, at);
    } else {
        m->places->pending = REPAIRED;
        schedule_place(e, m->places, at);
    }
}

static void begin_repair(Engine *e, Machine *m) {
    const ModePlan *mp = m->down->plan;
    i64 lasts = variate_of(e, mp->lasts_table, mode_key(e, m->down - e->modes, 1), (u64)m->down->count);
    schedule_repair(e, m, e->now_us + lasts);
}

static void begin_service_work(Engine *e, Machine *m) {
    m->service->done_at = e->now_us + m->service->plan->lasts_us;
    schedule_service(e, m->service);
}

/* True if a crew is there at once; else the machine waits for it. */
static int call_crew(Crew *crew, Machine *m) {
    if (!crew) return 1;
    if (crew->free > 0) {
        crew->free--;
        return 1;
    }
    m->crew_next = NULL;
    if (crew->head) crew->tail->crew_next = m;
    else crew->head = m;
    crew->tail = m;
    return 0;
}

static void release_crew(Engine *e, Crew *crew) {
    if (!crew) return;
    Machine *m = crew->free < 0 ? NULL : crew->head;
    if (!m) {
        crew->free++;
        return;
    }
    crew->head = m->crew_next;
    if (m->service) begin_service_work(e, m);
    else begin_repair(e, m);
}

/* The work on a place goes on no longer. */
static void stand_still(Engine *e, Place *p) {
    p->work.left_us = p->work.due_us - e->now_us;
    machine_of(p)->worked_us += (u64)e->now_us;
}

static void struck(Engine *e, Place *p) {
    Machine *m = machine_of(p);
    stand_still(e, p);
    Mode *mode = first_mode(m);
    go_down(e, m, mode);
    if (mode->plan->after == SCRAP_LOAD) scrap_load(e, p);
    restate(e, p);
    if (call_crew(crew_of(e, mode->plan->crew), m)) begin_repair(e, m);
}

static void run_clock(Engine *e, Machine *m) {
    m->clock_since = e->now_us;
    m->clock_runs = 1;
    schedule_failure(e, m, e->now_us + first_mode(m)->strikes_at - m->clock_us);
}

static void stop_clock(Engine *e, Machine *m) {
    m->clock_us += e->now_us - m->clock_since;
    m->clock_runs = 0;
    schedule_failure(e, m, FOREVER);
}

static void withdraw(Engine *e, Place *p) {
    stop_waiting_for_load(p);
    stop_waiting_for_room(e, p);
}

static void reopen(Engine *e, Machine *m) {
    for (Place *p = m->places; p < m->places + m->places_count; p++)
        if (!p->loaded && !p->waits) set_free(e, p);
}

static void repaired(Engine *e, Machine *m) {
    Mode *mode = m->down;
    const ModePlan *mp = mode->plan;
    int by_time = m->station->plan->by_time != 0;
    if (e->logging) log_machine(e, MACHINE_REPAIRED, m, mode->count, mp->number);
    m->down = NULL;
    look_for_hindrances(m);
    mode->count++;
    mode->strikes_at = draw_due(e, mode, by_time ? m->clock_us : (i64)m->worked_us);
    if (!by_time) m->next_strike = first_mode(m)->strikes_at;
    release_crew(e, crew_of(e, mp->crew));
    if (by_time) run_clock(e, m);
    for (Place *p = m->places; p < m->places + m->places_count; p++) {
        if (p->loaded && !mp->stops_handling) {
            work(e, p, mp->after == RESTART ? p->work.drawn_us : p->work.left_us);
        } else {
            restate(e, p);
        }
    }
    if (!begin_due_service(e, m)) reopen(e, m);
}

/* A time-dependent failure strikes a machine. */
static void clock_struck(Engine *e, Machine *m) {
    stop_clock(e, m);
    Mode *mode = first_mode(m);
    const ModePlan *mp = mode->plan;
    go_down(e, m, mode);
    for (Place *p = m->places; p < m->places + m->places_count; p++) {
        if (p->loaded && !mp->stops_handling) {
            stand_still(e, p);
            p->pending = NOTHING;
            schedule_place(e, p, FOREVER);
            if (mp->after == SCRAP_LOAD) scrap_load(e, p);
        } else if (mp->stops_handling) {
            withdraw(e, p);
        }
        restate(e, p);
    }
    if (call_crew(crew_of(e, mp->crew), m)) begin_repair(e, m);
}

/* ---- Preventive maintenance (rule S22) ---------------------------------------------------------------------------------- */

static void set_next_due(Engine *e, Service *s) {
    const ServicePlan *sp = s->plan;
    i64 ahead = e->now_us < sp->first_us ? sp->first_us - e->now_us
                                         : sp->every_us - (e->now_us - sp->first_us) % sp->every_us;
    s->due_at = e->now_us + ahead;
    schedule_service(e, s);
}

static int begin_due_service(Engine *e, Machine *m) {
    if (m->service || m->down || !m->services_due) return 0;
    if (m->places_count == 1 && (m->places->loaded || held(&m->places->parts))) return 0;
    Service *s = &e->services[m->plan->services.from];
    while (!s->due) s++;
    s->due = 0;
    m->services_due--;
    m->service = s;
    look_for_hindrances(m);
    if (m->station->plan->by_time) stop_clock(e, m);
    for (Place *p = m->places; p < m->places + m->places_count; p++) {
        withdraw(e, p);
        restate(e, p);
    }
    if (call_crew(crew_of(e, s->plan->crew), m)) begin_service_work(e, m);
    return 1;
}

static void service_done(Engine *e, Service *s) {
    Machine *m = s->machine;
    s->done_at = FOREVER;
    schedule_service(e, s);
    m->service = NULL;
    look_for_hindrances(m);
    release_crew(e, crew_of(e, s->plan->crew));
    if (m->station->plan->by_time) run_clock(e, m);
    for (Place *p = m->places; p < m->places + m->places_count; p++) restate(e, p);
    if (!begin_due_service(e, m)) reopen(e, m);
}

static void service_fires(Engine *e, Service *s) {
    if (s->due_at > e->now_us) {
        service_done(e, s);
        return;
    }
    set_next_due(e, s);
    if (s->machine->service == s) return;
    if (!s->due) s->machine->services_due++;
    s->due = 1;
    look_for_hindrances(s->machine);
    begin_due_service(e, s->machine);
}

/* ---- Planned stops and deliveries (rules S13, S23) -------------------------------------------------------------------------- */

static i64 phase_of(const StopPlan *stop, i64 at) {
    i64 phase = (at - stop->at_us) % stop->every_us;
    return phase < 0 ? phase + stop->every_us : phase;
}

static int calendar_is_closed(const Engine *e, i64 calendar, i64 at) {
    Range stops = e->plan.calendars[calendar].stops;
    for (i64 i = stops.from; i < stops.from + stops.count; i++)
        if (phase_of(&e->plan.stops[i], at) < e->plan.stops[i].lasts_us) return 1;
    return 0;
}

static i64 next_edge(const Engine *e, i64 calendar, i64 at) {
    Range stops = e->plan.calendars[calendar].stops;
    int now = calendar_is_closed(e, calendar, at);
    i64 edge = at;
    do {
        i64 nearest = FOREVER;
        for (i64 i = stops.from; i < stops.from + stops.count; i++) {
            const StopPlan *stop = &e->plan.stops[i];
            i64 phase = phase_of(stop, edge);
            i64 step = phase < stop->lasts_us ? stop->lasts_us - phase : stop->every_us - phase;
            if (edge + step < nearest) nearest = edge + step;
        }
        edge = nearest;
    } while (calendar_is_closed(e, calendar, edge) == now);
    return edge;
}

static void calendar_turned(Engine *e, i64 calendar) {
    Range stations = e->plan.calendars[calendar].stations;
    int closed = calendar_is_closed(e, calendar, e->now_us);
    set_clock(e, calendar, next_edge(e, calendar, e->now_us));
    for (i64 k = stations.from; k < stations.from + stations.count; k++) {
        Station *s = &e->stations[e->plan.calendar_stations[k]];
        Machine *first = &e->machines[s->plan->machines.from];
        s->closed = closed;
        for (Machine *m = first; m < first + s->plan->machines.count; m++) {
            look_for_hindrances(m);
            for (Place *p = m->places; p < m->places + m->places_count; p++) {
                if (closed) stop_waiting_for_load(p);
                restate(e, p);
            }
            if (!closed) reopen(e, m);
        }
    }
}

static void store(Engine *e, i64 material, i64 amount) {
    const MaterialPlan *mp = &e->plan.materials[material];
    e->materials[material].level += amount;
    if (e->logging) write_event(e, MATERIAL_DELIVERED, NONE, NONE, NONE, 0, material);
    for (i64 k = mp->stations.from; k < mp->stations.from + mp->stations.count; k++) {
        Range groups = e->plan.stations[e->plan.material_stations[k]].groups;
        Group *first = &e->groups[groups.from];
        for (Group *g = first; g < first + groups.count; g++) serve_waiting(e, g);
    }
}

static void delivered(Engine *e, i64 material) {
    const MaterialPlan *mp = &e->plan.materials[material];
    set_clock(e, e->plan.calendars_count + material, e->now_us + mp->every_us);
    store(e, material, mp->amount);
}

/* ---- Running ------------------------------------------------------------------------------------------------------------------ */

static void clock_fires(Engine *e, i64 leaf) {
    if (leaf >= e->failures_leaf) {
        Machine *m = &e->machines[leaf - e->failures_leaf];
        if (m->clock_runs) {
            clock_struck(e, m);
        } else {
            schedule_failure(e, m, FOREVER);
            repaired(e, m);
        }
    } else if (leaf >= e->services_leaf) {
        service_fires(e, &e->services[leaf - e->services_leaf]);
    } else if (leaf >= e->plan.calendars_count) {
        delivered(e, leaf - e->plan.calendars_count);
    } else {
        calendar_turned(e, leaf);
    }
}

static OFTEN void place_fires(Engine *e, const Leaf *leaf, Place *p) {
    int32_t pending = p->pending;
    p->pending = NOTHING;
    if (RARELY(pending != COMPLETED)) pending == STRUCK ? struck(e, p) : repaired(e, machine_of(p));
    else if (!goes_the_short_way(e, leaf, p)) completed(e, p);
}

/* When a machine of several places is due, after the event of one of them. */
static void due_among(Engine *e, const Leaf *leaf, const Place *p) {
    if (p->pending == NOTHING) tournament_set(leaf->inner, p - leaf->first, FOREVER);
    e->work_due_us[leaf->machine->leaf] = tournament_at(leaf->inner);
}

static i64 places_in(const Machine *m, i64 condition) {
    i64 sum = 0;
    for (const Place *p = m->places; p < m->places + m->places_count; p++) sum += p->condition == condition;
    return sum;
}

static int stop_is_reached(const Engine *e, const StopAt *stop) {
    i64 sum = 0;
    for (i64 i = stop->of.from; i < stop->of.from + stop->of.count; i++) {
        if (stop->what == OPERATIONS) sum += e->stations[i].completed;
        else if (stop->what == GOOD_PARTS) sum += e->machines[i].good;
        else if (stop->what == PARTS_IN_LANES) sum += e->lanes[i].parts.count;
        else sum += places_in(&e->machines[i], stop->other);
    }
    if (stop->what == PARTS_IN_LANES && stop->other != NONE) sum += e->lanes[stop->other].parts.count;
    return stop->at_least <= sum && sum <= stop->at_most;
}

SELDOM static int stops(Engine *e) {
    if (e->stop_at && stop_is_reached(e, e->stop_at)) e->stop = STOPPED;
    return e->stop != OK;
}

/* Everything in its order up to an instant, or until there is a reason to stop. Apart from `setjmp`, as
 * a compiler keeps little in registers where that may come back. */
APART static int run(Engine *e, i64 to_us) {
    for (;;) {
        i64 clock = e->next_clock_us, work = tournament_at(&e->work);
        if (RARELY(clock <= work)) {  /* rule S25 */
            if (clock > to_us) break;
            e->now_us = clock;
            clock_fires(e, tournament_leaf(&e->clocks));
            settle(e);
        } else {
            if (work > to_us) break;
            i64 firing = e->firing = tournament_leaf(&e->work);
            e->now_us = work;
            e->work_due_us[firing] = FOREVER;
            const Leaf *leaf = &e->leaves[firing];
            Place *p = leaf->first;
            if (RARELY(leaf->inner)) p += tournament_leaf(leaf->inner);
            place_fires(e, leaf, p);
            settle(e);
            if (RARELY(leaf->inner)) due_among(e, leaf, p);
            /* Here, where nothing need be known for it but who fired, the next event is found earliest. */
            tournament_set(&e->work, firing, e->work_due_us[firing]);
            e->firing = NONE;
        }
        if (RARELY(e->watches) && stops(e)) {
            e->end_us = e->now_us;
            return e->stop;
        }
    }
    e->end_us = to_us;
    return OK;
}

/* Note what has left the line by now: the good parts of each station without a way out (rule S41). */
static void note_hour(Engine *e) {
    for (const Station *s = e->stations; s < e->stations + e->plan.stations_count; s++) {
        if (e->groups[s->plan->groups.from].outlets_count) continue;
        if (e->hourly_count == e->hourly_room) e->hourly = grown(e, e->hourly, &e->hourly_room, sizeof(i64));
        i64 left = 0;
        const Machine *m = e->machines + s->plan->machines.from;
        for (const Machine *end = m + s->plan->machines.count; m < end; m++) left += m->good;
        e->hourly[e->hourly_count++] = left;
    }
    e->next_hour_us += HOUR_US;
    if (e->next_hour_us - e->began_us > MOST_HOURS * HOUR_US) e->next_hour_us = FOREVER;
}

/* Run on until everything up to and at an instant has happened, or the log holds `most_events`, or
 * right after the event with which a condition comes to hold; nothing happens if it holds already. */
EXPORT int linetwin_advance(Engine *e, i64 to_us, i64 most_events, const StopAt *stop) {
    int ended = setjmp(e->give_up);
    if (ended) return ended;
    e->most_events = most_events;
    e->stop_at = stop;
    e->stop = OK;
    e->watches = stop || e->logging;
    e->firing = NONE;  /* it is not where memory ran out in the middle of an event */
    if (stop && stop_is_reached(e, stop)) return STOPPED;
    for (;;) {
        i64 reached_us = e->counted_from_us + e->reach_us;
        i64 next_us = reached_us < to_us ? reached_us : to_us;
        if (e->next_hour_us < next_us) next_us = e->next_hour_us;
        ended = run(e, next_us);
        if (ended) return ended;
        if (next_us == reached_us) count_from(e, reached_us);
        if (next_us == e->next_hour_us) note_hour(e);
        if (next_us == to_us) return OK;
    }
}

/* Somebody brings material to a store with a limit, after all else at this instant (rule S42). Only
 * between events, as `linetwin_save`. */
EXPORT int linetwin_deliver(Engine *e, i64 material, i64 amount) {
    int ended = setjmp(e->give_up);
    if (ended) return ended;
    e->stop_at = NULL;
    e->stop = OK;
    e->now_us = e->end_us;
    store(e, material, amount);
    settle(e);
    return OK;
}

/* ---- Opening and closing ------------------------------------------------------------------------------------------------------ */

static void start_machine(Engine *e, Machine *m) {
    int by_time = m->station->plan->by_time != 0;
    look_for_hindrances(m);
    m->next_strike = FOREVER;
    for (Mode *mode = m->modes; mode < m->modes + m->plan->modes.count; mode++)
        mode->strikes_at = draw_due(e, mode, 0);
    if (by_time) run_clock(e, m);
    else if (m->plan->modes.count) m->next_strike = first_mode(m)->strikes_at;
    Range services = m->plan->services;
    for (i64 i = services.from; i < services.from + services.count; i++) {
        e->services[i].done_at = FOREVER;
        set_next_due(e, &e->services[i]);
    }
}

static i64 time_in(const Engine *e, const Station *s, int condition) {
    Sum sum = 0;
    const Machine *m = e->machines + s->plan->machines.from;
    for (const Machine *end = m + s->plan->machines.count; m < end; m++) {
        sum += m->time_us[condition];
        for (const Place *p = m->places; p < m->places + m->places_count; p++)
            if (p->condition == condition) sum += (u64)(e->end_us - p->since_us);
    }
    return (i64)sum;
}

/* From now on it is counted how much lies in the lanes and for want of what places wait. */
static void begin_sums(Engine *e) {
    for (i64 i = 0; i < e->plan.stations_count; i++)
        e->begun[i] = (Begun){time_in(e, &e->stations[i], STARVED), time_in(e, &e->stations[i], BLOCKED)};
    for (Lane *lane = e->lanes; lane < e->lanes + e->plan.lanes_count; lane++)
        span_begins(&lane->level_us, lane->parts.count, e->now_us);
    for (Group *group = e->groups; group < e->groups + e->plan.groups_count; group++)
        if (group->tells_causes) look_for_cause(e, group);
    for (Place *p = e->places; p < e->places + e->plan.places_count; p++)
        if (machine_of(p)->tells_causes) begin_cause(e, p);
}

/* Set everything going; false if there is no memory for it. */
static int start(Engine *e) {
    const Program *plan = &e->plan;
    if (setjmp(e->give_up)) return 0;
    for (i64 i = 0; i < plan->crews_count; i++) e->crews[i].free = plan->crews[i];
    for (i64 i = 0; i < plan->materials_count; i++) {
        const MaterialPlan *mp = &plan->materials[i];
        e->materials[i].level = mp->stock;
        if (!mp->has_delivery) continue;
        i64 passed = e->now_us > mp->first_us ? e->now_us - mp->first_us : 0;
        i64 turns = (passed + mp->every_us - 1) / mp->every_us;
        set_clock(e, plan->calendars_count + i, mp->first_us + turns * mp->every_us);
    }
    for (i64 i = 0; i < plan->calendars_count; i++)
        set_clock(e, i, next_edge(e, i, e->now_us));
    for (i64 i = 0; i < plan->stations_count; i++) {
        i64 calendar = plan->stations[i].calendar;
        e->stations[i].closed = calendar != NONE && calendar_is_closed(e, calendar, e->now_us);
    }
    for (i64 i = 0; i < plan->machines_count; i++) start_machine(e, &e->machines[i]);
    for (i64 i = 0; i < plan->places_count; i++) {
        e->places[i].condition = STARVED;
        e->places[i].since_us = e->now_us;
        set_free(e, &e->places[i]);
    }
    begin_sums(e);
    settle(e);
    return 1;
}

EXPORT void linetwin_close(Engine *e) {
    if (!e) return;
    if (e->block) {
        for (i64 i = 0; i < e->plan.lanes_count; i++) free(e->lanes[i].parts.begin);
        for (const Machine *m = e->machines; m < e->machines + e->plan.machines_count; m++)
            for (Place *p = m->places; m->several && p < m->places + m->places_count; p++)
                if (is_elsewhere(&p->parts)) free(p->parts.slots - 1);
    }
    free(e->block);
    free(e->rest);
    if (is_elsewhere(&e->made)) free(e->made.slots - 1);
    free(e->todo);
    free(e->hourly);
    free(e->log);
    free(e);
}

/* Point the state's rows at each other, as the program numbers them. */
static void wire(Engine *e) {
    const Program *plan = &e->plan;
#define POINT(type, name, table)                                                                   \
    for (i64 i = 0; i < plan->name##_count; i++) e->name[i] = &e->table[plan->name[i]];
    LINK_TABLES(POINT)
#undef POINT
    for (i64 i = 0; i < plan->stations_count; i++) {
        const StationPlan *sp = &plan->stations[i];
        e->stations[i].plan = sp;
        e->stations[i].quantiles = plan->tables + sp->table * TABLE_LENGTH;
        e->stations[i].constant_us = plan->table_constants[sp->table];
        e->stations[i].service = sp->service;
        e->stations[i].plain = sp->plain != 0;
    }
    for (i64 i = 0; i < plan->lanes_count; i++) {
        const LanePlan *lp = &plan->lanes[i];
        Lane *lane = &e->lanes[i];
        lane->capacity = lp->capacity;
        lane->takers = e->lane_takers + lp->takers.from;
        lane->takers_count = lp->takers.count;
        lane->givers = e->lane_givers + lp->givers.from;
        lane->givers_count = lp->givers.count;
        lane->taker = lp->takers.count == 1 ? lane->takers[0] : NULL;
        lane->giver = lp->givers.count == 1 ? lane->givers[0] : NULL;
    }
    for (i64 i = 0; i < plan->inlets_count; i++) {
        const InletPlan *in = &plan->inlets[i];
        i64 whole = in->milli % MILLI ? 0 : in->milli / MILLI;
        e->inlets[i] = (Inlet){e->inlet_lanes + in->lanes.from, in->lanes.count, in->milli, whole,
                               e->inlets[i].starved_us};
    }
    for (i64 i = 0; i < plan->outlets_count; i++) {
        const OutletPlan *op = &plan->outlets[i];
        e->outlets[i].lanes = e->outlet_lanes + op->lanes.from;
        e->outlets[i].lanes_count = op->lanes.count;
        e->outlets[i].share_below = (u64)op->share_below;
    }
    for (i64 i = 0; i < plan->groups_count; i++) {
        const GroupPlan *gp = &plan->groups[i];
        Group *group = &e->groups[i];
        group->station = &e->stations[gp->station];
        group->uses_count = plan->stations[gp->station].uses.count;
        group->single_lane = gp->single_lane == NONE ? NULL : &e->lanes[gp->single_lane];
        group->inlets = e->inlets + gp->inlets.from;
        group->inlets_count = gp->inlets.count;
        group->outlets = e->outlets + gp->outlets.from;
        group->outlets_count = gp->outlets.count;
        if (gp->inlets.count == 1 && group->inlets->whole && !group->uses_count) group->inlet = group->inlets;
        if (group->inlet && group->inlet->whole == 1) group->single = group->inlet;
        if (gp->outlets.count == 1 && group->outlets->lanes_count == 1 && group->outlets->lanes[0]->capacity)
            group->way_out = group->outlets->lanes[0];
        const StationPlan *sp = &plan->stations[gp->station];
        group->makes_one = !sp->passes_on && sp->gives_milli == MILLI;
        if (sp->passes_on || group->makes_one) group->short_way = group->way_out;
        for (const Inlet *in = group->inlets; in < group->inlets + group->inlets_count; in++)
            for (i64 k = 0; k < in->lanes_count; k++)
                if (!in->lanes[k]->capacity) group->hand_to_hand = 1;
        group->tells_causes = group->inlets_count + group->uses_count > 1;
        for (const Inlet *in = group->inlets; in < group->inlets + group->inlets_count; in++)
            for (i64 k = 0; k < in->lanes_count; k++) in->lanes[k]->tells_causes |= group->tells_causes;
    }
    for (i64 i = 0; i < plan->machines_count; i++) {
        const MachinePlan *mp = &plan->machines[i];
        Machine *m = &e->machines[i];
        m->plan = mp;
        m->station = &e->stations[mp->station];
        m->places = e->places + mp->places.from;
        m->places_count = mp->places.count;
        m->modes = e->modes + mp->modes.from;
        m->inner = mp->places.count > 1 ? &e->inner[i] : NULL;
    }
    for (i64 i = 0; i < plan->modes_count; i++) e->modes[i].plan = &plan->modes[i];
    for (i64 i = 0; i < plan->services_count; i++) {
        e->services[i].plan = &plan->services[i];
        e->services[i].machine = &e->machines[plan->services[i].machine];
    }
}

static void wire_places(Engine *e) {
    i64 leaf = 0;
    for (i64 i = 0; i < e->plan.places_count; i++) {
        const PlacePlan *pp = &e->plan.places[i];
        Place *p = &e->places[i];
        Machine *m = &e->machines[pp->machine];
        p->machine_away = (int32_t)((i64 *)m - (i64 *)p);
        if (pp->number) continue;
        /* Places are numbered by rank, and a machine's are together: so are the machines' leaves. */
        m->group = &e->groups[pp->group];
        m->tells_causes = m->group->tells_causes || m->group->outlets_count > 1;
        m->leaf = leaf++;
    }
}

static void wire_leaves(Engine *e) {
    for (Machine *m = e->machines; m < e->machines + e->plan.machines_count; m++) {
        const Group *group = m->group;
        Group *taker = group->short_way ? group->short_way->taker : NULL;
        e->leaves[m->leaf] = (Leaf){
            .first = m->places, .inner = m->inner, .machine = m, .station = m->station, .group = m->group,
            .taker = taker && taker->single ? taker : NULL,
            .single_lane = group->single_lane, .short_way = group->short_way,
        };
    }
}

/* As wide as it has leaves it is smallest, and its last leaves, twice as many as are beyond a power of two,
 * lie a level deeper. Unless these are few, the processor can't foretell where a way to the root ends:
 * where that counts, the width is a power of two, and all are equally deep. */
static size_t lay_out_tournament(Tournament *t, i64 leaves, int small, char *block) {
    for (t->bits = 1; INT64_C(1) << t->bits < leaves;) t->bits++;
    t->leaf_mask = (UINT64_C(1) << t->bits) - 1;
    i64 level = (i64)t->leaf_mask + 1, beyond = leaves - level / 2;
    t->width = leaves > 1 && (small || beyond * FEW_OF < leaves) ? leaves : level;
    t->leaves = leaves;
    t->never = UINT64_MAX >> 1 >> t->bits;
    t->nodes = (u64 *)block;
    return (size_t)(t->width + leaves + 1) * sizeof(u64);
}

/* Lay the state out in the block, one table after the other; without a block only its size is
 * worked out. */
static void lay_out(Engine *e) {
    const Program *plan = &e->plan;
    size_t bytes = 0;
    e->services_leaf = plan->calendars_count + plan->materials_count;
    e->failures_leaf = e->services_leaf + plan->services_count;
    i64 clocks = e->failures_leaf + plan->machines_count;
#define LAY(name, count)                                                                           \
    e->name = e->block ? (void *)(e->block + bytes) : NULL;                                        \
    bytes += ((size_t)(count) * sizeof(*e->name) + 63) / 64 * 64;
#define LAY_TABLE(type, name) LAY(name, plan->name##_count)
#define LAY_LINKS(type, name, table) LAY(name, plan->name##_count)
    STATE_TABLES(LAY_TABLE)
    LINK_TABLES(LAY_LINKS)
    LAY(own_stations, plan->stations_count)
    LAY(own_modes, plan->modes_count)
    LAY(own_detect, plan->detect_count)
    LAY(begun, plan->stations_count)
    LAY(ends_us, plan->machines_count)
    LAY(inner, plan->machines_count)
    LAY(leaves, plan->machines_count)
    LAY(work_due_us, plan->machines_count)
    LAY(clock_due_us, clocks)
#undef LAY_LINKS
#undef LAY_TABLE
#undef LAY
    bytes += lay_out_tournament(&e->clocks, clocks, 1, e->block + bytes);
    bytes += lay_out_tournament(&e->work, plan->machines_count, 0, e->block + bytes);
    u64 reach = e->clocks.never < e->work.never ? e->clocks.never : e->work.never;
    for (i64 i = 0; i < plan->machines_count; i++) {
        if (plan->machines[i].places.count == 1) continue;
        Tournament unused, *t = e->block ? &e->inner[i] : &unused;
        bytes += lay_out_tournament(t, plan->machines[i].places.count, 1, e->block + bytes);
        if (t->never < reach) reach = t->never;
    }
    for (i64 i = 0; i < plan->machines_count; i++) {
        const PlacePlan *first = &plan->places[plan->machines[i].places.from];
        if (plan->groups[first->group].outlets.count < 2) continue;
        if (e->block) e->machines[i].wants = (int32_t *)(e->block + bytes);
        bytes += (size_t)(plan->machines[i].places.count + 1) / 2 * sizeof(i64);
    }
    e->reach_us = (i64)(reach < FOREVER ? reach : FOREVER) - 1;
    e->block_bytes = bytes;
}

/* What the rows of the plan that lie in the block say is read there. */
static void read_own_plan(Engine *e) {
    e->plan.stations = e->own_stations;
    e->plan.modes = e->own_modes;
    e->plan.detect = e->own_detect;
}

static void copy_plan(Engine *e, const Program *plan) {
    memcpy(e->own_stations, plan->stations, (size_t)plan->stations_count * sizeof(StationPlan));
    if (plan->modes_count) memcpy(e->own_modes, plan->modes, (size_t)plan->modes_count * sizeof(ModePlan));
    if (plan->detect_count) memcpy(e->own_detect, plan->detect, (size_t)plan->detect_count * sizeof(DetectPlan));
    read_own_plan(e);
}

/* An engine without any state yet; NULL if there is no memory for it. */
static Engine *bare_engine(const Program *plan, i64 start_us, i64 now_us) {
    Engine *e = calloc(1, sizeof(Engine));
    if (!e) return NULL;
    e->plan = *plan;
    e->start_us = start_us;
    e->firing = NONE;
    e->now_us = e->end_us = e->began_us = now_us;
    e->next_hour_us = (now_us / HOUR_US + 1) * HOUR_US;
    lay_out(e);
    if (e->block_bytes / sizeof(i64) <= INT32_MAX) e->block = calloc(1, e->block_bytes);  /* see Place */
    if (!e->block) {
        linetwin_close(e);
        return NULL;
    }
    lay_out(e);
    copy_plan(e, plan);
    wire(e);
    wire_places(e);
    wire_leaves(e);
    for (i64 i = 0; i < e->clocks.leaves; i++) e->clock_due_us[i] = FOREVER;
    for (i64 i = 0; i < e->work.leaves; i++) e->work_due_us[i] = FOREVER;
    count_from(e, now_us);
    return e;
}

/* An empty line at an instant, at rest: `linetwin_begin` sets it going; NULL if there is no memory. */
EXPORT Engine *linetwin_empty(const Program *plan, i64 start_us) {
    return bare_engine(plan, start_us, start_us);
}

/* A stream's key in a run that has begun, to check the two sides against each other. */
EXPORT void linetwin_key(const Engine *e, i64 stream, Key *to) { *to = stream_key(e, stream); }

/* ---- What has been counted ----------------------------------------------------------------------------
 *
 * Nothing of the state is known outside of this file: it is summed up here, in the order of Counters.
 */

static i64 starved_causes(const Engine *e, const Station *s) {
    return e->groups[s->plan->groups.from].inlets_count + s->plan->uses.count;
}

static i64 blocked_causes(const Engine *e, const Station *s) {
    return e->groups[s->plan->groups.from].outlets_count;
}

/* How many words `linetwin_count` writes. */
EXPORT i64 linetwin_counted(const Engine *e) {
    i64 words = (7 + CONDITIONS) * e->plan.stations_count + e->plan.buffers_count;
    for (const Station *s = e->stations; s < e->stations + e->plan.stations_count; s++)
        words += starved_causes(e, s) + blocked_causes(e, s);
    return words;
}

static i64 sum_by_now(const Engine *e, Sum sum, i64 spans) {
    return (i64)(sum + (u64)spans * (u64)e->end_us);
}

/* A station with one cause starves for it all the time; one with several says for which it does. */
static void count_starved(const Engine *e, const Station *s, i64 starved_us, i64 *to) {
    i64 causes = starved_causes(e, s), inlets = e->groups[s->plan->groups.from].inlets_count;
    if (causes == 1) to[0] = starved_us;
    if (causes < 2) return;
    const Group *group = e->groups + s->plan->groups.from;
    for (const Group *end = group + s->plan->groups.count; group < end; group++) {
        for (i64 k = 0; k < group->inlets_count && k < causes; k++) to[k] += (i64)group->inlets[k].starved_us;
        if (group->short_of < causes) to[group->short_of] += sum_by_now(e, 0, group->starved);
    }
    for (i64 k = inlets; k < causes; k++) to[k] += (i64)e->uses[s->plan->uses.from + k - inlets].starved_us;
}

static void count_blocked(const Engine *e, const Station *s, i64 blocked_us, i64 *to) {
    i64 causes = blocked_causes(e, s);
    if (causes == 1) to[0] = blocked_us;
    if (causes < 2) return;
    const Group *group = e->groups + s->plan->groups.from;
    for (const Group *end = group + s->plan->groups.count; group < end; group++)
        for (i64 k = 0; k < group->outlets_count && k < causes; k++)
            to[k] += sum_by_now(e, group->outlets[k].blocked_us, group->outlets[k].blocked);
}

static i64 level_of(const Engine *e, i64 lane) {
    return sum_by_now(e, e->lanes[lane].level_us, e->lanes[lane].parts.count);
}

/* Write out what has been counted up to now; sums by cause and levels since the engine began. */
EXPORT void linetwin_count(const Engine *e, i64 *to) {
    const Program *plan = &e->plan;
    i64 n = plan->stations_count;
    memset(to, 0, (size_t)linetwin_counted(e) * sizeof(i64));
    i64 *levels = to + (7 + CONDITIONS) * n, *starved = levels + plan->buffers_count, *blocked = starved;
    Sum *times = (Sum *)(to + 7 * n);
    for (i64 i = 0; i < n; i++) blocked += starved_causes(e, &e->stations[i]);
    for (i64 i = 0; i < n; i++, times += CONDITIONS) {
        const Station *s = &e->stations[i];
        to[i] = s->started;
        to[n + i] = s->completed;
        const Machine *m = e->machines + s->plan->machines.from;
        for (const Machine *end = m + s->plan->machines.count; m < end; m++) {
            to[2 * n + i] += m->consumed;
            to[3 * n + i] += m->good;
            to[4 * n + i] += m->defective;
            to[5 * n + i] += m->reworked;
            to[6 * n + i] += m->failures;
            for (int k = 0; k < CONDITIONS; k++) times[k] += m->time_us[k];
            for (const Place *p = m->places; p < m->places + m->places_count; p++)
                times[p->condition] += (u64)(e->end_us - p->since_us);
        }
        count_starved(e, s, (i64)(times[STARVED] - (u64)e->begun[i].starved_us), starved);
        count_blocked(e, s, (i64)(times[BLOCKED] - (u64)e->begun[i].blocked_us), blocked);
        starved += starved_causes(e, s);
        blocked += blocked_causes(e, s);
    }
    for (const BufferPlan *b = plan->buffers; b < plan->buffers + plan->buffers_count; b++, levels++) {
        for (i64 k = 0; k < b->lanes.count; k++)
            *levels = (i64)((u64)*levels + (u64)level_of(e, b->lanes.from + k));
        if (b->rework_lane != NONE) *levels = (i64)((u64)*levels + (u64)level_of(e, b->rework_lane));
    }
}

/* The events since the last call; they stand until the engine runs on. */
EXPORT const Event *linetwin_take_log(Engine *e, i64 *count) {
    *count = e->log_count;
    e->log_count = 0;
    return e->log;
}

/* What had left the line by each full hour since the engine began: a number for each station without
 * a way out, in their order, hour after hour. It stands until the engine runs on. */
EXPORT const i64 *linetwin_hourly(const Engine *e, i64 *count) {
    *count = e->hourly_count;
    return e->hourly;
}

EXPORT i64 linetwin_now(const Engine *e) { return e->end_us; }

/* The size of a table's rows in bytes, to check the two sides' layouts against each other. */
EXPORT i64 linetwin_plan_row(const char *name) {
#define SIZE(type, table) if (!strcmp(name, #table)) return (i64)sizeof(type);
    PLAN_TABLES(SIZE)
#undef SIZE
    return 0;
}


/* ---- Snapshots: the state as rows of int64 that snapshot.py names, written out and read in ---------
 *
 * The rows say what can't be worked out from the rest: no list of pending events, no links, and
 * nothing that the running stretch of a work or a clock has not yet been counted into.
 */

enum HeldIn { IN_LANE, IN_LOAD, IN_OUT };

typedef struct { i64 started, completed; } SavedStation;
typedef struct {
    i64 worked_us, clock_us, down, service, ends_us, crew_turn;
    i64 consumed, good, defective, reworked, failures, cycle_time_us;
    i64 execute_us, starved_us, blocked_us, fault_us, setup_us, maintenance_us, planned_stop_us;
} SavedMachine;
typedef struct { i64 count, strikes_at; } SavedMode;
typedef struct { i64 due; } SavedService;
typedef struct {
    i64 condition, since_us, loaded, operation, lead, rework_pass, redone;
    i64 drawn_us, left_us, started_us, waits_for, turn;
} SavedPlace;
typedef struct { i64 free; } SavedCrew;
typedef struct { i64 level, used; } SavedMaterial;
typedef struct { i64 held_in, holder, number, rework_pass, defects, entered; } SavedPart;

static const char saved_fields[] =
    "snapshot: settled\n"
    "stations: started completed\n"
    "machines: worked_us clock_us down service ends_us crew_turn consumed good defective reworked "
    "failures cycle_time_us execute_us starved_us blocked_us fault_us setup_us maintenance_us "
    "planned_stop_us\n"
    "modes: count strikes_at\n"
    "services: due\n"
    "places: condition since_us loaded operation lead rework_pass redone drawn_us left_us started_us "
    "waits_for turn\n"
    "crews: free\n"
    "materials: level used\n"
    "parts: held_in holder number rework_pass defects entered\n";

/* The tables with as many rows as the plan's; the parts come after them. */
#define SAVED_TABLES(X)                                                                            \
    X(SavedStation, stations) X(SavedMachine, machines) X(SavedMode, modes)                         \
    X(SavedService, services) X(SavedPlace, places) X(SavedCrew, crews) X(SavedMaterial, materials)

typedef struct {
#define DECLARE(type, name) type *name;
    SAVED_TABLES(DECLARE)
#undef DECLARE
    SavedPart *parts;
} Saved;

static Saved saved_at(const Program *plan, i64 *words) {
    Saved saved;
#define PLACE(type, name)                                                                          \
    saved.name = (type *)words;                                                                    \
    words += plan->name##_count * (i64)(sizeof(type) / sizeof(i64));
    SAVED_TABLES(PLACE)
#undef PLACE
    saved.parts = (SavedPart *)words;
    return saved;
}

/* The names of the rows' fields, to check the two sides against each other. */
EXPORT const char *linetwin_saved_fields(void) { return saved_fields; }

/* How many rows of parts a snapshot has now. */
EXPORT i64 linetwin_parts(const Engine *e) {
    i64 total = 0;
    for (i64 i = 0; i < e->plan.lanes_count; i++) total += e->lanes[i].parts.count;
    for (i64 i = 0; i < e->plan.places_count; i++) total += held(&e->places[i].parts);
    return total;
}

static SavedPart *save_load(SavedPart *to, const Load *load, i64 held_in, i64 holder) {
    for (uint32_t i = 0; i < held(load); i++) {
        const Part *part = part_at(load, i);
        *to++ = (SavedPart){held_in, holder, part->number, part->rework_pass, part->defects, 0};
    }
    return to;
}

static SavedPart *save_lane(SavedPart *to, const Queue *queue, i64 holder) {
    const PartInLane *at = queue->first;
    for (i64 i = 0; i < queue->count; i++) {
        const Part *part = &at->part;
        *to++ = (SavedPart){IN_LANE, holder, part->number, part->rework_pass, part->defects, at->entered};
        if (++at == queue->end) at = queue->begin;
    }
    return to;
}

/* Whether the work on a place goes on. */
static int goes_on(const Place *p) {
    return p->loaded && (p->pending == COMPLETED || p->pending == STRUCK);
}

/* When the repair or the maintenance ends that goes on; NONE if none does, or if it waits for a crew. */
static i64 hold_ends(const Engine *e, const Machine *m) {
    if (m->service) return m->service->done_at < FOREVER ? m->service->done_at : NONE;
    if (!m->down) return NONE;
    if (!m->station->plan->by_time)
        return m->places->pending == REPAIRED ? e->work_due_us[m->leaf] : NONE;
    i64 at = e->clock_due_us[e->failures_leaf + (m - e->machines)];
    return at < FOREVER ? at : NONE;
}

static void save_machine(const Engine *e, const Machine *m, SavedMachine *to) {
    *to = (SavedMachine){
        .down = m->down ? m->down - m->modes : NONE,
        .service = m->service ? m->service - &e->services[m->plan->services.from] : NONE,
        .ends_us = hold_ends(e, m), .consumed = m->consumed, .good = m->good, .defective = m->defective,
        .reworked = m->reworked, .failures = m->failures, .cycle_time_us = m->cycle_time_us,
        .execute_us = (i64)m->time_us[EXECUTE], .starved_us = (i64)m->time_us[STARVED],
        .blocked_us = (i64)m->time_us[BLOCKED], .fault_us = (i64)m->time_us[FAULT],
        .setup_us = (i64)m->time_us[SETUP], .maintenance_us = (i64)m->time_us[MAINTENANCE],
        .planned_stop_us = (i64)m->time_us[PLANNED_STOP],
    };
    if (m->station->plan->by_time) {
        to->clock_us = m->clock_us + (m->clock_runs ? e->end_us - m->clock_since : 0);
        return;
    }
    i64 spans = 0;
    for (const Place *p = m->places; p < m->places + m->places_count; p++) spans += goes_on(p);
    to->worked_us = sum_by_now(e, m->worked_us, spans);
}

static void save_place(const Engine *e, const Place *p, SavedPlace *to) {
    *to = (SavedPlace){.condition = p->condition, .since_us = p->since_us, .waits_for = p->waits,
                       .turn = p->waits ? p->wait.turn : 0};
    if (!p->loaded) return;
    to->loaded = 1;
    to->operation = p->work.operation;
    Part part = drawn_for(p);
    to->lead = part.number;
    to->rework_pass = part.rework_pass;
    to->redone = p->parts.redone;
    to->drawn_us = p->work.drawn_us;
    to->left_us = goes_on(p) ? p->work.due_us - e->end_us : p->work.left_us;
    to->started_us = p->work.started_us;
}

/* Write the state out; `words` has room for the plan's rows and for `linetwin_parts` more. Only
 * between events, when everything up to and at the instant has happened. */
EXPORT void linetwin_save(const Engine *e, i64 *words) {
    const Program *plan = &e->plan;
    Saved to = saved_at(plan, words);
    for (i64 i = 0; i < plan->stations_count; i++)
        to.stations[i] = (SavedStation){e->stations[i].started, e->stations[i].completed};
    for (i64 i = 0; i < plan->machines_count; i++) save_machine(e, &e->machines[i], &to.machines[i]);
    for (i64 i = 0; i < plan->modes_count; i++)
        to.modes[i] = (SavedMode){e->modes[i].count, e->modes[i].strikes_at};
    for (i64 i = 0; i < plan->services_count; i++)
        to.services[i] = (SavedService){e->services[i].due};
    for (i64 i = 0; i < plan->crews_count; i++) {
        const Crew *crew = &e->crews[i];
        to.crews[i] = (SavedCrew){crew->free};
        i64 turn = 0;
        for (const Machine *m = crew->head; m; m = m->crew_next)
            to.machines[m - e->machines].crew_turn = ++turn;
    }
    for (i64 i = 0; i < plan->materials_count; i++) {
        i64 level = e->materials[i].level;
        to.materials[i] = (SavedMaterial){level < UNLIMITED ? level : NONE, e->materials[i].used};
    }
    for (i64 i = 0; i < plan->places_count; i++) save_place(e, &e->places[i], &to.places[i]);
    SavedPart *parts = to.parts;
    for (i64 i = 0; i < plan->lanes_count; i++)
        parts = save_lane(parts, &e->lanes[i].parts, i);
    for (i64 i = 0; i < plan->places_count; i++)
        if (e->places[i].loaded) parts = save_load(parts, &e->places[i].parts, IN_LOAD, i);
    for (i64 i = 0; i < plan->places_count; i++)
        if (!e->places[i].loaded) parts = save_load(parts, &e->places[i].parts, IN_OUT, i);
}

static int by_turn(const void *a, const void *b) {
    i64 x = ((const Turn *)a)->turn, y = ((const Turn *)b)->turn;
    return (x > y) - (x < y);
}

/* A clock that a changed line has brought begins now (rule S37). */
static void draw_new_clocks(const Engine *e, Machine *m) {
    i64 now = m->station->plan->by_time ? m->clock_us : (i64)m->worked_us;
    for (Mode *mode = m->modes; mode < m->modes + m->plan->modes.count; mode++)
        if (mode->strikes_at == NONE) mode->strikes_at = draw_due(e, mode, now);
    int by_work = m->plan->modes.count && !m->station->plan->by_time;
    m->next_strike = by_work ? first_mode(m)->strikes_at : FOREVER;
}

static void load_machine(Engine *e, Machine *m, const SavedMachine *from) {
    m->worked_us = (u64)from->worked_us;
    m->clock_us = from->clock_us;
    m->down = from->down == NONE ? NULL : &m->modes[from->down];
    m->service = from->service == NONE ? NULL : &e->services[m->plan->services.from + from->service];
    m->consumed = from->consumed;
    m->good = from->good;
    m->defective = from->defective;
    m->reworked = from->reworked;
    m->failures = from->failures;
    m->cycle_time_us = from->cycle_time_us;
    m->time_us[EXECUTE] = (u64)from->execute_us;
    m->time_us[STARVED] = (u64)from->starved_us;
    m->time_us[BLOCKED] = (u64)from->blocked_us;
    m->time_us[FAULT] = (u64)from->fault_us;
    m->time_us[SETUP] = (u64)from->setup_us;
    m->time_us[MAINTENANCE] = (u64)from->maintenance_us;
    m->time_us[PLANNED_STOP] = (u64)from->planned_stop_us;
    e->ends_us[m - e->machines] = from->ends_us;
}

static void load_place(Engine *e, Place *p, const SavedPlace *from) {
    p->condition = (int8_t)from->condition;
    p->since_us = from->since_us;
    if (!from->loaded) return;
    p->loaded = 1;
    p->work.operation = from->operation;
    p->parts.redone = (int32_t)from->redone;
    Part part = drawn_for(p);
    if (part.number != from->lead || part.rework_pass != from->rework_pass) {
        if (!is_elsewhere(&p->parts)) enlarge_load(e, &p->parts, 0);
        p->parts.slots[-1] = (Part){from->lead, (int32_t)from->rework_pass, 0};
    }
    p->work.drawn_us = from->drawn_us;
    p->work.left_us = from->left_us;
    p->work.started_us = from->started_us;
}

static void load_part(Engine *e, const SavedPart *from) {
    Part part = {from->number, (int32_t)from->rework_pass, (uint32_t)from->defects};
    if (from->held_in != IN_LANE) *new_last(e, &e->places[from->holder].parts) = part;
    else *new_in_lane(e, &e->lanes[from->holder].parts) = (PartInLane){part, from->entered};
    if (from->entered > e->turns) e->turns = from->entered;
}

/* What is pending at a machine follows from its state. */
static void resume_machine(Engine *e, Machine *m, i64 ends_us) {
    Service *first = &e->services[m->plan->services.from];
    for (Service *s = first; s < first + m->plan->services.count; s++) {
        m->services_due += s->due != 0;
        s->done_at = s == m->service && ends_us != NONE ? ends_us : FOREVER;
        set_next_due(e, s);
    }
    look_for_hindrances(m);
    for (Place *p = m->places; p < m->places + m->places_count; p++)
        if (p->loaded) work(e, p, p->work.left_us);
    if (m->down) {
        if (ends_us != NONE) schedule_repair(e, m, ends_us);
    } else if (!m->service && m->station->plan->by_time) {
        run_clock(e, m);
    }
}

/* Note who waits, the longest-waiting first; false if there is no memory for it. */
static int note_who_waits(Engine *e, const Saved *from, int settled) {
    size_t most = (size_t)(e->plan.places_count + e->plan.machines_count);
    Rest *rest = e->rest = malloc(sizeof(Rest) + most * sizeof(Turn));
    if (!rest) return 0;
    *rest = (Rest){.settled = settled, .turns = (Turn *)(rest + 1)};
    for (i64 i = 0; i < e->plan.places_count; i++)
        if (from->places[i].waits_for != FOR_NOTHING)
            rest->turns[rest->places++] = (Turn){from->places[i].turn, i, from->places[i].waits_for};
    qsort(rest->turns, (size_t)rest->places, sizeof(Turn), by_turn);
    Turn *machines = rest->turns + rest->places;
    for (i64 i = 0; i < e->plan.machines_count; i++)
        if (from->machines[i].crew_turn) machines[rest->machines++] = (Turn){from->machines[i].crew_turn, i, FOR_NOTHING};
    qsort(machines, (size_t)rest->machines, sizeof(Turn), by_turn);
    return 1;
}

/* Places and machines go back to where they wait. */
static void join_queues(Engine *e, const Rest *rest) {
    const Turn *turn = rest->turns;
    for (const Turn *end = turn + rest->places; turn < end; turn++) {
        Place *p = &e->places[turn->subject];
        if (turn->waits_for == FOR_A_LOAD) {
            join(e, &machine_of(p)->group->waiting, p);
            p->waits = FOR_A_LOAD;
        } else {
            wait_for_room(e, p, outlet_of(p));
        }
    }
    for (const Turn *end = turn + rest->machines; turn < end; turn++) {
        Machine *m = &e->machines[turn->subject];
        Crew *crew = crew_of(e, m->service ? m->service->plan->crew : m->down->plan->crew);
        if (crew->head) crew->tail->crew_next = m;
        else crew->head = m;
        crew->tail = m;
    }
}

/* Read the state in; false if there is no memory for it. */
static int load_state(Engine *e, const Saved *from, i64 parts, int settled) {
    const Program *plan = &e->plan;
    if (setjmp(e->give_up)) return 0;
    for (i64 i = 0; i < plan->crews_count; i++) e->crews[i].free = from->crews[i].free;
    for (i64 i = 0; i < plan->materials_count; i++) {
        const MaterialPlan *mp = &plan->materials[i];
        i64 level = from->materials[i].level;
        e->materials[i] = (Store){level == NONE ? UNLIMITED : level, from->materials[i].used};
        if (!mp->has_delivery) continue;
        i64 passed = e->now_us - mp->first_us;
        i64 next = passed < 0 ? 0 : passed / mp->every_us + 1;
        set_clock(e, plan->calendars_count + i, mp->first_us + next * mp->every_us);
    }
    for (i64 i = 0; i < plan->calendars_count; i++)
        set_clock(e, i, next_edge(e, i, e->now_us));
    for (i64 i = 0; i < plan->stations_count; i++) {
        i64 calendar = plan->stations[i].calendar;
        e->stations[i].started = from->stations[i].started;
        e->stations[i].completed = from->stations[i].completed;
        e->stations[i].closed = calendar != NONE && calendar_is_closed(e, calendar, e->now_us);
    }
    for (i64 i = 0; i < plan->modes_count; i++) {
        e->modes[i].count = from->modes[i].count;
        e->modes[i].strikes_at = from->modes[i].strikes_at;
    }
    for (i64 i = 0; i < plan->services_count; i++) e->services[i].due = from->services[i].due;
    for (i64 i = 0; i < plan->machines_count; i++) load_machine(e, &e->machines[i], &from->machines[i]);
    for (i64 i = 0; i < parts; i++) load_part(e, &from->parts[i]);
    for (i64 i = 0; i < plan->places_count; i++) load_place(e, &e->places[i], &from->places[i]);
    return note_who_waits(e, from, settled);
}

static int waits_for_no_crew(const Engine *e, const Machine *m) {
    if (!m->down && !m->service) return 0;
    return (m->service ? m->service->plan->crew : m->down->plan->crew) == NONE && hold_ends(e, m) == NONE;
}

/* Let happen what a change of the line has made possible (rule S37); false if there is no memory. */
static int look_again(Engine *e) {
    const Program *plan = &e->plan;
    if (setjmp(e->give_up)) return 0;
    for (Crew *crew = e->crews; crew < e->crews + plan->crews_count; crew++)
        while (crew->free > 0 && crew->head) {
            crew->free--;
            release_crew(e, crew);
        }
    for (i64 i = 0; i < plan->places_count; i++) {
        Machine *m = machine_of(&e->places[i]);
        if (plan->places[i].number) continue;
        if (!waits_for_no_crew(e, m)) begin_due_service(e, m);
        else if (m->service) begin_service_work(e, m);
        else begin_repair(e, m);
    }
    for (i64 i = 0; i < plan->places_count; i++) restate(e, &e->places[i]);
    for (i64 i = 0; i < plan->places_count; i++) {
        Group *group = machine_of(&e->places[i])->group;
        if (!group->inlets_count) serve_waiting(e, group);
    }
    for (i64 i = 0; i < plan->lanes_count; i++) gained_parts(e, &e->lanes[i]);
    for (i64 i = 0; i < plan->lanes_count; i++) gained_room(e, &e->lanes[i]);
    for (i64 i = 0; i < plan->places_count; i++) set_free(e, &e->places[i]);
    settle(e);
    return 1;
}

/* A line in the state of rows as `linetwin_save` writes them, which have been checked, at rest:
 * `linetwin_begin` sets it going. Rows that are not settled are of a line that has been changed. NULL if
 * there is no memory for it. */
EXPORT Engine *linetwin_load(const Program *plan, i64 *words, i64 parts, i64 start_us, i64 now_us, int settled) {
    Engine *e = bare_engine(plan, start_us, now_us);
    if (!e) return NULL;
    Saved from = saved_at(plan, words);
    if (load_state(e, &from, parts, settled)) return e;
    linetwin_close(e);
    return NULL;
}

/* Where something of the block lies in a copy of it that is so many bytes away. */
#define MOVED(pointer) ((pointer) ? (void *)((uintptr_t)(pointer) + away) : NULL)

static void move_queue(PlaceQueue *queue, uintptr_t away) {
    queue->head = MOVED(queue->head);
    queue->tail = MOVED(queue->tail);
}

/* What the copied state says of itself is about the original: make it say it of the copy. */
static void move_state(Engine *e, uintptr_t away) {
    const Program *plan = &e->plan;
    for (i64 i = 0; i < plan->groups_count; i++) move_queue(&e->groups[i].waiting, away);
    for (i64 i = 0; i < plan->outlets_count; i++) move_queue(&e->outlets[i].waiting, away);
    for (i64 i = 0; i < plan->crews_count; i++) {
        e->crews[i].head = MOVED(e->crews[i].head);
        e->crews[i].tail = MOVED(e->crews[i].tail);
    }
    for (Machine *m = e->machines; m < e->machines + plan->machines_count; m++) {
        m->down = MOVED(m->down);
        m->service = MOVED(m->service);
        m->crew_next = MOVED(m->crew_next);
        m->group = MOVED(m->group);
    }
}

static void *copied(const void *memory, size_t bytes) {
    void *copy = malloc(bytes);
    return copy ? memcpy(copy, memory, bytes) : NULL;
}

static int copy_hourly(Engine *e, const i64 *from) {
    if (!e->hourly_count) return 1;
    e->hourly = malloc((size_t)e->hourly_room * sizeof(i64));
    if (e->hourly) memcpy(e->hourly, from, (size_t)e->hourly_count * sizeof(i64));
    return e->hourly != NULL;
}

/* Parts lie outside of the block where there are several; false if there is no memory for them. */
static int copy_lanes(Engine *e) {
    int all = 1;
    for (Lane *lane = e->lanes; lane < e->lanes + e->plan.lanes_count; lane++) {
        Queue *q = &lane->parts;
        if (!q->begin) continue;
        PartInLane *copy = malloc((size_t)q->room * sizeof(PartInLane));
        if (copy) write_out(q, copy);
        *q = (Queue){copy, copy + (q->count < q->room ? q->count : 0), copy, copy + q->room, q->count, q->room};
        all &= copy != NULL;
    }
    return all;
}

/* False if there is no memory for the parts that lie elsewhere. */
static int copy_loads(Engine *e) {
    int all = 1;
    for (Machine *m = e->machines; m < e->machines + e->plan.machines_count; m++)
        for (Place *p = m->places; m->several && p < m->places + m->places_count; p++) {
            if (!is_elsewhere(&p->parts)) continue;
            Part *slots = copied(p->parts.slots - 1, ((size_t)p->parts.room + 1) * sizeof(Part));
            if (slots) p->parts.slots = slots + 1;
            else p->parts.held = 0;
            all &= slots != NULL;
        }
    return all;
}

/* The same state in memory of its own, with nothing logged; NULL if there is no memory for it. Only
 * between events, as `linetwin_save`. */
EXPORT Engine *linetwin_fork(const Engine *e, int logging) {
    Engine *f = malloc(sizeof(Engine));
    if (!f) return NULL;
    *f = *e;
    f->rest = NULL;
    f->todo = NULL;
    f->log = NULL;
    f->hourly = NULL;
    f->made = (Load){0};
    f->todo_room = f->log_room = f->log_count = 0;
    if (!e->hourly_count) f->hourly_room = 0;
    f->logging = logging;
    f->block = malloc(e->block_bytes);
    if (!f->block) {
        linetwin_close(f);
        return NULL;
    }
    memcpy(f->block, e->block, e->block_bytes);
    lay_out(f);
    read_own_plan(f);
    wire(f);
    move_state(f, (uintptr_t)f->block - (uintptr_t)e->block);
    wire_leaves(f);
    if (copy_loads(f) & copy_lanes(f) & copy_hourly(f, e->hourly)) return f;
    linetwin_close(f);
    return NULL;
}

/* ---- Beginning: as many runs from one state as are wanted, each with draws of its own ------------------- */

/* What is left of something that goes on, drawn anew (redraw.py). */
enum DrawnAnew { WORK_LEFT, HOLD_ENDS, STRIKES_AT };
typedef struct { i64 what, row, us, drawn_us; } Anew;

static void draw_anew(Engine *e, const Anew *anew) {
    if (anew->what == HOLD_ENDS) {
        e->ends_us[anew->row] = anew->us;
    } else if (anew->what == STRIKES_AT) {
        e->modes[anew->row].strikes_at = anew->us;
    } else {
        e->places[anew->row].work.left_us = anew->us;
        e->places[anew->row].work.drawn_us = anew->drawn_us;
    }
}

/* A loaded state goes on; false if there is no memory for it. */
static int go_on(Engine *e, const Rest *rest) {
    if (setjmp(e->give_up)) return 0;
    for (i64 i = 0; i < e->plan.machines_count; i++) draw_new_clocks(e, &e->machines[i]);
    begin_sums(e);
    join_queues(e, rest);
    for (i64 i = 0; i < e->plan.machines_count; i++) resume_machine(e, &e->machines[i], e->ends_us[i]);
    return 1;
}

/* A run from a line at rest, which stays as it is.
 *
 * `draws_of` is how the texts begin that the keys are made of: seed and replication. What is in `anew`
 * takes the place of what the state says. NULL if there is no memory for it. */
EXPORT Engine *linetwin_begin(const Engine *at_rest, const char *draws_of, i64 bytes, const Anew *anew,
                              i64 anew_count, int logging) {
    if (bytes > MOST_OF_A_NAME) return NULL;
    Engine *e = linetwin_fork(at_rest, logging);
    if (!e) return NULL;
    memcpy(e->draws_of, draws_of, (size_t)bytes);
    e->draws_of_bytes = bytes;
    make_keys(e);
    for (i64 i = 0; i < anew_count; i++) draw_anew(e, &anew[i]);
    const Rest *rest = at_rest->rest;
    if (rest ? go_on(e, rest) && (rest->settled || look_again(e)) : start(e)) return e;
    linetwin_close(e);
    return NULL;
}
