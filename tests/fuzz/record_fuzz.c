/* Lines through the reader and on into coverage. What is read must be valid,
 * and survive being written and read again; whatever it claims, coverage must
 * come to a judgement. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "coverage.h"
#include "limits.h"
#include "record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write_and_read(const struct record *record)
{
    struct record_reader *reader = record_reader_create();
    struct text line = {0};
    struct record again;
    const char *error;
    assert(reader);
    if (record->kind == RECORD_SKETCH)
        assert(record_write_sketch(&record->sketch, &line) == HC_OK);
    else
        assert(record_write_checkpoint(&record->checkpoint, &line) == HC_OK);
    assert(record_read(reader, line.bytes, line.size, &again, &error) == record->kind);
    if (record->kind == RECORD_SKETCH) {
        assert(hc_digest(again.sketch.sketch) == hc_digest(record->sketch.sketch));
        assert(strcmp(again.sketch.group, record->sketch.group) == 0);
    }
    text_free(&line);
    record_reader_destroy(&reader);
}

static void judge(struct coverage *coverage)
{
    assert(coverage_judge(coverage) == HC_OK);
    for (size_t i = 0; i < coverage_sources_count(coverage); i++) {
        const struct coverage_source *source = coverage_source(coverage, i);
        coverage_minute(coverage, source->stream, 0);
        coverage_minute(coverage, source->stream, LIMIT_TIME_S - 59);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct record_reader *reader = record_reader_create();
    struct coverage *coverage = coverage_create();
    const char *at = (const char *)data, *end = at + size, *error;
    struct record record;
    assert(reader && coverage);
    while (at < end) {
        const char *feed = memchr(at, '\n', (size_t)(end - at));
        const char *stop = feed ? feed : end;
        record_read(reader, at, (size_t)(stop - at), &record, &error);
        if (record.kind == RECORD_SKETCH) {
            assert(hc_sketch_check(record.sketch.sketch, NULL));
            assert(coverage_add_sketch(coverage, &record.sketch) == HC_OK);
        } else if (record.kind == RECORD_CHECKPOINT) {
            assert(coverage_add_checkpoint(coverage, &record.checkpoint) == HC_OK);
        }
        if (record.kind != RECORD_NONE)
            write_and_read(&record);
        at = feed ? feed + 1 : end;
    }
    judge(coverage);
    coverage_destroy(&coverage);
    record_reader_destroy(&reader);
    return 0;
}
