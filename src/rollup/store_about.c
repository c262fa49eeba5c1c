#include "store_about.h"

#include "limits.h"
#include "rollup_profiles.h"
#include "store_hot.h"
#include "store_stream.h"

static bool see_profile(void *context, const struct store_series_row *row)
{
    struct store_about *about = context;

    about->profiles |= ROLLUP_PROFILE_BIT(row->profile);
    return true;
}

/* The minutes of one day with users, by the blob's id: the first, and the end of the last.
 * One that is damaged has the whole day. */
static bool read_day(struct store_file *file, int64_t id, int64_t *first_s, int64_t *to_s)
{
    int64_t day_s = (id & (((int64_t)1 << STORE_START_BITS) - 1)) * 60;
    int first = 0, last = STORE_DAY_MINUTES - 1;
    const uint8_t *present;
    struct store_blob blob;

    if (store_file_get(file, STORE_PRESENT, id, &blob) != 1)
        return false;
    present = blob.size == STORE_DAY_SIZE ? blob.bytes : NULL;
    while (present && first < last && !(present[first / 8] >> first % 8 & 1))
        first++;
    while (present && last > first && !(present[last / 8] >> last % 8 & 1))
        last--;
    *first_s = day_s + (int64_t)first * 60;
    *to_s = day_s + (int64_t)(last + 1) * 60;
    store_file_rest(file);
    return true;
}

/* Widens [first_s, to_s) by what the stream has of a profile. */
static bool see_minutes(struct store_file *file, int64_t owner, struct store_about *about)
{
    int64_t first_id = 0, last_id = 0, first_s, to_s, other_s;
    struct store_blob blob;
    int more;

    if (!store_file_walk(file, STORE_PRESENT, STORE_ID(owner, 0),
                         STORE_ID(owner, LIMIT_TIME_S + 1)))
        return false;
    while ((more = store_file_next_estimate(file, STORE_PRESENT, &blob)) == 1) {
        first_id = first_id ? first_id : blob.id;
        last_id = blob.id;
    }
    if (more < 0 || !first_id)
        return more == 0;
    if (!read_day(file, first_id, &first_s, &other_s) || !read_day(file, last_id, &other_s, &to_s))
        return false;
    if (about->to_s == 0 || about->first_s > first_s)
        about->first_s = first_s;
    if (about->to_s < to_s)
        about->to_s = to_s;
    return true;
}

bool store_about_read(struct store_file *file, const char *name, struct store_about *about)
{
    struct store_stream_row row;
    int found = store_file_get_stream(file, name, &row);
    const struct store_stream stream = {.id = found == 1 ? row.id : 0};

    *about = (struct store_about){0};
    store_file_rest(file);
    if (found != 1)
        return found == 0;
    if (!store_file_series(file, stream.id, see_profile, about))
        return false;
    for (unsigned p = HC_PROFILE_REDIS; p <= HC_PROFILE_KEYED; p++) {
        if ((about->profiles & ROLLUP_PROFILE_BIT(p)) &&
            !see_minutes(file, STORE_DAY_OWNER(&stream, p), about))
            return false;
    }
    return true;
}
