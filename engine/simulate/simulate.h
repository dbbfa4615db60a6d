/* The simulated platform behind `belay demo`: a process of its own that serves, on a free port of 127.0.0.1,
 * what a real retrieval platform serves (a Qdrant-shaped vector store, three OpenAI-compatible providers, an
 * /ask endpoint, /metrics, Alertmanager's /api/v2/alerts, checkpoints of a batch job, components), runs a
 * scripted, seeded fault, and lets a stand-in for kubectl act on it. It is never part of what watches a real
 * platform.
 *
 * The demo starts it so:
 *   1. make an empty folder DIR (0700), have simulate_prepare fill it, make a socket (AF_UNIX, SOCK_STREAM)
 * that listens, and run belay-console simulate --scenario shard --seed N --speed X --listen-fd FD --http-fd
 * FD --folder DIR
 *   2. connect. One line comes: "PORT\n", or "busy\n" when another console is there; end of file means that
 * it failed and has said why on stderr.
 *   3. stay connected, and say "end\n" when it is over. A connection that ends without it is a console that
 * died: the simulation goes on for SIMULATION_LINGER_US, so that the next console finds the platform, and its
 * own steps, as they are; then it removes DIR and ends. */
#ifndef BELAY_SIMULATE_SIMULATE_H
#define BELAY_SIMULATE_SIMULATE_H

#include <stdint.h>

#include "engine/base/base.h"

#define SIMULATION_LINGER_US (120LL * 1000000)       /* without a console */
#define SIMULATION_LIFE_US   (12 * 3600LL * 1000000) /* whatever happens */

struct simulation {
    const char *scenario; /* a name of simulate_scenarios; behind a colon, apart by commas, of
                             simulate_variants */
    uint64_t seed;        /* the same seed and the same acts at the same times: the same platform */
    double speed;         /* virtual seconds a second, 0.1 .. 100 */
    int64_t linger_us;    /* how long it waits for another console; SIMULATION_LINGER_US */
    int listen_fd;        /* -1: the port is printed on stdout, and the simulation ends by SIGTERM only */
    int http_fd;          /* what simulate_prepare returned; -1: it prepares by itself */
    const char *folder;   /* what the demo needs is here; NULL: nothing is written. Removed at the end where
                             there is a listen_fd */
    const char *link;     /* a symbolic link to the folder, removed with it; may be NULL */
};

/* Names and one sentence each; ends with a NULL name. */
struct simulation_scenario {
    const char *name;
    const char *help;
};
extern const struct simulation_scenario simulate_scenarios[], simulate_variants[];
/* ERR_USAGE with what there is when struct simulation would not take it. */
int simulate_scenario_check(const char *text, struct err *e);

/* A socket that listens on a free port of 127.0.0.1, where the platform will be served: what connects now is
 * answered once it is. Where folder is not NULL it then holds belay.yaml (the demo's configuration, badge
 * DEMO, its sources pointing at that port) and bin/ with the stand-ins (kubectl): what
 * engine_options.step_path wants. ERR_IO. */
int simulate_prepare(const char *folder, struct err *e);

/* Serves until SIGTERM, SIGINT, SIGHUP or what is said above. 0, or why it could not begin. */
int simulate_run(const struct simulation *s, struct err *e);

/* The hidden subcommands `simulate` and `simulate-kubectl`; argv[0] is the subcommand's name. They return the
 * exit status. The second finds its simulation in BELAY_SIMULATION (127.0.0.1:PORT), which the scripts in
 * bin/ set. */
int simulate_main(int argc, char **argv);
int simulate_kubectl_main(int argc, char **argv);

#endif
