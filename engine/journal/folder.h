/* Where a journal lives: private (0700, 0600) or shared with a group by an explicit choice (2770, 0660). */
#ifndef BELAY_JOURNAL_FOLDER_H
#define BELAY_JOURNAL_FOLDER_H

#include <sys/types.h>

#include "engine/journal/journal.h"

#define FOLDER_DATABASE "journal.db"
#define FOLDER_LOCK     "journal.lock"

mode_t folder_file_mode(bool shared);

/* Makes the folder (unless it mustn't), or checks that an existing one is what it should be: a private one of
 * one's own is closed to others if it was open, a shared one without its setgid bit or open to everybody is
 * refused with the commands that mend it. ERR_NOT_FOUND, ERR_DENIED, ERR_UNSUPPORTED (network file system).
 */
int folder_prepare(const struct journal_options *options, struct err *e);

/* Closes existing files of a private journal to others. */
void folder_close_files(const struct journal_options *options);

#endif
