/* How fast the exposition is read, in MB/s of one core, beside the floor of merely finding its newlines in
 * the same run. Bodies: recorded answers of real servers (the folder of samples that the unit tests use),
 * repeated, and a synthetic one of long label sets. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/base.h"
#include "engine/sources/exposition.h"

#define BODY_BYTES (64u << 20)
#define ROUNDS     7

static int count_sample(const struct exposition_sample *s, void *data)
{
    double *sum = data;
    sum[0] += s->value == s->value;
    sum[1] += (double)s->label_count;
    return 0;
}

static double megabytes_per_s(size_t bytes, int64_t us)
{
    return (double)bytes / (double)us;
}

static void measure(const char *name, const struct str *body)
{
    int64_t parse_us = INT64_MAX, scan_us = INT64_MAX;
    double sum[2];
    size_t lines = 0;
    for (int i = 0; i < ROUNDS; i++) {
        int64_t start = clock_monotonic_us();
        lines = 0;
        for (const char *p = body->data, *end = p + body->len; (p = memchr(p, '\n', (size_t)(end - p))); p++)
            lines++;
        int64_t took = clock_monotonic_us() - start;
        scan_us = took < scan_us ? took : scan_us;

        struct err e;
        sum[0] = sum[1] = 0;
        start = clock_monotonic_us();
        if (exposition_parse(body->data, body->len, EXPOSITION_TEXT, count_sample, sum, &e)) {
            fprintf(stderr, "%s: %s\n", name, e.msg);
            exit(1);
        }
        took = clock_monotonic_us() - start;
        parse_us = took < parse_us ? took : parse_us;
    }
    double parsed = megabytes_per_s(body->len, parse_us), scanned = megabytes_per_s(body->len, scan_us);
    printf(
        "%-14s %6.1f MB %9.0f samples %6.0f MB/s %6.1f M samples/s   newline scan %6.0f MB/s   ratio %.2f\n",
        name, (double)body->len / 1e6, sum[0], parsed, sum[0] / (double)parse_us, scanned, parsed / scanned);
}

static void repeat(struct str *body, const char *text, size_t length)
{
    while (body->len < BODY_BYTES)
        str_add_bytes(body, text, length);
}

static void measure_file(const char *folder, const char *file)
{
    struct str text = {0}, body = {0};
    struct err e;
    char *path = path_join(folder, file);
    if (file_read(path, 8u << 20, &text, &e)) {
        fprintf(stderr, "%s\n", e.msg);
        exit(1);
    }
    repeat(&body, text.data, text.len);
    measure(file, &body);
    str_fini(&text);
    str_fini(&body);
    free(path);
}

static void measure_synthetic(void)
{
    struct str block = {0}, body = {0};
    for (int i = 0; i < 2000; i++)
        str_addf(&block,
                 "http_request_duration_seconds_bucket{namespace=\"rag-prod\",pod=\"retriever-%d-7c9f\","
                 "method=\"POST\","
                 "path=\"/v1/search\",code=\"200\",le=\"%g\"} %d\n",
                 i, i * 0.25, i * 7919);
    repeat(&body, block.data, block.len);
    measure("synthetic", &body);
    str_fini(&block);
    str_fini(&body);
}

int main(int argc, char **argv)
{
    const char *folder = argc > 1 ? argv[1] : "tests/unit/sources/samples";
    static const char *const files[] = {"node-exporter.txt", "prometheus.txt", "haproxy.txt"};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        measure_file(folder, files[i]);
    measure_synthetic();
    return 0;
}
