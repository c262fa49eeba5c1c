/* A roll-up's rows into another one, for records that were read in several
 * threads.
 *
 * What the order of records decides is little: which stream, fields and key come
 * first and make others be refused. Where two roll-ups agree in that, and nothing
 * was refused, any order gives the same; where they do not, the answer is to read
 * the records again, in order. Of profiles the best wins in any order. */
#include <assert.h>
#include <string.h>

#include "rollup_inside.h"

/* Whether the rows of `part` are of a profile that `into` takes, too. */
static bool rows_count(const struct rollup *into, const struct rollup *part)
{
    return rollup_takes_all(into) || into->profile == 0 || part->profile <= into->profile;
}

/* Whether all records of `part` would have been taken the same way. */
static bool agree(const struct rollup *into, const struct rollup *part)
{
    const char *stream = rollup_stream(into), *other = rollup_stream(part);

    if (part->refused || (stream && other && strcmp(stream, other) != 0))
        return false;
    if (into->fields && part->fields && strcmp(into->fields, part->fields) != 0)
        return false;
    return into->key_id == 0 || part->key_taken == 0 || into->key_id == part->key_taken;
}

static bool join_streams(struct rollup *into, struct rollup *part)
{
    for (size_t i = 0; i < part->streams_count; i++) {
        if (!rollup_note_stream(into, part->streams[i]))
            return false;
    }
    if (!into->fields) {
        into->fields = part->fields;
        part->fields = NULL;
    }
    return true;
}

static enum hc_status join_rows(struct rollup *into, struct rollup *part)
{
    enum hc_status status;

    if (!rows_count(into, part) || (part->profile == 0 && !rollup_takes_all(part)))
        return HC_OK;
    if (into->profile != part->profile && !rollup_begin_profile(into, part->profile))
        return HC_ENOMEM;
    if (into->key_id == 0)
        into->key_id = part->key_id;
    if (into->key_taken == 0)
        into->key_taken = part->key_taken;
    status = rollup_table_join(into->table, part->table);
    if (status == HC_OK && !rollup_minutes_unite(into->minutes, part->minutes))
        status = HC_ENOMEM;
    return status;
}

/* Why `status`; always false. */
static bool join_fail(struct rollup *into, enum hc_status status, const char *room)
{
    return rollup_fail(into, status == HC_EROOM ? room : hc_status_text(status));
}

static bool join_all(struct rollup *into, struct rollup *part)
{
    enum hc_status status = join_rows(into, part);

    if (status != HC_OK)
        return join_fail(into, status, rollup_table_error(into->table));
    status = coverage_join(into->coverage, part->coverage);
    if (status == HC_OK && (!join_streams(into, part) ||
                            !rollup_minutes_unite(into->named, part->named) ||
                            !rollup_profiles_join(into->profiles, part->profiles)))
        status = HC_ENOMEM;
    if (into->epoch_ms < part->epoch_ms)
        into->epoch_ms = part->epoch_ms;
    if (into->time_ms < part->time_ms)
        into->time_ms = part->time_ms;
    return status == HC_OK || join_fail(into, status, coverage_error(into->coverage));
}

enum rollup_joined rollup_join(struct rollup *into, struct rollup *part)
{
    assert(into != part);
    if (!agree(into, part) || !coverage_joins(into->coverage, part->coverage))
        return ROLLUP_APART;
    return join_all(into, part) ? ROLLUP_JOINED : ROLLUP_JOIN_FAILED;
}
