#include "engine/sources/exposition.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/base.h"
#include "engine/base/number.h"

static void quote(struct str *out, struct exposition_text t)
{
    str_add_char(out, '"');
    for (size_t i = 0; i < t.length; i++) {
        char c = t.bytes[i];
        if (c == '"' || c == '\\')
            str_add_char(out, '\\');
        if (c == '\n')
            str_add(out, "\\n");
        else
            str_add_char(out, c);
    }
    str_add_char(out, '"');
}

/* Writes a sample in one canonical form: name first, quoted; no needless blanks. */
static int write_sample(const struct exposition_sample *s, void *data)
{
    struct str *out = data;
    char number[NUMBER_TEXT_SIZE];
    str_add_char(out, '{');
    quote(out, s->name);
    for (size_t i = 0; i < s->label_count; i++) {
        str_add_char(out, ',');
        quote(out, s->labels[i].name);
        str_add_char(out, '=');
        quote(out, s->labels[i].value);
    }
    number_format(s->value, number);
    str_addf(out, "} %s", number);
    if (s->has_time)
        str_addf(out, " %lld", (long long)s->time_ms);
    str_add_char(out, '\n');
    return 0;
}

static char *canonical(const char *text, enum exposition_format format)
{
    struct str out = {0};
    struct err e = {0};
    if (exposition_parse(text, strlen(text), format, write_sample, &out, &e)) {
        str_fini(&out);
        return xasprintf("error: %s", e.msg);
    }
    return str_take(&out);
}

static void expect(const char *text, enum exposition_format format, const char *wanted)
{
    char *got = canonical(text, format);
    if (strcmp(got, wanted) != 0)
        fail_msg("read  %s\ngot   %s\nwanted %s", text, got, wanted);
    free(got);
}

static void well_formed_texts_mean_what_they_say(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {
        {"", ""},
        {"\n\n  \n", ""},
        {"a 1\n", "{\"a\"} 1\n"},
        {"a 1", "{\"a\"} 1\n"},
        {"a 1\r\nb 2\r\n", "{\"a\"} 1\n{\"b\"} 2\n"},
        {"  a\t1  \n", "{\"a\"} 1\n"},
        {"a{} 1\n", "{\"a\"} 1\n"},
        {"a {} 1\n", "{\"a\"} 1\n"},
        {"a{x=\"1\"} 2 1395066363000\n", "{\"a\",\"x\"=\"1\"} 2 1395066363000\n"},
        {"a{x=\"1\",} 2 -5\n", "{\"a\",\"x\"=\"1\"} 2 -5\n"},
        {"a { x = \"1\" , y\t=\t\"\" } 2\n", "{\"a\",\"x\"=\"1\",\"y\"=\"\"} 2\n"},
        {"a{x=\"1\"}2\n", "{\"a\",\"x\"=\"1\"} 2\n"},
        {"a:b_c9{x=\"\\\\a\\\"b\\nc\\d\"} 1\n", "{\"a:b_c9\",\"x\"=\"\\\\a\\\"b\\nc\\\\d\"} 1\n"},
        {"a{x=\"\\n\",y=\"\\\\\",z=\"plain\"} 1\n",
         "{\"a\",\"x\"=\"\\n\",\"y\"=\"\\\\\",\"z\"=\"plain\"} 1\n"},
        {"a{x=\"\xc3\xa9\xe2\x82\xac\"} 1\n", "{\"a\",\"x\"=\"\xc3\xa9\xe2\x82\xac\"} 1\n"},
        {"{\"a.b\"} 1\n", "{\"a.b\"} 1\n"},
        {"{\"a.b\",\"c d\"=\"e\",f=\"g\"} 1\n", "{\"a.b\",\"c d\"=\"e\",\"f\"=\"g\"} 1\n"},
        {"{x=\"1\",\"late.name\"} 1\n", "{\"late.name\",\"x\"=\"1\"} 1\n"},
        {"# HELP a b \\\n# TYPE a counter\n#\n#EOF\n# EOF\na 1\n", "{\"a\"} 1\n"},
        {"a NaN\nb +Inf\nc -Inf\nd Inf\ne nan\n",
         "{\"a\"} NaN\n{\"b\"} +Inf\n{\"c\"} -Inf\n{\"d\"} +Inf\n{\"e\"} NaN\n"},
        {"a +1\nb -0.5\nc 1e3\nd 1E-3\ne .5\nf 1.\n",
         "{\"a\"} 1\n{\"b\"} -0.5\n{\"c\"} 1000\n{\"d\"} 0.001\n{\"e\"} 0.5\n{\"f\"} 1\n"},
        {"a 18446744073709551615\n", "{\"a\"} 1.8446744073709552e+19\n"},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++)
        expect(pairs[i][0], EXPOSITION_TEXT, pairs[i][1]);
    expect("a_total 1 1795319904.343\n# EOF\n", EXPOSITION_OPENMETRICS, "{\"a_total\"} 1 1795319904343\n");
    expect("a_bucket{le=\"1\"} 1 # {trace_id=\"K\\\"x\"} 0.67 1520879607.789\n# EOF", EXPOSITION_OPENMETRICS,
           "{\"a_bucket\",\"le\"=\"1\"} 1\n");
    expect("a_bucket{le=\"1\"} 1 2 # {} 0.67\n# EOF\n", EXPOSITION_OPENMETRICS,
           "{\"a_bucket\",\"le\"=\"1\"} 1 2000\n");
}

static void what_is_not_well_formed_is_named_with_its_place(void **state)
{
    (void)state;
    static const struct {
        const char *text, *wanted;
        enum exposition_format format;
    } cases[] = {
        {"<html>\n", "line 1, column 1: a metric's name expected, not '<'", EXPOSITION_TEXT},
        {"{\"status\":1}", "line 1, column 10: ',' or '}' expected, not ':'", EXPOSITION_TEXT},
        {"a 1\nb\n", "line 2, column 2: a blank or '{' expected, not 'end of line'", EXPOSITION_TEXT},
        {"a 1\nb ", "line 2, column 3: a number expected, the text ends", EXPOSITION_TEXT},
        {"a{", "line 1, column 3: a label's name or '}' expected, the text ends", EXPOSITION_TEXT},
        {"a{x", "line 1, column 4: '=' expected, the text ends", EXPOSITION_TEXT},
        {"a{x=", "line 1, column 5: '\"' expected, the text ends", EXPOSITION_TEXT},
        {"a{x=\"", "line 1, column 6: '\"' expected, the text ends", EXPOSITION_TEXT},
        {"a{x=\"\\", "line 1, column 7: '\"' expected, the text ends", EXPOSITION_TEXT},
        {"a{x=\"b\n\"} 1\n", "line 1, column 7: '\"' expected, not 'end of line'", EXPOSITION_TEXT},
        {"a{x=\"b\\\n\"} 1\n", "line 1, column 8: '\"' expected, not 'end of line'", EXPOSITION_TEXT},
        {"a{x=\"b\"", "line 1, column 8: ',' or '}' expected, the text ends", EXPOSITION_TEXT},
        {"a{x=\"b\" y=\"c\"} 1\n", "line 1, column 9: ',' or '}' expected, not 'y'", EXPOSITION_TEXT},
        {"a{,} 1\n", "line 1, column 3: a label's name or '}' expected, not ','", EXPOSITION_TEXT},
        {"a{1=\"b\"} 1\n", "line 1, column 3: a label's name or '}' expected, not '1'", EXPOSITION_TEXT},
        {"a{x=\"b\"}\n", "line 1, column 9: a number expected, not 'end of line'", EXPOSITION_TEXT},
        {"a{\"b\"} 1\n", "line 1, column 6: '=' expected, not '}'", EXPOSITION_TEXT},
        {"{} 1\n", "line 1, column 3: a metric's name inside the braces expected, not ' '", EXPOSITION_TEXT},
        {"{\"\"} 1\n", "line 1, column 4: '=' expected, not '}'", EXPOSITION_TEXT},
        {"a 1x\n", "line 1, column 3: a number expected, not '1'", EXPOSITION_TEXT},
        {"a 0x10\n", "line 1, column 3: a number expected, not '0'", EXPOSITION_TEXT},
        {"a 1 2 3\n", "line 1, column 7: the end of the line expected, not '3'", EXPOSITION_TEXT},
        {"a 1 # {} 1\n", "line 1, column 5: the end of the line expected, not '#'", EXPOSITION_TEXT},
        {"a 1 1e99\n", "line 1, column 5: a time expected, not '1'", EXPOSITION_TEXT},
        {"a 1 NaN\n", "line 1, column 5: a time expected, not 'N'", EXPOSITION_TEXT},
        {"\x1b[2J", "line 1, column 1: a metric's name expected, not '<U+001B>'", EXPOSITION_TEXT},
        {"a{x=\"\xff\"} 1\n", "line 1, column 6: UTF-8 expected, not '<0xFF>'", EXPOSITION_TEXT},
        {"a 1\n", "line 2, column 1: # EOF expected, the text ends", EXPOSITION_OPENMETRICS},
        {"", "line 1, column 1: # EOF expected, the text ends", EXPOSITION_OPENMETRICS},
        {"a 1\n# EOF\nb 1\n", "line 3, column 1: nothing after # EOF expected, not 'b'",
         EXPOSITION_OPENMETRICS},
        {"a 1 # x\n# EOF\n", "line 1, column 7: '{' expected, not 'x'", EXPOSITION_OPENMETRICS},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *wanted = xasprintf("error: %s", cases[i].wanted);
        expect(cases[i].text, cases[i].format, wanted);
        free(wanted);
    }
    struct str nul = {0};
    str_add_bytes(&nul, "a{x=\"b\0c\"} 1\n", 13);
    struct err e;
    assert_int_equal(exposition_parse(nul.data, nul.len, EXPOSITION_TEXT, write_sample, &nul, &e),
                     ERR_SYNTAX);
    str_fini(&nul);
}

static void labels_are_bounded(void **state)
{
    (void)state;
    for (int count = EXPOSITION_LABEL_LIMIT; count <= EXPOSITION_LABEL_LIMIT + 1; count++) {
        struct str text = {0}, out = {0};
        str_add(&text, "a{");
        for (int i = 0; i < count; i++)
            str_addf(&text, "l%d=\"v\",", i);
        str_add(&text, "} 1\n");
        struct err e;
        int status = exposition_parse(text.data, text.len, EXPOSITION_TEXT, write_sample, &out, &e);
        assert_int_equal(status, count > EXPOSITION_LABEL_LIMIT ? ERR_SYNTAX : 0);
        str_fini(&text);
        str_fini(&out);
    }
}

static int keep_value(const struct exposition_sample *s, void *data)
{
    *(double *)data = s->value;
    return 0;
}

/* Every number reads as strtod reads it, to the last bit. */
static void numbers_are_exact(void **state)
{
    (void)state;
    struct rng rng;
    uint64_t seed = rng_entropy();
    rng_seed(&rng, seed);
    for (int i = 0; i < 200000; i++) {
        char text[64], line[80];
        double wanted, got = 0;
        struct err e = {0};
        switch (rng_below(&rng, 5)) {
        case 0:
            snprintf(text, sizeof text, "%lld", (long long)rng_next(&rng) >> rng_below(&rng, 64));
            break;
        case 1:
            snprintf(text, sizeof text, "%.*f", (int)rng_below(&rng, 20), rng_unit(&rng) * 1e6);
            break;
        case 2: {
            uint64_t bits = rng_next(&rng);
            double any;
            memcpy(&any, &bits, sizeof any);
            snprintf(text, sizeof text, "%.*e", (int)rng_below(&rng, 20), isfinite(any) ? any : 0.0);
            break;
        }
        case 3:
            snprintf(text, sizeof text, "%llu.%llue%d", (unsigned long long)rng_below(&rng, 1000000),
                     (unsigned long long)rng_below(&rng, 1u << 30), (int)rng_below(&rng, 60) - 30);
            break;
        default:
            snprintf(text, sizeof text, "%.17g", rng_unit(&rng));
        }
        wanted = strtod(text, NULL);
        int length = snprintf(line, sizeof line, "a %s\n", text);
        if (exposition_parse(line, (size_t)length, EXPOSITION_TEXT, keep_value, &got, &e) ||
            memcmp(&got, &wanted, sizeof got) != 0)
            fail_msg("seed %llu: %s read as %.17g, strtod %.17g %s", (unsigned long long)seed, text, got,
                     wanted, e.msg);
    }
}

static const char *pick(struct rng *rng, const char *const *list, size_t count)
{
    return list[rng_below(rng, count)];
}

/* Whatever is accepted reads the same after being written canonically; random mutations never do worse than
 * an error. */
static void what_is_read_can_be_written_and_read_again(void **state)
{
    (void)state;
    static const char *const words[] = {
        "a",   "b_c",         ":",  "\"",      "\\",      "n",       "{",    "}", "=",
        ",",   " ",           "\t", "\n",      "1",       "-",       "+",    ".", "e5",
        "NaN", "Inf",         "#",  "# EOF\n", "x=\"y\"", "\"q.r\"", "\r\n", "é", "a{x=\"y\"} 1\n",
        "9",   "# HELP a b\n"};
    static const char *const inside[] = {"", "plain", "\\\\", "\\\"", "\\n", "\\d", "{},= #", "é"};
    struct rng rng;
    uint64_t seed = rng_entropy();
    size_t accepted = 0;
    rng_seed(&rng, seed);
    for (int i = 0; i < 100000; i++) {
        struct str text = {0}, out = {0};
        struct err e = {0};
        for (uint64_t n = rng_below(&rng, 6); n > 0; n--)
            str_addf(&text, "%s{%s=\"%s\"} %s\n", rng_below(&rng, 2) ? "a" : "",
                     rng_below(&rng, 2) ? "x" : "\"m.n\",y",
                     pick(&rng, inside, sizeof inside / sizeof inside[0]),
                     rng_below(&rng, 2) ? "1" : "-2.5e3 17");
        for (uint64_t n = rng_below(&rng, 4); n > 0; n--)
            str_add(&text, pick(&rng, words, sizeof words / sizeof words[0]));
        str_reserve(&text, 1);
        if (!text.len)
            text.data[0] = '\0';
        enum exposition_format format = rng_below(&rng, 4) ? EXPOSITION_TEXT : EXPOSITION_OPENMETRICS;
        if (exposition_parse(text.data, text.len, format, write_sample, &out, &e) == 0 && out.len) {
            accepted++;
            char *again = canonical(out.data, EXPOSITION_TEXT);
            if (strcmp(again, out.data) != 0)
                fail_msg("seed %llu: %s\nwritten %s\nread %s", (unsigned long long)seed, text.data, out.data,
                         again);
            free(again);
        }
        str_fini(&text);
        str_fini(&out);
    }
    assert_true(accepted > 1000);
}

static int count_sample(const struct exposition_sample *s, void *data)
{
    assert_true(s->name.length > 0);
    ++*(size_t *)data;
    return 0;
}

static int stop_at_third(const struct exposition_sample *s, void *data)
{
    (void)s;
    return ++*(int *)data == 3 ? 77 : 0;
}

static void answers_of_real_servers_are_read_whole(void **state)
{
    (void)state;
    static const char *const files[] = {"node-exporter.txt",  "prometheus.txt",    "haproxy.txt",
                                        "opossum.txt",        "etcd-metrics.txt",  "patroni-metrics.txt",
                                        "redis-exporter.txt", "pushgateway.txt",   "postgres-exporter.txt",
                                        "blackbox-ok.txt",    "blackbox-fail.txt", "opossum.openmetrics.txt"};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        struct str text = {0};
        struct err e = {0};
        char *path = xasprintf("%s/tests/unit/sources/samples/%s", SOURCE_DIR, files[i]);
        assert_int_equal(file_read(path, 1u << 20, &text, &e), 0);
        size_t lines = 0, samples = 0;
        for (const char *p = text.data; *p; p += strcspn(p, "\n"), p += *p == '\n')
            lines += *p != '#' && *p != '\n';
        bool open = strstr(files[i], "openmetrics");
        if (exposition_parse(text.data, text.len, open ? EXPOSITION_OPENMETRICS : EXPOSITION_TEXT,
                             count_sample, &samples, &e))
            fail_msg("%s: %s", files[i], e.msg);
        assert_int_equal(samples, lines);
        if (open) { /* cut anywhere, it is seen to be cut */
            size_t step = text.len / 2000 + 1;
            for (size_t length = text.len - 2; length > step; length -= step) {
                char kept = text.data[length];
                text.data[length] = '\0';
                assert_int_equal(
                    exposition_parse(text.data, length, EXPOSITION_OPENMETRICS, count_sample, &samples, &e),
                    ERR_SYNTAX);
                text.data[length] = kept;
            }
        }
        int stopped = 0;
        assert_int_equal(exposition_parse(text.data, text.len, EXPOSITION_TEXT, stop_at_third, &stopped, &e),
                         77);
        free(path);
        str_fini(&text);
    }
}

static void the_format_is_read_from_the_content_type(void **state)
{
    (void)state;
    assert_int_equal(exposition_format_of("application/openmetrics-text; version=1.0.0; charset=utf-8"),
                     EXPOSITION_OPENMETRICS);
    assert_int_equal(exposition_format_of("text/plain; version=0.0.4"), EXPOSITION_TEXT);
    assert_int_equal(exposition_format_of(""), EXPOSITION_TEXT);
    assert_int_equal(exposition_format_of(NULL), EXPOSITION_TEXT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(well_formed_texts_mean_what_they_say),
        cmocka_unit_test(what_is_not_well_formed_is_named_with_its_place),
        cmocka_unit_test(labels_are_bounded),
        cmocka_unit_test(numbers_are_exact),
        cmocka_unit_test(what_is_read_can_be_written_and_read_again),
        cmocka_unit_test(answers_of_real_servers_are_read_whole),
        cmocka_unit_test(the_format_is_read_from_the_content_type),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
