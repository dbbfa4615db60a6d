/* `simulate-kubectl`: hands its arguments and standard input to the simulation, and waits as long as kubectl
 * would. A few lines of HTTP/1.0 of its own: it is started a dozen times by one check. */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "engine/base/base.h"
#include "engine/simulate/simulate.h"

#define ANSWER_LIMIT (8 * 1024 * 1024)
#define INPUT_LIMIT  (128 * 1024)

static int simulation_connect(const char *address, struct err *e)
{
    struct sockaddr_in to = {.sin_family = AF_INET};
    const char *colon = address ? strchr(address, ':') : NULL;
    char host[32] = "";
    double port = 0;
    if (colon && (size_t)(colon - address) < sizeof host)
        memcpy(host, address, (size_t)(colon - address));
    if (!colon || inet_pton(AF_INET, host, &to.sin_addr) != 1 || !number_parse(colon + 1, &port) ||
        port < 1 || port > 65535)
        return err_set(e, ERR_USAGE,
                       "this stand-in for kubectl works in `belay demo` only: BELAY_SIMULATION is not set");
    to.sin_port = htons((uint16_t)port);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct timeval limit = {.tv_sec = 10};
    if (fd < 0)
        return err_errno(e, "socket");
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    if (connect(fd, (struct sockaddr *)&to, sizeof to) == 0)
        return fd;
    close(fd);
    return err_set(e, ERR_IO,
                   "The connection to the server %s was refused - did you specify the right host or port?",
                   address);
}

static int answer_read(int fd, struct str *out, struct err *e)
{
    char buffer[16384];
    for (;;) {
        ssize_t got = read(fd, buffer, sizeof buffer);
        if (got == 0)
            return 0;
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return err_errno(e, "the simulated platform does not answer");
        if (out->len + (size_t)got > ANSWER_LIMIT)
            return err_set(e, ERR_RANGE, "the simulated platform answers too much");
        str_add_bytes(out, buffer, (size_t)got);
    }
}

static cJSON *simulation_ask(const char *body, struct err *e)
{
    const char *address = getenv("BELAY_SIMULATION");
    int fd = simulation_connect(address, e);
    if (fd < 0)
        return NULL;
    struct str text = {0};
    cJSON *answer = NULL;
    str_addf(&text,
             "POST /kubectl HTTP/1.0\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: "
             "%zu\r\n\r\n%s",
             address, strlen(body), body);
    int code = file_write_all(fd, text.data, text.len, e);
    str_clear(&text);
    if (code == 0 && answer_read(fd, &text, e) == 0) {
        const char *payload = strstr(str_text(&text), "\r\n\r\n");
        if (payload)
            answer = json_parse(payload + 4, text.len - (size_t)(payload + 4 - text.data), e);
        else
            err_set(e, ERR_SYNTAX, "the simulated platform does not speak HTTP");
    }
    close(fd);
    str_fini(&text);
    return answer;
}

static bool reads_input(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--") == 0)
            return false;
        if (strcmp(argv[i], "-f-") == 0 || strcmp(argv[i], "-f=-") == 0 ||
            strcmp(argv[i], "--filename=-") == 0)
            return true;
        if ((strcmp(argv[i], "-f") == 0 || strcmp(argv[i], "--filename") == 0) && i + 1 < argc &&
            strcmp(argv[i + 1], "-") == 0)
            return true;
    }
    return false;
}

static int input_read(struct str *out, struct err *e)
{
    char buffer[16384];
    for (;;) {
        ssize_t got = read(STDIN_FILENO, buffer, sizeof buffer);
        if (got == 0)
            return 0;
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return err_errno(e, "standard input");
        if (out->len + (size_t)got > INPUT_LIMIT)
            return err_set(e, ERR_RANGE, "the manifest is too large");
        str_add_bytes(out, buffer, (size_t)got);
    }
}

static void pause_ms(int64_t ms)
{
    struct timespec left = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    while (nanosleep(&left, &left) < 0 && errno == EINTR)
        ;
}

/* Asks until it has ended. Returns the exit status, negative on error. */
static int talk(cJSON *question, struct err *e)
{
    for (;;) {
        char *body = json_print(question);
        cJSON *answer = simulation_ask(body, e);
        free(body);
        if (!answer)
            return ERR_IO;
        int64_t again_ms = (int64_t)json_double(answer, "again_ms", 0);
        if (again_ms > 0) {
            cJSON_DeleteItemFromObjectCaseSensitive(question, "token");
            cJSON_AddNumberToObject(question, "token", json_double(answer, "token", -1));
            cJSON_Delete(answer);
            pause_ms(again_ms < 5000 ? again_ms : 5000);
            continue;
        }
        fputs(json_string(answer, "stdout", ""), stdout);
        fflush(stdout);
        fputs(json_string(answer, "stderr", ""), stderr);
        int status = (int)json_double(answer, "exit", 1) & 0xff;
        cJSON_Delete(answer);
        return ferror(stdout) ? 1 : status;
    }
}

int simulate_kubectl_main(int argc, char **argv)
{
    struct err e;
    struct str input = {0};
    cJSON *question = cJSON_CreateObject(), *words = cJSON_AddArrayToObject(question, "argv");
    int status = 0;
    for (int i = 1; i < argc; i++)
        cJSON_AddItemToArray(words, cJSON_CreateString(argv[i]));
    if (reads_input(argc, argv))
        status = input_read(&input, &e);
    if (status == 0 && input.len > 0 &&
        (memchr(input.data, '\0', input.len) || !utf8_valid(input.data, input.len, NULL)))
        status = err_set(&e, ERR_SYNTAX, "error: the manifest is not UTF-8 text");
    cJSON_AddStringToObject(question, "stdin", str_text(&input));
    if (status == 0)
        status = talk(question, &e);
    if (status < 0) {
        fprintf(stderr, "%s\n", e.msg);
        status = 1;
    }
    str_fini(&input);
    cJSON_Delete(question);
    return status;
}
