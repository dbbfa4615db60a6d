/* Comma-separated values: what is read, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "engine/sources/csv.h"

static void expect(const char *text, const char *wanted)
{
    struct arena names = {0};
    struct err e = {0};
    cJSON *rows = csv_read(text, strlen(text), &names, &e);
    char *got = rows ? cJSON_PrintUnformatted(rows) : xstrdup(e.msg);
    if (!str_eq(got, wanted))
        fail_msg("%s\ngot    %s\nwanted %s", text, got, wanted);
    cJSON_free(got);
    cJSON_Delete(rows);
    arena_fini(&names);
}

static void lines_become_objects(void **state)
{
    (void)state;
    expect("a,b\n1,x\n2,y\n", "[{\"a\":\"1\",\"b\":\"x\"},{\"a\":\"2\",\"b\":\"y\"}]");
    expect("# a,b,\n1,x,\n", "[{\"a\":\"1\",\"b\":\"x\"}]"); /* as HAProxy: a hash in front, a comma behind */
    expect("\xef\xbb\xbf"
           "a,b\r\n1,x\r\n\r\n",
           "[{\"a\":\"1\",\"b\":\"x\"}]");
    expect("a,b\n1,x", "[{\"a\":\"1\",\"b\":\"x\"}]"); /* the end without a newline */
    expect("a\n", "[]");
    expect("a,b\n,x\n,\n", "[{\"b\":\"x\"},{}]"); /* empty is absent */
    expect("a,b\n\"1,2\",\"say \"\"no\"\"\nor \xc3\xa9\"\n",
           "[{\"a\":\"1,2\",\"b\":\"say \\\"no\\\"\\nor \xc3\xa9\"}]");
    expect("a,b\nx\"y,z\n", "[{\"a\":\"x\\\"y\",\"b\":\"z\"}]"); /* a quote inside is one */
}

static void what_is_not_well_formed_is_refused(void **state)
{
    (void)state;
    expect("", "line 1: it names no columns");
    expect("\n", "line 1: it names no columns");
    expect("# ,,\n", "line 1: it names no columns");
    expect("a,b,a\n", "line 1: two columns are named 'a'");
    expect("a,b\n1\n", "line 2 has 1 columns, the first has 2");
    expect("a,b\n1,2\n1,2,3\n", "line 3 has 3 columns, the first has 2");
    expect("a,b\n\"1,2\n", "line 2: the quote is not closed");
    expect("a,b\n\"1\"x,2\n", "line 2: a comma is expected behind the closing quote");
    expect("a\n\xff\n", "it is not UTF-8 text");
}

static void it_is_bounded(void **state)
{
    (void)state;
    struct str text = {0};
    for (int i = 0; i <= CSV_COLUMN_LIMIT; i++)
        str_addf(&text, "c%d,", i);
    str_add_char(&text, '\n');
    expect(text.data, "line 1: more than 512 columns");
    str_clear(&text);
    str_add(&text, "a,b,c,d\n");
    for (int i = 0; i <= CSV_CELL_LIMIT / 4; i++)
        str_add(&text, "1,2,3,4\n");
    expect(text.data, "more than 1000000 cells");
    str_fini(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_become_objects),
        cmocka_unit_test(what_is_not_well_formed_is_refused),
        cmocka_unit_test(it_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
