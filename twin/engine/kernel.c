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
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef int64_t i64;
typedef uint64_t u64;

#define FOREVER (INT64_C(1) << 62)
#define UNLIMITED (INT64_C(1) << 62)
#define NONE (-1)
#define MILLI 1000
#define INTERVALS 1024
#define TABLE_LENGTH (2 * (INTERVALS + 1))
#define CONDITIONS 7

#if defined(_WIN32)
#define EXPORT __declspec(dllexport)
#else
#define EXPORT __attribute__((visibility("default")))
#endif

enum Condition { EXECUTE, STARVED, BLOCKED, FAULT, SETUP, MAINTENANCE, PLANNED_STOP };
enum After { RESUME, RESTART, SCRAP_LOAD };
enum Verdict { PASS, SCRAP, REWORK, REJECT };
enum Pending { NOTHING, COMPLETED, STRUCK, REPAIRED };
enum Task { GAINED_PARTS, GAINED_ROOM, FREE };
enum EventKind {
    OPERATION_STARTED = 1, OPERATION_COMPLETED, PART_PASSED, PART_SCRAPPED, PART_REWORKED,
    STATE_CHANGED, MACHINE_FAILED, MACHINE_REPAIRED, MATERIAL_DELIVERED
};
enum Outcome { OK = 0, OUT_OF_MEMORY = 1, LOG_IS_FULL = 2, COUNT_REACHED = 3, TOO_FAR = 4,
               STOPPED = 5 };

/* ---- The program: a line as arrays of structs of int64, laid out by program.py ---------------- */

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

#define PLAN_TABLES(X)                                                                             \
    X(StationPlan, stations) X(GroupPlan, groups) X(InletPlan, inlets) X(OutletPlan, outlets)        \
    X(LanePlan, lanes) X(MachinePlan, machines) X(PlacePlan, places) X(ModePlan, modes)              \
    X(ServicePlan, services) X(CalendarPlan, calendars) X(StopPlan, stops)                          \
    X(MaterialPlan, materials) X(UsePlan, uses) X(ArisePlan, arise) X(DetectPlan, detect)            \
    X(i64, crews) X(i64, inlet_lanes) X(i64, outlet_lanes) X(i64, lane_takers) X(i64, lane_givers)   \
    X(i64, calendar_stations) X(i64, material_stations) X(i64, tables) X(i64, table_constants)

typedef struct {
#define DECLARE(type, name) const type *name; i64 name##_count;
    PLAN_TABLES(DECLARE)
#undef DECLARE
} Program;

/* ---- The state ---------------------------------------------------------------------------------- */

/* It refers to itself by pointers, which wire() sets once; what is counted is int64. The tables that
 * Python reads (stations, machines, places) are described a second time in kernel.py. */

typedef struct Place Place;
typedef struct Machine Machine;

typedef struct { i64 number, entered; int32_t rework_pass; uint32_t defects; } Part;
typedef struct { Part *slots; uint32_t room, head, count; } Parts;  /* a ring; room: a power of two */
typedef struct { Place *head, *tail; i64 count; } PlaceQueue;       /* linked through the places */

/* A node is the winner below it: when, since the run's start, and which leaf, in one word, so that
 * the smaller word is the earlier event and, on a tie, the lower leaf. The root is at 1, the leaves
 * from `width` on; the lowest `bits` of a word are the leaf. */
typedef struct { i64 width; int bits; i64 start_us; u64 never, *nodes; } Tournament;

typedef struct {
    const StationPlan *plan;
    const i64 *quantiles;  /* of the operation's time; not read if it is constant */
    i64 constant_us, started, completed, closed;
} Station;

struct Outlet;
struct Group;

typedef struct {
    Parts parts;
    i64 capacity, gained_parts, gained_room;
    struct Group **takers;
    struct Outlet **givers;
    i64 takers_count, givers_count;
} Lane;

typedef struct { Lane **lanes; i64 lanes_count, milli, whole; } Inlet;  /* whole: 0 if it alternates */

typedef struct Outlet {
    PlaceQueue waiting;
    Lane **lanes;
    i64 lanes_count;
    u64 share_below;
} Outlet;

typedef struct Group {
    PlaceQueue waiting;
    Station *station;
    Lane *single_lane;  /* if one part from this lane is all that an operation needs */
    Inlet *inlets;
    Outlet *outlets;
    i64 inlets_count, outlets_count;
    i64 hand_to_hand;   /* if one of its inputs is a lane with capacity 0 */
} Group;

typedef struct { const ModePlan *plan; i64 count, strikes_at; } Mode;
typedef struct { const ServicePlan *plan; Machine *machine; i64 due, due_at, done_at; } Service;
typedef struct { i64 free; Machine *head, *tail; } Crew;  /* free < 0: it has shrunk, rule S20 */
typedef struct { i64 level, used; } Store;

struct Machine {
    Station *station;
    Mode *down;             /* which mode has struck */
    Service *service;       /* which maintenance is going on */
    i64 services_due;
    i64 worked_us, next_strike;
    i64 consumed, good, defective, reworked, failures, cycle_time_us, occupied;
    i64 leaf;
    Tournament *inner;      /* of its places, if it has several */
    Place *places;
    i64 places_count;
    i64 counts[CONDITIONS], time_us[CONDITIONS];
    const MachinePlan *plan;
    Mode *modes;
    i64 clock_us, clock_since, clock_runs;
    Machine *crew_next;
};

struct Place {
    Machine *machine;
    Group *group;
    int32_t condition, pending, loaded, waits_for_load, rework_pass, redone;
    i64 drawn_us, left_us, started_us, resumed_us, lead, operation, since_us;
    Parts *out;             /* what goes out after the work: `parts` or `made` */
    Parts parts, made;
    i64 turn;
    Place *previous, *next;
    Outlet *outlet;         /* where it waits for room */
};

#define STATE_TABLES(X)                                                                            \
    X(Station, stations) X(Group, groups) X(Inlet, inlets) X(Outlet, outlets) X(Lane, lanes)         \
    X(Machine, machines) X(Mode, modes) X(Service, services) X(Crew, crews) X(Store, materials)      \
    X(Place, places)
#define LINK_TABLES(X)                                                                             \
    X(Lane, inlet_lanes, lanes) X(Lane, outlet_lanes, lanes) X(Group, lane_takers, groups)           \
    X(Outlet, lane_givers, outlets)

typedef struct { i64 at_us, kind, station, machine, place, number, value; } Event;
typedef struct { i64 task; union { Place *place; Lane *lane; }; } Todo;

typedef struct Engine {
    Program plan;
#define DECLARE(type, name) type *name;
    STATE_TABLES(DECLARE)
#undef DECLARE
#define DECLARE(type, name, table) type **name;
    LINK_TABLES(DECLARE)
#undef DECLARE
    i64 now_us, start_us, end_us, horizon_us, turns, completed_operations;
    Todo *todo; i64 todo_room, todo_head, todo_count;
    Place *free_first;     /* the list's head, when that is a place that has become free */
    Event *log; i64 log_room, log_count; int logging;
    Tournament clocks;     /* calendars, deliveries, services, failures by time: they rarely fire */
    Tournament work;       /* a leaf for each machine */
    Tournament *inner;     /* of each machine with several places: its places */
    i64 services_leaf, failures_leaf;
    Machine **machine_of_leaf;
    jmp_buf give_up;
} Engine;

/* ---- Memory: the only three things that grow ------------------------------------------------------- */

static void *grown(Engine *e, void *old, i64 *room, size_t size) {
    i64 wanted = *room ? 2 * *room : 1024;
    void *bigger = realloc(old, (size_t)wanted * size);
    if (!bigger) longjmp(e->give_up, OUT_OF_MEMORY);
    *room = wanted;
    return bigger;
}

static void enlarge(Engine *e, Parts *ring) {
    uint32_t room = ring->room ? 2 * ring->room : 1;
    Part *slots = room ? realloc(ring->slots, room * sizeof(Part)) : NULL;
    if (!slots) longjmp(e->give_up, OUT_OF_MEMORY);
    /* The ring was full: its wrapped part moves behind what stood before the old end. */
    if (ring->head) memcpy(slots + ring->room, slots, ring->head * sizeof(Part));
    ring->slots = slots;
    ring->room = room;
}

static inline Part *part_at(const Parts *ring, uint32_t i) {
    return &ring->slots[(ring->head + i) & (ring->room - 1)];
}

/* A slot at the ring's end, to be written to. */
static inline Part *new_last(Engine *e, Parts *ring) {
    if (ring->count == ring->room) enlarge(e, ring);
    return part_at(ring, ring->count++);
}

/* The part taken from the ring's head; it stands until the ring gains another. */
static inline Part *take_first(Parts *ring) {
    Part *part = &ring->slots[ring->head];
    ring->head = (ring->head + 1) & (ring->room - 1);
    ring->count--;
    return part;
}

static inline void add_todo(Engine *e, Todo todo) {
    if (e->todo_count == e->todo_room) {
        i64 before = e->todo_room;
        e->todo = grown(e, e->todo, &e->todo_room, sizeof(Todo));
        /* As above. */
        memcpy(e->todo + before, e->todo, (size_t)e->todo_head * sizeof(Todo));
    }
    e->todo[(e->todo_head + e->todo_count++) & (e->todo_room - 1)] = todo;
}

/* A place goes on the list as free: most often it is alone there, and never seen in the ring. */
static inline void set_free(Engine *e, Place *place) {
    if (!e->todo_count && !e->free_first) e->free_first = place;
    else add_todo(e, (Todo){FREE, .place = place});
}

static void write_event(Engine *e, i64 kind, i64 station, i64 machine, i64 place, i64 number, i64 value) {
    if (e->log_count == e->log_room) e->log = grown(e, e->log, &e->log_room, sizeof(Event));
    e->log[e->log_count++] = (Event){e->now_us, kind, station, machine, place, number, value};
}

static void log_place(Engine *e, i64 kind, const Place *p, i64 number, i64 value) {
    const MachinePlan *mp = p->machine->plan;
    write_event(e, kind, mp->station, mp->number, p - p->machine->places, number, value);
}

static void log_machine(Engine *e, i64 kind, const Machine *m, i64 number, i64 value) {
    write_event(e, kind, m->plan->station, m->plan->number, NONE, number, value);
}

/* ---- Pending events: tournaments; the earliest wins, the lower leaf on a tie (rule S25) ------------- */

static int tournament_open(Tournament *t, i64 leaves, i64 start_us) {
    t->start_us = start_us;
    for (t->bits = 0; INT64_C(1) << t->bits < leaves;) t->bits++;
    t->width = INT64_C(1) << t->bits;
    t->never = UINT64_MAX >> 1 >> t->bits;
    t->nodes = malloc((size_t)(2 * t->width) * sizeof(u64));
    if (!t->nodes) return 0;
    for (i64 i = 0; i < t->width; i++) t->nodes[t->width + i] = t->never << t->bits | (u64)i;
    for (i64 node = t->width - 1; node >= 1; node--) t->nodes[node] = t->nodes[2 * node];
    return 1;
}

static inline i64 tournament_leaf(const Tournament *t) { return t->nodes[1] & (u64)(t->width - 1); }
static inline i64 tournament_at(const Tournament *t) { return t->start_us + (i64)(t->nodes[1] >> t->bits); }

/* Without a branch on who wins, which nobody could foretell. */
static inline void tournament_set(Tournament *t, i64 leaf, i64 at) {
    u64 since = (u64)(at - t->start_us);
    u64 winner = (since < t->never ? since : t->never) << t->bits | (u64)leaf;
    for (u64 node = (u64)(leaf + t->width); node > 1; node >>= 1) {
        t->nodes[node] = winner;
        u64 other = t->nodes[node ^ 1];
        winner = other < winner ? other : winner;
    }
    t->nodes[1] = winner;
}

static inline void schedule_place(Engine *e, Place *p, i64 at) {
    Machine *m = p->machine;
    if (m->inner) {
        i64 before = tournament_at(m->inner);
        tournament_set(m->inner, p - m->places, at);
        at = tournament_at(m->inner);
        if (at == before) return;
    }
    tournament_set(&e->work, m->leaf, at);
}

static void schedule_service(Engine *e, const Service *s) {
    i64 at = s->due_at < s->done_at ? s->due_at : s->done_at;
    tournament_set(&e->clocks, e->services_leaf + (s - e->services), at);
}

/* A time-dependent failure of a machine, or the end of its repair. */
static void schedule_failure(Engine *e, const Machine *m, i64 at) {
    tournament_set(&e->clocks, e->failures_leaf + (m - e->machines), at);
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

static inline i64 variate(const i64 *q, i64 constant, Key key, u64 index) {
    if (constant) return constant;
    u64 word = draw(key, index);
    u64 i = word >> 54, fraction = word >> 22 & 0xFFFFFFFF;
    if (i == INTERVALS - 1) {
        q += INTERVALS + 1;
        i = word >> 44 & 1023;
        fraction = word >> 12 & 0xFFFFFFFF;
    }
    u64 step = (u64)(q[i + 1] - q[i]);
    return q[i] + (i64)((step >> 32) * fraction + ((step & 0xFFFFFFFF) * fraction >> 32));
}

/* ---- What a place's time goes to (rule S28) ----------------------------------------------------------- */

static inline void set_condition(Engine *e, Place *p, int32_t condition) {
    if (p->condition == condition) return;
    Machine *m = p->machine;
    m->time_us[p->condition] += e->now_us - p->since_us;
    m->counts[p->condition]--;
    m->counts[condition]++;
    p->since_us = e->now_us;
    p->condition = condition;
    if (e->logging) log_place(e, STATE_CHANGED, p, 0, condition);
}

static void restate(Engine *e, Place *p) {
    const Machine *m = p->machine;
    int32_t condition;
    if (p->loaded && (p->pending == COMPLETED || p->pending == STRUCK)) condition = EXECUTE;
    else if (m->down) condition = m->down->plan->is_setup ? SETUP : FAULT;
    else if (m->service) condition = MAINTENANCE;
    else if (m->station->closed && !p->loaded) condition = PLANNED_STOP;
    else if (!p->loaded && p->out->count) condition = BLOCKED;
    else condition = STARVED;
    set_condition(e, p, condition);
}

/* ---- Queues of places, first come, first served (rule S9) ---------------------------------------------- */

static inline void join(Engine *e, PlaceQueue *queue, Place *p) {
    p->turn = ++e->turns;
    p->previous = queue->tail;
    p->next = NULL;
    if (queue->tail) queue->tail->next = p;
    else queue->head = p;
    queue->tail = p;
    queue->count++;
}

static inline void leave(PlaceQueue *queue, Place *p) {
    if (p->previous) p->previous->next = p->next;
    else queue->head = p->next;
    if (p->next) p->next->previous = p->previous;
    else queue->tail = p->previous;
    queue->count--;
}

static inline void stop_waiting_for_load(Place *p) {
    if (!p->waits_for_load) return;
    leave(&p->group->waiting, p);
    p->waits_for_load = 0;
}

static void wait_for_room(Engine *e, Place *p, Outlet *outlet) {
    join(e, &outlet->waiting, p);
    p->outlet = outlet;
}

static void stop_waiting_for_room(Place *p) {
    if (!p->outlet) return;
    leave(&p->outlet->waiting, p);
    p->outlet = NULL;
}

/* ---- Lanes --------------------------------------------------------------------------------------------- */

static inline i64 need(const Inlet *in, i64 operation) {
    if (in->whole) return in->whole;
    return (operation + 1) * in->milli / MILLI - operation * in->milli / MILLI;
}

static inline int has_room(const Lane *lane) {
    i64 level = lane->parts.count;
    if (lane->capacity) return level < lane->capacity;
    i64 waiting = 0;  /* rule S11 */
    for (i64 i = 0; i < lane->takers_count; i++) waiting += lane->takers[i]->waiting.count;
    return level < waiting;
}

static inline void gained_room(Engine *e, Lane *lane) {
    if (lane->gained_room) return;
    for (i64 i = 0; i < lane->givers_count; i++)
        if (lane->givers[i]->waiting.head) {
            lane->gained_room = 1;
            add_todo(e, (Todo){GAINED_ROOM, .lane = lane});
            return;
        }
}

static inline void enter(Engine *e, Lane *lane, const Part *part) {
    Part *entered = new_last(e, &lane->parts);
    *entered = *part;
    entered->entered = ++e->turns;
    if (lane->gained_parts) return;
    for (i64 i = 0; i < lane->takers_count; i++)
        if (lane->takers[i]->waiting.head) {
            lane->gained_parts = 1;
            add_todo(e, (Todo){GAINED_PARTS, .lane = lane});
            return;
        }
}

static int has_all_it_needs(const Engine *e, const Group *group) {
    i64 operation = group->station->started;
    for (const Inlet *in = group->inlets; in < group->inlets + group->inlets_count; in++) {
        i64 there = 0;
        for (i64 k = 0; k < in->lanes_count; k++) there += in->lanes[k]->parts.count;
        if (there < need(in, operation)) return 0;
    }
    Range uses = group->station->plan->uses;
    for (const UsePlan *use = e->plan.uses + uses.from; use < e->plan.uses + uses.from + uses.count; use++)
        if (e->materials[use->material].level < use->amount) return 0;
    return 1;
}

static inline int is_ready(const Engine *e, const Group *group) {
    return group->single_lane ? group->single_lane->parts.count > 0 : has_all_it_needs(e, group);
}

static inline int is_contested(const Group *group) {
    if (group->single_lane) return group->single_lane->gained_parts != 0;
    for (const Inlet *in = group->inlets; in < group->inlets + group->inlets_count; in++)
        for (i64 k = 0; k < in->lanes_count; k++)
            if (in->lanes[k]->gained_parts) return 1;
    return 0;
}

/* ---- Work ------------------------------------------------------------------------------------------------ */

static inline void work(Engine *e, Place *p) {
    const Machine *m = p->machine;
    if (m->down && !m->down->plan->stops_handling) {
        restate(e, p);
        return;
    }
    p->resumed_us = e->now_us;
    i64 ahead = p->left_us;
    p->pending = COMPLETED;
    if (m->next_strike - m->worked_us < ahead) {
        ahead = m->next_strike - m->worked_us;
        p->pending = STRUCK;
    }
    schedule_place(e, p, e->now_us + ahead);
    set_condition(e, p, EXECUTE);
}

static inline void begin(Engine *e, Place *p) {
    const Station *s = p->group->station;
    u64 index = draw_index(p->lead, p->rework_pass);
    p->drawn_us = p->left_us = variate(s->quantiles, s->constant_us, s->plan->service, index);
    if (e->logging) log_place(e, OPERATION_STARTED, p, p->lead, p->drawn_us);
    work(e, p);
}

static void take_from(Engine *e, const Inlet *in, i64 wanted, Parts *parts) {
    while (wanted > 0) {
        Lane *oldest = NULL;
        i64 entered = 0, filled = 0;
        for (i64 k = 0; k < in->lanes_count; k++) {
            Lane *lane = in->lanes[k];
            if (!lane->parts.count) continue;
            i64 its = lane->parts.slots[lane->parts.head].entered;
            if (!filled++ || its < entered) {
                oldest = lane;
                entered = its;
            }
        }
        i64 many = filled > 1 ? 1 : wanted;  /* the others are empty, and stay so */
        wanted -= many;
        while (many--) *new_last(e, parts) = *take_first(&oldest->parts);
        gained_room(e, oldest);
    }
}

/* Take everything an operation needs, and begin it (rules S5, S8, S13). */
static void take(Engine *e, Place *p) {
    const Group *group = p->group;
    Machine *m = p->machine;
    i64 operation = group->station->started++;
    if (group->single_lane) {
        *new_last(e, &p->parts) = *take_first(&group->single_lane->parts);
        gained_room(e, group->single_lane);
    } else {
        for (const Inlet *in = group->inlets; in < group->inlets + group->inlets_count; in++)
            take_from(e, in, need(in, operation), &p->parts);
        Range uses = group->station->plan->uses;
        for (i64 i = uses.from; i < uses.from + uses.count; i++) {
            Store *store = &e->materials[e->plan.uses[i].material];
            store->used += e->plan.uses[i].amount;
            if (store->level < UNLIMITED) store->level -= e->plan.uses[i].amount;
        }
    }
    m->consumed += p->parts.count;
    m->occupied++;
    p->loaded = 1;
    p->operation = operation;
    p->redone = 0;
    if (p->parts.count) {
        const Part *lead = part_at(&p->parts, 0);
        p->lead = lead->number;
        p->rework_pass = lead->rework_pass;
    } else {
        const StationPlan *sp = group->station->plan;
        p->lead = sp->code + operation * sp->gives_milli / MILLI;
        p->rework_pass = 0;
    }
    p->started_us = e->now_us;
    begin(e, p);
}

/* ---- Judging (rules S14 to S16) ---------------------------------------------------------------------------- */

static inline int judge(Engine *e, const StationPlan *sp, Part *part) {
    u64 index = draw_index(part->number, part->rework_pass);
    if (sp->arise.count) {
        u64 drawn = draw(sp->arise_key, index) >> 1;
        const ArisePlan *arise = e->plan.arise + sp->arise.from;
        /* The thresholds rise: what is not below the last is below none. */
        if (drawn < (u64)arise[sp->arise.count - 1].below) {
            while (drawn >= (u64)arise->below) arise++;
            part->defects |= (uint32_t)arise->bit;
        }
    }
    if (sp->inspects) {
        if (part->defects) {
            for (i64 i = sp->detect.from; i < sp->detect.from + sp->detect.count; i++) {
                const DetectPlan *d = &e->plan.detect[i];
                if (part->defects & d->bit && strikes(d->key, index, d->below))
                    return sp->reject_lane == NONE ? SCRAP : REJECT;
            }
        } else if (sp->false_below && strikes(sp->false_reject, index, sp->false_below)) {
            return sp->reject_lane == NONE ? SCRAP : REJECT;
        }
    }
    if (sp->outcome_below) {
        u64 drawn = draw(sp->outcome, index) >> 1;
        if (drawn < (u64)sp->scrap_below) return SCRAP;
        if (drawn < (u64)sp->outcome_below) return REWORK;
    }
    return PASS;
}

/* The parts that an operation makes, with the defects of all that it took (rules S5, S6). */
static void make_parts(Engine *e, Place *p) {
    const StationPlan *sp = p->group->station->plan;
    uint32_t defects = 0;
    for (uint32_t i = 0; i < p->parts.count; i++) defects |= part_at(&p->parts, i)->defects;
    i64 first = p->operation * sp->gives_milli / MILLI;
    i64 last = (p->operation + 1) * sp->gives_milli / MILLI;
    for (i64 i = first; i < last; i++)
        *new_last(e, &p->made) = (Part){sp->code + i, 0, p->redone, defects};
}

/* A part goes back: to a lane, or the operation is done again in place; true if it is. */
static int rework(Engine *e, Place *p, Part *part, i64 lane) {
    p->machine->reworked++;
    part->rework_pass++;
    part->defects = 0;
    if (e->logging) log_place(e, PART_REWORKED, p, part->number, part->rework_pass);
    if (lane != NONE) {
        enter(e, &e->lanes[lane], part);
        return 0;
    }
    p->rework_pass++;
    p->redone++;
    /* What a new part is made of again must not bring its defects back. */
    for (uint32_t i = 0; i < p->parts.count; i++) part_at(&p->parts, i)->defects = 0;
    p->made.count = 0;
    begin(e, p);
    return 1;
}

/* Judge what is to go out; what goes on stays there. True if the operation is done again. */
static inline int judge_all(Engine *e, Place *p) {
    const StationPlan *sp = p->group->station->plan;
    uint32_t kept = 0, count = p->out->count;
    for (uint32_t i = 0; i < count; i++) {
        Part *part = part_at(p->out, i);
        int verdict = judge(e, sp, part);
        if (verdict == PASS) {
            if (kept < i) *part_at(p->out, kept) = *part;
            kept++;
        } else if (verdict == SCRAP) {
            p->machine->defective++;
            if (e->logging) log_place(e, PART_SCRAPPED, p, part->number, part->defects);
        } else if (rework(e, p, part, verdict == REWORK ? sp->rework_lane : sp->reject_lane)) {
            return 1;
        }
    }
    p->out->count = kept;
    return 0;
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
static inline Outlet *outlet_of(const Place *p) {
    const Group *group = p->group;
    return group->outlets_count == 1 ? group->outlets : drawn_outlet(group, part_at(p->out, 0));
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

/* Put out the first part that waits; with it all that must follow it into the same lane. */
static inline void put(Engine *e, Place *p, const Outlet *outlet, Lane *lane) {
    i64 many = 1;
    if (p->out->count > 1 && outlet->lanes_count == 1 && p->group->outlets_count == 1 && lane->capacity) {
        i64 free = lane->capacity - lane->parts.count;
        many = p->out->count < free ? p->out->count : free;
    }
    p->machine->good += many;
    if (e->logging)
        for (uint32_t i = 0; i < many; i++)
            log_place(e, PART_PASSED, p, part_at(p->out, i)->number, lane - e->lanes);
    while (many--) enter(e, lane, take_first(p->out));
}

static inline void emptied(Engine *e, Place *p) {
    p->machine->occupied--;
    set_free(e, p);
}

static inline int handling_is_shut(const Machine *m) {
    return (m->down && m->down->plan->stops_handling) || (m->service && m->places_count > 1);
}

/* Parts leave the line. */
static void let_go(Engine *e, Place *p) {
    p->machine->good += p->out->count;
    if (e->logging)
        for (uint32_t i = 0; i < p->out->count; i++)
            log_place(e, PART_PASSED, p, part_at(p->out, i)->number, NONE);
    p->out->count = 0;
}

/* Put parts out in their order while there is room (rules S7, S10). */
static inline void put_out(Engine *e, Place *p) {
    const Group *group = p->group;
    int shut = handling_is_shut(p->machine);
    if (!group->outlets_count && !shut) let_go(e, p);
    while (p->out->count) {
        Outlet *outlet = shut ? NULL : outlet_of(p);
        Lane *lane = outlet ? room(outlet) : NULL;
        if (!lane) {
            if (outlet) wait_for_room(e, p, outlet);
            restate(e, p);
            return;
        }
        put(e, p, outlet, lane);
    }
    p->outlet = NULL;
    emptied(e, p);
}

static inline void completed(Engine *e, Place *p) {
    Machine *m = p->machine;
    Station *s = m->station;
    m->worked_us += p->left_us;
    p->left_us = 0;
    m->cycle_time_us = e->now_us - p->started_us;
    s->completed++;
    e->completed_operations++;
    if (!s->plan->passes_on) make_parts(e, p);
    if (e->logging) log_place(e, OPERATION_COMPLETED, p, p->lead, p->out->count);
    if (!s->plan->plain && judge_all(e, p)) return;
    p->loaded = 0;
    if (!s->plan->passes_on) p->parts.count = 0;
    put_out(e, p);
}

/* ---- A place becomes free ---------------------------------------------------------------------------------------- */

static int begin_due_service(Engine *e, Machine *m);

static inline int is_closed(const Machine *m) {
    return m->station->closed || m->service || (m->down && m->down->plan->stops_handling);
}

static void wait_for_load(Engine *e, Place *p) {
    Group *group = p->group;
    join(e, &group->waiting, p);
    p->waits_for_load = 1;
    restate(e, p);
    if (!group->hand_to_hand) return;
    for (const Inlet *in = group->inlets; in < group->inlets + group->inlets_count; in++)
        for (i64 k = 0; k < in->lanes_count; k++)
            if (!in->lanes[k]->capacity) gained_room(e, in->lanes[k]);
}

static inline void become_free(Engine *e, Place *p) {
    Machine *m = p->machine;
    if (p->loaded || p->waits_for_load) return;
    if (p->out->count) {
        if (!p->outlet) put_out(e, p);
        return;
    }
    if (m->services_due && begin_due_service(e, m)) return;
    if (is_closed(m)) restate(e, p);
    else if (!p->group->waiting.head && is_ready(e, p->group) && !is_contested(p->group)) take(e, p);
    else wait_for_load(e, p);
}

/* ---- The two ends of a lane (rule S9) ------------------------------------------------------------------------------ */

static inline void serve_group(Engine *e, Group *group) {
    Place *p = group->waiting.head;
    stop_waiting_for_load(p);
    take(e, p);
}

static void serve(Engine *e, Lane *lane) {
    for (;;) {
        Group *best = NULL;
        for (i64 i = 0; i < lane->takers_count; i++) {
            Group *group = lane->takers[i];
            if (!group->waiting.head || !is_ready(e, group)) continue;
            if (!best || group->waiting.head->turn < best->waiting.head->turn) best = group;
        }
        if (!best) return;
        serve_group(e, best);
    }
}

static void admit(Engine *e, Lane *lane) {
    while (has_room(lane)) {
        Outlet *best = NULL;
        for (i64 i = 0; i < lane->givers_count; i++) {
            Outlet *outlet = lane->givers[i];
            if (!outlet->waiting.head) continue;
            if (!best || outlet->waiting.head->turn < best->waiting.head->turn) best = outlet;
        }
        if (!best) return;
        Outlet *wanted = best;
        Place *p = best->waiting.head;
        while (p->out->count) {
            wanted = outlet_of(p);
            Lane *to = room(wanted);
            if (!to) break;
            put(e, p, wanted, to);
        }
        if (!p->out->count) {
            stop_waiting_for_room(p);
            emptied(e, p);
        } else if (wanted != best) {
            stop_waiting_for_room(p);
            wait_for_room(e, p, wanted);
        }
    }
}

/* Work off the list of rule S26, in turn, until nothing moves any more. */
static void settle(Engine *e) {
    for (;;) {
        Place *place = e->free_first;
        e->free_first = NULL;
        if (!place) {
            if (!e->todo_count) return;
            Todo next = e->todo[e->todo_head];
            e->todo_head = (e->todo_head + 1) & (e->todo_room - 1);
            e->todo_count--;
            if (next.task == GAINED_PARTS) {
                next.lane->gained_parts = 0;
                serve(e, next.lane);
                continue;
            }
            if (next.task == GAINED_ROOM) {
                next.lane->gained_room = 0;
                admit(e, next.lane);
                continue;
            }
            place = next.place;
        }
        become_free(e, place);
    }
}

/* ---- Failures and repairs (rules S17 to S21) -------------------------------------------------------------------------- */

static i64 variate_of(const Engine *e, i64 table, Key key, u64 index) {
    return variate(e->plan.tables + table * TABLE_LENGTH, e->plan.table_constants[table], key, index);
}

static i64 draw_due(const Engine *e, const Mode *mode, i64 from) {
    return from + variate_of(e, mode->plan->due_table, mode->plan->due, (u64)mode->count);
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
    if (!mode->plan->is_setup) m->failures++;
    if (e->logging) log_machine(e, MACHINE_FAILED, m, mode->count, mode->plan->number);
}

static void scrap_load(Engine *e, Place *p) {
    Parts *gone = p->out;
    if (!p->machine->station->plan->passes_on) make_parts(e, p);
    p->machine->defective += gone->count;
    if (e->logging)
        for (uint32_t i = 0; i < gone->count; i++)
            log_place(e, PART_SCRAPPED, p, part_at(gone, i)->number, part_at(gone, i)->defects);
    p->parts.count = p->made.count = 0;
    p->loaded = 0;
    p->left_us = 0;
    emptied(e, p);
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
    i64 lasts = variate_of(e, mp->lasts_table, mp->lasts, (u64)m->down->count);
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

static void struck(Engine *e, Place *p) {
    Machine *m = p->machine;
    p->left_us -= e->now_us - p->resumed_us;
    m->worked_us = m->next_strike;
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

static void withdraw(Place *p) {
    stop_waiting_for_load(p);
    stop_waiting_for_room(p);
}

static void reopen(Engine *e, Machine *m) {
    for (Place *p = m->places; p < m->places + m->places_count; p++)
        if (!p->loaded && !p->waits_for_load && !p->outlet) set_free(e, p);
}

static void repaired(Engine *e, Machine *m) {
    Mode *mode = m->down;
    const ModePlan *mp = mode->plan;
    int by_time = m->station->plan->by_time != 0;
    if (e->logging) log_machine(e, MACHINE_REPAIRED, m, mode->count, mp->number);
    m->down = NULL;
    mode->count++;
    mode->strikes_at = draw_due(e, mode, by_time ? m->clock_us : m->worked_us);
    if (!by_time) m->next_strike = first_mode(m)->strikes_at;
    release_crew(e, crew_of(e, mp->crew));
    if (by_time) run_clock(e, m);
    for (Place *p = m->places; p < m->places + m->places_count; p++) {
        if (p->loaded && !mp->stops_handling) {
            if (mp->after == RESTART) p->left_us = p->drawn_us;
            work(e, p);
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
            p->left_us -= e->now_us - p->resumed_us;
            p->pending = NOTHING;
            schedule_place(e, p, FOREVER);
            if (mp->after == SCRAP_LOAD) scrap_load(e, p);
        } else if (mp->stops_handling) {
            withdraw(p);
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
    if (m->places_count == 1 && (m->places->loaded || m->places->out->count)) return 0;
    Service *s = &e->services[m->plan->services.from];
    while (!s->due) s++;
    s->due = 0;
    m->services_due--;
    m->service = s;
    if (m->station->plan->by_time) stop_clock(e, m);
    for (Place *p = m->places; p < m->places + m->places_count; p++) {
        withdraw(p);
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
    tournament_set(&e->clocks, calendar, next_edge(e, calendar, e->now_us));
    for (i64 k = stations.from; k < stations.from + stations.count; k++) {
        Station *s = &e->stations[e->plan.calendar_stations[k]];
        Machine *first = &e->machines[s->plan->machines.from];
        s->closed = closed;
        for (Machine *m = first; m < first + s->plan->machines.count; m++) {
            for (Place *p = m->places; p < m->places + m->places_count; p++) {
                if (closed) stop_waiting_for_load(p);
                restate(e, p);
            }
            if (!closed) reopen(e, m);
        }
    }
}

static void delivered(Engine *e, i64 material) {
    const MaterialPlan *mp = &e->plan.materials[material];
    tournament_set(&e->clocks, e->plan.calendars_count + material, e->now_us + mp->every_us);
    e->materials[material].level += mp->amount;
    if (e->logging) write_event(e, MATERIAL_DELIVERED, NONE, NONE, NONE, 0, material);
    for (i64 k = mp->stations.from; k < mp->stations.from + mp->stations.count; k++) {
        Range groups = e->plan.stations[e->plan.material_stations[k]].groups;
        Group *first = &e->groups[groups.from];
        for (Group *g = first; g < first + groups.count; g++)
            while (g->waiting.head && is_ready(e, g)) serve_group(e, g);
    }
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

static inline void place_fires(Engine *e, Place *p) {
    int32_t pending = p->pending;
    p->pending = NOTHING;
    if (pending == COMPLETED) completed(e, p);
    else if (pending == STRUCK) struck(e, p);
    else repaired(e, p->machine);
}

/* The earliest event up to an instant, with all that it sets off; false if there is none. */
static inline int step(Engine *e, i64 to_us) {
    i64 clock = tournament_at(&e->clocks), work = tournament_at(&e->work);
    Place *p = NULL;
    if (clock <= work) {  /* rule S25 */
        if (clock > to_us) return 0;
        e->now_us = clock;
        clock_fires(e, tournament_leaf(&e->clocks));
    } else {
        if (work > to_us) return 0;
        e->now_us = work;
        const Machine *m = e->machine_of_leaf[tournament_leaf(&e->work)];
        p = m->places + (m->inner ? tournament_leaf(m->inner) : 0);
        place_fires(e, p);
    }
    settle(e);
    /* Most places have begun their next operation by now; only one that has not is taken out. */
    if (p && p->pending == NOTHING) schedule_place(e, p, FOREVER);
    return 1;
}

/* Run on until everything up to and at an instant has happened, or until so many operations have
 * been completed since the start, or the log holds `most_events`. */
EXPORT int linetwin_advance(Engine *e, i64 to_us, i64 most_operations, i64 most_events) {
    int failed = setjmp(e->give_up);
    if (failed) return failed;
    i64 until = to_us < e->horizon_us ? to_us : e->horizon_us;
    while (step(e, until)) {
        e->end_us = e->now_us;
        if (e->completed_operations >= most_operations) return COUNT_REACHED;
        if (e->logging && e->log_count >= most_events) return LOG_IS_FULL;
    }
    e->end_us = until;
    return until < to_us ? TOO_FAR : OK;
}

/* What to add up over which stations, machines or lanes, and between which bounds to stop. */
enum Summed { OPERATIONS = 0, GOOD_PARTS = 1, PARTS_IN_LANES = 2, PLACES_IN_CONDITION = 3 };
typedef struct { i64 what; Range of; i64 other, at_least, at_most; } StopAt;

static int stop_is_reached(const Engine *e, const StopAt *stop) {
    i64 sum = 0;
    for (i64 i = stop->of.from; i < stop->of.from + stop->of.count; i++) {
        if (stop->what == OPERATIONS) sum += e->stations[i].completed;
        else if (stop->what == GOOD_PARTS) sum += e->machines[i].good;
        else if (stop->what == PARTS_IN_LANES) sum += e->lanes[i].parts.count;
        else sum += e->machines[i].counts[stop->other];
    }
    if (stop->what == PARTS_IN_LANES && stop->other != NONE) sum += e->lanes[stop->other].parts.count;
    return stop->at_least <= sum && sum <= stop->at_most;
}

/* As linetwin_advance, but right after the event with which a condition comes to hold it stops. */
EXPORT int linetwin_advance_until(Engine *e, i64 to_us, i64 most_events, const StopAt *stop) {
    int failed = setjmp(e->give_up);
    if (failed) return failed;
    i64 until = to_us < e->horizon_us ? to_us : e->horizon_us;
    while (!stop_is_reached(e, stop)) {
        if (!step(e, until)) {
            e->end_us = until;
            return until < to_us ? TOO_FAR : OK;
        }
        e->end_us = e->now_us;
        if (e->logging && e->log_count >= most_events) return LOG_IS_FULL;
    }
    return STOPPED;
}

/* ---- Opening and closing ------------------------------------------------------------------------------------------------------ */

static void start_machine(Engine *e, Machine *m) {
    int by_time = m->station->plan->by_time != 0;
    m->next_strike = FOREVER;
    m->counts[STARVED] = m->places_count;
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
        tournament_set(&e->clocks, plan->calendars_count + i, mp->first_us + turns * mp->every_us);
    }
    for (i64 i = 0; i < plan->calendars_count; i++)
        tournament_set(&e->clocks, i, next_edge(e, i, e->now_us));
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
    settle(e);
    return 1;
}

EXPORT void linetwin_close(Engine *e) {
    if (!e) return;
    if (e->lanes)
        for (i64 i = 0; i < e->plan.lanes_count; i++) free(e->lanes[i].parts.slots);
    if (e->places)
        for (i64 i = 0; i < e->plan.places_count; i++) {
            free(e->places[i].parts.slots);
            free(e->places[i].made.slots);
        }
    if (e->inner)
        for (i64 i = 0; i < e->plan.machines_count; i++) free(e->inner[i].nodes);
#define RELEASE(type, name) free(e->name);
#define RELEASE_LINKS(type, name, table) RELEASE(type, name)
    STATE_TABLES(RELEASE)
    LINK_TABLES(RELEASE_LINKS)
#undef RELEASE_LINKS
#undef RELEASE
    free(e->inner);
    free(e->clocks.nodes);
    free(e->work.nodes);
    free(e->machine_of_leaf);
    free(e->todo);
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
    }
    for (i64 i = 0; i < plan->lanes_count; i++) {
        const LanePlan *lp = &plan->lanes[i];
        Lane *lane = &e->lanes[i];
        lane->capacity = lp->capacity;
        lane->takers = e->lane_takers + lp->takers.from;
        lane->takers_count = lp->takers.count;
        lane->givers = e->lane_givers + lp->givers.from;
        lane->givers_count = lp->givers.count;
    }
    for (i64 i = 0; i < plan->inlets_count; i++) {
        const InletPlan *in = &plan->inlets[i];
        i64 whole = in->milli % MILLI ? 0 : in->milli / MILLI;
        e->inlets[i] = (Inlet){e->inlet_lanes + in->lanes.from, in->lanes.count, in->milli, whole};
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
        group->single_lane = gp->single_lane == NONE ? NULL : &e->lanes[gp->single_lane];
        group->inlets = e->inlets + gp->inlets.from;
        group->inlets_count = gp->inlets.count;
        group->outlets = e->outlets + gp->outlets.from;
        group->outlets_count = gp->outlets.count;
        for (const Inlet *in = group->inlets; in < group->inlets + group->inlets_count; in++)
            for (i64 k = 0; k < in->lanes_count; k++)
                if (!in->lanes[k]->capacity) group->hand_to_hand = 1;
    }
    for (i64 i = 0; i < plan->machines_count; i++) {
        const MachinePlan *mp = &plan->machines[i];
        Machine *m = &e->machines[i];
        m->plan = mp;
        m->station = &e->stations[mp->station];
        m->places = e->places + mp->places.from;
        m->places_count = mp->places.count;
        m->modes = e->modes + mp->modes.from;
    }
    for (i64 i = 0; i < plan->places_count; i++) {
        Place *p = &e->places[i];
        p->machine = &e->machines[plan->places[i].machine];
        p->group = &e->groups[plan->places[i].group];
        p->out = p->group->station->plan->passes_on ? &p->parts : &p->made;
    }
    for (i64 i = 0; i < plan->modes_count; i++) e->modes[i].plan = &plan->modes[i];
    for (i64 i = 0; i < plan->services_count; i++) {
        e->services[i].plan = &plan->services[i];
        e->services[i].machine = &e->machines[plan->services[i].machine];
    }
}

/* A tournament; the engine runs as far as the times of all of them reach (ten thousand leaves: 17 years). */
static int open_events(Engine *e, Tournament *t, i64 leaves) {
    if (!tournament_open(t, leaves, e->start_us)) return 0;
    i64 last_us = e->start_us + (i64)t->never - 1;
    if (last_us < e->horizon_us) e->horizon_us = last_us;
    return 1;
}

static int lay_out_events(Engine *e) {
    const Program *plan = &e->plan;
    e->services_leaf = plan->calendars_count + plan->materials_count;
    e->failures_leaf = e->services_leaf + plan->services_count;
    size_t machines = (size_t)plan->machines_count;
    e->machine_of_leaf = calloc(machines, sizeof(Machine *));
    e->inner = calloc(machines, sizeof(Tournament));
    if (!e->machine_of_leaf || !e->inner) return 0;
    if (!open_events(e, &e->clocks, e->failures_leaf + plan->machines_count)) return 0;
    if (!open_events(e, &e->work, plan->machines_count)) return 0;
    /* Places are numbered by rank, and a machine's are together: so are the machines' leaves. */
    i64 leaf = 0;
    for (i64 i = 0; i < plan->places_count; i++) {
        if (plan->places[i].number) continue;
        Machine *m = e->places[i].machine;
        e->machine_of_leaf[leaf] = m;
        m->leaf = leaf++;
        if (m->places_count == 1) continue;
        m->inner = &e->inner[m - e->machines];
        if (!open_events(e, m->inner, m->places_count)) return 0;
    }
    return 1;
}

/* An engine without any state yet; NULL if there is no memory for it. */
static Engine *bare_engine(const Program *plan, i64 start_us, int logging) {
    Engine *e = calloc(1, sizeof(Engine));
    if (!e) return NULL;
    e->plan = *plan;
    e->now_us = e->start_us = e->end_us = start_us;
    e->horizon_us = FOREVER - 1;
    e->logging = logging;
    int all = 1;
#define RESERVE(type, name)                                                                        \
    e->name = calloc((size_t)(plan->name##_count ? plan->name##_count : 1), sizeof(*e->name));       \
    all = all && e->name;
#define RESERVE_LINKS(type, name, table) RESERVE(type, name)
    STATE_TABLES(RESERVE)
    LINK_TABLES(RESERVE_LINKS)
#undef RESERVE_LINKS
#undef RESERVE
    if (all) {
        wire(e);
        if (lay_out_events(e)) return e;
    }
    linetwin_close(e);
    return NULL;
}

/* An empty line at an instant, everything up; NULL if there is no memory for it. */
EXPORT Engine *linetwin_open(const Program *plan, i64 start_us, int logging) {
    Engine *e = bare_engine(plan, start_us, logging);
    if (!e || start(e)) return e;
    linetwin_close(e);
    return NULL;
}

/* Where a table of the state lies, and the size of its rows in bytes; for reading. */
EXPORT const void *linetwin_state(const Engine *e, const char *name, i64 *count, i64 *row_bytes) {
#define FIND(type, table)                                                                          \
    if (!strcmp(name, #table)) {                                                                   \
        *count = e->plan.table##_count;                                                            \
        *row_bytes = (i64)sizeof(type);                                                            \
        return e->table;                                                                           \
    }
    STATE_TABLES(FIND)
#undef FIND
    *count = *row_bytes = 0;
    return NULL;
}

/* The events since the last call; they stand until the engine runs on. */
EXPORT const Event *linetwin_take_log(Engine *e, i64 *count) {
    *count = e->log_count;
    e->log_count = 0;
    return e->log;
}

EXPORT i64 linetwin_now(const Engine *e) { return e->end_us; }

/* The size of a table's rows in bytes, to check the two sides' layouts against each other. */
EXPORT i64 linetwin_plan_row(const char *name) {
#define SIZE(type, table) if (!strcmp(name, #table)) return (i64)sizeof(type);
    PLAN_TABLES(SIZE)
    return 0;
}

EXPORT i64 linetwin_state_row(const char *name) {
    STATE_TABLES(SIZE)
#undef SIZE
    return 0;
}

/* ---- Snapshots: the state as rows of int64 that snapshot.py names, written out and read in ---------
 *
 * The rows say what can't be worked out from the rest: no list of pending events, no links, and
 * nothing that the running stretch of a work or a clock has not yet been counted into.
 */

enum Waits { FOR_NOTHING, FOR_A_LOAD, FOR_ROOM };
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
    for (i64 i = 0; i < e->plan.places_count; i++)
        total += (i64)e->places[i].parts.count + e->places[i].made.count;
    return total;
}

static SavedPart *save_parts(SavedPart *to, const Parts *ring, i64 held_in, i64 holder) {
    for (uint32_t i = 0; i < ring->count; i++) {
        const Part *part = part_at(ring, i);
        i64 entered = held_in == IN_LANE ? part->entered : 0;
        *to++ = (SavedPart){held_in, holder, part->number, part->rework_pass, part->defects, entered};
    }
    return to;
}

static i64 leaf_is_due(const Tournament *t, i64 leaf) {
    return t->start_us + (i64)(t->nodes[t->width + leaf] >> t->bits);
}

static i64 place_is_due(const Engine *e, const Place *p) {
    const Machine *m = p->machine;
    return m->inner ? leaf_is_due(m->inner, p - m->places) : leaf_is_due(&e->work, m->leaf);
}

/* How long the work in hand has gone on; 0 where none does. */
static i64 elapsed(const Engine *e, const Place *p) {
    int works = p->loaded && (p->pending == COMPLETED || p->pending == STRUCK);
    return works ? e->end_us - p->resumed_us : 0;
}

/* When the repair or the maintenance ends that goes on; NONE if none does, or if it waits for a crew. */
static i64 hold_ends(const Engine *e, const Machine *m) {
    if (m->service) return m->service->done_at < FOREVER ? m->service->done_at : NONE;
    if (!m->down) return NONE;
    if (!m->station->plan->by_time)
        return m->places->pending == REPAIRED ? place_is_due(e, m->places) : NONE;
    i64 leaf = e->failures_leaf + (m - e->machines), at = leaf_is_due(&e->clocks, leaf);
    return at < e->clocks.start_us + (i64)e->clocks.never ? at : NONE;
}

static void save_machine(const Engine *e, const Machine *m, SavedMachine *to) {
    *to = (SavedMachine){
        .down = m->down ? m->down - m->modes : NONE,
        .service = m->service ? m->service - &e->services[m->plan->services.from] : NONE,
        .ends_us = hold_ends(e, m), .consumed = m->consumed, .good = m->good, .defective = m->defective,
        .reworked = m->reworked, .failures = m->failures, .cycle_time_us = m->cycle_time_us,
        .execute_us = m->time_us[EXECUTE], .starved_us = m->time_us[STARVED],
        .blocked_us = m->time_us[BLOCKED], .fault_us = m->time_us[FAULT],
        .setup_us = m->time_us[SETUP], .maintenance_us = m->time_us[MAINTENANCE],
        .planned_stop_us = m->time_us[PLANNED_STOP],
    };
    if (m->station->plan->by_time) {
        to->clock_us = m->clock_us + (m->clock_runs ? e->end_us - m->clock_since : 0);
        return;
    }
    to->worked_us = m->worked_us;
    for (const Place *p = m->places; p < m->places + m->places_count; p++) to->worked_us += elapsed(e, p);
}

static void save_place(const Engine *e, const Place *p, SavedPlace *to) {
    i64 waits = p->waits_for_load ? FOR_A_LOAD : p->outlet ? FOR_ROOM : FOR_NOTHING;
    *to = (SavedPlace){.condition = p->condition, .since_us = p->since_us, .waits_for = waits,
                       .turn = waits == FOR_NOTHING ? 0 : p->turn};
    if (!p->loaded) return;
    to->loaded = 1;
    to->operation = p->operation;
    to->lead = p->lead;
    to->rework_pass = p->rework_pass;
    to->redone = p->redone;
    to->drawn_us = p->drawn_us;
    to->left_us = p->left_us - elapsed(e, p);
    to->started_us = p->started_us;
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
        parts = save_parts(parts, &e->lanes[i].parts, IN_LANE, i);
    /* What a place passes on stays in its ring: the load until the work is done, then what goes out. */
    for (i64 i = 0; i < plan->places_count; i++) {
        const Place *p = &e->places[i];
        if (p->loaded || p->out == &p->made) parts = save_parts(parts, &p->parts, IN_LOAD, i);
    }
    for (i64 i = 0; i < plan->places_count; i++) {
        const Place *p = &e->places[i];
        if (!p->loaded || p->out == &p->made) parts = save_parts(parts, p->out, IN_OUT, i);
    }
}

typedef struct { i64 turn, subject; } Turn;

static int by_turn(const void *a, const void *b) {
    i64 x = ((const Turn *)a)->turn, y = ((const Turn *)b)->turn;
    return (x > y) - (x < y);
}

/* A clock that a changed line has brought begins now (rule S37). */
static void draw_new_clocks(const Engine *e, Machine *m, const SavedMachine *from) {
    i64 now = m->station->plan->by_time ? from->clock_us : from->worked_us;
    for (Mode *mode = m->modes; mode < m->modes + m->plan->modes.count; mode++)
        if (mode->strikes_at == NONE) mode->strikes_at = draw_due(e, mode, now);
}

static void load_machine(Engine *e, Machine *m, const SavedMachine *from) {
    m->worked_us = from->worked_us;
    m->clock_us = from->clock_us;
    m->down = from->down == NONE ? NULL : &m->modes[from->down];
    m->service = from->service == NONE ? NULL : &e->services[m->plan->services.from + from->service];
    m->consumed = from->consumed;
    m->good = from->good;
    m->defective = from->defective;
    m->reworked = from->reworked;
    m->failures = from->failures;
    m->cycle_time_us = from->cycle_time_us;
    m->time_us[EXECUTE] = from->execute_us;
    m->time_us[STARVED] = from->starved_us;
    m->time_us[BLOCKED] = from->blocked_us;
    m->time_us[FAULT] = from->fault_us;
    m->time_us[SETUP] = from->setup_us;
    m->time_us[MAINTENANCE] = from->maintenance_us;
    m->time_us[PLANNED_STOP] = from->planned_stop_us;
    int by_work = m->plan->modes.count && !m->station->plan->by_time;
    m->next_strike = by_work ? first_mode(m)->strikes_at : FOREVER;
}

static void load_place(Place *p, const SavedPlace *from) {
    p->condition = (int32_t)from->condition;
    p->since_us = from->since_us;
    p->loaded = (int32_t)from->loaded;
    p->operation = from->operation;
    p->lead = from->lead;
    p->rework_pass = (int32_t)from->rework_pass;
    p->redone = (int32_t)from->redone;
    p->drawn_us = from->drawn_us;
    p->left_us = from->left_us;
    p->started_us = from->started_us;
    p->machine->counts[p->condition]++;
    p->machine->occupied += p->loaded || p->out->count;
}

static void load_part(Engine *e, const SavedPart *from) {
    Parts *ring = from->held_in == IN_LANE ? &e->lanes[from->holder].parts
                : from->held_in == IN_LOAD ? &e->places[from->holder].parts
                : e->places[from->holder].out;
    *new_last(e, ring) = (Part){from->number, from->entered, (int32_t)from->rework_pass,
                                (uint32_t)from->defects};
    if (from->entered > e->turns) e->turns = from->entered;
}

/* What is pending at a machine follows from its state. */
static void resume_machine(Engine *e, Machine *m, i64 ends_us) {
    for (Place *p = m->places; p < m->places + m->places_count; p++)
        if (p->loaded) work(e, p);
    Service *first = &e->services[m->plan->services.from];
    for (Service *s = first; s < first + m->plan->services.count; s++) {
        m->services_due += s->due != 0;
        s->done_at = s == m->service && ends_us != NONE ? ends_us : FOREVER;
        set_next_due(e, s);
    }
    if (m->down) {
        if (ends_us != NONE) schedule_repair(e, m, ends_us);
    } else if (!m->service && m->station->plan->by_time) {
        run_clock(e, m);
    }
}

/* Places and machines go back to where they wait, the longest-waiting first. */
static void load_queues(Engine *e, const Saved *from, Turn *turns) {
    size_t waiting = 0;
    for (i64 i = 0; i < e->plan.places_count; i++)
        if (from->places[i].waits_for != FOR_NOTHING) turns[waiting++] = (Turn){from->places[i].turn, i};
    qsort(turns, waiting, sizeof(Turn), by_turn);
    for (size_t k = 0; k < waiting; k++) {
        Place *p = &e->places[turns[k].subject];
        if (from->places[turns[k].subject].waits_for == FOR_A_LOAD) {
            join(e, &p->group->waiting, p);
            p->waits_for_load = 1;
        } else {
            wait_for_room(e, p, outlet_of(p));
        }
    }
    waiting = 0;
    for (i64 i = 0; i < e->plan.machines_count; i++)
        if (from->machines[i].crew_turn) turns[waiting++] = (Turn){from->machines[i].crew_turn, i};
    qsort(turns, waiting, sizeof(Turn), by_turn);
    for (size_t k = 0; k < waiting; k++) {
        Machine *m = &e->machines[turns[k].subject];
        Crew *crew = crew_of(e, m->service ? m->service->plan->crew : m->down->plan->crew);
        if (crew->head) crew->tail->crew_next = m;
        else crew->head = m;
        crew->tail = m;
    }
}

/* Read the state in; false if there is no memory for it. */
static int load_state(Engine *e, const Saved *from, i64 parts, Turn *turns) {
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
        tournament_set(&e->clocks, plan->calendars_count + i, mp->first_us + next * mp->every_us);
    }
    for (i64 i = 0; i < plan->calendars_count; i++)
        tournament_set(&e->clocks, i, next_edge(e, i, e->now_us));
    for (i64 i = 0; i < plan->stations_count; i++) {
        i64 calendar = plan->stations[i].calendar;
        e->stations[i].started = from->stations[i].started;
        e->stations[i].completed = from->stations[i].completed;
        e->stations[i].closed = calendar != NONE && calendar_is_closed(e, calendar, e->now_us);
        e->completed_operations += from->stations[i].completed;
    }
    for (i64 i = 0; i < plan->modes_count; i++) {
        e->modes[i].count = from->modes[i].count;
        e->modes[i].strikes_at = from->modes[i].strikes_at;
    }
    for (i64 i = 0; i < plan->services_count; i++) e->services[i].due = from->services[i].due;
    for (i64 i = 0; i < plan->machines_count; i++) draw_new_clocks(e, &e->machines[i], &from->machines[i]);
    for (i64 i = 0; i < plan->machines_count; i++) load_machine(e, &e->machines[i], &from->machines[i]);
    for (i64 i = 0; i < parts; i++) load_part(e, &from->parts[i]);
    for (i64 i = 0; i < plan->places_count; i++) load_place(&e->places[i], &from->places[i]);
    load_queues(e, from, turns);
    for (i64 i = 0; i < plan->machines_count; i++)
        resume_machine(e, &e->machines[i], from->machines[i].ends_us);
    return 1;
}

static int waits_for_no_crew(const Engine *e, const Machine *m) {
    if (!m->down && !m->service) return 0;
    return (m->service ? m->service->plan->crew : m->down->plan->crew) == NONE && hold_ends(e, m) == NONE;
}

static void offer_parts(Engine *e, Lane *lane) {
    for (i64 i = 0; i < lane->takers_count; i++)
        if (lane->takers[i]->waiting.head) {
            lane->gained_parts = 1;
            add_todo(e, (Todo){GAINED_PARTS, .lane = lane});
            return;
        }
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
        Machine *m = e->places[i].machine;
        if (plan->places[i].number) continue;
        if (!waits_for_no_crew(e, m)) begin_due_service(e, m);
        else if (m->service) begin_service_work(e, m);
        else begin_repair(e, m);
    }
    for (i64 i = 0; i < plan->places_count; i++) restate(e, &e->places[i]);
    for (i64 i = 0; i < plan->places_count; i++) {
        Group *group = e->places[i].group;
        while (!group->inlets_count && group->waiting.head && is_ready(e, group)) serve_group(e, group);
    }
    for (i64 i = 0; i < plan->lanes_count; i++) offer_parts(e, &e->lanes[i]);
    for (i64 i = 0; i < plan->lanes_count; i++) gained_room(e, &e->lanes[i]);
    for (i64 i = 0; i < plan->places_count; i++) set_free(e, &e->places[i]);
    settle(e);
    return 1;
}

/* A line that goes on from rows as `linetwin_save` writes them, which have been checked; rows that
 * are not settled are of a line that has been changed. NULL if there is no memory for it. */
EXPORT Engine *linetwin_restore(const Program *plan, i64 *words, i64 parts, i64 start_us, i64 now_us,
                                int settled, int logging) {
    Engine *e = bare_engine(plan, start_us, logging);
    if (!e) return NULL;
    e->now_us = e->end_us = now_us;
    Saved from = saved_at(plan, words);
    i64 most = plan->places_count > plan->machines_count ? plan->places_count : plan->machines_count;
    Turn *turns = malloc((size_t)most * sizeof(Turn));
    int loaded = turns && load_state(e, &from, parts, turns);
    free(turns);
    if (loaded && (settled || look_again(e))) return e;
    linetwin_close(e);
    return NULL;
}

/* The same state in memory of its own, with nothing logged, by way of the rows; NULL if there is no
 * memory for it. Only between events, as `linetwin_save`. */
EXPORT Engine *linetwin_fork(const Engine *e, int logging) {
    const Program *plan = &e->plan;
    i64 parts = linetwin_parts(e);
    size_t bytes = (size_t)parts * sizeof(SavedPart);
#define ADD(type, name) bytes += (size_t)plan->name##_count * sizeof(type);
    SAVED_TABLES(ADD)
#undef ADD
    i64 *words = malloc(bytes);
    if (!words) return NULL;
    linetwin_save(e, words);
    Engine *f = linetwin_restore(plan, words, parts, e->start_us, e->end_us, 1, logging);
    free(words);
    return f;
}
