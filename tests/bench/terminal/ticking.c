#include "tests/bench/terminal/ticking.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "engine/base/base.h"

int ticking_tick(const char *path)
{
    char line[32];
    int length = snprintf(line, sizeof line, "%lld\n", (long long)clock_monotonic_us());
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, line, (size_t)length) != length)
        return 1;
    close(fd);
    puts("{\"value\":1}");
    return 0;
}

int ticking_count(const char *path)
{
    long count = 0;
    FILE *file = fopen(path, "re");
    if (file) {
        if (fscanf(file, "%ld", &count) != 1)
            count = 0;
        fclose(file);
    }
    file = fopen(path, "we");
    if (!file)
        return 1;
    fprintf(file, "%ld\n", count + 7);
    fclose(file);
    printf("{\"value\":%ld}\n", count % 100);
    return 0;
}

double ticking_worst_ms(const char *path, int64_t from_us, int64_t to_us, int64_t every_us)
{
    struct str text = {0};
    VEC(int64_t) times = {0};
    if (file_read(path, 1 << 20, &text, NULL) == 0)
        for (char *at = text.data, *next; at && *at; at = next) {
            int64_t time = strtoll(at, &next, 10);
            if (next == at)
                break;
            if (time >= from_us && time <= to_us)
                *vec_push(&times) = time;
        }
    double worst = -1;
    if ((int64_t)times.len >= (to_us - from_us) / every_us - 1 && times.len > 1) {
        /* The earliest against the grid is on time: starting a process takes a moment that isn't the
         * console's. */
        int64_t early = INT64_MAX, late = INT64_MIN;
        for (size_t i = 0; i < times.len; i++) {
            int64_t turns = (times.data[i] - times.data[0] + every_us / 2) / every_us;
            int64_t off = times.data[i] - times.data[0] - turns * every_us;
            early = off < early ? off : early;
            late = off > late ? off : late;
        }
        worst = (double)(late - early) / 1000;
    }
    vec_fini(&times);
    str_fini(&text);
    return worst;
}
