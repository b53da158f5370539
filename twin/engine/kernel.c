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
enum Outcome { OK = 0, OUT_OF_MEMORY = 1, LOG_IS_FULL = 2, COUNT_REACHED = 3 };

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

typedef struct { i64 number, entered; int32_t rework_pass; uint32_t defects; i64 next; } Part;
typedef struct { i64 head, tail, count; } PartList;    /* of indices into the pool of parts */
typedef struct { i64 head, tail, count; } PlaceQueue;  /* of places, linked through them */

typedef struct { i64 started, completed, closed; } Station;
typedef struct { PlaceQueue waiting; } Group;
typedef struct { PlaceQueue waiting; } Outlet;
typedef struct { PartList parts; i64 gained_parts, gained_room; } Lane;
typedef struct {
    i64 worked_us, next_strike, clock_us, clock_since, clock_runs, down, service, crew_next;
    i64 counts[CONDITIONS], time_us[CONDITIONS];
    i64 consumed, good, defective, reworked, failures, cycle_time_us, occupied;
} Machine;
typedef struct { i64 count, strikes_at; } Mode;
typedef struct { i64 due, due_at, done_at; } Service;
typedef struct { i64 free, head, tail; } Crew;
typedef struct { i64 level, used; } Store;
typedef struct {
    i64 condition, since_us, loaded, operation, lead, rework_pass, redone;
    i64 drawn_us, left_us, started_us, resumed_us, pending;
    PartList parts, out;
    i64 turn, previous, next, waits_for_load, outlet;
} Place;

#define STATE_TABLES(X)                                                                            \
    X(Station, stations) X(Group, groups) X(Outlet, outlets) X(Lane, lanes) X(Machine, machines)     \
    X(Mode, modes) X(Service, services) X(Crew, crews) X(Store, materials) X(Place, places)

typedef struct { i64 at_us, kind, station, machine, place, number, value; } Event;
typedef struct { i64 task, subject; } Todo;

typedef struct {
    i64 first_leaf, leaf_count, width;  /* width: leaves rounded up to a power of two */
    i64 *at;                            /* when each leaf's event is due */
    int32_t *winner;                    /* of each inner node, the root at 1 */
} Tournament;

typedef struct Engine {
    Program plan;
#define DECLARE(type, name) type *name;
    STATE_TABLES(DECLARE)
#undef DECLARE
    i64 now_us, start_us, end_us, turns, completed_operations;
    Part *parts; i64 parts_room, parts_used, free_part;
    Todo *todo; i64 todo_room, todo_head, todo_count;
    Event *log; i64 log_room, log_count; int logging;
    Tournament top;        /* clocks, and one leaf for each machine's places */
    Tournament *inner;     /* of each machine with several places: its places */
    i64 services_leaf, clocks_leaf, machines_leaf;
    i64 *machine_of_leaf, *leaf_of_machine;
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

static i64 new_part(Engine *e, i64 number, i64 rework_pass, i64 defects) {
    i64 i = e->free_part;
    if (i != NONE) {
        e->free_part = e->parts[i].next;
    } else {
        if (e->parts_used == e->parts_room)
            e->parts = grown(e, e->parts, &e->parts_room, sizeof(Part));
        i = e->parts_used++;
    }
    e->parts[i] = (Part){number, 0, (int32_t)rework_pass, (uint32_t)defects, NONE};
    return i;
}

static inline void drop_part(Engine *e, i64 part) {
    e->parts[part].next = e->free_part;
    e->free_part = part;
}

static inline void put_last(Engine *e, PartList *list, i64 part) {
    e->parts[part].next = NONE;
    if (list->count++) e->parts[list->tail].next = part;
    else list->head = part;
    list->tail = part;
}

static inline i64 take_first(Engine *e, PartList *list) {
    i64 part = list->head;
    list->head = e->parts[part].next;
    list->count--;
    return part;
}

static void drop_all(Engine *e, PartList *list) {
    while (list->count) drop_part(e, take_first(e, list));
}

static void add_todo(Engine *e, i64 task, i64 subject) {
    if (e->todo_count == e->todo_room) {
        i64 before = e->todo_room;
        e->todo = grown(e, e->todo, &e->todo_room, sizeof(Todo));
        /* The ring's wrapped part moves behind what stood before the old end. */
        memcpy(e->todo + before, e->todo, (size_t)e->todo_head * sizeof(Todo));
    }
    e->todo[(e->todo_head + e->todo_count++) & (e->todo_room - 1)] = (Todo){task, subject};
}

static void write_event(Engine *e, i64 kind, i64 station, i64 machine, i64 place, i64 number, i64 value) {
    if (e->log_count == e->log_room) e->log = grown(e, e->log, &e->log_room, sizeof(Event));
    e->log[e->log_count++] = (Event){e->now_us, kind, station, machine, place, number, value};
}

static void log_place(Engine *e, i64 kind, i64 place, i64 number, i64 value) {
    const PlacePlan *pp = &e->plan.places[place];
    const MachinePlan *mp = &e->plan.machines[pp->machine];
    write_event(e, kind, mp->station, mp->number, pp->number, number, value);
}

static void log_machine(Engine *e, i64 kind, i64 machine, i64 number, i64 value) {
    const MachinePlan *mp = &e->plan.machines[machine];
    write_event(e, kind, mp->station, mp->number, NONE, number, value);
}

/* ---- Pending events: tournaments; the earliest wins, the lower leaf on a tie (rule S25) ------------- */

static int tournament_open(Tournament *t, i64 leaves) {
    t->leaf_count = leaves;
    t->width = 1;
    while (t->width < leaves) t->width *= 2;
    t->at = malloc((size_t)t->width * sizeof(i64));
    t->winner = malloc((size_t)t->width * sizeof(int32_t));
    if (!t->at || !t->winner) return 0;
    for (i64 i = 0; i < t->width; i++) t->at[i] = FOREVER;
    for (i64 node = t->width - 1; node >= 1; node--)
        t->winner[node] = (int32_t)(2 * node >= t->width ? 2 * node - t->width : t->winner[2 * node]);
    return 1;
}

static inline i64 tournament_first(const Tournament *t) {
    return t->width == 1 ? 0 : t->winner[1];
}

static inline void tournament_set(Tournament *t, i64 leaf, i64 at) {
    t->at[leaf] = at;
    i64 node = (leaf + t->width) / 2;
    if (!node) return;
    i64 left = leaf & ~INT64_C(1), right = left | 1;
    for (;;) {
        i64 winner = t->at[right] < t->at[left] ? right : left;
        if (t->winner[node] == winner && winner != leaf) return;
        t->winner[node] = (int32_t)winner;
        if (node == 1) return;
        i64 sibling = t->winner[node ^ 1];
        left = node & 1 ? sibling : winner;
        right = node & 1 ? winner : sibling;
        node /= 2;
    }
}

static inline void schedule_place(Engine *e, i64 place, i64 at) {
    const PlacePlan *pp = &e->plan.places[place];
    i64 machine = pp->machine, leaf = e->leaf_of_machine[machine];
    if (e->plan.machines[machine].places.count > 1) {
        Tournament *inner = &e->inner[machine];
        tournament_set(inner, pp->number, at);
        at = inner->at[tournament_first(inner)];
        if (e->top.at[leaf] == at) return;
    }
    tournament_set(&e->top, leaf, at);
}

static void schedule_service(Engine *e, i64 service) {
    const Service *s = &e->services[service];
    tournament_set(&e->top, e->services_leaf + service, s->due_at < s->done_at ? s->due_at : s->done_at);
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

static inline i64 variate(const Engine *e, i64 table, Key key, u64 index) {
    i64 constant = e->plan.table_constants[table];
    if (constant) return constant;
    const i64 *q = e->plan.tables + table * TABLE_LENGTH;
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

static inline Machine *machine_of(Engine *e, i64 place) {
    return &e->machines[e->plan.places[place].machine];
}

static inline const StationPlan *station_of(const Engine *e, i64 machine) {
    return &e->plan.stations[e->plan.machines[machine].station];
}

static inline void set_condition(Engine *e, i64 place, i64 condition) {
    Place *p = &e->places[place];
    if (p->condition == condition) return;
    Machine *m = machine_of(e, place);
    m->time_us[p->condition] += e->now_us - p->since_us;
    m->counts[p->condition]--;
    m->counts[condition]++;
    p->since_us = e->now_us;
    p->condition = condition;
    if (e->logging) log_place(e, STATE_CHANGED, place, 0, condition);
}

static void restate(Engine *e, i64 place) {
    const Place *p = &e->places[place];
    i64 machine = e->plan.places[place].machine;
    const Machine *m = &e->machines[machine];
    i64 condition;
    if (p->loaded && (p->pending == COMPLETED || p->pending == STRUCK)) condition = EXECUTE;
    else if (m->down != NONE) condition = e->plan.modes[m->down].is_setup ? SETUP : FAULT;
    else if (m->service != NONE) condition = MAINTENANCE;
    else if (e->stations[e->plan.machines[machine].station].closed && !p->loaded) condition = PLANNED_STOP;
    else if (p->out.count) condition = BLOCKED;
    else condition = STARVED;
    set_condition(e, place, condition);
}

/* ---- Queues of places, first come, first served (rule S9) ---------------------------------------------- */

static void join(Engine *e, PlaceQueue *queue, i64 place) {
    Place *p = &e->places[place];
    p->turn = ++e->turns;
    p->previous = queue->count ? queue->tail : NONE;
    p->next = NONE;
    if (queue->count++) e->places[queue->tail].next = place;
    else queue->head = place;
    queue->tail = place;
}

static void leave(Engine *e, PlaceQueue *queue, i64 place) {
    const Place *p = &e->places[place];
    if (p->previous != NONE) e->places[p->previous].next = p->next;
    else queue->head = p->next;
    if (p->next != NONE) e->places[p->next].previous = p->previous;
    else queue->tail = p->previous;
    queue->count--;
}

static void stop_waiting_for_load(Engine *e, i64 place) {
    Place *p = &e->places[place];
    if (!p->waits_for_load) return;
    leave(e, &e->groups[e->plan.places[place].group].waiting, place);
    p->waits_for_load = 0;
}

static void wait_for_room(Engine *e, i64 place, i64 outlet) {
    join(e, &e->outlets[outlet].waiting, place);
    e->places[place].outlet = outlet;
}

static void stop_waiting_for_room(Engine *e, i64 place) {
    Place *p = &e->places[place];
    if (p->outlet == NONE) return;
    leave(e, &e->outlets[p->outlet].waiting, place);
    p->outlet = NONE;
}

/* ---- Lanes --------------------------------------------------------------------------------------------- */

static inline i64 need(i64 milli, i64 operation) {
    return (operation + 1) * milli / MILLI - operation * milli / MILLI;
}

static inline int has_room(const Engine *e, i64 lane) {
    const LanePlan *lp = &e->plan.lanes[lane];
    i64 level = e->lanes[lane].parts.count;
    if (lp->capacity) return level < lp->capacity;
    i64 waiting = 0;  /* rule S11 */
    for (i64 i = 0; i < lp->takers.count; i++)
        waiting += e->groups[e->plan.lane_takers[lp->takers.from + i]].waiting.count;
    return level < waiting;
}

static inline void gained_room(Engine *e, i64 lane) {
    const LanePlan *lp = &e->plan.lanes[lane];
    if (e->lanes[lane].gained_room) return;
    for (i64 i = 0; i < lp->givers.count; i++)
        if (e->outlets[e->plan.lane_givers[lp->givers.from + i]].waiting.count) {
            e->lanes[lane].gained_room = 1;
            add_todo(e, GAINED_ROOM, lane);
            return;
        }
}

static inline void enter(Engine *e, i64 lane, i64 part) {
    const LanePlan *lp = &e->plan.lanes[lane];
    Lane *l = &e->lanes[lane];
    e->parts[part].entered = ++e->turns;
    put_last(e, &l->parts, part);
    if (l->gained_parts) return;
    for (i64 i = 0; i < lp->takers.count; i++)
        if (e->groups[e->plan.lane_takers[lp->takers.from + i]].waiting.count) {
            l->gained_parts = 1;
            add_todo(e, GAINED_PARTS, lane);
            return;
        }
}

static int is_ready(const Engine *e, i64 group) {
    const GroupPlan *gp = &e->plan.groups[group];
    if (gp->single_lane != NONE) return e->lanes[gp->single_lane].parts.count > 0;
    i64 operation = e->stations[gp->station].started;
    for (i64 i = gp->inlets.from; i < gp->inlets.from + gp->inlets.count; i++) {
        const InletPlan *in = &e->plan.inlets[i];
        i64 there = 0;
        for (i64 k = 0; k < in->lanes.count; k++)
            there += e->lanes[e->plan.inlet_lanes[in->lanes.from + k]].parts.count;
        if (there < need(in->milli, operation)) return 0;
    }
    const StationPlan *sp = &e->plan.stations[gp->station];
    for (i64 i = sp->uses.from; i < sp->uses.from + sp->uses.count; i++)
        if (e->materials[e->plan.uses[i].material].level < e->plan.uses[i].amount) return 0;
    return 1;
}

static int is_contested(const Engine *e, i64 group) {
    const GroupPlan *gp = &e->plan.groups[group];
    if (gp->single_lane != NONE) return e->lanes[gp->single_lane].gained_parts != 0;
    for (i64 i = gp->inlets.from; i < gp->inlets.from + gp->inlets.count; i++) {
        const InletPlan *in = &e->plan.inlets[i];
        for (i64 k = 0; k < in->lanes.count; k++)
            if (e->lanes[e->plan.inlet_lanes[in->lanes.from + k]].gained_parts) return 1;
    }
    return 0;
}

/* ---- Work ------------------------------------------------------------------------------------------------ */

static void work(Engine *e, i64 place) {
    i64 machine = e->plan.places[place].machine;
    Place *p = &e->places[place];
    const Machine *m = &e->machines[machine];
    if (m->down != NONE && !e->plan.modes[m->down].stops_handling) {
        restate(e, place);
        return;
    }
    p->resumed_us = e->now_us;
    i64 ahead = p->left_us;
    p->pending = COMPLETED;
    if (!station_of(e, machine)->by_time && m->next_strike - m->worked_us < p->left_us) {
        ahead = m->next_strike - m->worked_us;
        p->pending = STRUCK;
    }
    schedule_place(e, place, e->now_us + ahead);
    set_condition(e, place, EXECUTE);
}

static void begin(Engine *e, i64 place) {
    Place *p = &e->places[place];
    const StationPlan *sp = station_of(e, e->plan.places[place].machine);
    p->drawn_us = p->left_us = variate(e, sp->table, sp->service, draw_index(p->lead, p->rework_pass));
    if (e->logging) log_place(e, OPERATION_STARTED, place, p->lead, p->drawn_us);
    work(e, place);
}

static void take_from(Engine *e, const InletPlan *in, i64 wanted, PartList *parts) {
    while (wanted-- > 0) {
        i64 oldest = NONE, entered = 0;
        for (i64 k = 0; k < in->lanes.count; k++) {
            i64 lane = e->plan.inlet_lanes[in->lanes.from + k];
            const PartList *there = &e->lanes[lane].parts;
            if (there->count && (oldest == NONE || e->parts[there->head].entered < entered)) {
                oldest = lane;
                entered = e->parts[there->head].entered;
            }
        }
        put_last(e, parts, take_first(e, &e->lanes[oldest].parts));
        gained_room(e, oldest);
    }
}

/* Take everything an operation needs, and begin it (rules S5, S8, S13). */
static void take(Engine *e, i64 place) {
    const PlacePlan *pp = &e->plan.places[place];
    const GroupPlan *gp = &e->plan.groups[pp->group];
    const StationPlan *sp = &e->plan.stations[gp->station];
    Place *p = &e->places[place];
    Machine *m = &e->machines[pp->machine];
    i64 operation = e->stations[gp->station].started++;
    if (gp->single_lane != NONE) {
        put_last(e, &p->parts, take_first(e, &e->lanes[gp->single_lane].parts));
        gained_room(e, gp->single_lane);
    } else {
        for (i64 i = gp->inlets.from; i < gp->inlets.from + gp->inlets.count; i++) {
            const InletPlan *in = &e->plan.inlets[i];
            take_from(e, in, need(in->milli, operation), &p->parts);
        }
        for (i64 i = sp->uses.from; i < sp->uses.from + sp->uses.count; i++) {
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
        p->lead = e->parts[p->parts.head].number;
        p->rework_pass = e->parts[p->parts.head].rework_pass;
    } else {
        p->lead = sp->code + operation * sp->gives_milli / MILLI;
        p->rework_pass = 0;
    }
    p->started_us = e->now_us;
    begin(e, place);
}

/* ---- Judging (rules S14 to S16) ---------------------------------------------------------------------------- */

static int judge(Engine *e, const StationPlan *sp, Part *part) {
    u64 index = draw_index(part->number, part->rework_pass);
    if (sp->arise.count) {
        u64 drawn = draw(sp->arise_key, index) >> 1;
        for (i64 i = sp->arise.from; i < sp->arise.from + sp->arise.count; i++)
            if (drawn < (u64)e->plan.arise[i].below) {
                part->defects |= (uint32_t)e->plan.arise[i].bit;
                break;
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
static void make_parts(Engine *e, i64 place) {
    Place *p = &e->places[place];
    const StationPlan *sp = station_of(e, e->plan.places[place].machine);
    i64 defects = 0;
    for (i64 i = p->parts.head, left = p->parts.count; left; left--, i = e->parts[i].next)
        defects |= e->parts[i].defects;
    i64 first = p->operation * sp->gives_milli / MILLI;
    i64 last = (p->operation + 1) * sp->gives_milli / MILLI;
    for (i64 i = first; i < last; i++)
        put_last(e, &p->out, new_part(e, sp->code + i, p->redone, defects));
}

/* Judge what waits in `out`; what goes on stays there. True if the operation is done again. */
static int judge_all(Engine *e, i64 place) {
    i64 machine = e->plan.places[place].machine;
    const StationPlan *sp = station_of(e, machine);
    Place *p = &e->places[place];
    Machine *m = &e->machines[machine];
    for (i64 left = p->out.count; left; left--) {
        i64 i = take_first(e, &p->out);
        Part *part = &e->parts[i];
        int verdict = judge(e, sp, part);
        if (verdict == PASS) {
            put_last(e, &p->out, i);
        } else if (verdict == SCRAP) {
            m->defective++;
            if (e->logging) log_place(e, PART_SCRAPPED, place, part->number, part->defects);
            drop_part(e, i);
        } else {
            m->reworked++;
            part->rework_pass++;
            part->defects = 0;
            if (e->logging) log_place(e, PART_REWORKED, place, part->number, part->rework_pass);
            i64 lane = verdict == REWORK ? sp->rework_lane : sp->reject_lane;
            if (lane != NONE) {
                enter(e, lane, i);
            } else {
                p->rework_pass++;
                p->redone++;
                /* What a new part is made of again must not bring its defects back. */
                for (i64 k = p->parts.head, n = p->parts.count; n; n--, k = e->parts[k].next)
                    e->parts[k].defects = 0;
                if (sp->passes_on) put_last(e, &p->parts, i);
                else drop_part(e, i);
                begin(e, place);
                return 1;
            }
        }
    }
    return 0;
}

/* ---- Putting out ---------------------------------------------------------------------------------------------- */

static i64 outlet_of(const Engine *e, i64 group, const Part *part) {
    const GroupPlan *gp = &e->plan.groups[group];
    if (gp->outlets.count == 1) return gp->outlets.from;
    u64 index = draw_index(part->number, part->rework_pass);
    u64 drawn = draw(e->plan.stations[gp->station].route, index) >> 1;
    for (i64 i = gp->outlets.from; i < gp->outlets.from + gp->outlets.count; i++)
        if (drawn < (u64)e->plan.outlets[i].share_below) return i;
    return gp->outlets.from + gp->outlets.count - 1;
}

static i64 room(const Engine *e, i64 outlet) {
    const OutletPlan *op = &e->plan.outlets[outlet];
    i64 best = NONE, level = 0;
    for (i64 k = 0; k < op->lanes.count; k++) {
        i64 lane = e->plan.outlet_lanes[op->lanes.from + k];
        i64 there = e->lanes[lane].parts.count;
        if ((best == NONE || there < level) && has_room(e, lane)) {
            best = lane;
            level = there;
        }
    }
    return best;
}

static inline void put(Engine *e, i64 place, i64 lane) {
    i64 part = take_first(e, &e->places[place].out);
    machine_of(e, place)->good++;
    if (e->logging) log_place(e, PART_PASSED, place, e->parts[part].number, lane);
    enter(e, lane, part);
}

static inline void emptied(Engine *e, i64 place) {
    machine_of(e, place)->occupied--;
    add_todo(e, FREE, place);
}

static int handling_is_shut(const Engine *e, i64 machine) {
    const Machine *m = &e->machines[machine];
    return (m->down != NONE && e->plan.modes[m->down].stops_handling) ||
           (m->service != NONE && e->plan.machines[machine].places.count > 1);
}

/* Put parts out in their order while there is room (rules S7, S10). */
static void put_out(Engine *e, i64 place) {
    const PlacePlan *pp = &e->plan.places[place];
    const GroupPlan *gp = &e->plan.groups[pp->group];
    Place *p = &e->places[place];
    int shut = handling_is_shut(e, pp->machine);
    if (!gp->outlets.count && !shut) {
        e->machines[pp->machine].good += p->out.count;
        while (p->out.count) {
            i64 part = take_first(e, &p->out);
            if (e->logging) log_place(e, PART_PASSED, place, e->parts[part].number, NONE);
            drop_part(e, part);
        }
    }
    while (p->out.count) {
        i64 outlet = shut ? NONE : outlet_of(e, pp->group, &e->parts[p->out.head]);
        i64 lane = outlet == NONE ? NONE : room(e, outlet);
        if (lane == NONE) {
            if (outlet != NONE) wait_for_room(e, place, outlet);
            restate(e, place);
            return;
        }
        put(e, place, lane);
    }
    p->outlet = NONE;
    emptied(e, place);
}

static void completed(Engine *e, i64 place) {
    i64 machine = e->plan.places[place].machine;
    const StationPlan *sp = station_of(e, machine);
    Place *p = &e->places[place];
    Machine *m = &e->machines[machine];
    m->worked_us += p->left_us;
    p->left_us = 0;
    m->cycle_time_us = e->now_us - p->started_us;
    e->stations[e->plan.machines[machine].station].completed++;
    e->completed_operations++;
    if (sp->passes_on) {
        p->out = p->parts;
        p->parts.count = 0;
    } else {
        make_parts(e, place);
    }
    if (e->logging) log_place(e, OPERATION_COMPLETED, place, p->lead, p->out.count);
    if (!sp->plain && judge_all(e, place)) return;
    p->loaded = 0;
    drop_all(e, &p->parts);
    put_out(e, place);
}

/* ---- A place becomes free ---------------------------------------------------------------------------------------- */

static int begin_due_service(Engine *e, i64 machine);

static int is_closed(const Engine *e, i64 machine) {
    const Machine *m = &e->machines[machine];
    const MachinePlan *mp = &e->plan.machines[machine];
    return e->stations[mp->station].closed || m->service != NONE ||
           (m->down != NONE && e->plan.modes[m->down].stops_handling);
}

static void wait_for_load(Engine *e, i64 place) {
    i64 group = e->plan.places[place].group;
    const GroupPlan *gp = &e->plan.groups[group];
    join(e, &e->groups[group].waiting, place);
    e->places[place].waits_for_load = 1;
    restate(e, place);
    for (i64 i = gp->inlets.from; i < gp->inlets.from + gp->inlets.count; i++) {
        const InletPlan *in = &e->plan.inlets[i];
        for (i64 k = 0; k < in->lanes.count; k++) {
            i64 lane = e->plan.inlet_lanes[in->lanes.from + k];
            if (e->plan.lanes[lane].capacity == 0) gained_room(e, lane);
        }
    }
}

static void become_free(Engine *e, i64 place) {
    const PlacePlan *pp = &e->plan.places[place];
    const Place *p = &e->places[place];
    if (p->loaded || p->waits_for_load) return;
    if (p->out.count) {
        if (p->outlet == NONE) put_out(e, place);
        return;
    }
    if (e->plan.machines[pp->machine].services.count && begin_due_service(e, pp->machine)) return;
    if (is_closed(e, pp->machine)) restate(e, place);
    else if (!e->groups[pp->group].waiting.count && is_ready(e, pp->group) && !is_contested(e, pp->group))
        take(e, place);
    else wait_for_load(e, place);
}

/* ---- The two ends of a lane (rule S9) ------------------------------------------------------------------------------ */

static void serve_group(Engine *e, i64 group) {
    i64 place = e->groups[group].waiting.head;
    stop_waiting_for_load(e, place);
    take(e, place);
}

static void serve(Engine *e, i64 lane) {
    const LanePlan *lp = &e->plan.lanes[lane];
    for (;;) {
        i64 best = NONE, turn = 0;
        for (i64 i = 0; i < lp->takers.count; i++) {
            i64 group = e->plan.lane_takers[lp->takers.from + i];
            const PlaceQueue *waiting = &e->groups[group].waiting;
            if (!waiting->count || !is_ready(e, group)) continue;
            if (best == NONE || e->places[waiting->head].turn < turn) {
                best = group;
                turn = e->places[waiting->head].turn;
            }
        }
        if (best == NONE) return;
        serve_group(e, best);
    }
}

static void admit(Engine *e, i64 lane) {
    const LanePlan *lp = &e->plan.lanes[lane];
    while (has_room(e, lane)) {
        i64 best = NONE, turn = 0;
        for (i64 i = 0; i < lp->givers.count; i++) {
            i64 outlet = e->plan.lane_givers[lp->givers.from + i];
            const PlaceQueue *waiting = &e->outlets[outlet].waiting;
            if (waiting->count && (best == NONE || e->places[waiting->head].turn < turn)) {
                best = outlet;
                turn = e->places[waiting->head].turn;
            }
        }
        if (best == NONE) return;
        i64 place = e->outlets[best].waiting.head, wanted = best;
        Place *p = &e->places[place];
        while (p->out.count) {
            wanted = outlet_of(e, e->plan.places[place].group, &e->parts[p->out.head]);
            i64 to = room(e, wanted);
            if (to == NONE) break;
            put(e, place, to);
        }
        if (!p->out.count) {
            stop_waiting_for_room(e, place);
            emptied(e, place);
        } else if (wanted != best) {
            stop_waiting_for_room(e, place);
            wait_for_room(e, place, wanted);
        }
    }
}

/* Work off the list of rule S26, in turn, until nothing moves any more. */
static void settle(Engine *e) {
    while (e->todo_count) {
        Todo next = e->todo[e->todo_head];
        e->todo_head = (e->todo_head + 1) & (e->todo_room - 1);
        e->todo_count--;
        if (next.task == FREE) {
            become_free(e, next.subject);
        } else if (next.task == GAINED_PARTS) {
            e->lanes[next.subject].gained_parts = 0;
            serve(e, next.subject);
        } else {
            e->lanes[next.subject].gained_room = 0;
            admit(e, next.subject);
        }
    }
}

/* ---- Failures and repairs (rules S17 to S21) -------------------------------------------------------------------------- */

static i64 draw_due(const Engine *e, i64 mode, i64 from) {
    const ModePlan *mp = &e->plan.modes[mode];
    return from + variate(e, mp->due_table, mp->due, (u64)e->modes[mode].count);
}

static i64 first_mode(const Engine *e, i64 machine) {
    Range modes = e->plan.machines[machine].modes;
    i64 first = modes.from;
    for (i64 i = modes.from + 1; i < modes.from + modes.count; i++)
        if (e->modes[i].strikes_at < e->modes[first].strikes_at) first = i;
    return first;
}

static void go_down(Engine *e, i64 machine, i64 mode) {
    e->machines[machine].down = mode;
    if (!e->plan.modes[mode].is_setup) e->machines[machine].failures++;
    if (e->logging) log_machine(e, MACHINE_FAILED, machine, e->modes[mode].count, e->plan.modes[mode].number);
}

static void scrap_load(Engine *e, i64 place) {
    i64 machine = e->plan.places[place].machine;
    Place *p = &e->places[place];
    if (!station_of(e, machine)->passes_on) {
        make_parts(e, place);
        drop_all(e, &p->parts);
        p->parts = p->out;
        p->out.count = 0;
    }
    e->machines[machine].defective += p->parts.count;
    while (p->parts.count) {
        i64 part = take_first(e, &p->parts);
        if (e->logging) log_place(e, PART_SCRAPPED, place, e->parts[part].number, e->parts[part].defects);
        drop_part(e, part);
    }
    p->loaded = 0;
    p->left_us = 0;
    emptied(e, place);
}

static void schedule_repair(Engine *e, i64 machine, i64 at) {
    if (station_of(e, machine)->by_time) {
        tournament_set(&e->top, e->clocks_leaf + machine, at);
    } else {
        i64 place = e->plan.machines[machine].places.from;
        e->places[place].pending = REPAIRED;
        schedule_place(e, place, at);
    }
}

static void begin_repair(Engine *e, i64 machine) {
    i64 mode = e->machines[machine].down;
    const ModePlan *mp = &e->plan.modes[mode];
    i64 lasts = variate(e, mp->lasts_table, mp->lasts, (u64)e->modes[mode].count);
    schedule_repair(e, machine, e->now_us + lasts);
}

static void begin_service_work(Engine *e, i64 machine) {
    i64 service = e->machines[machine].service;
    e->services[service].done_at = e->now_us + e->plan.services[service].lasts_us;
    schedule_service(e, service);
}

/* True if a crew is there at once; else the machine waits for it. */
static int call_crew(Engine *e, i64 crew, i64 machine) {
    if (crew == NONE) return 1;
    Crew *c = &e->crews[crew];
    if (c->free) {
        c->free--;
        return 1;
    }
    e->machines[machine].crew_next = NONE;
    if (c->head == NONE) c->head = machine;
    else e->machines[c->tail].crew_next = machine;
    c->tail = machine;
    return 0;
}

static void release_crew(Engine *e, i64 crew) {
    if (crew == NONE) return;
    Crew *c = &e->crews[crew];
    i64 machine = c->head;
    if (machine == NONE) {
        c->free++;
        return;
    }
    c->head = e->machines[machine].crew_next;
    if (e->machines[machine].service != NONE) begin_service_work(e, machine);
    else begin_repair(e, machine);
}

static void struck(Engine *e, i64 place) {
    i64 machine = e->plan.places[place].machine;
    Place *p = &e->places[place];
    Machine *m = &e->machines[machine];
    p->left_us -= e->now_us - p->resumed_us;
    m->worked_us = m->next_strike;
    i64 mode = first_mode(e, machine);
    go_down(e, machine, mode);
    if (e->plan.modes[mode].after == SCRAP_LOAD) scrap_load(e, place);
    restate(e, place);
    if (call_crew(e, e->plan.modes[mode].crew, machine)) begin_repair(e, machine);
}

static void run_clock(Engine *e, i64 machine) {
    Machine *m = &e->machines[machine];
    m->clock_since = e->now_us;
    m->clock_runs = 1;
    i64 ahead = e->modes[first_mode(e, machine)].strikes_at - m->clock_us;
    tournament_set(&e->top, e->clocks_leaf + machine, e->now_us + ahead);
}

static void stop_clock(Engine *e, i64 machine) {
    Machine *m = &e->machines[machine];
    m->clock_us += e->now_us - m->clock_since;
    m->clock_runs = 0;
    tournament_set(&e->top, e->clocks_leaf + machine, FOREVER);
}

static void withdraw(Engine *e, i64 place) {
    stop_waiting_for_load(e, place);
    stop_waiting_for_room(e, place);
}

static void reopen(Engine *e, i64 machine) {
    Range places = e->plan.machines[machine].places;
    for (i64 i = places.from; i < places.from + places.count; i++) {
        const Place *p = &e->places[i];
        if (!p->loaded && !p->waits_for_load && p->outlet == NONE) add_todo(e, FREE, i);
    }
}

static void repaired(Engine *e, i64 machine) {
    Machine *m = &e->machines[machine];
    i64 mode = m->down;
    const ModePlan *mp = &e->plan.modes[mode];
    int by_time = station_of(e, machine)->by_time != 0;
    if (e->logging) log_machine(e, MACHINE_REPAIRED, machine, e->modes[mode].count, mp->number);
    m->down = NONE;
    e->modes[mode].count++;
    e->modes[mode].strikes_at = draw_due(e, mode, by_time ? m->clock_us : m->worked_us);
    if (!by_time) m->next_strike = e->modes[first_mode(e, machine)].strikes_at;
    release_crew(e, mp->crew);
    if (by_time) run_clock(e, machine);
    Range places = e->plan.machines[machine].places;
    for (i64 i = places.from; i < places.from + places.count; i++) {
        Place *p = &e->places[i];
        if (p->loaded && !mp->stops_handling) {
            if (mp->after == RESTART) p->left_us = p->drawn_us;
            work(e, i);
        } else {
            restate(e, i);
        }
    }
    if (!begin_due_service(e, machine)) reopen(e, machine);
}

/* A time-dependent failure strikes a machine. */
static void clock_struck(Engine *e, i64 machine) {
    stop_clock(e, machine);
    i64 mode = first_mode(e, machine);
    const ModePlan *mp = &e->plan.modes[mode];
    go_down(e, machine, mode);
    Range places = e->plan.machines[machine].places;
    for (i64 i = places.from; i < places.from + places.count; i++) {
        Place *p = &e->places[i];
        if (p->loaded && !mp->stops_handling) {
            p->left_us -= e->now_us - p->resumed_us;
            p->pending = NOTHING;
            schedule_place(e, i, FOREVER);
            if (mp->after == SCRAP_LOAD) scrap_load(e, i);
        } else if (mp->stops_handling) {
            withdraw(e, i);
        }
        restate(e, i);
    }
    if (call_crew(e, mp->crew, machine)) begin_repair(e, machine);
}

/* ---- Preventive maintenance (rule S22) ---------------------------------------------------------------------------------- */

static void set_next_due(Engine *e, i64 service) {
    const ServicePlan *sp = &e->plan.services[service];
    i64 ahead = e->now_us < sp->first_us ? sp->first_us - e->now_us
                                         : sp->every_us - (e->now_us - sp->first_us) % sp->every_us;
    e->services[service].due_at = e->now_us + ahead;
    schedule_service(e, service);
}

static int begin_due_service(Engine *e, i64 machine) {
    const MachinePlan *mp = &e->plan.machines[machine];
    Machine *m = &e->machines[machine];
    if (m->service != NONE || m->down != NONE) return 0;
    i64 service = NONE;
    for (i64 i = mp->services.from; i < mp->services.from + mp->services.count && service == NONE; i++)
        if (e->services[i].due) service = i;
    if (service == NONE) return 0;
    const Place *only = &e->places[mp->places.from];
    if (mp->places.count == 1 && (only->loaded || only->out.count)) return 0;
    e->services[service].due = 0;
    m->service = service;
    if (e->plan.stations[mp->station].by_time) stop_clock(e, machine);
    for (i64 i = mp->places.from; i < mp->places.from + mp->places.count; i++) {
        withdraw(e, i);
        restate(e, i);
    }
    if (call_crew(e, e->plan.services[service].crew, machine)) begin_service_work(e, machine);
    return 1;
}

static void service_done(Engine *e, i64 service) {
    i64 machine = e->plan.services[service].machine;
    const MachinePlan *mp = &e->plan.machines[machine];
    e->services[service].done_at = FOREVER;
    schedule_service(e, service);
    e->machines[machine].service = NONE;
    release_crew(e, e->plan.services[service].crew);
    if (e->plan.stations[mp->station].by_time) run_clock(e, machine);
    for (i64 i = mp->places.from; i < mp->places.from + mp->places.count; i++) restate(e, i);
    if (!begin_due_service(e, machine)) reopen(e, machine);
}

static void service_fires(Engine *e, i64 service) {
    Service *s = &e->services[service];
    if (s->due_at > e->now_us) {
        service_done(e, service);
        return;
    }
    i64 machine = e->plan.services[service].machine;
    set_next_due(e, service);
    if (e->machines[machine].service == service) return;
    s->due = 1;
    begin_due_service(e, machine);
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
    const CalendarPlan *cp = &e->plan.calendars[calendar];
    int closed = calendar_is_closed(e, calendar, e->now_us);
    tournament_set(&e->top, calendar, next_edge(e, calendar, e->now_us));
    for (i64 k = 0; k < cp->stations.count; k++) {
        i64 station = e->plan.calendar_stations[cp->stations.from + k];
        Range machines = e->plan.stations[station].machines;
        e->stations[station].closed = closed;
        for (i64 m = machines.from; m < machines.from + machines.count; m++) {
            Range places = e->plan.machines[m].places;
            for (i64 i = places.from; i < places.from + places.count; i++) {
                if (closed) stop_waiting_for_load(e, i);
                restate(e, i);
            }
            if (!closed) reopen(e, m);
        }
    }
}

static void delivered(Engine *e, i64 material) {
    const MaterialPlan *mp = &e->plan.materials[material];
    tournament_set(&e->top, e->plan.calendars_count + material, e->now_us + mp->every_us);
    e->materials[material].level += mp->amount;
    if (e->logging) write_event(e, MATERIAL_DELIVERED, NONE, NONE, NONE, 0, material);
    for (i64 k = 0; k < mp->stations.count; k++) {
        Range groups = e->plan.stations[e->plan.material_stations[mp->stations.from + k]].groups;
        for (i64 g = groups.from; g < groups.from + groups.count; g++)
            while (e->groups[g].waiting.count && is_ready(e, g)) serve_group(e, g);
    }
}

/* ---- Running ------------------------------------------------------------------------------------------------------------------ */

static void place_fires(Engine *e, i64 place) {
    Place *p = &e->places[place];
    i64 pending = p->pending;
    p->pending = NOTHING;
    if (pending == COMPLETED) completed(e, place);
    else if (pending == STRUCK) struck(e, place);
    else repaired(e, e->plan.places[place].machine);
}

static void fire(Engine *e, i64 leaf) {
    i64 place = NONE;
    if (leaf >= e->machines_leaf) {
        i64 machine = e->machine_of_leaf[leaf - e->machines_leaf];
        const MachinePlan *mp = &e->plan.machines[machine];
        i64 number = mp->places.count > 1 ? tournament_first(&e->inner[machine]) : 0;
        place = mp->places.from + number;
        place_fires(e, place);
    } else if (leaf >= e->clocks_leaf) {
        i64 machine = leaf - e->clocks_leaf;
        if (e->machines[machine].clock_runs) {
            clock_struck(e, machine);
        } else {
            tournament_set(&e->top, leaf, FOREVER);
            repaired(e, machine);
        }
    } else if (leaf >= e->services_leaf) {
        service_fires(e, leaf - e->services_leaf);
    } else if (leaf >= e->plan.calendars_count) {
        delivered(e, leaf - e->plan.calendars_count);
    } else {
        calendar_turned(e, leaf);
    }
    settle(e);
    /* Most places have begun their next operation by now; only one that has not is taken out. */
    if (place != NONE && e->places[place].pending == NOTHING) schedule_place(e, place, FOREVER);
}

/* Run on until everything up to and at an instant has happened, or until so many operations have
 * been completed since the start, or the log holds `most_events`. */
EXPORT int linetwin_advance(Engine *e, i64 to_us, i64 most_operations, i64 most_events) {
    int failed = setjmp(e->give_up);
    if (failed) return failed;
    for (;;) {
        i64 leaf = tournament_first(&e->top);
        i64 at = e->top.at[leaf];
        if (at > to_us || at >= FOREVER) break;
        e->now_us = at;
        fire(e, leaf);
        if (e->completed_operations >= most_operations) {
            e->end_us = at;
            return COUNT_REACHED;
        }
        if (e->logging && e->log_count >= most_events) {
            e->end_us = at;
            return LOG_IS_FULL;
        }
    }
    e->end_us = to_us;
    return OK;
}

static void start(Engine *e) {
    const Program *plan = &e->plan;
    for (i64 i = 0; i < plan->crews_count; i++) e->crews[i] = (Crew){plan->crews[i], NONE, NONE};
    for (i64 i = 0; i < plan->materials_count; i++) {
        const MaterialPlan *mp = &plan->materials[i];
        e->materials[i].level = mp->stock;
        if (!mp->has_delivery) continue;
        i64 passed = e->now_us > mp->first_us ? e->now_us - mp->first_us : 0;
        i64 turns = (passed + mp->every_us - 1) / mp->every_us;
        tournament_set(&e->top, plan->calendars_count + i, mp->first_us + turns * mp->every_us);
    }
    for (i64 i = 0; i < plan->calendars_count; i++)
        tournament_set(&e->top, i, next_edge(e, i, e->now_us));
    for (i64 i = 0; i < plan->stations_count; i++) {
        i64 calendar = plan->stations[i].calendar;
        e->stations[i].closed = calendar != NONE && calendar_is_closed(e, calendar, e->now_us);
    }
    for (i64 i = 0; i < plan->machines_count; i++) {
        const MachinePlan *mp = &plan->machines[i];
        Machine *m = &e->machines[i];
        m->down = m->service = m->crew_next = NONE;
        m->next_strike = FOREVER;
        m->counts[STARVED] = mp->places.count;
        for (i64 k = mp->modes.from; k < mp->modes.from + mp->modes.count; k++)
            e->modes[k].strikes_at = draw_due(e, k, 0);
        if (mp->modes.count) m->next_strike = e->modes[first_mode(e, i)].strikes_at;
        if (plan->stations[mp->station].by_time) run_clock(e, i);
        for (i64 k = mp->services.from; k < mp->services.from + mp->services.count; k++) {
            e->services[k].done_at = FOREVER;
            set_next_due(e, k);
        }
    }
    for (i64 i = 0; i < plan->places_count; i++) {
        Place *p = &e->places[i];
        p->condition = STARVED;
        p->since_us = e->now_us;
        p->outlet = NONE;
        add_todo(e, FREE, i);
    }
    settle(e);
}

EXPORT void linetwin_close(Engine *e) {
    if (!e) return;
#define RELEASE(type, name) free(e->name);
    STATE_TABLES(RELEASE)
#undef RELEASE
    if (e->inner)
        for (i64 i = 0; i < e->plan.machines_count; i++) {
            free(e->inner[i].at);
            free(e->inner[i].winner);
        }
    free(e->inner);
    free(e->top.at);
    free(e->top.winner);
    free(e->machine_of_leaf);
    free(e->leaf_of_machine);
    free(e->parts);
    free(e->todo);
    free(e->log);
    free(e);
}

static int lay_out_events(Engine *e) {
    const Program *plan = &e->plan;
    e->services_leaf = plan->calendars_count + plan->materials_count;
    e->clocks_leaf = e->services_leaf + plan->services_count;
    e->machines_leaf = e->clocks_leaf + plan->machines_count;
    size_t machines = (size_t)plan->machines_count;
    e->machine_of_leaf = calloc(machines, sizeof(i64));
    e->leaf_of_machine = calloc(machines, sizeof(i64));
    e->inner = calloc(machines, sizeof(Tournament));
    if (!e->machine_of_leaf || !e->leaf_of_machine || !e->inner) return 0;
    if (!tournament_open(&e->top, e->machines_leaf + plan->machines_count)) return 0;
    /* Places are numbered by rank, and a machine's are together: so are the machines' leaves. */
    i64 leaf = 0;
    for (i64 i = 0; i < plan->places_count; i++) {
        if (plan->places[i].number) continue;
        i64 machine = plan->places[i].machine;
        e->machine_of_leaf[leaf] = machine;
        e->leaf_of_machine[machine] = e->machines_leaf + leaf++;
        i64 places = plan->machines[machine].places.count;
        if (places > 1 && !tournament_open(&e->inner[machine], places)) return 0;
    }
    return 1;
}

/* An engine without any state yet; NULL if there is no memory for it. */
static Engine *bare_engine(const Program *plan, i64 start_us, int logging) {
    Engine *e = calloc(1, sizeof(Engine));
    if (!e) return NULL;
    e->plan = *plan;
    e->now_us = e->start_us = e->end_us = start_us;
    e->logging = logging;
    e->free_part = NONE;
    int all = 1;
#define RESERVE(type, name)                                                                        \
    e->name = calloc((size_t)(plan->name##_count ? plan->name##_count : 1), sizeof(type));           \
    all = all && e->name;
    STATE_TABLES(RESERVE)
#undef RESERVE
    if (!all || !lay_out_events(e)) {
        linetwin_close(e);
        return NULL;
    }
    return e;
}

/* An empty line at an instant, everything up; NULL if there is no memory for it. */
EXPORT Engine *linetwin_open(const Program *plan, i64 start_us, int logging) {
    Engine *const e = bare_engine(plan, start_us, logging);
    if (!e) return NULL;
    if (setjmp(e->give_up)) {
        linetwin_close(e);
        return NULL;
    }
    start(e);
    return e;
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

/* The size of a plan table's rows in bytes, to check the two sides' layouts against each other. */
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
        total += e->places[i].parts.count + e->places[i].out.count;
    return total;
}

static SavedPart *save_parts(const Engine *e, SavedPart *to, const PartList *list, i64 held_in, i64 holder) {
    for (i64 i = list->head, left = list->count; left; left--, i = e->parts[i].next) {
        const Part *part = &e->parts[i];
        i64 entered = held_in == IN_LANE ? part->entered : 0;
        *to++ = (SavedPart){held_in, holder, part->number, part->rework_pass, part->defects, entered};
    }
    return to;
}

static i64 place_is_due(const Engine *e, i64 place) {
    const PlacePlan *pp = &e->plan.places[place];
    if (e->plan.machines[pp->machine].places.count > 1) return e->inner[pp->machine].at[pp->number];
    return e->top.at[e->leaf_of_machine[pp->machine]];
}

/* How long the work in hand has gone on; 0 where none does. */
static i64 elapsed(const Engine *e, i64 place) {
    const Place *p = &e->places[place];
    int works = p->loaded && (p->pending == COMPLETED || p->pending == STRUCK);
    return works ? e->end_us - p->resumed_us : 0;
}

static void save_machine(const Engine *e, i64 machine, SavedMachine *to) {
    const Machine *m = &e->machines[machine];
    const MachinePlan *mp = &e->plan.machines[machine];
    int by_time = e->plan.stations[mp->station].by_time != 0;
    *to = (SavedMachine){
        .down = m->down == NONE ? NONE : m->down - mp->modes.from,
        .service = m->service == NONE ? NONE : m->service - mp->services.from,
        .ends_us = NONE, .consumed = m->consumed, .good = m->good, .defective = m->defective,
        .reworked = m->reworked, .failures = m->failures, .cycle_time_us = m->cycle_time_us,
        .execute_us = m->time_us[EXECUTE], .starved_us = m->time_us[STARVED],
        .blocked_us = m->time_us[BLOCKED], .fault_us = m->time_us[FAULT],
        .setup_us = m->time_us[SETUP], .maintenance_us = m->time_us[MAINTENANCE],
        .planned_stop_us = m->time_us[PLANNED_STOP],
    };
    if (by_time) {
        to->clock_us = m->clock_us + (m->clock_runs ? e->end_us - m->clock_since : 0);
    } else {
        to->worked_us = m->worked_us;
        for (i64 i = mp->places.from; i < mp->places.from + mp->places.count; i++)
            to->worked_us += elapsed(e, i);
    }
    i64 ends = FOREVER;
    if (m->service != NONE) ends = e->services[m->service].done_at;
    else if (m->down != NONE && by_time) ends = e->top.at[e->clocks_leaf + machine];
    else if (m->down != NONE && e->places[mp->places.from].pending == REPAIRED)
        ends = place_is_due(e, mp->places.from);
    if (ends < FOREVER) to->ends_us = ends;
}

/* Write the state out; `words` has room for the plan's rows and for `linetwin_parts` more. Only
 * between events, when everything up to and at the instant has happened. */
EXPORT void linetwin_save(const Engine *e, i64 *words) {
    const Program *plan = &e->plan;
    Saved to = saved_at(plan, words);
    for (i64 i = 0; i < plan->stations_count; i++)
        to.stations[i] = (SavedStation){e->stations[i].started, e->stations[i].completed};
    for (i64 i = 0; i < plan->machines_count; i++) save_machine(e, i, &to.machines[i]);
    for (i64 i = 0; i < plan->modes_count; i++)
        to.modes[i] = (SavedMode){e->modes[i].count, e->modes[i].strikes_at};
    for (i64 i = 0; i < plan->services_count; i++)
        to.services[i] = (SavedService){e->services[i].due};
    for (i64 i = 0; i < plan->crews_count; i++) {
        const Crew *crew = &e->crews[i];
        to.crews[i] = (SavedCrew){crew->free};
        i64 turn = 0;
        for (i64 m = crew->head; m != NONE; m = e->machines[m].crew_next)
            to.machines[m].crew_turn = ++turn;
    }
    for (i64 i = 0; i < plan->materials_count; i++) {
        i64 level = e->materials[i].level;
        to.materials[i] = (SavedMaterial){level < UNLIMITED ? level : NONE, e->materials[i].used};
    }
    for (i64 i = 0; i < plan->places_count; i++) {
        const Place *p = &e->places[i];
        i64 waits = p->waits_for_load ? FOR_A_LOAD : p->outlet != NONE ? FOR_ROOM : FOR_NOTHING;
        SavedPlace *row = &to.places[i];
        *row = (SavedPlace){.condition = p->condition, .since_us = p->since_us, .waits_for = waits,
                            .turn = waits == FOR_NOTHING ? 0 : p->turn};
        if (!p->loaded) continue;
        row->loaded = 1;
        row->operation = p->operation;
        row->lead = p->lead;
        row->rework_pass = p->rework_pass;
        row->redone = p->redone;
        row->drawn_us = p->drawn_us;
        row->left_us = p->left_us - elapsed(e, i);
        row->started_us = p->started_us;
    }
    SavedPart *parts = to.parts;
    for (i64 i = 0; i < plan->lanes_count; i++)
        parts = save_parts(e, parts, &e->lanes[i].parts, IN_LANE, i);
    for (i64 i = 0; i < plan->places_count; i++)
        parts = save_parts(e, parts, &e->places[i].parts, IN_LOAD, i);
    for (i64 i = 0; i < plan->places_count; i++)
        parts = save_parts(e, parts, &e->places[i].out, IN_OUT, i);
}

typedef struct { i64 turn, subject; } Turn;

static int by_turn(const void *a, const void *b) {
    i64 x = ((const Turn *)a)->turn, y = ((const Turn *)b)->turn;
    return (x > y) - (x < y);
}

static void load_machine(Engine *e, i64 machine, const SavedMachine *from) {
    Machine *m = &e->machines[machine];
    const MachinePlan *mp = &e->plan.machines[machine];
    m->worked_us = from->worked_us;
    m->clock_us = from->clock_us;
    m->down = from->down == NONE ? NONE : mp->modes.from + from->down;
    m->service = from->service == NONE ? NONE : mp->services.from + from->service;
    m->crew_next = NONE;
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
    m->next_strike = mp->modes.count ? e->modes[first_mode(e, machine)].strikes_at : FOREVER;
}

/* What is pending at a machine follows from its state. */
static void resume_machine(Engine *e, i64 machine, i64 ends_us) {
    const Machine *m = &e->machines[machine];
    const MachinePlan *mp = &e->plan.machines[machine];
    for (i64 i = mp->places.from; i < mp->places.from + mp->places.count; i++)
        if (e->places[i].loaded) work(e, i);
    for (i64 i = mp->services.from; i < mp->services.from + mp->services.count; i++) {
        e->services[i].done_at = i == m->service && ends_us != NONE ? ends_us : FOREVER;
        set_next_due(e, i);
    }
    if (m->down != NONE) {
        if (ends_us != NONE) schedule_repair(e, machine, ends_us);
    } else if (m->service == NONE && e->plan.stations[mp->station].by_time) {
        run_clock(e, machine);
    }
}

/* Places and machines go back to where they wait, the longest-waiting first. */
static void load_queues(Engine *e, const Saved *from, Turn *turns) {
    size_t waiting = 0;
    for (i64 i = 0; i < e->plan.places_count; i++)
        if (from->places[i].waits_for != FOR_NOTHING) turns[waiting++] = (Turn){from->places[i].turn, i};
    qsort(turns, waiting, sizeof(Turn), by_turn);
    for (size_t k = 0; k < waiting; k++) {
        i64 place = turns[k].subject, group = e->plan.places[place].group;
        Place *p = &e->places[place];
        if (from->places[place].waits_for == FOR_A_LOAD) {
            join(e, &e->groups[group].waiting, place);
            p->waits_for_load = 1;
        } else {
            wait_for_room(e, place, outlet_of(e, group, &e->parts[p->out.head]));
        }
    }
    waiting = 0;
    for (i64 i = 0; i < e->plan.machines_count; i++)
        if (from->machines[i].crew_turn) turns[waiting++] = (Turn){from->machines[i].crew_turn, i};
    qsort(turns, waiting, sizeof(Turn), by_turn);
    for (size_t k = 0; k < waiting; k++) {
        i64 machine = turns[k].subject;
        const Machine *m = &e->machines[machine];
        i64 crew = m->service != NONE ? e->plan.services[m->service].crew : e->plan.modes[m->down].crew;
        Crew *c = &e->crews[crew];
        if (c->head == NONE) c->head = machine;
        else e->machines[c->tail].crew_next = machine;
        c->tail = machine;
    }
}

static void load_state(Engine *e, const Saved *from, i64 parts, Turn *turns) {
    const Program *plan = &e->plan;
    for (i64 i = 0; i < plan->crews_count; i++) e->crews[i] = (Crew){from->crews[i].free, NONE, NONE};
    for (i64 i = 0; i < plan->materials_count; i++) {
        const MaterialPlan *mp = &plan->materials[i];
        i64 level = from->materials[i].level;
        e->materials[i] = (Store){level == NONE ? UNLIMITED : level, from->materials[i].used};
        if (!mp->has_delivery) continue;
        i64 passed = e->now_us - mp->first_us;
        i64 next = passed < 0 ? 0 : passed / mp->every_us + 1;
        tournament_set(&e->top, plan->calendars_count + i, mp->first_us + next * mp->every_us);
    }
    for (i64 i = 0; i < plan->calendars_count; i++)
        tournament_set(&e->top, i, next_edge(e, i, e->now_us));
    for (i64 i = 0; i < plan->stations_count; i++) {
        i64 calendar = plan->stations[i].calendar;
        i64 closed = calendar != NONE && calendar_is_closed(e, calendar, e->now_us);
        e->stations[i] = (Station){from->stations[i].started, from->stations[i].completed, closed};
        e->completed_operations += from->stations[i].completed;
    }
    for (i64 i = 0; i < plan->modes_count; i++)
        e->modes[i] = (Mode){from->modes[i].count, from->modes[i].strikes_at};
    for (i64 i = 0; i < plan->services_count; i++) e->services[i].due = from->services[i].due;
    for (i64 i = 0; i < plan->machines_count; i++) load_machine(e, i, &from->machines[i]);
    for (i64 i = 0; i < parts; i++) {
        const SavedPart *row = &from->parts[i];
        i64 part = new_part(e, row->number, row->rework_pass, row->defects);
        e->parts[part].entered = row->entered;
        if (row->entered > e->turns) e->turns = row->entered;
        put_last(e, row->held_in == IN_LANE ? &e->lanes[row->holder].parts
                    : row->held_in == IN_LOAD ? &e->places[row->holder].parts
                    : &e->places[row->holder].out, part);
    }
    for (i64 i = 0; i < plan->places_count; i++) {
        const SavedPlace *row = &from->places[i];
        Place *p = &e->places[i];
        Machine *m = machine_of(e, i);
        p->condition = row->condition;
        p->since_us = row->since_us;
        p->loaded = row->loaded;
        p->operation = row->operation;
        p->lead = row->lead;
        p->rework_pass = row->rework_pass;
        p->redone = row->redone;
        p->drawn_us = row->drawn_us;
        p->left_us = row->left_us;
        p->started_us = row->started_us;
        p->outlet = NONE;
        m->counts[p->condition]++;
        m->occupied += p->loaded || p->out.count;
    }
    load_queues(e, from, turns);
    for (i64 i = 0; i < plan->machines_count; i++) resume_machine(e, i, from->machines[i].ends_us);
}

/* A line that goes on from where `linetwin_save` wrote it out, of the same plan; what the rows say
 * has been checked. NULL if there is no memory for it. */
EXPORT Engine *linetwin_restore(const Program *plan, i64 *words, i64 parts, i64 start_us, i64 now_us,
                                int logging) {
    Engine *const e = bare_engine(plan, start_us, logging);
    if (!e) return NULL;
    i64 most = plan->places_count > plan->machines_count ? plan->places_count : plan->machines_count;
    Turn *const turns = malloc((size_t)most * sizeof(Turn));
    if (!turns || setjmp(e->give_up)) {
        free(turns);
        linetwin_close(e);
        return NULL;
    }
    e->now_us = e->end_us = now_us;
    Saved from = saved_at(plan, words);
    load_state(e, &from, parts, turns);
    free(turns);
    return e;
}

static void *copy_of(const void *from, i64 count, size_t size, int *all) {
    size_t bytes = (size_t)(count ? count : 1) * size;
    void *to = malloc(bytes);
    if (to && count) memcpy(to, from, bytes);
    *all = *all && to;
    return to;
}

static Tournament copy_of_tournament(const Tournament *from, int *all) {
    Tournament to = *from;
    to.at = copy_of(from->at, from->at ? from->width : 0, sizeof(i64), all);
    to.winner = copy_of(from->winner, from->at ? from->width : 0, sizeof(int32_t), all);
    return to;
}

/* The same state in memory of its own, with nothing logged; NULL if there is no memory for it. Only
 * between events, as `linetwin_save`. Faster than writing out and reading in, and good for nothing
 * but the same program in the same process. */
EXPORT Engine *linetwin_fork(const Engine *e, int logging) {
    Engine *f = malloc(sizeof(Engine));
    if (!f) return NULL;
    int all = 1;
    *f = *e;
    f->logging = logging;
    f->log = NULL;
    f->todo = NULL;
    f->log_room = f->log_count = f->todo_room = f->todo_head = f->todo_count = 0;
#define COPY(type, name) f->name = copy_of(e->name, e->plan.name##_count, sizeof(type), &all);
    STATE_TABLES(COPY)
#undef COPY
    f->parts = copy_of(e->parts, e->parts_used, sizeof(Part), &all);
    f->parts_room = e->parts_used;
    f->machine_of_leaf = copy_of(e->machine_of_leaf, e->plan.machines_count, sizeof(i64), &all);
    f->leaf_of_machine = copy_of(e->leaf_of_machine, e->plan.machines_count, sizeof(i64), &all);
    f->top = copy_of_tournament(&e->top, &all);
    f->inner = copy_of(e->inner, e->plan.machines_count, sizeof(Tournament), &all);
    for (i64 i = 0; f->inner && i < e->plan.machines_count; i++)
        f->inner[i] = copy_of_tournament(&e->inner[i], &all);
    if (all) return f;
    linetwin_close(f);
    return NULL;
}
