#include "engine/io/http_url.h"

#include <curl/curl.h>
#include <strings.h>

#include "engine/base/base.h"
#include "engine/io/http.h"

static bool is_loopback(const char *host)
{
    return strcasecmp(host, "localhost") == 0 || str_starts(host, "127.") || str_eq(host, "[::1]");
}

int http_url_read(const char *url, bool *loopback, struct err *e)
{
    CURLU *u = curl_url();
    char *scheme = NULL, *host = NULL;
    int status = 0;
    CURLUcode code = curl_url_set(u, CURLUPART_URL, url, CURLU_NON_SUPPORT_SCHEME);
    if (!code)
        code = curl_url_get(u, CURLUPART_SCHEME, &scheme, 0);
    if (!code)
        code = curl_url_get(u, CURLUPART_HOST, &host, 0);
    if (code)
        status = err_set(e, ERR_SYNTAX, "'%.100s' is not a URL: %s", url, curl_url_strerror(code));
    else if (strcasecmp(scheme, "http") != 0 && strcasecmp(scheme, "https") != 0)
        status = err_set(e, ERR_UNSUPPORTED, "'%.100s': only http:// and https:// are spoken, not %s", url,
                         scheme);
    else
        *loopback = is_loopback(host);
    curl_free(scheme);
    curl_free(host);
    curl_url_cleanup(u);
    return status;
}

int http_url_check(const char *url, struct err *e)
{
    bool loopback;
    return http_url_read(url, &loopback, e);
}
