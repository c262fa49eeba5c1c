/* The reader of records makes every group canonical. So a record with an empty
 * sketch is written around the group, and read. Most groups are those of the
 * line before, and are not read again. */
#include "convert_group.h"

#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "record.h"

/* Far above what a record takes; what is longer need not be read. */
#define GROUP_BYTES_MAX (1024 * 1024)

struct convert_group {
    struct json *json;
    struct record_reader *reader;
    struct hc_sketch *sketch; /* empty */
    struct text given;        /* what was read last */
    struct text canonical;    /* of that; empty: nothing was read */
    struct text line;
};

struct convert_group *convert_group_create(void)
{
    struct convert_group *group = calloc(1, sizeof(*group));
    if (!group)
        return NULL;
    const struct hc_sketch_options options = {.profile = HC_PROFILE_REDIS,
                                              .precision = HC_PRECISION_MIN};
    group->json = json_create();
    group->reader = record_reader_create();
    if (!group->json || !group->reader || hc_sketch_create(&options, &group->sketch) != HC_OK)
        convert_group_destroy(&group);
    return group;
}

void convert_group_destroy(struct convert_group **group)
{
    struct convert_group *old = *group;
    if (!old)
        return;
    text_free(&old->line);
    text_free(&old->canonical);
    text_free(&old->given);
    hc_sketch_destroy(&old->sketch);
    record_reader_destroy(&old->reader);
    json_destroy(&old->json);
    free(old);
    *group = NULL;
}

static bool is_the_last(const struct convert_group *group, const char *bytes, size_t size)
{
    return group->canonical.size > 0 && group->given.size == size &&
           memcmp(group->given.bytes, bytes, size) == 0;
}

/* One whole object: nothing in it can end the record's member early. */
static bool is_object(struct convert_group *group, const char *bytes, size_t size)
{
    return size <= GROUP_BYTES_MAX && json_parse(group->json, bytes, size) == JSON_OK &&
           json_kind(group->json, 0) == JSON_OBJECT;
}

const char *convert_group_read(struct convert_group *group, const char *bytes, size_t size,
                               const char **error)
{
    struct record record;
    if (is_the_last(group, bytes, size))
        return group->canonical.bytes;
    text_clear(&group->canonical);
    if (!is_object(group, bytes, size)) {
        *error = "the group is not a JSON object";
        return NULL;
    }
    text_clear(&group->given);
    text_bytes(&group->given, bytes, size);
    text_clear(&group->line);
    *error = "out of memory";
    if (group->given.failed)
        return NULL;
    const struct record_sketch around = {.stream = "", .group = group->given.bytes,
                                         .instance = "", .fields = "", .sketch = group->sketch};
    if (record_write_sketch(&around, &group->line) != HC_OK ||
        record_read(group->reader, group->line.bytes, group->line.size, &record, error) ==
            RECORD_NONE)
        return NULL;
    text_string(&group->canonical, record.sketch.group);
    return group->canonical.failed ? NULL : group->canonical.bytes;
}
