/* kubectl get: tables, names, JSON, JSONPath. */
#include <stdio.h>
#include <stdlib.h>

#include "engine/simulate/jsonpath.h"
#include "engine/simulate/verbs.h"

#define COLUMNS 8

struct table {
    char cells[COLUMNS][256];
    int columns;
};

static void cell(struct table *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void cell(struct table *t, const char *format, ...)
{
    va_list args;
    if (t->columns == COLUMNS)
        return;
    va_start(args, format);
    vsnprintf(t->cells[t->columns++], sizeof t->cells[0], format, args);
    va_end(args);
}

static void age_cell(struct table *t, const struct world *w, const cJSON *object)
{
    int64_t created_us = 0;
    char text[DURATION_TEXT_SIZE];
    clock_parse(json_string(cJSON_GetObjectItemCaseSensitive(object, "metadata"), "creationTimestamp", ""),
                &created_us, NULL);
    int64_t age_us = world_wall_us(w, w->now_us) - created_us;
    duration_format(age_us > 0 ? age_us : 0, text);
    cell(t, "%s", text[0] == '<' ? "0s" : text);
}

static const char *headings(const char *kind)
{
    static const char *const known[][2] = {
        {"Pod", "NAME READY STATUS RESTARTS AGE"}, {"Deployment", "NAME READY UP-TO-DATE AVAILABLE AGE"},
        {"Job", "NAME STATUS COMPLETIONS AGE"},    {"PersistentVolumeClaim", "NAME STATUS AGE"},
        {"Endpoints", "NAME ENDPOINTS AGE"},       {"Event", "LAST-SEEN TYPE REASON OBJECT MESSAGE"},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(kind, known[i][0]) == 0)
            return known[i][1];
    return "NAME AGE";
}

static void endpoints_cell(struct table *t, const cJSON *object)
{
    struct str text = {0};
    const cJSON *address;
    cJSON_ArrayForEach(address, json_at(object, "/subsets/0/addresses"))
        str_addf(&text, "%s%s:6333", text.len ? "," : "", json_string(address, "ip", ""));
    cell(t, "%s", text.len ? str_text(&text) : "<none>");
    str_fini(&text);
}

static void labels_cell(struct table *t, const cJSON *object)
{
    struct str text = {0};
    const cJSON *label;
    cJSON_ArrayForEach(label, json_at(object, "/metadata/labels"))
        str_addf(&text, "%s%s=%s", text.len ? "," : "", label->string,
                 cJSON_IsString(label) ? label->valuestring : "");
    cell(t, "%s", text.len ? str_text(&text) : "<none>");
    str_fini(&text);
}

static void row_fill(struct table *t, const struct world *w, const cJSON *object, bool labels)
{
    const char *kind = object_kind(object);
    if (strcmp(kind, "Event") == 0) {
        age_cell(t, w, object);
        cell(t, "%s", json_string(object, "type", ""));
        cell(t, "%s", json_string(object, "reason", ""));
        cell(t, "%s", json_string(json_at(object, "/involvedObject"), "name", ""));
        cell(t, "%s", json_string(object, "message", ""));
        return;
    }
    cell(t, "%s", object_name(object));
    if (strcmp(kind, "Pod") == 0) {
        cell(t, "%d/1", pod_ready(object));
        cell(t, "%s", pod_status(object));
        cell(t, "%.0f", json_double(json_at(object, "/status/containerStatuses/0"), "restartCount", 0));
    } else if (strcmp(kind, "Deployment") == 0) {
        int ready, wanted;
        deployment_counts(w->cluster, object, &ready, &wanted);
        cell(t, "%d/%d", ready, wanted);
        cell(t, "%d", wanted);
        cell(t, "%d", ready);
    } else if (strcmp(kind, "Job") == 0) {
        const char *ended = job_ended(object);
        cell(t, "%s",
             ended ? ended : json_string(json_at(object, "/status/conditions/0"), "type", "Running"));
        cell(t, "%.0f/1", json_double(cJSON_GetObjectItemCaseSensitive(object, "status"), "succeeded", 0));
    } else if (strcmp(kind, "PersistentVolumeClaim") == 0) {
        cell(t, "%s", json_string(cJSON_GetObjectItemCaseSensitive(object, "status"), "phase", "Pending"));
    } else if (strcmp(kind, "Endpoints") == 0) {
        endpoints_cell(t, object);
    }
    age_cell(t, w, object);
    if (labels)
        labels_cell(t, object);
}

static void table_write(struct verb_call *v, const struct selection *s)
{
    struct table *rows = xcalloc(s->items.len + 1, sizeof *rows);
    size_t widths[COLUMNS] = {0};
    bool headed = !arguments_has(v->arguments, "no-headers"),
         labels = arguments_has(v->arguments, "show-labels");
    const char *heading = headings(s->resource->kind);
    for (const char *p = heading; *p; p += strcspn(p, " "), p += strspn(p, " "))
        cell(&rows[0], "%.*s", (int)strcspn(p, " "), p);
    if (labels)
        cell(&rows[0], "LABELS");
    for (size_t i = 0; i < s->items.len; i++)
        row_fill(&rows[i + 1], v->w, s->items.data[i], labels);
    for (size_t i = !headed; i <= s->items.len; i++)
        for (int c = 0; c < rows[i].columns; c++)
            if (strlen(rows[i].cells[c]) > widths[c])
                widths[c] = strlen(rows[i].cells[c]);
    for (size_t i = !headed; i <= s->items.len; i++) {
        for (int c = 0; c < rows[i].columns; c++)
            str_addf(&v->result->out, c + 1 < rows[i].columns ? "%-*s   " : "%.*s", (int)widths[c],
                     rows[i].cells[c]);
        str_add_char(&v->result->out, '\n');
    }
    free(rows);
}

/* Objects as the API shows them: without what only the simulation knows. */
static cJSON *shown(const struct selection *s)
{
    if (s->named && s->items.len == 1) {
        cJSON *one = cJSON_Duplicate(s->items.data[0], true);
        cJSON_DeleteItemFromObjectCaseSensitive(one, "x-simulation");
        return one;
    }
    cJSON *list = cJSON_CreateObject();
    cJSON_AddStringToObject(list, "apiVersion", "v1");
    cJSON_AddStringToObject(list, "kind", "List");
    cJSON *items = cJSON_AddArrayToObject(list, "items");
    for (size_t i = 0; i < s->items.len; i++) {
        cJSON *one = cJSON_Duplicate(s->items.data[i], true);
        cJSON_DeleteItemFromObjectCaseSensitive(one, "x-simulation");
        cJSON_AddItemToArray(items, one);
    }
    return list;
}

static void jsonpath_output(struct verb_call *v, const struct selection *s, const char *template)
{
    cJSON *root = shown(s);
    struct err e;
    struct str out = {0};
    if (jsonpath_write(root, template, &out, &e) < 0)
        verb_fail(v, "error: error parsing jsonpath %.100s, %s", template, e.msg);
    else
        str_add(&v->result->out, str_text(&out));
    str_fini(&out);
    cJSON_Delete(root);
}

static int by_age(const void *left, const void *right)
{
    const cJSON *a = *(cJSON *const *)left, *b = *(cJSON *const *)right;
    return strcmp(json_string(cJSON_GetObjectItemCaseSensitive(a, "metadata"), "creationTimestamp", ""),
                  json_string(cJSON_GetObjectItemCaseSensitive(b, "metadata"), "creationTimestamp", ""));
}

static void output_write(struct verb_call *v, struct selection *s)
{
    const char *format = arguments_flag(v->arguments, "output");
    const char *sort = arguments_flag(v->arguments, "sort-by");
    if (sort && strcmp(sort, ".metadata.creationTimestamp") != 0) {
        verb_fail(v, "error: the simulated cluster sorts by .metadata.creationTimestamp only");
        return;
    }
    if (sort && s->items.len > 1)
        qsort(s->items.data, s->items.len, sizeof *s->items.data, by_age);
    if (!format || strcmp(format, "wide") == 0) {
        if (s->items.len > 0)
            table_write(v, s);
        else if (!s->named)
            str_addf(&v->result->err, "No resources found in %s namespace.\n", verb_namespace(v));
    } else if (strcmp(format, "name") == 0) {
        for (size_t i = 0; i < s->items.len; i++)
            str_addf(&v->result->out, "%s/%s\n", s->resource->printed, object_name(s->items.data[i]));
    } else if (strcmp(format, "json") == 0) {
        cJSON *root = shown(s);
        char *text = json_print(root);
        str_addf(&v->result->out, "%s\n", text);
        free(text);
        cJSON_Delete(root);
    } else if (str_starts(format, "jsonpath=")) {
        jsonpath_output(v, s, format + strlen("jsonpath="));
    } else {
        verb_fail(
            v,
            "error: unable to match a printer suitable for the output format \"%.60s\", allowed formats are: "
            "json,jsonpath,name,wide",
            format);
    }
}

void verb_get(struct verb_call *v)
{
    struct selection s;
    if (arguments_has(v->arguments, "watch"))
        verb_fail(v, "error: the simulated cluster does not watch");
    else if (selection_read(v, 0, arguments_count(v->arguments), &s)) {
        output_write(v, &s);
        selection_fini(&s);
    } else {
        selection_fini(&s);
    }
}
