/* A nameless file in TMPDIR (else /tmp) that is only ever appended to. A part
 * is a head with the place of the part before it in its chain and the length,
 * then the native form. What was put aside comes back as the union of its
 * parts, so a bucket that is asked for again after it was put aside starts a
 * new part and nothing has to be read back until the end. */
#include "rollup_spill.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "headcount/codec.h"
#include "text.h"

struct head {
    int64_t before;
    uint64_t size;
};

struct rollup_spill {
    int fd; /* -1: no file yet */
    const char *folder; /* asked for, or NULL */
    int64_t end;
    struct text part;
    struct hc_codec *codec;
    char error[256];
};

struct rollup_spill *rollup_spill_create(const char *folder)
{
    struct rollup_spill *spill = calloc(1, sizeof *spill);

    if (!spill)
        return NULL;
    spill->fd = -1;
    spill->folder = folder;
    if (hc_codec_create(NULL, &spill->codec) != HC_OK)
        rollup_spill_destroy(&spill);
    return spill;
}

void rollup_spill_destroy(struct rollup_spill **spill)
{
    if (!*spill)
        return;
    if ((*spill)->fd >= 0)
        close((*spill)->fd);
    text_free(&(*spill)->part);
    hc_codec_destroy(&(*spill)->codec);
    free(*spill);
    *spill = NULL;
}

const char *rollup_spill_error(const struct rollup_spill *spill)
{
    return spill->error;
}

void rollup_spill_blame(struct rollup_spill *spill, const char *error)
{
    snprintf(spill->error, sizeof spill->error, "%s", error);
}

static bool fail(struct rollup_spill *spill, const char *what, const char *why)
{
    snprintf(spill->error, sizeof spill->error, "%s: %s", what, why);
    return false;
}

static bool open_file(struct rollup_spill *spill)
{
    const char *folder = spill->folder ? spill->folder : getenv("TMPDIR");
    char path[4096];

    if (!folder || !*folder)
        folder = "/tmp";
    if (snprintf(path, sizeof path, "%s/headcount-XXXXXX", folder) >= (int)sizeof path)
        return fail(spill, "temporary file", strerror(ENAMETOOLONG));
    spill->fd = mkostemp(path, O_CLOEXEC);
    if (spill->fd < 0)
        return fail(spill, folder, strerror(errno));
    unlink(path);
    return true;
}

static bool write_all(struct rollup_spill *spill, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t done = write(spill->fd, bytes, size);

        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return fail(spill, "temporary file", strerror(done < 0 ? errno : ENOSPC));
        bytes += done;
        size -= (size_t)done;
    }
    return true;
}

static bool read_all(struct rollup_spill *spill, char *bytes, size_t size, int64_t place)
{
    while (size > 0) {
        ssize_t done = pread(spill->fd, bytes, size, place);

        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return fail(spill, "temporary file", done < 0 ? strerror(errno) : "it became shorter");
        bytes += done;
        size -= (size_t)done;
        place += done;
    }
    return true;
}

bool rollup_spill_put(struct rollup_spill *spill, const struct hc_sketch *sketch, int64_t *place)
{
    size_t room = hc_encode_size_max(sketch);
    struct head head = {.before = *place};
    enum hc_status status;
    size_t size;
    char *bytes;

    if (spill->fd < 0 && !open_file(spill))
        return false;
    text_free(&spill->part);
    bytes = text_reserve(&spill->part, sizeof head + room);
    if (!bytes)
        return fail(spill, "temporary file", hc_status_text(HC_ENOMEM));
    status = hc_codec_encode(spill->codec, sketch, bytes + sizeof head, room, &size);
    if (status != HC_OK)
        return fail(spill, "temporary file", hc_status_text(status));
    head.size = size;
    memcpy(bytes, &head, sizeof head);
    /* After a write that failed half way the file's end is not ours: go back. */
    if (lseek(spill->fd, spill->end, SEEK_SET) < 0)
        return fail(spill, "temporary file", strerror(errno));
    if (!write_all(spill, bytes, sizeof head + size))
        return false;
    *place = spill->end;
    spill->end += (int64_t)(sizeof head + size);
    return true;
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
        return fail(spill, "temporary file", hc_status_text(HC_ENOMEM));
    if (!read_all(spill, bytes, head->size, place))
        return false;
    status = hc_codec_decode(spill->codec, bytes, head->size, &part);
    if (status == HC_OK && *sketch)
        status = hc_sketch_union(*sketch, part, NULL);
    else if (status == HC_OK) {
        *sketch = part;
        part = NULL;
    }
    hc_sketch_destroy(&part);
    return status == HC_OK || fail(spill, "temporary file", hc_status_text(status));
}

bool rollup_spill_get(struct rollup_spill *spill, int64_t place, struct hc_sketch **sketch)
{
    while (place != ROLLUP_SPILL_NONE) {
        struct head head;

        assert(place >= 0 && place < spill->end);
        if (!read_all(spill, (char *)&head, sizeof head, place) ||
            !get_part(spill, &head, place + (int64_t)sizeof head, sketch))
            return false;
        assert(head.before < place);
        place = head.before;
    }
    return true;
}
