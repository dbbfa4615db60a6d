/* Where emergency journals are: fixed places of this host, so that whoever opens a main journal sees them.
 *
 * Each place has a folder belay-UID for every user, closed to others' writing, and in it at most one folder
 * for a main journal: PLATFORM-ID, where ID is of the main journal's first event; PLATFORM-pID, of its path,
 * where it could not be read. It appears by a rename, whole. Its file `about` says of which journal it is and
 * which runs go on in it. An imported one is renamed: it is not found any more. */
#ifndef BELAY_JOURNAL_PLACES_H
#define BELAY_JOURNAL_PLACES_H

#include "engine/journal/journal.h"

#define PLACES_FREE_BYTES (16 << 20) /* a default place with less room isn't taken */

struct emergency_about {
    char *path;               /* its folder */
    char id[SHA256_HEX_SIZE]; /* "" when damaged */
    int64_t main_seq;         /* the main journal's newest event when it began */
    int64_t *runs;
    size_t run_count;
    bool damaged; /* nobody knows which runs are there */
};
void emergency_about_fini(struct emergency_about *about);
int emergency_about_read(const char *folder, struct emergency_about *about, struct err *e);
int emergency_about_write(const char *folder, mode_t mode, const struct emergency_about *about,
                          struct err *e);
bool emergency_about_has(const struct emergency_about *about, int64_t run);

/* Visits every one of the main journal with these options; genesis: the hash of its first event, NULL when
 * there is none. Only folders that nobody else could have laid out count: one's own, or, of a shared journal,
 * those of its group. visit returns non-zero to stop, which is returned. */
int places_each(const struct journal_options *main, const uint8_t *genesis,
                int (*visit)(const struct emergency_about *about, void *data), void *data);

/* emergency.c: where the main journal says that it was imported, from that event on; 0: nowhere. */
int emergency_imported(struct journal *j, const char *id, int64_t from_seq, int64_t *seq, int64_t *at_us,
                       struct err *e);

/* It is imported: evidence now, and in nobody's way. Left where it is when its place doesn't let us. */
void emergency_put_aside(const char *folder, int64_t seq);
/* While it is imported, and afterwards, nobody opens it for writing any more (emergency_closed). */
int emergency_close(const char *folder, bool shared, struct err *e);
void emergency_reopen(const char *folder);

/* A new one in the making: in the first place that has room and lies on another disk than the journal. */
struct emergency_making {
    char *folder; /* to be filled */
    char *path;   /* what it becomes */
    int lock;     /* on the user's folder: one at a time */
};
int places_make(const struct journal_options *main, const uint8_t *genesis, struct emergency_making *making,
                struct err *e);
int places_publish(struct emergency_making *making, struct err *e); /* renames it */
void places_making_fini(struct emergency_making *making);           /* removes what was not published */

#endif
