#include "engine/resilience/batch.h"

#include <math.h>
#include <stdlib.h>

void batch_init(struct batch_work *b, size_t count)
{
    *b = (struct batch_work){.items = xcalloc(count + 1, sizeof *b->items), .count = count};
    b->ends[BATCH_PENDING] = count;
}

void batch_fini(struct batch_work *b)
{
    free(b->items);
    *b = (struct batch_work){0};
}

bool batch_end(struct batch_work *b, size_t item, enum batch_end end, enum failure_class class,
               unsigned attempts)
{
    if (item >= b->count || b->items[item].end != BATCH_PENDING || end == BATCH_PENDING ||
        (size_t)end >= BATCH_END_COUNT)
        return false;
    b->items[item] = (struct batch_item){
        .end = end, .class = end == BATCH_OK ? FAILURE_NONE : class, .attempts = attempts};
    b->ends[BATCH_PENDING]--;
    b->ends[end]++;
    return true;
}

double batch_success_rate(const struct batch_work *b)
{
    size_t executed = b->ends[BATCH_OK] + b->ends[BATCH_FAILED];
    return executed ? (double)b->ends[BATCH_OK] / (double)executed : NAN;
}

bool batch_passes(const struct batch_work *b, double threshold, size_t minimum)
{
    double rate = batch_success_rate(b);
    return b->ends[BATCH_PENDING] == 0 && b->ends[BATCH_OK] + b->ends[BATCH_FAILED] >= minimum &&
           !isnan(rate) && rate >= threshold;
}

size_t batch_failed(const struct batch_work *b, size_t *indices, size_t room)
{
    size_t found = 0;
    for (size_t i = 0; i < b->count; i++)
        if (b->items[i].end == BATCH_FAILED) {
            if (indices && found < room)
                indices[found] = i;
            found++;
        }
    return found;
}
