#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/base/base.h"

/* Made with ssh-keygen -t ed25519, and the fingerprint that ssh-keygen -lf gives for it. */
#define KEY         "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAICoOkZF4MgUfiBVIKjJKlmMt18ouw0fTM9+mh7TlqB5n"
#define FINGERPRINT "SHA256:ZEXnfFWqdnwlxw70samZ5RDg7TdOvA86VcCI7lbIe+A"

static void test_fingerprint(void **state)
{
    (void)state;
    char out[SSH_FINGERPRINT_SIZE];
    assert_int_equal(ssh_key_fingerprint(KEY, out, NULL), 0);
    assert_string_equal(out, FINGERPRINT);
    assert_int_equal(ssh_key_fingerprint(KEY " alice@laptop\n", out, NULL), 0);
    assert_string_equal(out, FINGERPRINT);
}

static void test_what_is_no_key(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "ssh-ed25519",
                                      "ssh-ed25519 ",
                                      "ssh-ed25519 AAAA",
                                      "ssh-ed25519 ====",
                                      "ssh-ed25519 not base64 at all",
                                      "ssh-rsa" KEY,
                                      "ssh-rsa "
                                      "AAAAC3NzaC1lZDI1NTE5AAAAIA==",
                                      "AAAAC3NzaC1lZDI1NTE5"};
    char out[SSH_FINGERPRINT_SIZE];
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct err e = {0};
        assert_int_equal(ssh_key_fingerprint(bad[i], out, &e), ERR_SYNTAX);
        assert_non_null(strstr(e.msg, "not a public key"));
    }
    char *huge = xmalloc(100000);
    memset(huge, 'A', 99999);
    memcpy(huge, "ssh-rsa ", 8);
    huge[99999] = '\0';
    assert_int_equal(ssh_key_fingerprint(huge, out, NULL), ERR_SYNTAX);
    free(huge);
}

static void test_session(void **state)
{
    (void)state;
    char path[] = "/tmp/belay-auth-XXXXXX";
    struct str key = {0};
    close(mkstemp(path));
    assert_int_equal(file_write_atomic(path, "password\npublickey " KEY "\npublickey other\n",
                                       strlen("password\npublickey " KEY "\npublickey other\n"), 0600, NULL),
                     0);
    assert_int_equal(ssh_key_of_session(path, &key, NULL), 0);
    assert_string_equal(str_text(&key), KEY);
    str_clear(&key);
    assert_int_equal(file_write_atomic(path, "password\n", 9, 0600, NULL), 0);
    assert_int_equal(ssh_key_of_session(path, &key, NULL), ERR_NOT_FOUND);
    unlink(path);
    assert_int_equal(ssh_key_of_session(path, &key, NULL), ERR_NOT_FOUND);
    assert_int_equal(ssh_key_of_session(NULL, &key, NULL), ERR_NOT_FOUND);
    str_fini(&key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fingerprint),
        cmocka_unit_test(test_what_is_no_key),
        cmocka_unit_test(test_session),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
