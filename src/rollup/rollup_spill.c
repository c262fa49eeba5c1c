/* A file that is only ever appended to. A part is a head with the place of
 * the part before it in its chain and the length, then the native form. What was
 * put aside comes back as the union of its parts, so a bucket that is asked for
 * again after it was put aside starts a new part and nothing has to be read back
 * until the end. */
#include "rollup_spill.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "headcount/codec.h"
#include "spill_file.h"
#include "text.h"

struct head {
    int64_t before;
    uint64_t size;
};

struct rollup_spill {
    struct spill_file file;
    struct text part;
    struct hc_codec *codec;
};

struct rollup_spill *rollup_spill_create(const char *folder)
{
    struct rollup_spill *spill = calloc(1, sizeof *spill);

    if (!spill)
        return NULL;
    spill->file.folder = folder;
    if (hc_codec_create(NULL, &spill->codec) != HC_OK)
        rollup_spill_destroy(&spill);
    return spill;
}

void rollup_spill_destroy(struct rollup_spill **spill)
{
    if (!*spill)
        return;
    spill_file_close(&(*spill)->file);
    text_free(&(*spill)->part);
    hc_codec_destroy(&(*spill)->codec);
    free(*spill);
    *spill = NULL;
}

const char *rollup_spill_error(const struct rollup_spill *spill)
{
    return spill->file.error;
}

void rollup_spill_blame(struct rollup_spill *spill, const char *error)
{
    snprintf(spill->file.error, sizeof spill->file.error, "%s", error);
}

static bool fail(struct rollup_spill *spill, const char *why)
{
    snprintf(spill->file.error, sizeof spill->file.error, "temporary file: %s", why);
    return false;
}

bool rollup_spill_put(struct rollup_spill *spill, const struct hc_sketch *sketch, int64_t *place)
{
    size_t room = hc_encode_size_max(sketch);
    struct head head = {.before = *place};
    enum hc_status status;
    size_t size;
    char *bytes;

    text_free(&spill->part);
    bytes = text_reserve(&spill->part, sizeof head + room);
    if (!bytes)
        return fail(spill, hc_status_text(HC_ENOMEM));
    status = hc_codec_encode(spill->codec, sketch, bytes + sizeof head, room, &size);
    if (status != HC_OK)
        return fail(spill, hc_status_text(status));
    head.size = size;
    memcpy(bytes, &head, sizeof head);
    *place = spill->file.end;
    if (spill_file_write(&spill->file, bytes, sizeof head + size))
        return true;
    *place = head.before;
    return false;
}

static bool get_part(struct rollup_spill *spill, const struct head *head, int64_t place,
                     struct hc_sketch **sketch)
{
    struct hc_sketch *part = NULL;
    enum hc_status status;
    char *bytes;

    text_clear(&spill->part);
    bytes = text_reserve(&spill->part, head->size);
    if (!bytes)
        return fail(spill, hc_status_text(HC_ENOMEM));
    if (!spill_file_read(&spill->file, bytes, head->size, place))
        return false;
    status = hc_codec_decode(spill->codec, bytes, head->size, &part);
    if (status == HC_OK && *sketch)
        status = hc_sketch_union(*sketch, part, NULL);
    else if (status == HC_OK) {
        *sketch = part;
        part = NULL;
    }
    hc_sketch_destroy(&part);
    return status == HC_OK || fail(spill, hc_status_text(status));
}

bool rollup_spill_get(struct rollup_spill *spill, int64_t place, struct hc_sketch **sketch)
{
    while (place != ROLLUP_SPILL_NONE) {
        struct head head;

        assert(place >= 0 && place < spill->file.end);
        if (!spill_file_read(&spill->file, &head, sizeof head, place) ||
            !get_part(spill, &head, place + (int64_t)sizeof head, sketch))
            return false;
        assert(head.before < place);
        place = head.before;
    }
    return true;
}
