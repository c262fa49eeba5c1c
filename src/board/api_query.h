/* What a request asks for: the parameters of its address, parsed and bounded.
 *
 * Each endpoint says which parameters it knows. One that it does not know, one that
 * stands twice and one that can't be read are errors that name it: a number from a
 * question that was not understood would be taken for the answer. Pure. */
#ifndef BOARD_API_QUERY_H
#define BOARD_API_QUERY_H

#include <stdbool.h>
#include <stdint.h>

#include "calendar.h"
#include "headcount/hash.h"
#include "http.h"

/* Bits of api_rules and api_query. */
enum {
    API_FROM = 1 << 0,
    API_TO = 1 << 1,
    API_BY = 1 << 2,
    API_TZ = 1 << 3,
    API_WEEK_START = 1 << 4,
    API_STREAM = 1 << 5,
    API_PROFILE = 1 << 6,
    API_FORMAT = 1 << 7,
    API_DAY = 1 << 8,
    API_COHORT = 1 << 9
};

#define API_GRAIN(grain) (1u << (unsigned)(grain))

struct api_rules {
    unsigned parameters;     /* that are known */
    unsigned required;       /* of them */
    unsigned grains;         /* that `by` may be: API_GRAIN of each */
    enum calendar_grain by;  /* when it is left out */
};

struct api_query {
    unsigned given;                /* the parameters that were there */
    int64_t from_s, to_s;          /* to_s: `now` when it was left out */
    bool from_relative, to_relative; /* said as a distance from now, or not at all */
    int64_t day_s, cohort_s;       /* instants in them, whose now is the minute that ends
                                    * with `now`; day_s: that when it was left out */
    enum calendar_grain by;
    enum calendar_week week_start;
    const char *zone;              /* "UTC" when it was left out. Borrowed from the request */
    const char *stream;            /* or NULL. Borrowed */
    enum hc_profile profile;       /* or 0 */
    bool csv;
};

/* What is wrong, for http_problem. */
struct api_problem {
    int status;            /* 0: nothing is */
    const char *parameter; /* its name, borrowed; or NULL */
    char detail[640];
};

/* Always false. */
bool api_fail(struct api_problem *problem, int status, const char *parameter, const char *format,
              ...) __attribute__((format(printf, 4, 5)));

/* `now_s` is what `now` means, 0..LIMIT_TIME_S. False with the problem. */
bool api_query_parse(const struct http_request *request, const struct api_rules *rules,
                     int64_t now_s, struct api_query *query, struct api_problem *problem);

/* A Unix time, RFC 3339, "now", or a distance from now as "-24h", "now-7d": into
 * *time_s, 0..LIMIT_TIME_S, where what lies before 1970 is 1970. */
bool api_time(const char *word, int64_t now_s, int64_t *time_s);

#endif
