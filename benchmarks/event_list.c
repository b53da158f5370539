/* The bare list of pending events: a winner tree, from which the first is taken and put back later.
 *
 * What `benchmarks/kernel.py` holds against the compiled engine: no engine with one list of events
 * can be faster than that. Times are drawn by a multiplicative generator, in the range given. */
#include <stdint.h>
#include <stdlib.h>

typedef struct { int64_t width; uint64_t *nodes; } Tournament;

static uint64_t set(Tournament *t, uint64_t leaf, uint64_t at) {
    uint64_t winner = at * (uint64_t)t->width + leaf;
    for (uint64_t node = leaf + (uint64_t)t->width; node > 1; node >>= 1) {
        t->nodes[node] = winner;
        uint64_t other = t->nodes[node ^ 1];
        winner = other < winner ? other : winner;
    }
    return t->nodes[1] = winner;
}

/* Fire so many events of so many slots; the last one's time, or -1 without memory. */
int64_t event_list_run(int64_t slots, int64_t events) {
    Tournament t = {1, NULL};
    while (t.width < slots) t.width *= 2;
    t.nodes = malloc((size_t)(2 * t.width) * sizeof(uint64_t));
    if (!t.nodes) return -1;
    for (int64_t i = 0; i < 2 * t.width; i++) t.nodes[i] = UINT64_MAX;
    for (int64_t i = 0; i < slots; i++) set(&t, (uint64_t)i, (uint64_t)(1 + i));
    uint64_t random = 1, at = 0;
    while (events--) {
        at = t.nodes[1] / (uint64_t)t.width;
        random = random * UINT64_C(6364136223846793005) + 1;
        set(&t, t.nodes[1] & (uint64_t)(t.width - 1), at + 1 + (random >> 44));
    }
    free(t.nodes);
    return (int64_t)at;
}
