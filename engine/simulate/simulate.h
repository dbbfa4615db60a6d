/* The simulated platform behind `belay demo`: a process of its own that serves, on a free port of 127.0.0.1,
 * what a real retrieval platform serves (a Qdrant-shaped vector store, three OpenAI-compatible providers, an
 * /ask endpoint, /metrics, Alertmanager's /api/v2/alerts, checkpoints of a batch job, components), runs a
 * scripted, seeded fault, and lets a stand-in for kubectl act on it. It is never part of what watches a real
 * platform.
 *
 * The demo starts it so:
 *   1. make an empty folder DIR (0700) and a pipe, and run
 *      belay-console simulate --scenario shard --seed N --speed X --ready-fd FD --folder DIR
 *      with the pipe's writing end as FD;
 *   2. read one line, "PORT\n"; end of file instead means that it failed and has said why on stderr. DIR then
 * holds belay.yaml   the demo's configuration, badge DEMO, its sources pointing at the port bin/         the
 * stand-ins (kubectl): what engine_options.step_path wants
 *   3. keep the reading end open: the simulation ends when it is closed, by whatever death of its reader. */
#ifndef BELAY_SIMULATE_SIMULATE_H
#define BELAY_SIMULATE_SIMULATE_H

#include <stdint.h>

#include "engine/base/base.h"

struct simulation {
    const char *scenario; /* a name of simulate_scenarios */
    uint64_t seed;        /* the same seed and the same acts at the same times: the same platform */
    double speed;         /* virtual seconds a second, 0.1 .. 100 */
    int ready_fd;         /* -1: the port is printed on stdout, and the simulation ends by SIGTERM only */
    const char *folder;   /* what the demo needs is written here; NULL: nothing is written */
};

/* Names and one sentence each; ends with a NULL name. */
struct simulation_scenario {
    const char *name;
    const char *help;
};
extern const struct simulation_scenario simulate_scenarios[];

/* Serves until SIGTERM, SIGINT or the end of ready_fd's reader. 0, or why it could not begin. */
int simulate_run(const struct simulation *s, struct err *e);

/* The hidden subcommands `simulate` and `simulate-kubectl`; argv[0] is the subcommand's name. They return the
 * exit status. The second finds its simulation in BELAY_SIMULATION (127.0.0.1:PORT), which the scripts in
 * bin/ set. */
int simulate_main(int argc, char **argv);
int simulate_kubectl_main(int argc, char **argv);

#endif
