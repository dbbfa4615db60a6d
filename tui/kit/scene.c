#include "tui/kit/scene.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static void none(char text[static SCENE_TEXT_SIZE])
{
    memcpy(text, "-", 2);
}

void scene_span(const struct panel_scene *scene, int64_t us, char text[static SCENE_TEXT_SIZE])
{
    if (us < 0) {
        us = 0; /* another host's clock is ahead of ours */
    }
    if (scene->seconds) {
        duration_format(us, text);
    } else {
        duration_format_minutes(us, text);
    }
}

void scene_age(const struct panel_scene *scene, int64_t since_wall_us, char text[static SCENE_TEXT_SIZE])
{
    if (since_wall_us == 0) {
        none(text);
        return;
    }
    scene_span(scene, scene->wall_us - since_wall_us, text);
}

static void moment(const struct panel_scene *scene, int64_t wall_us, struct tm *tm)
{
    time_t seconds = (time_t)(wall_us / US_PER_S);
    memset(tm, 0, sizeof *tm);
    if (scene->local_time) {
        localtime_r(&seconds, tm);
    } else {
        gmtime_r(&seconds, tm);
    }
}

/* "Z", or " +01:00". */
static void zone(const struct panel_scene *scene, const struct tm *tm, char text[static SCENE_TEXT_SIZE])
{
    if (!scene->local_time) {
        memcpy(text, "Z", 2);
        return;
    }
    long minutes = tm->tm_gmtoff / 60;
    long size = minutes < 0 ? -minutes : minutes;
    snprintf(text, SCENE_TEXT_SIZE, " %c%02ld:%02ld", minutes < 0 ? '-' : '+', size / 60 % 100, size % 60);
}

void scene_time(const struct panel_scene *scene, int64_t wall_us, bool seconds,
                char text[static SCENE_TEXT_SIZE])
{
    if (wall_us == 0) {
        none(text);
        return;
    }
    struct tm tm;
    moment(scene, wall_us, &tm);
    strftime(text, SCENE_TEXT_SIZE, seconds ? "%H:%M:%S" : "%H:%M", &tm);
}

void scene_clock(const struct panel_scene *scene, char text[static SCENE_TEXT_SIZE])
{
    struct tm tm;
    moment(scene, scene->wall_us, &tm);
    char time[16], offset[SCENE_TEXT_SIZE];
    strftime(time, sizeof time, scene->seconds ? "%H:%M:%S" : "%H:%M", &tm);
    zone(scene, &tm, offset);
    snprintf(text, SCENE_TEXT_SIZE, "%.12s%.16s", time, offset);
}

void scene_date(const struct panel_scene *scene, int64_t wall_us, char text[static SCENE_TEXT_SIZE])
{
    if (wall_us == 0) {
        none(text);
        return;
    }
    struct tm tm;
    moment(scene, wall_us, &tm);
    char date[24], offset[SCENE_TEXT_SIZE];
    strftime(date, sizeof date, "%Y-%m-%d %H:%M:%S", &tm);
    zone(scene, &tm, offset);
    snprintf(text, SCENE_TEXT_SIZE, "%.22s%.16s", date, offset);
}

void scene_count(double value, char text[static SCENE_TEXT_SIZE])
{
    if (!isfinite(value) || fabs(value) >= 1e15) {
        none(text);
        return;
    }
    char digits[24];
    int length = snprintf(digits, sizeof digits, "%.0f", fabs(value));
    char *out = text;
    if (value <= -0.5) {
        *out++ = '-';
    }
    for (int i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0) {
            *out++ = ',';
        }
        *out++ = digits[i];
    }
    *out = '\0';
}

/* Two or three digits that say something, without needless zeros: 0.713 -> ".71", 2.94 -> "2.9", 41.2 ->
 * "41". */
static void digits(double value, char *text, size_t size)
{
    static const char suffixes[] = {0, 'k', 'M', 'G', 'T', 'P', 'E'};
    double magnitude = fabs(value);
    size_t step = 0;
    while (magnitude >= 999.5 && step + 1 < sizeof suffixes) {
        magnitude /= 1000;
        step++;
    }
    if (magnitude >= 999.5) {
        snprintf(text, size, "%.0e", value); /* beyond all names */
        return;
    }
    int decimals = magnitude >= 9.95 ? 0 : magnitude >= 0.995 ? 1 : magnitude >= 0.00995 ? 2 : 4;
    char number[40];
    int length = snprintf(number, sizeof number, "%.*f", decimals, magnitude);
    while (strchr(number, '.') != NULL && (number[length - 1] == '0' || number[length - 1] == '.')) {
        bool point = number[length - 1] == '.';
        number[--length] = '\0';
        if (point) {
            break;
        }
    }
    /* ".71", but "0.2": a point before a single digit is overlooked. */
    const char *start = length > 3 && number[0] == '0' ? number + 1 : number;
    bool zero = strspn(start, "0.") == strlen(start);
    char suffix[2] = {suffixes[step], '\0'};
    snprintf(text, size, "%s%.20s%s", value < 0 && !zero ? "-" : "", zero ? "0" : start, suffix);
}

void scene_number(double value, const char *unit, char text[static SCENE_TEXT_SIZE])
{
    if (!isfinite(value)) {
        none(text);
        return;
    }
    char number[24];
    digits(value, number, sizeof number);
    bool bare = unit == NULL || str_eq(unit, "ratio");
    snprintf(text, SCENE_TEXT_SIZE, "%s%.8s", number, bare ? "" : unit);
}

void scene_percent(double share, char text[static SCENE_TEXT_SIZE])
{
    if (!isfinite(share)) {
        none(text);
        return;
    }
    char number[24];
    digits(share * 100, number, sizeof number);
    snprintf(text, SCENE_TEXT_SIZE, "%s%%", number);
}

void scene_money(double value, char text[static SCENE_TEXT_SIZE])
{
    if (!isfinite(value)) {
        none(text);
        return;
    }
    char number[24];
    double magnitude = fabs(value);
    if (magnitude >= 0.01 && magnitude < 99.995) {
        snprintf(number, sizeof number, "%.2f", magnitude);
        memmove(number, number + (number[0] == '0'), sizeof number - 1);
    } else {
        digits(magnitude, number, sizeof number);
    }
    snprintf(text, SCENE_TEXT_SIZE, "%s$%s", value < 0 ? "-" : "", number);
}
