/* The URLs that HTTP requests may have. */
#ifndef BELAY_IO_HTTP_URL_H
#define BELAY_IO_HTTP_URL_H

#include <stdbool.h>

struct err;

/* Whether it leads to this host alone. ERR_SYNTAX, or ERR_UNSUPPORTED for another scheme than http and https.
 */
int http_url_read(const char *url, bool *loopback, struct err *e);

#endif
