/* The detail page of an entity: its history as a plot, what its source said, attributes, related events, its
 * runbooks. */
#ifndef BELAY_PANELS_DETAIL_H
#define BELAY_PANELS_DETAIL_H

#include "engine/engine.h"
#include "panels/entity.h"

struct detail;

struct detail *detail_new(void);
void detail_free(struct detail *d);
/* Writes the page anew; the reader's place is kept while it is the same entity. */
void detail_update(struct detail *d, const struct panel_scene *scene, uint32_t entity);
void detail_draw(struct detail *d, const struct panel_scene *scene, struct canvas *c);
bool detail_command(struct detail *d, const char *command);

#endif
