#include "CAssets.h"

static const unsigned char openapi[] = {
#embed "../../openapi.yaml"
};

struct restante_asset restante_openapi(void) { return (struct restante_asset){"openapi.yaml", openapi, sizeof openapi}; }

// A new migration needs two lines here; a test holds the list against the folder. No file is empty: each has its "migrate:up".

static const unsigned char migration_0001[] = {
#embed "../../migrations/0001_accounts.sql"
};
static const unsigned char migration_0002[] = {
#embed "../../migrations/0002_groups.sql"
};
static const unsigned char migration_0003[] = {
#embed "../../migrations/0003_inbox.sql"
};
static const unsigned char migration_0004[] = {
#embed "../../migrations/0004_message_life.sql"
};
static const unsigned char migration_0005[] = {
#embed "../../migrations/0005_chat_sides.sql"
};
static const unsigned char migration_0006[] = {
#embed "../../migrations/0006_blocks.sql"
};
static const unsigned char migration_0007[] = {
#embed "../../migrations/0007_group_invites.sql"
};
static const unsigned char migration_0008[] = {
#embed "../../migrations/0008_media.sql"
};
static const unsigned char migration_0009[] = {
#embed "../../migrations/0009_otp_budgets.sql"
};
static const unsigned char migration_0010[] = {
#embed "../../migrations/0010_push.sql"
};
static const unsigned char migration_0011[] = {
#embed "../../migrations/0011_presence.sql"
};
static const unsigned char migration_0012[] = {
#embed "../../migrations/0012_calls.sql"
};
static const unsigned char migration_0013[] = {
#embed "../../migrations/0013_keys.sql"
};
static const unsigned char migration_0014[] = {
#embed "../../migrations/0014_sweeps.sql"
};
static const unsigned char migration_0015[] = {
#embed "../../migrations/0015_media_sweep.sql"
};
static const unsigned char migration_0016[] = {
#embed "../../migrations/0016_sends_and_ages.sql"
};

static const struct restante_asset migrations[] = {
    {"0001_accounts.sql", migration_0001, sizeof migration_0001},
    {"0002_groups.sql", migration_0002, sizeof migration_0002},
    {"0003_inbox.sql", migration_0003, sizeof migration_0003},
    {"0004_message_life.sql", migration_0004, sizeof migration_0004},
    {"0005_chat_sides.sql", migration_0005, sizeof migration_0005},
    {"0006_blocks.sql", migration_0006, sizeof migration_0006},
    {"0007_group_invites.sql", migration_0007, sizeof migration_0007},
    {"0008_media.sql", migration_0008, sizeof migration_0008},
    {"0009_otp_budgets.sql", migration_0009, sizeof migration_0009},
    {"0010_push.sql", migration_0010, sizeof migration_0010},
    {"0011_presence.sql", migration_0011, sizeof migration_0011},
    {"0012_calls.sql", migration_0012, sizeof migration_0012},
    {"0013_keys.sql", migration_0013, sizeof migration_0013},
    {"0014_sweeps.sql", migration_0014, sizeof migration_0014},
    {"0015_media_sweep.sql", migration_0015, sizeof migration_0015},
    {"0016_sends_and_ages.sql", migration_0016, sizeof migration_0016},
};

size_t restante_migration_count(void) { return sizeof migrations / sizeof migrations[0]; }

struct restante_asset restante_migration(size_t index) { return migrations[index]; }
