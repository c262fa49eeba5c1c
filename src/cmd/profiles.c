#include "profiles.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "headcount/foreign.h"
#include "log.h"
#include "text.h"
#include "window.h"

const char *const profiles_names[] = {"redis",      "datasketches", "postgres",
                                      "zetasketch", "trino",        "keyed", NULL};

/* Who can read a profile's sketches, and of which precisions. */
struct engines {
    enum hc_profile profile;
    const char *names; /* NULL: none */
    unsigned precision_min;
    unsigned precision_max; /* sketches above it can be folded to it */
};

static const struct engines table[] = {
    {HC_PROFILE_REDIS, "Redis, Valkey", HC_REDIS_PRECISION, HC_PRECISION_MAX},
    {HC_PROFILE_DATASKETCHES, "DataSketches, Spark, Druid, Hive, BigQuery datasketches",
     HC_PRECISION_MIN, HC_PRECISION_MAX},
    {HC_PROFILE_POSTGRES, "PostgreSQL hll", HC_PRECISION_MIN, HC_POSTGRES_PRECISION_MAX},
    {HC_PROFILE_ZETASKETCH, "ZetaSketch, BigQuery HLL_COUNT", HC_ZETASKETCH_PRECISION_MIN,
     HC_PRECISION_MAX},
    {HC_PROFILE_TRINO, "Trino, Presto", HC_PRECISION_MIN, HC_TRINO_PRECISION_MAX},
    {HC_PROFILE_KEYED, NULL, HC_PRECISION_MIN, HC_PRECISION_MAX}};
#define PROFILES (sizeof table / sizeof *table)

static_assert(PROFILES <= WINDOW_PROFILES_MAX, "a window has room for all profiles");
static_assert(sizeof profiles_names / sizeof *profiles_names == PROFILES + 1, "each has a name");

static bool is_chosen(const struct config *config, size_t index)
{
    return config->profiles >> index & 1;
}

bool profiles_keyed(const struct config *config)
{
    return is_chosen(config, HC_PROFILE_KEYED - 1);
}

int profiles_count(const struct config *config)
{
    return __builtin_popcount(config->profiles);
}

size_t profiles_sketches(const struct config *config, struct hc_sketch_options *sketches)
{
    size_t count = 0;
    for (size_t i = 0; i < PROFILES; i++) {
        enum hc_profile profile = table[i].profile;
        assert(strcmp(hc_profile_name(profile), profiles_names[i]) == 0);
        if (!is_chosen(config, i))
            continue;
        sketches[count++] = (struct hc_sketch_options){
            .profile = profile,
            .precision = (unsigned)config->precision,
            .key = profile == HC_PROFILE_KEYED ? config->key : NULL};
    }
    return count;
}

void profiles_text(const struct config *config, char *text, size_t room)
{
    size_t size = 0;
    for (size_t i = 0; i < PROFILES; i++) {
        if (!is_chosen(config, i))
            continue;
        int more = snprintf(text + size, room - size, "%s%s", size ? "," : "", profiles_names[i]);
        size += (size_t)more;
        assert(more > 0 && size < room);
    }
    if (!profiles_keyed(config))
        return;
    int more = snprintf(text + size, room - size, ":%016" PRIx64, hc_key_id(config->key));
    assert(more > 0 && size + (size_t)more < room);
}

void profiles_tell(const struct config *config)
{
    for (size_t i = 0; i < PROFILES; i++) {
        struct text never = {0};
        if (!is_chosen(config, i))
            continue;
        for (size_t other = 0; other < PROFILES; other++) {
            if (other == i || !table[other].names)
                continue;
            text_string(&never, never.size ? "; " : "");
            text_string(&never, table[other].names);
        }
        log_event(LOG_INFO, "profile", LOG_S("name", profiles_names[i]),
                  LOG_S("unites_with", table[i].names ? table[i].names
                                                      : "no engine, only the same key"),
                  LOG_S("never_with", never.failed ? "all others" : never.bytes),
                  LOG_S("effect", "can't be changed for what is counted already"));
        text_free(&never);
    }
}

void profiles_warn(const struct config *config)
{
    for (size_t i = 0; i < PROFILES; i++) {
        const struct engines *engines = &table[i];
        unsigned precision = (unsigned)config->precision;
        char effect[128];
        if (!is_chosen(config, i) ||
            (precision >= engines->precision_min && precision <= engines->precision_max))
            continue;
        if (precision < engines->precision_min)
            snprintf(effect, sizeof effect,
                     "%s can never take these sketches: %u or more is needed", engines->names,
                     engines->precision_min);
        else
            snprintf(effect, sizeof effect, "%s take%s them folded to %u", engines->names,
                     strchr(engines->names, ',') ? "" : "s", engines->precision_max);
        log_event(LOG_WARN, "precision", LOG_S("profile", profiles_names[i]),
                  LOG_I("precision", precision), LOG_S("effect", effect));
    }
}
