#include "engine/resilience/exit_tables.h"

#include <string.h>

/* curl(1), "EXIT CODES"; from 97 on libcurl-errors(3). What only one of curl's many protocols gives stands
 * here too. 22 says only that the HTTP status was 400 or above. */
static const struct exit_row curl_rows[] = {
    {1, FAILURE_LOCAL, true, "unsupported protocol"},
    {2, FAILURE_LOCAL, true, "curl failed to initialize"},
    {3, FAILURE_LOCAL, true, "malformed URL"},
    {4, FAILURE_LOCAL, true, "a feature that was not built in"},
    {5, FAILURE_CONNECT, true, "couldn't resolve the proxy"},
    {6, FAILURE_CONNECT, true, "couldn't resolve the host"},
    {7, FAILURE_CONNECT, true, "couldn't connect"},
    {8, FAILURE_CUT, false, "weird server reply"},
    {9, FAILURE_AUTH, false, "FTP access denied"},
    {10, FAILURE_CUT, false, "FTP accept failed"},
    {11, FAILURE_CUT, false, "FTP weird PASS reply"},
    {12, FAILURE_TIMEOUT, false, "FTP accept timed out"},
    {13, FAILURE_CUT, false, "FTP weird PASV reply"},
    {14, FAILURE_CUT, false, "FTP weird 227 reply"},
    {15, FAILURE_CUT, false, "FTP couldn't use the host of the 227 reply"},
    {16, FAILURE_CUT, false, "HTTP/2 framing error"},
    {17, FAILURE_OTHER, false, "FTP couldn't set binary"},
    {18, FAILURE_CUT, false, "partial file"},
    {19, FAILURE_NOT_FOUND, false, "FTP couldn't retrieve the file"},
    {21, FAILURE_OTHER, false, "FTP quote error"},
    {22, FAILURE_OTHER, false, "an HTTP status of 400 or above"},
    {23, FAILURE_LOCAL, false, "couldn't write what came"},
    {25, FAILURE_OTHER, false, "upload denied"},
    {26, FAILURE_LOCAL, false, "couldn't read what was to be sent"},
    {27, FAILURE_LOCAL, false, "out of memory"},
    {28, FAILURE_TIMEOUT, false, "timed out"},
    {30, FAILURE_OTHER, false, "FTP PORT failed"},
    {31, FAILURE_OTHER, false, "FTP REST failed"},
    {33, FAILURE_OTHER, false, "HTTP range error"},
    {34, FAILURE_OTHER, false, "HTTP post error"},
    {35, FAILURE_CONNECT, true, "TLS handshake failed"},
    {36, FAILURE_OTHER, false, "couldn't resume the download"},
    {37, FAILURE_NOT_FOUND, false, "couldn't read the file"},
    {38, FAILURE_AUTH, false, "LDAP bind failed"},
    {39, FAILURE_OTHER, false, "LDAP search failed"},
    {41, FAILURE_LOCAL, true, "a function of LDAP was not found"},
    {42, FAILURE_LOCAL, false, "aborted by callback"},
    {43, FAILURE_LOCAL, false, "internal error of curl"},
    {45, FAILURE_LOCAL, true, "couldn't use the network interface"},
    {47, FAILURE_OTHER, false, "too many redirects"},
    {48, FAILURE_LOCAL, true, "unknown option to libcurl"},
    {49, FAILURE_LOCAL, true, "malformed telnet option"},
    {52, FAILURE_CUT, false, "empty reply"},
    {53, FAILURE_LOCAL, true, "TLS engine not found"},
    {54, FAILURE_LOCAL, true, "couldn't set the TLS engine"},
    {55, FAILURE_CUT, false, "failed sending"},
    {56, FAILURE_CUT, false, "failed receiving"},
    {58, FAILURE_LOCAL, true, "problem with the local certificate"},
    {59, FAILURE_LOCAL, true, "couldn't use the TLS cipher"},
    {60, FAILURE_AUTH, true, "the server's certificate is not trusted"},
    {61, FAILURE_OTHER, false, "unrecognized transfer encoding"},
    {63, FAILURE_OTHER, false, "maximum file size exceeded"},
    {64, FAILURE_AUTH, false, "FTP refused the TLS level"},
    {65, FAILURE_LOCAL, false, "couldn't rewind what was to be sent"},
    {66, FAILURE_LOCAL, true, "couldn't initialise the TLS engine"},
    {67, FAILURE_AUTH, false, "login denied"},
    {68, FAILURE_NOT_FOUND, false, "TFTP: file not found"},
    {69, FAILURE_AUTH, false, "TFTP: permission problem"},
    {70, FAILURE_SERVER, false, "TFTP: the server's disk is full"},
    {71, FAILURE_INVALID, false, "TFTP: illegal operation"},
    {72, FAILURE_CUT, false, "TFTP: unknown transfer"},
    {73, FAILURE_OTHER, false, "TFTP: the file exists already"},
    {74, FAILURE_AUTH, false, "TFTP: no such user"},
    {77, FAILURE_LOCAL, true, "couldn't read the CA certificates"},
    {78, FAILURE_NOT_FOUND, false, "the resource does not exist"},
    {79, FAILURE_CUT, false, "error of the SSH session"},
    {80, FAILURE_CUT, false, "couldn't shut down TLS"},
    {82, FAILURE_LOCAL, true, "couldn't load the CRL file"},
    {83, FAILURE_AUTH, true, "the certificate's issuer is not the expected one"},
    {84, FAILURE_OTHER, false, "FTP PRET failed"},
    {85, FAILURE_CUT, false, "RTSP CSeq mismatch"},
    {86, FAILURE_CUT, false, "RTSP session mismatch"},
    {87, FAILURE_CUT, false, "couldn't parse the FTP file list"},
    {88, FAILURE_LOCAL, false, "FTP chunk callback failed"},
    {89, FAILURE_LOCAL, true, "no connection to be had"},
    {90, FAILURE_AUTH, true, "the server's key is not the pinned one"},
    {91, FAILURE_AUTH, true, "invalid certificate status"},
    {92, FAILURE_CUT, false, "HTTP/2 stream error"},
    {93, FAILURE_LOCAL, false, "a function of curl was called in a callback"},
    {94, FAILURE_AUTH, false, "an authentication function failed"},
    {95, FAILURE_CUT, false, "HTTP/3 error"},
    {96, FAILURE_CUT, false, "QUIC connection error"},
    {97, FAILURE_CONNECT, true, "the proxy refused the connection"},
    {98, FAILURE_AUTH, false, "the server asks for a client certificate"},
    {99, FAILURE_LOCAL, false, "poll failed"},
    {100, FAILURE_LOCAL, false, "a value is too large for curl"},
    {101, FAILURE_AUTH, false, "encrypted client hello failed"},
    {0},
};

/* grpcurl gives 64 + the gRPC status. By gRPC's "Status codes and their use" only UNAVAILABLE says that the
 * call itself may be sent again; ABORTED wants the whole transaction again, which is the caller's to do. */
#define GRPC(status) (64 + (status))
static const struct exit_row grpcurl_rows[] = {
    {GRPC(1), FAILURE_OTHER, false, "CANCELLED"},
    {GRPC(2), FAILURE_OTHER, false, "UNKNOWN"},
    {GRPC(3), FAILURE_INVALID, false, "INVALID_ARGUMENT"},
    {GRPC(4), FAILURE_TIMEOUT, false, "DEADLINE_EXCEEDED"},
    {GRPC(5), FAILURE_NOT_FOUND, false, "NOT_FOUND"},
    {GRPC(6), FAILURE_INVALID, false, "ALREADY_EXISTS"},
    {GRPC(7), FAILURE_AUTH, false, "PERMISSION_DENIED"},
    {GRPC(8), FAILURE_LIMITED, false, "RESOURCE_EXHAUSTED"},
    {GRPC(9), FAILURE_INVALID, false, "FAILED_PRECONDITION"},
    {GRPC(10), FAILURE_PERMANENT, false, "ABORTED"},
    {GRPC(11), FAILURE_INVALID, false, "OUT_OF_RANGE"},
    {GRPC(12), FAILURE_PERMANENT, false, "UNIMPLEMENTED"},
    {GRPC(13), FAILURE_OTHER, false, "INTERNAL"},
    {GRPC(14), FAILURE_SERVER, false, "UNAVAILABLE"},
    {GRPC(15), FAILURE_OTHER, false, "DATA_LOSS"},
    {GRPC(16), FAILURE_AUTH, false, "UNAUTHENTICATED"},
    {0},
};

/* sysexits.h, and 126 and 127 as POSIX has them of a shell. None of them proves that nothing was done: a
 * script may have come a long way before its last command wasn't found. */
static const struct exit_row sysexits_rows[] = {
    {64, FAILURE_LOCAL, false, "EX_USAGE: wrong usage"},
    {65, FAILURE_INVALID, false, "EX_DATAERR: wrong input"},
    {66, FAILURE_NOT_FOUND, false, "EX_NOINPUT: no such input"},
    {67, FAILURE_PERMANENT, false, "EX_NOUSER: no such user"},
    {68, FAILURE_PERMANENT, false, "EX_NOHOST: no such host"},
    {69, FAILURE_SERVER, false, "EX_UNAVAILABLE: service unavailable"},
    {70, FAILURE_OTHER, false, "EX_SOFTWARE: internal error"},
    {71, FAILURE_LOCAL, false, "EX_OSERR: error of the operating system"},
    {72, FAILURE_LOCAL, false, "EX_OSFILE: a system file is missing"},
    {73, FAILURE_LOCAL, false, "EX_CANTCREAT: couldn't create the output"},
    {74, FAILURE_OTHER, false, "EX_IOERR: input or output failed"},
    {75, FAILURE_TRANSIENT, false, "EX_TEMPFAIL: a failure that passes"},
    {76, FAILURE_CUT, false, "EX_PROTOCOL: the other side broke the protocol"},
    {77, FAILURE_AUTH, false, "EX_NOPERM: not permitted"},
    {78, FAILURE_LOCAL, false, "EX_CONFIG: wrong configuration"},
    {126, FAILURE_LOCAL, false, "not executable"},
    {127, FAILURE_LOCAL, false, "not found"},
    {0},
};

static const struct exit_table tables[] = {
    {.program = "curl", .rows = curl_rows, .certain = true},
    {.program = "grpcurl", .rows = grpcurl_rows, .certain = true},
    {.program = NULL, .rows = sysexits_rows, .certain = true},
};
static const struct exit_table curl_several = {.program = "curl", .rows = curl_rows};

const struct exit_row *exit_table_row(const struct exit_table *table, int status)
{
    for (const struct exit_row *row = table->rows; row->status; row++)
        if (row->status == status)
            return row;
    return NULL;
}

const struct exit_table *exit_table_find(const char *program)
{
    const struct exit_table *t = tables;
    const char *slash = program ? strrchr(program, '/') : NULL;
    program = slash ? slash + 1 : program;
    while (t->program && (!program || strcmp(t->program, program) != 0))
        t++;
    return t;
}

/* ---- Is it one request? ---- */

/* curl's one-letter options that take a value. */
#define CURL_VALUED "AbcCdDeEFHKmoPQrtTuUwxXyYz"
/* Those by which there may be more than one request: -L --location, -K --config, -Z --parallel, -: --next. */
#define CURL_MORE "LKZ:"

static bool curl_word_adds(const char *word)
{
    static const char *const more[] = {"--location", "--location-trusted", "--config", "--next", "--parallel",
                                       "--retry",    "--anyauth"};
    for (size_t i = 0; i < sizeof more / sizeof *more; i++) /* curl takes any unique beginning of a name */
        if (strlen(word) > 4 && strncmp(more[i], word, strlen(word)) == 0)
            return true;
    if (str_starts(word, "--retry"))
        return true;
    if (word[0] != '-' || word[1] == '-')
        return false;
    for (const char *c = word + 1; *c; c++) {
        if (strchr(CURL_MORE, *c))
            return true;
        if (strchr(CURL_VALUED, *c))
            return false;
    }
    return false;
}

/* A URL with {a,b} or [1-9] is several. */
static bool curl_url_is_many(const char *word)
{
    if (strchr(word, '{'))
        return true;
    const char *range = strchr(word, '[');
    return range && strchr(range, '-');
}

static bool curl_is_one_request(char *const *argv)
{
    int urls = 0;
    for (char *const *word = argv + 1; *word; word++) {
        if (curl_word_adds(*word))
            return false;
        if (strstr(*word, "://") && (++urls > 1 || curl_url_is_many(*word)))
            return false;
    }
    return true;
}

const struct exit_table *exit_table_for(char *const *argv)
{
    const struct exit_table *t = exit_table_find(argv[0]);
    return t->rows == curl_rows && argv[0] && !curl_is_one_request(argv) ? &curl_several : t;
}

bool exit_table_proves(const struct exit_table *table)
{
    bool proves = false;
    for (const struct exit_row *row = table->rows; row && row->status; row++)
        proves |= row->before;
    return proves && table->certain;
}
