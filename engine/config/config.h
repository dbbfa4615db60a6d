/* The configuration as a user writes it (belay.yaml), typed. One options table holds every key: it drives
 * reading, the errors with file:line:column, the reference page and the JSON Schema. What a source's `map:`
 * and `vars:` say stays a tree with positions (yaml_line, yaml_column): the sources room compiles it. Secrets
 * are references and are resolved only when they are used. */
#ifndef BELAY_CONFIG_CONFIG_H
#define BELAY_CONFIG_CONFIG_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/base.h"
#include "engine/config/chains.h"
#include "engine/config/healing.h"

/* ---- findings: everything that is wrong, not only the first ---- */

enum config_severity { CONFIG_WARNING, CONFIG_ERROR };

struct config_finding {
    enum config_severity severity;
    char *file;
    int line, column; /* from 1; 0 when it concerns the whole file */
    char *message;    /* one line: what, and how to mend it */
};

struct config_findings {
    struct config_finding *data; /* in the order of their places */
    size_t len, cap;
    size_t errors; /* how many are errors */
};

void config_findings_fini(struct config_findings *f);
/* Other rooms add what they find in their part of the tree; file may be NULL (no file). f may be NULL. */
void config_finding_add(struct config_findings *f, enum config_severity severity, const char *file, int line,
                        int column, const char *format, ...) __attribute__((format(printf, 6, 7)));
/* The nearest of the names (NULL-terminated) to a mistyped one, or NULL when none is near. */
const char *config_nearest(const char *mistyped, const char *const *names);

/* ---- the configuration ---- */

struct config_header {
    char *name;
    char *value;  /* literal text, or NULL when the value is a secret */
    char *secret; /* reference (env:NAME, file:PATH, command:ARGV), or NULL */
    char *prefix; /* put before the secret's value ("Bearer "), or NULL */
};

void config_headers_free(struct config_header *headers, size_t count);

struct config_source {
    char *name;
    char *kind;   /* a name in the table of sources; not checked here */
    char *url;    /* NULL where the kind needs none: a command, the journal */
    char *preset; /* NULL when the mapping is in place */
    cJSON *vars;  /* object of strings, or NULL */
    cJSON *map;   /* object or list of objects with positions, or NULL */
    char
        *parse; /* how a command's output or a body is read: "json", "prometheus"; NULL: the kind's own way */
    char **command; /* argv, or NULL */
    char **env;     /* NAME=VALUE additions for the command, or NULL */
    struct config_header *headers;
    size_t header_count;
    char *user;       /* HTTP basic or Redis ACL user, or NULL */
    char *password;   /* a secret reference, or NULL */
    char *ca;         /* PEM file of the authorities to trust, absolute, or NULL */
    int64_t every_us; /* see config_source_defaults */
    int64_t timeout_us;
    int64_t stale_after_us; /* 0: three intervals */
    int64_t expected;       /* rows that must be there; -1: not said */
    bool every_given, timeout_given;
    int line, column; /* where the source stands */
};

/* A page elsewhere about an entity: shown on its detail page. */
struct config_link {
    char *kind; /* of the entities that it is for; NULL: all kinds */
    char *name; /* a pattern with * and ?; NULL: all names */
    char *title;
    char *url; /* with {name}, {attribute} ... */
    int line, column;
};

/* A command that prints the logs of an entity; shown in a pager. */
struct config_logs {
    char *kind, *name, *title; /* as above */
    char **command;            /* argv, with {name}, {attribute} ... */
    int64_t timeout_us;
    int line, column;
};

enum config_journal { CONFIG_JOURNAL_PRIVATE, CONFIG_JOURNAL_SHARED, CONFIG_JOURNAL_EMERGENCY };

struct config {
    char *path;     /* of the file; NULL without one */
    char *folder;   /* that relative paths start from: the file's folder, absolute; NULL without a file */
    char *platform; /* "local" without a configuration; fit for a folder's name */
    char *badge;    /* NULL, or a short word: "PROD" is drawn as danger, "DEMO" as demo */
    enum config_journal journal;
    char *journal_folder; /* absolute; NULL when private */
    char *emergency;      /* NULL, or a place for emergency journals */
    char *state_folder;   /* of the state database; absolute; NULL: beside the journal */
    int observer;         /* 1 or 0 as written, -1 not said: ask config_observer */
    char *operator_name;  /* NULL: the login name */
    struct {
        char **command; /* NULL: no identity check */
        char *expect;   /* its trimmed stdout must equal this */
        int64_t timeout_us;
    } identity;
    struct {
        char *syslog;   /* facility ("local3"), or NULL */
        char **command; /* reads lines on stdin, or NULL */
    } mirror;
    struct {
        char **command; /* prints who is on call; NULL: not shown */
        int64_t every_us, timeout_us;
    } oncall;
    struct {
        char *kind, *name;   /* of the entity that proves it; name NULL: not configured */
        char *on, *off;      /* its word, or its value, that means so */
        char *enter, *leave; /* ids of the runbooks */
        struct config_place place;
    } safe_mode;
    char *approvers; /* file of allowed signers, absolute; NULL: no signature can be checked */
    char *theme;     /* NULL: the default one */
    struct config_link *links;
    size_t link_count;
    struct config_logs *logs;
    size_t logs_count;
    struct config_source *sources;
    size_t source_count;
    char **runbooks; /* files and folders, absolute; NULL when none */
    struct config_policy *policies;
    size_t policy_count;
    struct config_heal heal;
    struct config_chain *chains;
    size_t chain_count;
    struct config_place theme_place, runbooks_place;
};

/* A configuration without a file: platform "local", everything else at its default. */
struct config *config_new(void);
void config_free(struct config *c);

/* Reads path, or with NULL the first of ./belay.yaml, $XDG_CONFIG_HOME/belay/belay.yaml,
 * /etc/belay/belay.yaml. NULL on error: ERR_NOT_FOUND when there is none, else the first finding's text in e
 * (with file:line:column). All findings, warnings too, go to findings (may be NULL). */
struct config *config_load(const char *path, struct config_findings *findings, struct err *e);

/* The same from text (at most 1 MiB). name stands in messages; relative paths are taken from folder (NULL:
 * the current one). */
struct config *config_parse(const char *text, size_t length, const char *name, const char *folder,
                            struct config_findings *findings, struct err *e);

/* The file that config_load(NULL) would read, or NULL. The caller frees. */
char *config_find(void);

/* Sets one top-level option as the command line does: config_set(c, "journal", "shared:/srv/belay", &e). */
int config_set(struct config *c, const char *key, const char *value, struct err *e);

/* True when the console starts as observer: `observer:` as written, else when the badge is PROD. */
bool config_observer(const struct config *c);

/* Fills every_us and timeout_us where the user did not: 5 s (signals: 2 s), and min(every, 3 s). config_parse
 * has called it with what `map:` shows; call it again once the preset is known. */
void config_source_defaults(struct config_source *s, bool signals);

/* The policy of that name, or NULL. Two are always there: "default" (3 attempts, 100ms, doubling, at most
 * 30s) and "rate-limit" (5 attempts, 1s, doubling, at most 60s). c may be NULL. */
const struct config_policy *config_policy_find(const struct config *c, const char *name);

/* Do several users write the journal? An emergency journal's folder says so itself. */
bool config_is_shared(const struct config *c);
/* The journal's name in the head lines: the platform, or another one for an emergency journal, which has a
 * chain of its own. The caller frees. */
char *config_journal_name(const struct config *c);

/* Folder of journal, spool, state database and leases: $XDG_STATE_HOME/belay/PLATFORM, or the shared folder.
 * c may be NULL (platform "local"). It is not created. The caller frees. */
char *config_state_folder(const struct config *c);

/* Folder of the state database: that of `state: shared:DIR`, else the state folder. shared: for a group. c
 * may be NULL (what `belay exec` without a configuration uses). The caller frees. */
char *config_targets_folder(const struct config *c, bool *shared);

/* ---- secrets ---- */

/* True for env:NAME, file:PATH, command:ARGV. */
bool config_secret_is_reference(const char *text);

#define CONFIG_SECRET_LIMIT_BYTES 65536
/* Appends the value that a reference stands for to out, without trailing line ends. A file or output above 64
 * KiB, a command that runs longer than 10 s or fails, an empty value, and a value with control characters are
 * errors; the message names the reference, never the value. A command is split at blanks and run without a
 * shell. Blocks (files, commands): call it off the loop. */
int config_secret_resolve(const char *reference, struct str *out, struct err *e);

/* ---- the options table ---- */

enum option_type {
    OPTION_TEXT,    /* one line of text */
    OPTION_LINES,   /* text of any number of lines */
    OPTION_NAME,    /* letters, digits, `.`, `_`, `-` */
    OPTION_CHOICE,  /* one of choices */
    OPTION_BOOLEAN, /* true or false */
    OPTION_INTEGER,
    OPTION_DECIMAL,  /* 1.5: the field and the range are in thousandths */
    OPTION_AMOUNT,   /* 0.00025: the field and the range are in millionths */
    OPTION_DURATION, /* 250ms, 30s, 5m, 1h; the range is in microseconds */
    OPTION_PATH,     /* relative to the file */
    OPTION_URL,
    OPTION_ARGV,        /* a list of strings: a program and its arguments, never a shell */
    OPTION_PATHS,       /* a list of paths */
    OPTION_JOURNAL,     /* private, or shared:FOLDER */
    OPTION_STATE,       /* private, or shared:FOLDER: a folder, NULL for private */
    OPTION_SECRET,      /* {secret: REFERENCE} */
    OPTION_HEADER,      /* text, or {secret: REFERENCE, prefix: TEXT} */
    OPTION_STRINGS,     /* a mapping of names to text */
    OPTION_ENVIRONMENT, /* a mapping of variables to text */
    OPTION_TREE,        /* a mapping, or a list of them, that another room reads */
    OPTION_GROUP,       /* a mapping of further options */
    OPTION_GROUPS,      /* a list of them */
};

struct option {
    const char *path; /* "platform", "identity.expect", "sources[].every", "sources[].headers.*" */
    enum option_type type;
    bool required;
    const char *fallback;     /* the default as it would be written, or NULL */
    int64_t minimum, maximum; /* OPTION_INTEGER, OPTION_DECIMAL, OPTION_AMOUNT, OPTION_DURATION; length
                                 in bytes of OPTION_TEXT, OPTION_LINES, OPTION_NAME */
    const char *choices;      /* "user|kern|local0": OPTION_CHOICE */
    const char *unit;         /* shown in the reference, or NULL */
    const char *help;         /* one sentence */
    size_t offset;            /* of the field in the struct that the group is read into */
};

/* All of them, in the order of the reference page: the first after NULL; NULL after the last. */
const struct option *option_next(const struct option *option);

/* What there is to say of an option besides its help: "duration, 100ms to 1d, default 5s". */
void config_option_facts(const struct option *o, struct str *out);

/* The reference page in Markdown, and a JSON Schema (draft 2020-12), both from the table. The caller frees.
 */
char *config_reference_markdown(void);
char *config_schema_json(void);

#endif
