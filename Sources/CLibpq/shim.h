#pragma once
#include <libpq-fe.h>
#include <pthread.h>
#include <spawn.h>

// glibc has these, but shows them only under _GNU_SOURCE, without which Swift's Glibc module is built.
int pthread_setname_np(pthread_t thread, const char *name);
int posix_spawn_file_actions_addchdir_np(posix_spawn_file_actions_t *actions, const char *path);
int posix_spawn_file_actions_addclosefrom_np(posix_spawn_file_actions_t *actions, int from);
enum { RESTANTE_SPAWN_SETSID = 0x80 }; // POSIX_SPAWN_SETSID
