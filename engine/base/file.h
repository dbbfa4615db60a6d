/* Files and folders: whole reads and writes that are either complete or not there, and the XDG folders. */
#ifndef BELAY_BASE_FILE_H
#define BELAY_BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "engine/base/err.h"
#include "engine/base/str.h"

/* Appends all that a descriptor still has, of a pipe or terminal too; path is for messages. */
int file_read_rest(int fd, const char *path, size_t limit, struct str *out, struct err *e);

/* Appends the whole file to out; larger than limit bytes is ERR_RANGE. Descriptors are close-on-exec. */
int file_read(const char *path, size_t limit, struct str *out, struct err *e);

/* Writes to a temporary file beside path, fsync, rename, fsync of the folder. */
int file_write_atomic(const char *path, const void *bytes, size_t length, mode_t mode, struct err *e);
/* The same, and never over anything: ERR_EXISTS. */
int file_write_new(const char *path, const void *bytes, size_t length, mode_t mode, struct err *e);

/* Without the syncs: for what nobody reads meanwhile, and nobody needs after a crash. */
int file_write(const char *path, const void *bytes, size_t length, mode_t mode, struct err *e);

/* Writes all bytes to fd, through short writes and EINTR. */
int file_write_all(int fd, const void *bytes, size_t length, struct err *e);

/* mkdir -p; new folders get mode. */
int folder_make(const char *path, mode_t mode, struct err *e);
/* Removes a folder and what is in it; never follows a link. */
int folder_remove(const char *path, struct err *e);

/* $XDG_STATE_HOME/belay, $XDG_CONFIG_HOME/belay, $XDG_RUNTIME_DIR/belay (falls back under state), with the
 * standard's defaults. The caller frees. */
char *folder_state(void);
char *folder_config(void);
char *folder_runtime(void);

/* "dir/name"; the caller frees. */
char *path_join(const char *folder, const char *name);

/* True when the path lies on a network file system (NFS, CIFS, 9p, FUSE.sshfs ...); name says which. */
bool path_is_remote(const char *path, const char **name);

#endif
