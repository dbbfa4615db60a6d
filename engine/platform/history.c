/* Samples are numbered by their source: every answer, good or not, takes the next number, and the source
 * keeps the times. A measure that never changed keeps no samples at all, only its first and newest number;
 * most of a large platform's do not. */
#include <math.h>
#include <stdlib.h>

#include "engine/platform/model.h"

void history_advance(struct source *s, bool answered, int64_t wall_us)
{
    s->sequence++;
    s->times_us[s->sequence % PLATFORM_HISTORY] = wall_us;
    s->answered[s->sequence % PLATFORM_HISTORY] = answered;
}

void history_free(struct measure *m)
{
    free(m->history);
    m->history = NULL;
}

/* The oldest sample that is still kept when `newest` is the newest. */
static uint32_t oldest_kept(uint32_t first, uint32_t newest)
{
    uint32_t oldest = newest >= PLATFORM_HISTORY ? newest - PLATFORM_HISTORY + 1 : 1;
    return oldest > first ? oldest : first;
}

/* Was there an answer without this measure after the one recorded last? */
static bool was_missing(const struct source *s, const struct measure *m)
{
    for (uint32_t i = oldest_kept(m->recorded + 1, s->sequence); i < s->sequence; i++)
        if (s->answered[i % PLATFORM_HISTORY])
            return true;
    return false;
}

static void history_begin(const struct source *s, struct measure *m)
{
    m->history = xmalloc(PLATFORM_HISTORY * sizeof *m->history);
    for (int i = 0; i < PLATFORM_HISTORY; i++)
        m->history[i] = NAN;
    for (uint32_t i = oldest_kept(m->first, s->sequence); i <= m->recorded; i++)
        if (s->answered[i % PLATFORM_HISTORY])
            m->history[i % PLATFORM_HISTORY] = (float)m->value;
}

bool history_record(const struct source *s, struct measure *m, double value)
{
    if (isnan(value)) {
        bool was = !isnan(m->value);
        if (was && !m->history && m->first)
            history_begin(s, m);
        m->value = value;
        return was || m->history;
    }
    if (m->first == 0) {
        m->first = m->recorded = s->sequence;
        m->value = value;
        return true;
    }
    bool changed = !(m->value == value);
    if (!m->history && (changed || was_missing(s, m)))
        history_begin(s, m);
    if (m->history) {
        for (uint32_t i = oldest_kept(m->recorded + 1, s->sequence); i < s->sequence; i++)
            m->history[i % PLATFORM_HISTORY] = NAN;
        m->history[s->sequence % PLATFORM_HISTORY] = (float)value;
    }
    m->recorded = s->sequence;
    m->value = value;
    return changed || m->history;
}

static float sample(const struct source *s, const struct measure *m, uint32_t number)
{
    if (number > m->recorded || !s->answered[number % PLATFORM_HISTORY])
        return NAN;
    return m->history ? m->history[number % PLATFORM_HISTORY] : (float)m->value;
}

size_t entity_history(const struct platform *p, const struct entity *e, const char *measure, float *values,
                      int64_t *times_us, size_t room)
{
    (void)p;
    const struct source *s = ((const struct tracked *)(const void *)e)->source;
    for (uint32_t i = 0; i < e->measure_count; i++) {
        const struct measure *m = &e->measures[i];
        if (strcmp(m->name, measure) != 0)
            continue;
        if (m->first == 0)
            return 0;
        uint32_t oldest = oldest_kept(m->first, s->sequence);
        uint32_t available = s->sequence - oldest + 1;
        if (available > room)
            oldest += available - (uint32_t)room;
        size_t count = 0;
        for (uint32_t number = oldest; number <= s->sequence; number++, count++) {
            values[count] = sample(s, m, number);
            if (times_us)
                times_us[count] = s->times_us[number % PLATFORM_HISTORY];
        }
        return count;
    }
    return 0;
}
