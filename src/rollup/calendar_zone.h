/* A time zone as stretches of constant offset from UTC. Private to calendar. */
#ifndef ROLLUP_CALENDAR_ZONE_H
#define ROLLUP_CALENDAR_ZONE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The instants that a zone knows: 1967 to 10002, a year and more beyond every
 * bucket of a frame's time on either side. Unix seconds. */
#define CALENDAR_ZONE_FROM_S (-INT64_C(3) * 366 * 86400)
#define CALENDAR_ZONE_TO_S (LIMIT_TIME_S + INT64_C(3) * 366 * 86400)
/* Ends of a span nearer than this to the instant asked for are real changes. */
#define CALENDAR_ZONE_SURE_S (INT64_C(2) * 86400)

/* local = UTC + offset_s in [from_s, to_s). */
struct calendar_span {
    int64_t from_s, to_s;
    int32_t offset_s;
};

struct calendar_zone;

/* The IANA zone `name`, owned by the caller. NULL with a message for people in
 * `error` when the system has no such zone, or no memory is left. */
struct calendar_zone *calendar_zone_create(const char *name, char *error, size_t error_size);
void calendar_zone_destroy(struct calendar_zone **zone);

/* The span around `time_s` (CALENDAR_ZONE_FROM_S..CALENDAR_ZONE_TO_S). An end
 * that is further than CALENDAR_ZONE_SURE_S away may be an arbitrary cut. The
 * rules of a new stretch of time are fetched when it is first asked for: then
 * it takes some 0.1 ms, and false means that there was no memory. */
bool calendar_zone_span(struct calendar_zone *zone, int64_t time_s, struct calendar_span *span);

#endif
