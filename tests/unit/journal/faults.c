/* A disk that fails at any one of the calls that a journal makes, once or for a while, in one of several
 * ways. Oracles: what was acknowledged is in the journal, once; the chain is whole; it comes back by itself.
 */
#include <errno.h>
#include <sys/stat.h>

#include "scratch.h"

/* --- a VFS that fails when it is told to
 * ------------------------------------------------------------------------- */

enum fault { FAULT_FULL, FAULT_IO, FAULT_TORN, FAULT_SYNC, FAULT_KINDS };

struct plan {
    enum fault fault;
    long at, length; /* of the calls that change a file, the at-th and those after it fail */
    bool database;   /* all writes of the database itself fail: those of checkpoints */
    long calls;
};

struct faulty_file {
    sqlite3_file base;
    sqlite3_file *real;
    bool database;
};

static sqlite3_vfs *real_vfs;
static struct plan plan;

static bool fails_now(void)
{
    long call = __atomic_fetch_add(&plan.calls, 1, __ATOMIC_SEQ_CST);
    return plan.at >= 0 && call >= plan.at && call < plan.at + plan.length;
}

static sqlite3_file *real_of(sqlite3_file *file)
{
    return ((struct faulty_file *)file)->real;
}

static int faulty_write(sqlite3_file *file, const void *bytes, int amount, sqlite3_int64 offset)
{
    sqlite3_file *real = real_of(file);
    if (plan.database && ((struct faulty_file *)file)->database)
        return SQLITE_IOERR_WRITE;
    if (plan.fault == FAULT_SYNC || !fails_now())
        return real->pMethods->xWrite(real, bytes, amount, offset);
    if (plan.fault == FAULT_TORN)
        real->pMethods->xWrite(real, bytes, amount / 2, offset);
    return plan.fault == FAULT_FULL ? SQLITE_FULL : SQLITE_IOERR_WRITE;
}

static int faulty_sync(sqlite3_file *file, int flags)
{
    sqlite3_file *real = real_of(file);
    if (plan.fault != FAULT_FULL && fails_now())
        return SQLITE_IOERR_FSYNC;
    return real->pMethods->xSync(real, flags);
}

static int faulty_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    sqlite3_file *real = real_of(file);
    return plan.fault == FAULT_IO && fails_now() ? SQLITE_IOERR_TRUNCATE
                                                 : real->pMethods->xTruncate(real, size);
}

static int faulty_close(sqlite3_file *file)
{
    sqlite3_file *real = real_of(file);
    int rc = real->pMethods->xClose(real);
    free(real);
    return rc;
}

static int faulty_read(sqlite3_file *f, void *bytes, int amount, sqlite3_int64 offset)
{
    return real_of(f)->pMethods->xRead(real_of(f), bytes, amount, offset);
}

static int faulty_size(sqlite3_file *f, sqlite3_int64 *size)
{
    return real_of(f)->pMethods->xFileSize(real_of(f), size);
}

static int faulty_lock(sqlite3_file *f, int level)
{
    return real_of(f)->pMethods->xLock(real_of(f), level);
}

static int faulty_unlock(sqlite3_file *f, int level)
{
    return real_of(f)->pMethods->xUnlock(real_of(f), level);
}

static int faulty_reserved(sqlite3_file *f, int *out)
{
    return real_of(f)->pMethods->xCheckReservedLock(real_of(f), out);
}

static int faulty_control(sqlite3_file *f, int op, void *arg)
{
    return real_of(f)->pMethods->xFileControl(real_of(f), op, arg);
}

static int faulty_sector(sqlite3_file *f)
{
    return real_of(f)->pMethods->xSectorSize(real_of(f));
}

static int faulty_traits(sqlite3_file *f)
{
    return real_of(f)->pMethods->xDeviceCharacteristics(real_of(f));
}

static int faulty_map(sqlite3_file *f, int page, int size, int extend, void volatile **out)
{
    return real_of(f)->pMethods->xShmMap(real_of(f), page, size, extend, out);
}

static int faulty_shm_lock(sqlite3_file *f, int offset, int count, int flags)
{
    return real_of(f)->pMethods->xShmLock(real_of(f), offset, count, flags);
}

static void faulty_barrier(sqlite3_file *f)
{
    real_of(f)->pMethods->xShmBarrier(real_of(f));
}

static int faulty_unmap(sqlite3_file *f, int delete)
{
    return real_of(f)->pMethods->xShmUnmap(real_of(f), delete);
}

static const sqlite3_io_methods methods = {
    .iVersion = 2,
    .xClose = faulty_close,
    .xRead = faulty_read,
    .xWrite = faulty_write,
    .xTruncate = faulty_truncate,
    .xSync = faulty_sync,
    .xFileSize = faulty_size,
    .xLock = faulty_lock,
    .xUnlock = faulty_unlock,
    .xCheckReservedLock = faulty_reserved,
    .xFileControl = faulty_control,
    .xSectorSize = faulty_sector,
    .xDeviceCharacteristics = faulty_traits,
    .xShmMap = faulty_map,
    .xShmLock = faulty_shm_lock,
    .xShmBarrier = faulty_barrier,
    .xShmUnmap = faulty_unmap,
};

static int faulty_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out_flags)
{
    (void)vfs;
    struct faulty_file *f = (struct faulty_file *)file;
    *f = (struct faulty_file){.real = xcalloc(1, (size_t)real_vfs->szOsFile),
                              .database = flags & SQLITE_OPEN_MAIN_DB};
    int rc = real_vfs->xOpen(real_vfs, name, f->real, flags, out_flags);
    if (rc == SQLITE_OK)
        f->base.pMethods = &methods;
    else
        free(f->real);
    return rc;
}

static int install(void **state)
{
    (void)state;
    static sqlite3_vfs faulty;
    real_vfs = sqlite3_vfs_find(NULL);
    faulty = *real_vfs;
    faulty.pNext = NULL;
    faulty.zName = "faulty";
    faulty.szOsFile = (int)sizeof(struct faulty_file);
    faulty.xOpen = faulty_open;
    return sqlite3_vfs_register(&faulty, 1) == SQLITE_OK ? 0 : -1;
}

/* --- the oracles
 * -------------------------------------------------------------------------------------------------- */

#define APPENDS 14

struct record {
    bool acknowledged[APPENDS], seen[APPENDS];
    int recoveries;
};

static int record_event(const struct event *event, void *data)
{
    struct record *record = data;
    if (event->kind == EVENT_JOURNAL_TROUBLE)
        record->recoveries++;
    if (event->kind != EVENT_STEP_INTENT)
        return 0;
    int number = atoi(event->summary);
    assert_true(number >= 0 && number < APPENDS);
    if (record->seen[number])
        fail_msg("event %d is there twice", number);
    record->seen[number] = true;
    return 0;
}

static bool wait_ok(struct journal *j)
{
    struct journal_health health;
    int64_t deadline = clock_monotonic_us() + 15 * US_PER_S;
    do {
        journal_health(j, &health);
        if (health.ok)
            return true;
        usleep(1000);
    } while (clock_monotonic_us() < deadline);
    print_error("still in trouble: %s\n", health.reason);
    return false;
}

/* True when the fault was met. */
static bool run_with(enum fault fault, long at, long length)
{
    char *folder = scratch_folder(), text[16], digest[SHA256_HEX_SIZE], output[2600];
    plan = (struct plan){.at = -1};
    struct journal *j = scratch_open(folder);
    plan = (struct plan){.fault = fault, .at = at, .length = length};
    struct record *record = xcalloc(1, sizeof *record);
    struct err e = {0};
    for (int i = 0; i < APPENDS; i++) {
        memset(output, 'a' + i, sizeof output);
        struct journal_blob_origin origin = {.what = "output"};
        (void)journal_blob_put(j, &origin, output, sizeof output, digest, NULL, NULL, NULL);
        snprintf(text, sizeof text, "%d", i);
        struct event_draft draft = {.kind = EVENT_STEP_INTENT, .summary = text, .run = 1, .incident = 1};
        record->acknowledged[i] = journal_append_wait(j, &draft, 1, NULL, &e) == 0;
        /* The trouble is over by itself sometimes, sometimes only with the fault. */
        if (!record->acknowledged[i] && i % 2)
            assert_true(length > 1000 || wait_ok(j));
    }
    bool met = plan.calls > at;
    plan.at = -1;
    if (!wait_ok(j))
        fail_msg("fault %d at %ld for %ld: no recovery", fault, at, length);
    scratch_append(j, EVENT_INCIDENT_NOTED, "goes on");
    assert_int_equal(journal_read(j, 1, JOURNAL_FORWARD, NULL, 0, record_event, record, NULL), 0);
    for (int i = 0; i < APPENDS; i++)
        if (record->acknowledged[i] && !record->seen[i])
            fail_msg("fault %d at %ld for %ld: event %d was acknowledged and is lost", fault, at, length, i);
    journal_close(j);
    struct journal_verdict verdict = scratch_verify(folder, NULL);
    if (!verdict.ok)
        fail_msg("fault %d at %ld for %ld: %s", fault, at, length, verdict.problem);
    assert_true(!met || record->recoveries > 0);
    free(record);
    scratch_remove(folder);
    return met;
}

/* One call fails. The probe after 250 ms makes each such run slow, so they are spread over the calls. */
static void one_call_fails(void **state)
{
    (void)state;
    for (int fault = 0; fault < FAULT_KINDS; fault++) {
        long step = fault == FAULT_SYNC ? 2 : 31;
        for (long at = fault; run_with((enum fault)fault, at, 1); at += step)
            ;
    }
}

/* All calls fail from one on, until the fault is taken away. */
static void all_calls_fail_for_a_while(void **state)
{
    (void)state;
    for (int fault = 0; fault < FAULT_KINDS; fault++)
        for (long at = 0; at < 14; at += 6)
            run_with((enum fault)fault, at, 1000000);
}

/* The WAL takes everything while the database can't be written; the checkpoint is made up for. */
static void checkpoints_fail(void **state)
{
    (void)state;
    char *folder = scratch_folder(), digest[SHA256_HEX_SIZE], *output = xmalloc(1 << 20);
    struct rng rng;
    rng_seed(&rng, 1);
    plan = (struct plan){.at = -1};
    struct journal *j = scratch_open(folder);
    plan.database = true;
    for (int i = 0; i < 6; i++) {
        for (size_t k = 0; k < 1 << 20; k++)
            output[k] = (char)rng_next(&rng);
        struct journal_blob_origin origin = {.what = "noise"};
        assert_int_equal(journal_blob_put(j, &origin, output, 1 << 20, digest, NULL, NULL, NULL), 0);
        scratch_append(j, EVENT_INCIDENT_NOTED, "with noise");
    }
    struct journal_health health;
    journal_health(j, &health);
    assert_true(health.ok && health.wal_bytes > 5 << 20);
    plan.database = false;
    /* By itself: no further event is needed for that. */
    char *path = path_join(folder, "journal.db");
    int64_t deadline = clock_monotonic_us() + 30 * US_PER_S;
    struct stat database = {0};
    while (stat(path, &database) == 0 && database.st_size < 6 << 20 && clock_monotonic_us() < deadline)
        usleep(20000);
    assert_true(database.st_size >= 6 << 20);
    free(path);
    scratch_append(j, EVENT_INCIDENT_NOTED, "and on");
    journal_health(j, &health);
    assert_true(health.wal_bytes <= 1 << 20);
    journal_close(j);
    struct journal_verdict verdict = scratch_verify(folder, NULL);
    assert_true(verdict.ok);
    assert_int_equal(verdict.blobs, 6);
    free(output);
    scratch_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_call_fails),
        cmocka_unit_test(all_calls_fail_for_a_while),
        cmocka_unit_test(checkpoints_fail),
    };
    return cmocka_run_group_tests(tests, install, NULL);
}
