/* Popups and plots. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tui/kit/widgets.h"

struct canvas popup_draw(struct canvas *c, int width, int height, const char *title)
{
    int room = canvas_width(c), rows = canvas_height(c);
    width = width < room ? width : room;
    height = height < rows ? height : rows;
    canvas_restyle(c, (struct rect){0, 0, room, rows}, ROLE_FAINT);
    struct rect r = {(room - width) / 2, (rows - height) / 2, width, height};
    struct canvas window = canvas_sub(c, r);
    canvas_clear(&window, ROLE_POPUP);
    canvas_frame(&window, ROLE_FRAME_FOCUS, title, NULL, NULL);
    return canvas_inside(&window);
}

void plot_number(double value, char text[static PLOT_NUMBER_SIZE])
{
    static const struct {
        double from, unit;
        const char *suffix;
    } scales[] = {{1e12, 1e12, "T"}, {1e9, 1e9, "G"}, {1e6, 1e6, "M"}, {1e4, 1e3, "k"}, {0, 1, ""}};
    double size = fabs(value);
    if (isnan(value)) {
        snprintf(text, PLOT_NUMBER_SIZE, "-");
        return;
    }
    if (size >= 1e16) {
        snprintf(text, PLOT_NUMBER_SIZE, "%s", value < 0 ? "-inf" : "inf");
        return;
    }
    size_t i = 0;
    while (size < scales[i].from)
        i++;
    double scaled = value / scales[i].unit;
    size = fabs(scaled);
    if (size > 0 && size < 0.001)
        snprintf(text, PLOT_NUMBER_SIZE, "%.0e", value);
    else if (i == 4 && scaled == floor(scaled))
        snprintf(text, PLOT_NUMBER_SIZE, "%.0f", scaled);
    else
        snprintf(text, PLOT_NUMBER_SIZE, "%.*f%s",
                 size < 10    ? (i == 4 && size < 1 ? 3 : 2)
                 : size < 100 ? 1
                              : 0,
                 scaled, scales[i].suffix);
}

#define AXIS_WIDTH 8

struct scale {
    double low, high;
    int height; /* in dots */
};

static void stretch(struct scale *s, double value)
{
    if (!isfinite(value))
        return;
    s->low = value < s->low ? value : s->low;
    s->high = value > s->high ? value : s->high;
}

/* Zero is always on the axis: a plot that begins elsewhere exaggerates. */
static struct scale scale_of(const struct plot *p, int height)
{
    struct scale s = {0, 0, height};
    for (size_t i = 0; i < p->count; i++)
        if (p->at_us[i] >= p->from_us && p->at_us[i] <= p->to_us)
            stretch(&s, p->values[i]);
    stretch(&s, p->warn);
    stretch(&s, p->critical);
    if (s.high == s.low)
        s.high = s.low + 1;
    return s;
}

/* The dot row of a value, 0 at the top. */
static int dot_of(const struct scale *s, double value)
{
    double share = (value - s->low) / (s->high - s->low);
    share = share < 0 ? 0 : share > 1 ? 1 : share;
    return (int)lround((1 - share) * (s->height - 1));
}

static void draw_axis(const struct plot *p, const struct scale *s, struct canvas *c)
{
    int rows = canvas_height(c);
    for (int y = 0; y<rows; y += rows - 1> 0 ? rows - 1 : 1) {
        char number[PLOT_NUMBER_SIZE];
        plot_number(y == 0 ? s->high : s->low, number);
        canvas_put_right(c, 0, y, AXIS_WIDTH - 2, ROLE_FAINT, number);
    }
    if (p->unit && rows > 2)
        canvas_put_right(c, 0, 1, AXIS_WIDTH - 2, ROLE_FAINT, p->unit);
    canvas_fill(c, (struct rect){AXIS_WIDTH - 1, 0, 1, rows}, ROLE_FRAME, 0x2502);
}

static void draw_threshold(const struct scale *s, struct canvas *c, double value, unsigned style)
{
    if (isfinite(value))
        canvas_line(c, 0, dot_of(s, value) * canvas_height(c) / s->height, canvas_width(c), style);
}

/* Dots of a cell: Unicode's braille patterns, bit by column and row. */
static const uint8_t braille[2][4] = {{0x01, 0x02, 0x04, 0x40}, {0x08, 0x10, 0x20, 0x80}};

static void set_dot(uint8_t *dots, int width, int x, int y)
{
    dots[(y / 4) * width + x / 2] |= braille[x % 2][y % 4];
}

/* Values into dots; between neighbours in the same or the next column the line is closed downwards or
 * upwards. */
static void trace(const struct plot *p, const struct scale *s, uint8_t *dots, int width)
{
    double span = (double)(p->to_us - p->from_us);
    int last_x = -1, last_y = 0;
    for (size_t i = 0; i < p->count; i++) {
        if (p->at_us[i] < p->from_us || p->at_us[i] > p->to_us)
            continue;
        if (!isfinite(p->values[i])) {
            last_x = -1;
            continue;
        }
        int x = span > 0 ? (int)((double)(p->at_us[i] - p->from_us) / span * (width * 2 - 1)) : 0;
        int y = dot_of(s, p->values[i]);
        if (last_x >= 0 && x - last_x <= 1)
            for (int between = last_y; between != y; between += between < y ? 1 : -1)
                set_dot(dots, width, x, between);
        set_dot(dots, width, x, y);
        last_x = x;
        last_y = y;
    }
}

void plot_draw(const struct plot *p, struct canvas *c, unsigned style)
{
    bool axis = canvas_width(c) > AXIS_WIDTH + 8;
    int from = axis ? AXIS_WIDTH : 0;
    struct canvas field = canvas_sub(c, (struct rect){from, 0, canvas_width(c) - from, canvas_height(c)});
    int width = canvas_width(&field), height = canvas_height(&field);
    if (width < 1 || height < 1)
        return;
    struct scale s = scale_of(p, height * 4);
    if (axis)
        draw_axis(p, &s, c);
    draw_threshold(&s, &field, p->warn, ROLE_DEGRADED);
    draw_threshold(&s, &field, p->critical, ROLE_DOWN);
    uint8_t *dots = xcalloc((size_t)width * (size_t)height, 1);
    trace(p, &s, dots, width);
    for (int i = 0; i < width * height; i++)
        if (dots[i])
            canvas_fill(&field, (struct rect){i % width, i / width, 1, 1}, style,
                        canvas_ascii(c) ? '*' : 0x2800u + dots[i]);
    free(dots);
}
