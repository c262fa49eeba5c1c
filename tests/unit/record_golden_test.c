/* Goal: the lines of tests/golden/records are written byte for byte, and read
 * back to what was written. They are the format: other programs have such lines
 * on disk. The bytes of a dense sketch are zstd's choice; of those only the
 * content is compared. */
#include "check_main.h"
#include "record_samples.h"

static void reads_sketch(const struct text *line, const struct record_sketch *expected)
{
    struct record_reader *reader = record_reader_create();
    struct record record;
    const char *error = "";
    enum record_kind kind = record_read(reader, line->bytes, line->size, &record, &error);
    ck_assert_msg(kind == RECORD_SKETCH, "%s", error);
    sample_same_sketch(&record.sketch, expected);
    record_reader_destroy(&reader);
}

START_TEST(sparse_sketch)
{
    struct hc_sketch *sketch = sample_sketch_of(14, 0, 638);
    struct record_sketch record = sample_sketch_record(sketch);
    struct text golden = sample_golden("sparse.jsonl"), line = {0};
    ck_assert_int_eq(record_write_sketch(&record, &line), HC_OK);
    ck_assert_str_eq(line.bytes, golden.bytes);
    reads_sketch(&golden, &record);
    text_free(&golden);
    text_free(&line);
    hc_sketch_destroy(&sketch);
}
END_TEST

START_TEST(dense_sketch)
{
    static const char bytes_name[] = "\"bytes\":\"";
    struct hc_sketch *sketch = sample_sketch_of(14, 0, 20000);
    struct record_sketch record = sample_sketch_record(sketch);
    record.state = RECORD_LATE;
    record.whole = false;
    record.stream = "b\xc3\xbc" "cher\t\"2\"";
    struct text golden = sample_golden("dense.jsonl"), line = {0};
    ck_assert_int_eq(record_write_sketch(&record, &line), HC_OK);
    const char *bytes = strstr(golden.bytes, bytes_name);
    ck_assert_ptr_nonnull(bytes);
    ck_assert_int_eq(strncmp(line.bytes, golden.bytes, (size_t)(bytes - golden.bytes)), 0);
    reads_sketch(&golden, &record);
    reads_sketch(&line, &record);
    text_free(&golden);
    text_free(&line);
    hc_sketch_destroy(&sketch);
}
END_TEST

START_TEST(checkpoint)
{
    struct record_checkpoint expected = sample_checkpoint();
    struct text golden = sample_golden("checkpoint.jsonl"), line = {0};
    ck_assert_int_eq(record_write_checkpoint(&expected, &line), HC_OK);
    ck_assert_str_eq(line.bytes, golden.bytes);
    struct record_reader *reader = record_reader_create();
    struct record record;
    const char *error = "";
    ck_assert_msg(record_read(reader, golden.bytes, golden.size, &record, &error) ==
                      RECORD_CHECKPOINT, "%s", error);
    sample_same_checkpoint(&record.checkpoint, &expected);
    record_reader_destroy(&reader);
    text_free(&golden);
    text_free(&line);
}
END_TEST

START_TEST(keys)
{
    struct hc_sketch *sketch = sample_sketch_of(14, 0, 3);
    struct record_sketch record = sample_sketch_record(sketch);
    struct record_checkpoint checkpoint_record = sample_checkpoint();
    struct text key = {0};
    record.group = "{\"country\":\"CH\"}";
    record_key_sketch(&record, &key);
    ck_assert_str_eq(key.bytes, "users\t1468244340\t{\"country\":\"CH\"}");
    text_clear(&key);
    record_key_checkpoint(&checkpoint_record, &key);
    ck_assert_str_eq(key.bytes, "host-1/9f3a61c27b50d4e8/0");
    text_free(&key);
    hc_sketch_destroy(&sketch);
}
END_TEST

/* No record is larger than promised, whatever its strings and its form. */
static void judge_size_max(enum hc_profile profile, unsigned precision)
{
    char stream[200], instance[300];
    memset(stream, '\x01', sizeof(stream));
    memset(instance, '\x01', sizeof(instance));
    stream[sizeof(stream) - 1] = instance[sizeof(instance) - 1] = '\0';
    struct hc_sketch *sketch = sample_sketch_in(profile, precision, 0, 0);
    struct text line = {0};
    /* Up to where registers vary most, by way of the largest sparse form. */
    for (unsigned users = 0; users < 2u << precision; users += users / 2 + 1) {
        struct hc_sketch *more = sample_sketch_in(profile, precision, users, users / 2 + 1);
        ck_assert_int_eq(hc_sketch_union(sketch, more, NULL), HC_OK);
        hc_sketch_destroy(&more);
        struct record_sketch record = sample_sketch_record(sketch);
        record.stream = stream;
        record.instance = instance;
        record.frames = record.sequence = INT64_MAX - 1;
        text_clear(&line);
        ck_assert_int_eq(record_write_sketch(&record, &line), HC_OK);
        size_t most = record_size_max(precision, sizeof(stream) - 1, 2, sizeof(instance) - 1);
        ck_assert_uint_le(line.size, most);
        /* The room promised for the bytes must hold in every case. */
        ck_assert_uint_le(hc_encode_size_max(sketch) * 4 / 3, most);
    }
    text_free(&line);
    hc_sketch_destroy(&sketch);
}

START_TEST(size_max)
{
    for (enum hc_profile profile = HC_PROFILE_REDIS; profile <= HC_PROFILE_KEYED; profile++)
        judge_size_max(profile, (unsigned)_i);
}
END_TEST

void add_cases(TCase *tcase)
{
    tcase_set_timeout(tcase, 120);
    tcase_add_test(tcase, sparse_sketch);
    tcase_add_test(tcase, dense_sketch);
    tcase_add_test(tcase, checkpoint);
    tcase_add_test(tcase, keys);
    tcase_add_loop_test(tcase, size_max, HC_PRECISION_MIN, HC_PRECISION_MAX + 1);
}
