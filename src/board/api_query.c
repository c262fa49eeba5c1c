#include "api_query.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "limits.h"
#include "number.h"

/* Longer than any word that is right: RFC 3339 with a fraction of 20 digits. */
#define TIME_WORD_MAX 48
#define TIME_WORDS \
    "Unix seconds, RFC 3339 such as 2016-07-11T13:39:00Z, now, or a distance from now such as -7d"

static const char *const names[] = {"from",    "to",     "by",  "tz",    "week_start", "stream",
                                    "profile", "format", "day", "cohort"};
#define NAMES (sizeof(names) / sizeof(names[0]))

bool api_fail(struct api_problem *problem, int status, const char *parameter, const char *format,
              ...)
{
    va_list arguments;

    problem->status = status;
    problem->parameter = parameter;
    va_start(arguments, format);
    vsnprintf(problem->detail, sizeof problem->detail, format, arguments);
    va_end(arguments);
    return false;
}

/* "-24h", "now-24h" without its "now". */
static bool take_distance(const char *word, int64_t now_s, int64_t *time_s)
{
    int64_t back_ms;

    if (*word != '-' || !number_duration_ms(word + 1, 0, INT64_MAX, &back_ms))
        return false;
    *time_s = back_ms / 1000 < now_s ? now_s - back_ms / 1000 : 0;
    return true;
}

bool api_time(const char *word, int64_t now_s, int64_t *time_s)
{
    char text[TIME_WORD_MAX + 1];
    size_t size = strlen(word);

    if (size == 0 || size > TIME_WORD_MAX)
        return false;
    memcpy(text, word, size + 1);
    if (strcmp(text, "now") == 0) {
        *time_s = now_s;
        return true;
    }
    if (strncmp(text, "now", 3) == 0)
        return take_distance(text + 3, now_s, time_s);
    if (text[0] == '-')
        return take_distance(text, now_s, time_s);
    /* A plus that was not written as %2B came as a space: "...T00:00:00 02:00". */
    if (size > 6 && text[size - 6] == ' ')
        text[size - 6] = '+';
    return number_time_s(text, time_s);
}

/* The beginning of the minute that ends with `now`: an instant that is in today. */
static int64_t running(int64_t now_s)
{
    return now_s < 60 ? 0 : now_s - 60;
}

static int choice(const char *word, const char *const *choices)
{
    for (int i = 0; choices[i]; i++) {
        if (strcmp(choices[i], word) == 0)
            return i;
    }
    return -1;
}

/* "minute, hour or day" of a set of grains. */
static void list_grains(unsigned grains, char *list, size_t room)
{
    size_t size = 0;

    for (int i = 0; calendar_grain_names[i]; i++) {
        if (!(grains & API_GRAIN(i)))
            continue;
        grains &= ~API_GRAIN(i);
        size += (size_t)snprintf(list + size, room - size, "%s%s",
                                 size == 0 ? "" : grains ? ", " : " or ",
                                 calendar_grain_names[i]);
    }
}

static bool take_by(const char *word, const struct api_rules *rules, struct api_query *query,
                    struct api_problem *problem)
{
    int by = choice(word, calendar_grain_names);
    char list[64];

    if (by >= 0 && (rules->grains & API_GRAIN(by))) {
        query->by = (enum calendar_grain)by;
        return true;
    }
    list_grains(rules->grains, list, sizeof list);
    return api_fail(problem, 400, "by", "by is %s", list);
}

static bool is_relative(const char *word)
{
    return *word == '-' || *word == 'n';
}

static bool take_time(const char *name, const char *word, int64_t now_s, int64_t *time_s,
                      struct api_problem *problem)
{
    if (api_time(word, now_s, time_s))
        return true;
    return api_fail(problem, 400, name, "%s is " TIME_WORDS, name);
}

static bool take_format(const char *word, struct api_query *query, struct api_problem *problem)
{
    query->csv = strcmp(word, "csv") == 0;
    if (query->csv || strcmp(word, "json") == 0)
        return true;
    return api_fail(problem, 400, "format", "format is json or csv");
}

static bool take_week_start(const char *word, struct api_query *query,
                            struct api_problem *problem)
{
    int week_start = choice(word, calendar_week_names);

    if (week_start < 0)
        return api_fail(problem, 400, "week_start", "week_start is monday, sunday or saturday");
    query->week_start = (enum calendar_week)week_start;
    return true;
}

static bool take_profile(const char *word, struct api_query *query, struct api_problem *problem)
{
    if (hc_profile_by_name(word, &query->profile))
        return true;
    return api_fail(problem, 400, "profile", "profile is redis, datasketches, postgres, "
                    "zetasketch, trino or keyed");
}

/* One parameter by its bit. */
static bool take(unsigned bit, const char *word, const struct api_rules *rules, int64_t now_s,
                 struct api_query *query, struct api_problem *problem)
{
    switch (bit) {
    case API_FROM:
        query->from_relative = is_relative(word);
        return take_time("from", word, now_s, &query->from_s, problem);
    case API_TO:
        query->to_relative = is_relative(word);
        return take_time("to", word, now_s, &query->to_s, problem);
    case API_DAY:
        return take_time("day", word, running(now_s), &query->day_s, problem);
    case API_COHORT:
        return take_time("cohort", word, running(now_s), &query->cohort_s, problem);
    case API_BY:
        return take_by(word, rules, query, problem);
    case API_WEEK_START:
        return take_week_start(word, query, problem);
    case API_PROFILE:
        return take_profile(word, query, problem);
    case API_FORMAT:
        return take_format(word, query, problem);
    case API_TZ:
        query->zone = word;
        return true;
    default:
        query->stream = word;
        return true;
    }
}

static bool take_field(const struct http_field *field, const struct api_rules *rules,
                       int64_t now_s, struct api_query *query, struct api_problem *problem)
{
    size_t i = 0;

    while (i < NAMES && strcmp(names[i], field->name) != 0)
        i++;
    if (i == NAMES || !(rules->parameters & (1u << i)))
        return api_fail(problem, 400, field->name, "there is no such parameter here");
    if (query->given & (1u << i))
        return api_fail(problem, 400, names[i], "%s stands there twice", names[i]);
    if (!*field->value)
        return api_fail(problem, 400, names[i], "%s is empty", names[i]);
    query->given |= 1u << i;
    return take(1u << i, field->value, rules, now_s, query, problem);
}

bool api_query_parse(const struct http_request *request, const struct api_rules *rules,
                     int64_t now_s, struct api_query *query, struct api_problem *problem)
{
    *query = (struct api_query){.from_relative = true, .to_s = now_s, .to_relative = true,
                                .day_s = running(now_s), .by = rules->by, .zone = "UTC"};
    for (size_t i = 0; i < request->query_count; i++) {
        if (!take_field(&request->query[i], rules, now_s, query, problem))
            return false;
    }
    for (size_t i = 0; i < NAMES; i++) {
        if (rules->required & ~query->given & (1u << i))
            return api_fail(problem, 400, names[i], "%s is needed", names[i]);
    }
    if ((query->given & API_FROM) && query->from_s >= query->to_s)
        return api_fail(problem, 400, "from", "from must lie before to%s",
                        query->given & API_TO ? "" : ", which is now when it is left out");
    return true;
}
