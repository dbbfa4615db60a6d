#include "engine/simulate/manifest.h"

#include <ctype.h>
#include <string.h>

#define NAME_MAX_LENGTH  253
#define LABEL_MAX_LENGTH 63

#define NAME_RULE                                                                                            \
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and "    \
    "must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is "   \
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
#define LABEL_RULE                                                                                           \
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and "     \
    "must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex " \
    "used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"

/* Alphanumeric at both ends, between them also what `more` has. */
static bool well_formed(const char *text, const char *more, bool upper)
{
    size_t length = strlen(text);
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];
        bool plain = c < 0x80 && isalnum(c) && (upper || !isupper(c));
        if (!plain && (i == 0 || i + 1 == length || !strchr(more, c)))
            return false;
    }
    return true;
}

char *label_wrong(const char *value)
{
    if (strlen(value) > LABEL_MAX_LENGTH)
        return xasprintf("must be no more than %d characters", LABEL_MAX_LENGTH);
    return well_formed(value, "-_.", true) ? NULL : xstrdup(LABEL_RULE);
}

static char *labels_wrong(const cJSON *object, const char *pointer, const char *path)
{
    const cJSON *label;
    cJSON_ArrayForEach(label, json_at(object, pointer))
    {
        const char *value = cJSON_IsString(label) ? label->valuestring : "";
        char *why = label_wrong(value), *wrong = NULL;
        if (why)
            wrong = xasprintf("%s: Invalid value: \"%.100s\": %s", path, value, why);
        free(why);
        if (wrong)
            return wrong;
    }
    return NULL;
}

static bool selects(const cJSON *object)
{
    const cJSON *wanted;
    cJSON_ArrayForEach(wanted, json_at(object, "/spec/selector/matchLabels"))
    {
        const cJSON *labels = json_at(object, "/spec/template/metadata/labels");
        if (!str_eq(json_string(labels, wanted->string, ""), cJSON_GetStringValue(wanted)))
            return false;
    }
    return true;
}

static char *workload_wrong(const cJSON *object, const char *kind)
{
    const char *restart = json_string(json_at(object, "/spec/template/spec"), "restartPolicy", "Always");
    bool job = str_eq(kind, "Job"), deployment = str_eq(kind, "Deployment");
    if ((job || deployment) && cJSON_GetArraySize(json_at(object, "/spec/template/spec/containers")) == 0)
        return xstrdup("spec.template.spec.containers: Required value");
    if (job && !str_eq(restart, "Never") && !str_eq(restart, "OnFailure"))
        return xstrdup("spec.template.spec.restartPolicy: Required value: valid values: \"OnFailure\", "
                       "\"Never\"");
    if (deployment && cJSON_GetArraySize(json_at(object, "/spec/selector/matchLabels")) == 0)
        return xstrdup("spec.selector: Required value");
    if (deployment && !selects(object))
        return xstrdup("spec.template.metadata.labels: Invalid value: `selector` does not match template "
                       "`labels`");
    if (str_eq(kind, "PersistentVolumeClaim") &&
        cJSON_GetArraySize(json_at(object, "/spec/accessModes")) == 0)
        return xstrdup("spec.accessModes: Required value: at least 1 access mode is required");
    if (str_eq(kind, "PersistentVolumeClaim") && !json_at(object, "/spec/resources/requests/storage"))
        return xstrdup("spec.resources[storage]: Required value");
    return NULL;
}

char *manifest_wrong(const cJSON *object)
{
    const char *name = json_string(json_at(object, "/metadata"), "name", "");
    if (strlen(name) > NAME_MAX_LENGTH || !well_formed(name, "-.", false) || strstr(name, ".."))
        return xasprintf("metadata.name: Invalid value: \"%.100s\": %s", name, NAME_RULE);
    char *wrong = labels_wrong(object, "/metadata/labels", "metadata.labels");
    if (!wrong)
        wrong = labels_wrong(object, "/spec/template/metadata/labels", "spec.template.labels");
    return wrong ? wrong : workload_wrong(object, json_string(object, "kind", ""));
}
