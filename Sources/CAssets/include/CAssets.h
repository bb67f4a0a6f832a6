#pragma once
#include <stddef.h>

/// A file of the project that is compiled into the program.
struct restante_asset {
    const char *_Nonnull name;
    const unsigned char *_Nonnull bytes;
    size_t length;
};

/// The API's contract.
struct restante_asset restante_openapi(void);

/// How many files there are in migrations/.
size_t restante_migration_count(void);

/// The file at `index` in the order of their names; `index` is below the count.
struct restante_asset restante_migration(size_t index);
