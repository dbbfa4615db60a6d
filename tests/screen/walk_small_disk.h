/* A walk whose state lies on a small disk, which can be filled to the last byte. */
#ifndef BELAY_TEST_WALK_SMALL_DISK_H
#define BELAY_TEST_WALK_SMALL_DISK_H

#include "tests/integration/small_disk.h"
#include "tests/screen/walk.h"

static struct walk walk;
static char filler[96];

/* After walk_open; with an incident in the journal. For a setup: 0, or -1. */
static inline int small_disk_begin(void)
{
    snprintf(filler, sizeof filler, "%s/filler", walk.rig.state);
    if (!small_disk_mount(walk.rig.state, "4m"))
        return -1;
    const char *words[] = {"incident", "open", "--config", "belay.yaml", "a small disk", NULL};
    walk_ends(rig_run(&walk.rig, BELAY, &(struct rig_start){.arguments = words}), 0);
    return 0;
}

static inline int teardown(void **state)
{
    (void)state;
    umount2(walk.rig.state, MNT_DETACH);
    walk_close(&walk);
    return 0;
}

static inline void disk_fill(void)
{
    assert_true(small_disk_fill(filler));
}

/* Fills the disk, and then what room the journal has left in its own files. */
static inline void disk_fill_for_good(void)
{
    char note[2000];
    memset(note, 'n', sizeof note - 1);
    note[sizeof note - 1] = '\0';
    const char *words[] = {"incident", "note", "--config", "belay.yaml", note, NULL};
    disk_fill();
    int status = 0;
    for (int i = 0; i < 300 && status == 0; i++) {
        struct pty *p = rig_run(&walk.rig, BELAY, &(struct rig_start){.arguments = words});
        status = pty_wait_end(p, WALK_MS);
        if (status > 1)
            fail_with_screen(p, "belay incident note ended with %d", status);
        pty_free(p);
    }
    assert_int_equal(status, 1);
}

static inline void disk_free(void)
{
    assert_int_equal(unlink(filler), 0);
}

#endif
