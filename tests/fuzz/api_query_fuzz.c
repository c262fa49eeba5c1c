/* Any parameters: they are within their bounds, or one of them is named with what is
 * allowed. The input is the parameters that the endpoint knows and needs, two bytes each,
 * then names and values that end with NULs. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "api_query.h"
#include "limits.h"

#define FIELDS_MAX 64
#define NOW_S INT64_C(1478000040)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_time(int64_t time_s)
{
    return time_s >= 0 && time_s <= LIMIT_TIME_S;
}

static void check_query(const struct api_query *query, const struct api_rules *rules, size_t fields)
{
    assert((query->given & ~rules->parameters) == 0);
    assert((rules->required & ~query->given) == 0);
    assert((size_t)__builtin_popcount(query->given) == fields);
    assert(is_time(query->from_s) && is_time(query->to_s) && is_time(query->day_s) &&
           is_time(query->cohort_s));
    assert(!(query->given & API_FROM) || query->from_s < query->to_s);
    assert(query->by == rules->by || (rules->grains & API_GRAIN(query->by)));
    assert((unsigned)query->week_start <= CALENDAR_SATURDAY);
    assert(query->zone && *query->zone && (!query->stream || *query->stream));
    assert(!query->profile || hc_profile_name(query->profile));
}

static void check_problem(const struct api_problem *problem)
{
    assert(problem->status == 400 && problem->parameter);
    assert(strlen(problem->detail) > 0 && strlen(problem->detail) < sizeof problem->detail);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct http_field fields[FIELDS_MAX];
    struct http_request request = {.path = "/", .query = fields};
    struct api_rules rules = {.grains = 0x2a, .by = CALENDAR_DAY};
    struct api_problem problem = {.status = 0};
    struct api_query query;
    char *copy;

    if (size < 4)
        return 0;
    rules.parameters = (data[0] | (unsigned)data[1] << 8) & 0x3ff;
    rules.required = (data[2] | (unsigned)data[3] << 8) & rules.parameters;
    copy = calloc(1, size + 2);
    assert(copy);
    memcpy(copy, data + 4, size - 4);
    for (size_t at = 0; at < size - 4 && request.query_count < FIELDS_MAX;) {
        struct http_field *field = &fields[request.query_count++];

        field->name = copy + at;
        at += strlen(field->name) + 1;
        field->value = at < size - 4 ? copy + at : "";
        at += strlen(field->value) + 1;
    }
    if (api_query_parse(&request, &rules, NOW_S, &query, &problem))
        check_query(&query, &rules, request.query_count);
    else
        check_problem(&problem);
    free(copy);
    return 0;
}
