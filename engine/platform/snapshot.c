/* What has to be done again and again, and kept: the age of the newest against its schedule, how far back the
 * oldest reaches, and whether any in between is missing. Snapshots are such, and so is a drill. */
#include <math.h>
#include <stdio.h>

#include "engine/platform/model.h"

struct snapshots {
    double age_s, schedule_s;             /* NaN: not told */
    double oldest_s, kept;                /* how old the oldest is, how many there are */
    double retention_s, retention_most_s; /* how old the oldest has to be, and may be */
};

static struct snapshots snapshots_read(const struct observation *o)
{
    return (struct snapshots){.age_s = observation_measure(o, "age_s"),
                              .schedule_s = observation_measure(o, "schedule_s"),
                              .oldest_s = observation_measure(o, "oldest_s"),
                              .kept = observation_measure(o, "kept"),
                              .retention_s = observation_measure(o, "retention_s"),
                              .retention_most_s = observation_measure(o, "retention_most_s")};
}

/* What is kept for a week is deleted at a week's age: until the next one is a week old, the oldest is younger
 * than that by up to one schedule. Comparisons with what was not told are false. */
static bool too_short(const struct snapshots *s)
{
    return s->retention_s > 0 && s->oldest_s + s->schedule_s < s->retention_s;
}

static bool too_long(const struct snapshots *s)
{
    return s->retention_most_s > 0 && s->oldest_s > s->retention_most_s + s->schedule_s;
}

/* Between the newest and the oldest there is one a schedule, give or take half of one in all. */
static double missing(const struct snapshots *s)
{
    double wanted = floor((s->oldest_s - s->age_s) / s->schedule_s + 0.5) + 1;
    return s->retention_s > 0 && s->kept > 0 && wanted > s->kept ? wanted - s->kept : 0;
}

enum condition snapshot_condition(const struct observation *o)
{
    struct snapshots s = snapshots_read(o);
    if (!(s.age_s >= 0) || !(s.schedule_s > 0))
        return word_condition(ENTITY_SNAPSHOT, o->raw);
    if (s.age_s > 2 * s.schedule_s)
        return CONDITION_DOWN;
    bool late = s.age_s > s.schedule_s;
    return late || too_short(&s) || too_long(&s) || missing(&s) > 0 ? CONDITION_DEGRADED : CONDITION_OK;
}

static void span(double seconds, char text[static DURATION_TEXT_SIZE])
{
    duration_format((int64_t)(seconds < 1e9 ? seconds : 1e9) * US_PER_S, text);
}

const char *snapshot_reason(const struct observation *o, char text[static PLATFORM_TEXT_LIMIT])
{
    struct snapshots s = snapshots_read(o);
    char is[DURATION_TEXT_SIZE], wanted[DURATION_TEXT_SIZE];
    if (!(s.age_s >= 0) || !(s.schedule_s > 0))
        return NULL;
    if (s.age_s > s.schedule_s) {
        span(s.age_s, is);
        span(s.schedule_s, wanted);
        snprintf(text, PLATFORM_TEXT_LIMIT, "%s old, due every %s", is, wanted);
        return "late";
    }
    if (too_short(&s) || too_long(&s)) {
        span(s.oldest_s, is);
        span(too_short(&s) ? s.retention_s : s.retention_most_s, wanted);
        snprintf(text, PLATFORM_TEXT_LIMIT, "the oldest is of %s, kept should be %s%s", is, wanted,
                 too_short(&s) ? "" : " at most");
        return too_short(&s) ? "kept short" : "kept long";
    }
    if (missing(&s) > 0) {
        snprintf(text, PLATFORM_TEXT_LIMIT, "%.0f of %.0f are missing", missing(&s), s.kept + missing(&s));
        return "gaps";
    }
    return NULL;
}
