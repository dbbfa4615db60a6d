/* A runbook of 5,000 steps, opened and begun (under 100 ms wanted), what an input of its run costs, and what
 * one of 10,000 items costs: medians and the worst of several times, by the wall's clock and the processor's.
 *
 *   bench_runbook [STEPS [ITEMS]] */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine/engine.h"

#define TIMES 15

static double cpu_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static double wall_ms(void)
{
    return (double)clock_monotonic_us() / 1e3;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static void print_row(const char *what, double *wall, double *cpu, const char *unit)
{
    qsort(wall, TIMES, sizeof *wall, by_size);
    qsort(cpu, TIMES, sizeof *cpu, by_size);
    printf("| %s | %.2f | %.2f | %.2f | %s |\n", what, wall[TIMES / 2], wall[TIMES - 1], cpu[TIMES / 2],
           unit);
}

static char *document(long steps)
{
    struct str text = {0};
    str_add(&text, "---\nrunbook:\n  id: long\n  vars:\n    NS: {default: rag}\n---\n");
    for (long i = 0; i < steps; i++)
        str_addf(&text,
                 "## Step %ld\n\nKnow this.\n\n```sh {name=s%ld kind=%s timeout=1m}\n"
                 "kubectl -n $NS get pods\n```\n\n",
                 i, i, i % 2 ? "check" : "action");
    return str_take(&text);
}

static void give(struct run *run, struct run_input in, struct run_effects *effects)
{
    struct err e;
    effects->len = 0;
    if (run_apply(run, &in, effects, &e)) {
        fprintf(stderr, "%s\n", e.msg);
        exit(1);
    }
}

/* Every check passes, every action is skipped. */
static long walk(struct run *run)
{
    struct run_effects effects = {0};
    struct run_ticket ticket;
    long inputs = 0;
    for (; !run_ended(run, NULL); inputs++)
        if (run_tickets(run, &ticket, 1) > 0)
            give(run, (struct run_input){.kind = INPUT_FINISHED, .at_ms = inputs, .ticket = ticket.ticket},
                 &effects);
        else
            give(run,
                 (struct run_input){.kind = INPUT_CHOOSE,
                                    .at_ms = inputs,
                                    .step = run_current(run),
                                    .choice = CHOICE_SKIP,
                                    .reason = "bench"},
                 &effects);
    vec_fini(&effects);
    return inputs;
}

static void bench_steps(long steps)
{
    double wall[2][TIMES], cpu[2][TIMES];
    char *text = document(steps);
    for (int i = 0; i < TIMES; i++) {
        struct err e = {0};
        struct run_effects effects = {0};
        double w = wall_ms(), c = cpu_ms();
        struct runbook *book = runbook_parse("long.md", text, strlen(text), &e);
        if (!book) {
            fprintf(stderr, "%s\n", e.msg);
            exit(1);
        }
        struct run *run = run_new(book);
        give(run, (struct run_input){.kind = INPUT_START}, &effects);
        wall[0][i] = wall_ms() - w;
        cpu[0][i] = cpu_ms() - c;
        w = wall_ms();
        c = cpu_ms();
        long inputs = walk(run);
        wall[1][i] = (wall_ms() - w) * 1e3 / (double)inputs;
        cpu[1][i] = (cpu_ms() - c) * 1e3 / (double)inputs;
        vec_fini(&effects);
        run_free(run);
        runbook_free(book);
    }
    char *what = xasprintf("%ld steps, opened and begun", steps);
    print_row(what, wall[0], cpu[0], "ms");
    print_row("one input of its run", wall[1], cpu[1], "us");
    free(what);
    free(text);
}

/* An act over all items, 32 at a time, with what each runs made up as for its execution. */
static void bench_items(long count)
{
    double wall[TIMES], cpu[TIMES];
    const char *text = "```sh {name=a items=i.jsonl parallel=32}\nindex \"$ITEM_ID\"\n```\n";
    struct str lines = {0};
    for (long i = 0; i < count; i++)
        str_addf(&lines, "{\"id\":\"doc-%ld\",\"title\":\"document %ld\"}\n", i, i);
    struct err e = {0};
    struct items *items = items_parse("i.jsonl", str_text(&lines), lines.len, &e);
    struct runbook *book = runbook_parse("items.md", text, strlen(text), &e);
    for (int i = 0; i < TIMES; i++) {
        struct run *run = run_new(book);
        struct run_effects effects = {0};
        struct run_pin pin = {.step = 0, .digest = items_digest(items), .count = count};
        run_set_items(run, 0, items);
        give(run, (struct run_input){.kind = INPUT_START, .pins = &pin, .pin_count = 1}, &effects);
        give(run, (struct run_input){.kind = INPUT_OPEN, .at_ms = 1}, &effects);
        double w = wall_ms(), c = cpu_ms();
        give(run, (struct run_input){.kind = INPUT_CONFIRM, .at_ms = 2000, .value = "yes"}, &effects);
        for (struct run_ticket ticket; run_tickets(run, &ticket, 1) > 0;) {
            struct run_command command;
            run_ticket_command(run, ticket.ticket, NULL, &command, &e);
            run_command_fini(&command);
            give(run, (struct run_input){.kind = INPUT_FINISHED, .at_ms = 2000, .ticket = ticket.ticket},
                 &effects);
        }
        wall[i] = (wall_ms() - w) * 1e3 / (double)count;
        cpu[i] = (cpu_ms() - c) * 1e3 / (double)count;
        vec_fini(&effects);
        run_free(run);
    }
    char *what = xasprintf("one of %ld items", count);
    print_row(what, wall, cpu, "us");
    free(what);
    runbook_free(book);
    items_free(items);
    str_fini(&lines);
}

int main(int argc, char **argv)
{
    printf("| | median | worst | processor | |\n|---|---|---|---|---|\n");
    bench_steps(argc > 1 ? atol(argv[1]) : 5000);
    bench_items(argc > 2 ? atol(argv[2]) : 10000);
    return 0;
}
