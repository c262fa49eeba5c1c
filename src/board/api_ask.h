/* One request from its parameters to its answer, and what all answers share.
 * Private to the files of the API. */
#ifndef BOARD_API_ASK_H
#define BOARD_API_ASK_H

#include "api_query.h"
#include "rollup.h"
#include "store.h"
#include "text.h"

struct api_ask {
    struct api_query query;
    struct api_problem problem;
    struct store_reader *reader;
    struct calendar *calendar;   /* of query.by in query.zone */
    char *stream;                /* the one that is asked for; "": there is none yet. Owned */
    struct rollup *rollup;       /* the last one that was made */
    int64_t deadline_ms;         /* monotonic */
};

/* One endpoint. `answer` writes the body, as JSON or CSV; false: ask->problem. */
struct api_endpoint {
    const char *path;
    const char *file_name;       /* of its CSV, static */
    struct api_rules rules;
    bool (*answer)(struct api_ask *ask, struct text *body);
};

extern const struct api_endpoint api_uniques, api_streams, api_actives, api_so_far, api_returning,
    api_retention, api_openapi;

/* Fills ask->rollup: minutes in [from_s, to_s), a row a bucket of ask->calendar.
 * `numbers`: the rows need no sketches. False: ask->problem. */
bool api_roll_up(struct api_ask *ask, int64_t from_s, int64_t to_s, bool numbers);
/* The next row of ask->rollup; with `total` only those of all groups together. 1, 0 at
 * the end, -1: ask->problem. */
int api_next(struct api_ask *ask, struct rollup_row *row, bool total);
/* False with the problem when the time for this request is over. */
bool api_in_time(struct api_ask *ask);
/* False with the problem when [from_s, to_s) has more than `most` buckets of query.by. */
bool api_check_rows(struct api_ask *ask, int64_t from_s, int64_t to_s, int64_t most);
/* False with the problem when an answer that has `rows` rows would have one too many:
 * the range bounds the rows of one group, but not how many groups there are. */
bool api_check_count(struct api_ask *ask, int64_t rows, int64_t most);
/* The bucket around time_s. False: ask->problem. */
bool api_find(struct api_ask *ask, int64_t time_s, struct calendar_bucket *bucket);
/* Settles query.from_s where the address does not say it, or only how long ago: it is
 * then where a bucket begins. False: ask->problem. */
bool api_settle_range(struct api_ask *ask);
/* No memory; or the store said why. Always false. */
bool api_no_memory(struct api_ask *ask);
bool api_fail_store(struct api_ask *ask, const char *why);

/* {"stream":...,"profile":...,"by":...,"tz":...,"week_start":...,"from":...,"to":...,
 * without the closing brace; after api_roll_up. */
void api_write_head(const struct api_ask *ask, struct text *body);
/* The rows, and in JSON what goes around them. `write_rows` is false with the problem. */
bool api_write_rows(struct api_ask *ask, struct text *body,
                    bool (*write_rows)(struct api_ask *ask, struct text *body));

#endif
