/* Words of the moment that is drawn: ages, times of day and numbers as every panel and page writes them. */
#ifndef BELAY_KIT_SCENE_H
#define BELAY_KIT_SCENE_H

#include "tui/kit/panel.h"

#define SCENE_TEXT_SIZE 40

/* How long ago a wall-clock time was: "14m", "41s"; whole minutes unless the scene ticks by the second; "-"
 * for 0. */
void scene_age(const struct panel_scene *scene, int64_t since_wall_us, char text[static SCENE_TEXT_SIZE]);
/* A duration, by the same rule. */
void scene_span(const struct panel_scene *scene, int64_t us, char text[static SCENE_TEXT_SIZE]);
/* A time of day in UTC or local time, "03:12:40"; without seconds "03:12". "-" for 0. */
void scene_time(const struct panel_scene *scene, int64_t wall_us, bool seconds,
                char text[static SCENE_TEXT_SIZE]);
/* The clock of the header: the zone stands behind it, "03:14:21Z", "04:14 +01:00". */
void scene_clock(const struct panel_scene *scene, char text[static SCENE_TEXT_SIZE]);
/* Date and time with the zone, "2026-11-22 03:14:21Z". */
void scene_date(const struct panel_scene *scene, int64_t wall_us, char text[static SCENE_TEXT_SIZE]);

/* "30,000"; "-" for what is no number. */
void scene_count(double value, char text[static SCENE_TEXT_SIZE]);
/* A share of 0..1 as "31%", "4.1%", "0.05%". */
void scene_percent(double share, char text[static SCENE_TEXT_SIZE]);
/* At most three digits that say something: ".71", "2.9", "41", "1.2k"; unit behind it where there is one. "%"
 * means that the value is in percent already, "ratio" is none. */
void scene_number(double value, const char *unit, char text[static SCENE_TEXT_SIZE]);
/* Money: "$.10", "$3.74", "$410", "$1.2k". */
void scene_money(double value, char text[static SCENE_TEXT_SIZE]);

#endif
