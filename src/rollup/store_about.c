/* What a stream has: its profiles, and from when to when.
 *
 * A damaged timestamp is a user of 1992 or of 2061, and a span from the first minute to
 * the last is then of decades of nothing. So there are two: of all minutes with users,
 * and of all but strays. Strays are what a gap of more than LIMIT_STRAY_GAP_S parts from
 * the rest, at the beginning or at the end, and is
 *
 *     at most 1 in 1,000 of the profile's minutes with users, or
 *     at most 10 of them, where these are at most 1 in 10.
 *
 * So four fifths of the minutes are never strays, and a site that was off for a season
 * loses none. Days are walked through once, and where there is a gap once more. */
#include "store_about.h"

#include "limits.h"
#include "rollup_profiles.h"
#include "store_hot.h"
#include "store_stream.h"

/* Of minutes with users: how many, and [first_s, to_s) around them. */
struct span {
    int64_t first_s, to_s, minutes;
};

struct judging {
    struct span all;
    bool parted;                 /* by a gap, somewhere */
    struct span seen;            /* up to the day that is looked at, when cutting */
    int64_t main_s, main_to_s;   /* without strays */
};

static bool see_profile(void *context, const struct store_series_row *row)
{
    struct store_about *about = context;

    about->profiles |= ROLLUP_PROFILE_BIT(row->profile);
    return true;
}

/* One that is damaged has the whole day. */
static struct span span_of_day(const struct store_blob *blob)
{
    const uint8_t *present = blob->size == STORE_DAY_SIZE ? blob->bytes : NULL;
    int first = 0, last = STORE_DAY_MINUTES - 1, minutes = present ? 0 : STORE_DAY_MINUTES;

    while (present && first < last && !(present[first / 8] >> first % 8 & 1))
        first++;
    while (present && last > first && !(present[last / 8] >> last % 8 & 1))
        last--;
    for (size_t i = 0; present && i < STORE_DAY_SIZE; i++)
        minutes += __builtin_popcount(present[i]);
    return (struct span){STORE_ID_START(blob->id) + first * INT64_C(60),
                         STORE_ID_START(blob->id) + (last + 1) * INT64_C(60), minutes};
}

static bool is_gap(const struct span *before, const struct span *day)
{
    return before->minutes > 0 && day->first_s - before->to_s > LIMIT_STRAY_GAP_S;
}

static void widen(struct span *span, const struct span *day)
{
    if (span->minutes == 0)
        span->first_s = day->first_s;
    span->to_s = day->to_s;
    span->minutes += day->minutes;
}

static void count_day(struct judging *judging, const struct span *day)
{
    judging->parted = judging->parted || is_gap(&judging->all, day);
    widen(&judging->all, day);
}

static bool are_strays(int64_t minutes, int64_t of)
{
    return minutes * 1000 <= of || (minutes <= LIMIT_STRAY_MINUTES && minutes * 10 <= of);
}

/* The last gap with strays only before it, and the first with strays only behind it. */
static void cut_day(struct judging *judging, const struct span *day)
{
    int64_t of = judging->all.minutes, before = judging->seen.minutes;

    if (is_gap(&judging->seen, day)) {
        if (are_strays(before, of))
            judging->main_s = day->first_s;
        if (are_strays(of - before, of) && judging->main_to_s == judging->all.to_s)
            judging->main_to_s = judging->seen.to_s;
    }
    widen(&judging->seen, day);
}

static bool each_day(struct store_file *file, int64_t owner, struct judging *judging,
                     void (*see)(struct judging *judging, const struct span *day))
{
    struct store_blob blob;
    struct span day;
    int more;

    if (!store_file_walk(file, STORE_PRESENT, STORE_ID(owner, 0),
                         STORE_ID(owner, LIMIT_TIME_S + 1)))
        return false;
    while ((more = store_file_next(file, STORE_PRESENT, &blob)) == 1) {
        day = span_of_day(&blob);
        see(judging, &day);
    }
    return more == 0;
}

/* Widens the spans by what the stream has of a profile. */
static bool see_minutes(struct store_file *file, int64_t owner, struct store_about *about)
{
    struct judging judging = {.parted = false};
    const struct span *all = &judging.all;

    if (!each_day(file, owner, &judging, count_day))
        return false;
    if (all->minutes == 0)
        return true;
    judging.main_s = all->first_s;
    judging.main_to_s = all->to_s;
    if (judging.parted && !each_day(file, owner, &judging, cut_day))
        return false;
    if (about->to_s == 0 || about->first_s > all->first_s)
        about->first_s = all->first_s;
    if (about->main_to_s == 0 || about->main_s > judging.main_s)
        about->main_s = judging.main_s;
    if (about->to_s < all->to_s)
        about->to_s = all->to_s;
    if (about->main_to_s < judging.main_to_s)
        about->main_to_s = judging.main_to_s;
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
