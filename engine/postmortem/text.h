/* Text for Markdown: whatever it holds, it is read as text. */
#ifndef BELAY_POSTMORTEM_TEXT_H
#define BELAY_POSTMORTEM_TEXT_H

#include "engine/base/base.h"

/* Cleaned (utf8_clean), one line, every character that could mean something escaped. */
void text_markdown(struct str *out, const char *text);

/* What a person wrote as Markdown, over several lines: lists and emphasis stay, but nothing in it can end or
 * open anything beyond it: no headings, fences, HTML, comments. Cleaned; ends with a newline. */
void text_prose(struct str *out, const char *text);

/* A fenced block that nothing inside can end; cleaned, lines kept, ends with a newline. At most `lines`
 * lines, what is left out is said. */
void text_fence(struct str *out, const char *text, size_t length, size_t lines);

/* "41m 12s", "2h 3m", "3d 4h", "<1s". */
void text_duration(struct str *out, int64_t us);

/* "2026-11-22 03:14:21Z" and "03:14:21"; "" for 0. */
void text_time(struct str *out, int64_t at_us);
void text_clock(struct str *out, int64_t at_us);

/* "812 bytes", "12.3 KiB". */
void text_bytes(struct str *out, int64_t bytes);

/* An argv as it could be typed: words that need it in single quotes. */
void text_command(struct str *out, const cJSON *argv);

#endif
