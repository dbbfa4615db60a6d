/* :heal. The cases of healing, to read. */
#include "tui/colon.h"
#include "tui/console_state.h"

static void case_write(const struct engine_healing *h, struct str *out)
{
    char since[CLOCK_TEXT_SIZE];
    clock_format(h->since_us, since);
    str_addf(out, "%s: %s since %.19sZ\n", h->resource, h->state, since);
    str_addf(out, "  issue     %s, %.0f %% sure%s%s\n", h->issue, 100 * h->confidence,
             h->by[0] != '\0' ? ", by " : "", h->by);
    if (h->fix[0] != '\0') {
        str_addf(out, "  fix       %s%s\n", h->fix,
                 h->automatic ? " (runs by itself)" : " (r opens the runbooks)");
    }
    if (h->attempts > 0) {
        str_addf(out, "  attempts  %u%s\n", h->attempts, h->given_up ? ", none helped" : "");
    }
    if (h->run != 0) {
        str_addf(out, "  run       %lld\n", (long long)h->run);
    }
    str_addf(out, "  error     %s\n  evidence  %s\n\n", h->error, h->evidence);
}

void colon_heal(struct console *console, const char *rest, char *const *words, struct err *e)
{
    (void)rest;
    (void)words;
    (void)e;
    struct str text = {0};
    struct engine_healing healing;
    for (size_t i = 0; engine_healing_at(console->engine, i, &healing); i++) {
        case_write(&healing, &text);
    }
    if (text.len == 0) {
        str_add(&text, engine_config(console->engine)->heal.enabled == 1
                           ? "Nothing to heal.\n"
                           : "Nothing to heal: heal: in belay.yaml is not enabled.\n");
    }
    page_open_sheet(console, "Healing", "Esc back", str_text(&text));
    str_fini(&text);
}
