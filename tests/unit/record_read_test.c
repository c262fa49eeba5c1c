/* Goal: the reader takes nothing on trust. Each case changes one place of a
 * good line: what must be refused is refused with a message that names it,
 * what may differ is read. */
#include "check_main.h"
#include "record_samples.h"

#include "limits.h"

struct change {
    const char *find, *put, *error; /* error NULL: still a record */
};

static const struct change sketch_changes[] = {
    {"\"type\":\"sketch\"", "\"type\":\"total\"", "neither sketch nor checkpoint"},
    {"\"type\":\"sketch\",", "", "\"type\" is missing"},
    {"\"version\":1", "\"version\":2", "newer"},
    {"\"version\":1", "\"version\":0", "\"version\""},
    {"\"version\":1", "\"version\":\"1\"", "\"version\""},
    {"\"stream\":\"users\"", "\"stream\":7", "\"stream\" is not a string"},
    {"\"stream\":\"users\"", "\"stream\":\"us\\u0000ers\"", "NUL"},
    {"\"stream\":\"users\"", "\"stream\":\"\\u0075sers\"", NULL},
    {"\"minute\":1468244340", "\"minute\":1468244341", "not the start of a minute"},
    {"\"minute\":1468244340", "\"minute\":1468244400", "not the same time"},
    {"\"minute\":1468244340", "\"minute\":-60", "\"minute\""},
    {"\"minute\":1468244340", "\"minute\":253402300800", "\"minute\""},
    {"\"minute\":1468244340", "\"minute\":1468244340.5", "\"minute\""},
    {"\"minute\":1468244340", "\"minute\":1e9", "\"minute\""},
    {"13:39:00Z", "13:39:00+00:00", NULL},
    {"2016-07-11T13:39:00Z", "noon", "not the same time"},
    {"\"seconds\":60", "\"seconds\":61", "\"seconds\""},
    {"\"group\":{}", "\"group\":[]", "\"group\" is not an object"},
    {"\"group\":{}", "\"group\":{\"a\":[]}", "scalars"},
    {"\"group\":{}", "\"group\":{\"a\":1,\"\\u0061\":2}", "twice"},
    {"\"state\":\"open\"", "\"state\":\"shut\"", "\"state\""},
    {"\"whole\":true", "\"whole\":1", "\"whole\""},
    {"\"uniques\":638", "\"uniques\":-638", "\"uniques\""},
    {"\"uniques\":638", "\"uniques\":1e999", "\"uniques\""},
    {"\"uniques\":638", "\"uniques\":640", "between"},
    {"\"uniques\":638", "\"uniques\":null", "\"uniques\""},
    {"\"additive\":false,", "", NULL},
    {"\"frames\":685", "\"frames\":-1", "\"frames\""},
    {"\"frames\":685", "\"frames\":9223372036854775807", "\"frames\""},
    {"\"frames\":685", "\"frames\":9223372036854775806", NULL},
    {"\"frames\":685", "\"frames\":685,\"news\":{\"a\":[1,2]}", NULL},
    {"\"epoch\":1468244380123", "\"epoch\":-1", "\"epoch\""},
    {"\"sequence\":41", "\"sequence\":4.1", "\"sequence\""},
    {"\"sequence\":41", "\"sequence\":41,\"sequence\":42", NULL},
    {"\"sequence\":41,", "", "\"sequence\" is missing"},
    {"\"fields\":\"", "\"fields\":\"0123456789012345678901234567890123456789012345678901234567"
     "890123456789012345678901234567890123456789012345678901234567890123456789", "\"fields\""},
    {"\"sketch\":{", "\"sketch\":null,\"sketch\":{", "\"sketch\" is not an object"},
    {"\"profile\":\"redis\"", "\"profile\":\"trino\"", "\"profile\""},
    {"\"precision\":14", "\"precision\":13", "\"precision\" is not that"},
    {"\"precision\":14", "\"precision\":19", "\"precision\" is not an integer"},
    {"\"encoding\":\"sparse\"", "\"encoding\":\"dense\"", "\"encoding\""},
    {"\"bytes\":\"SENTS", "\"bytes\":\"SENTT", "\"bytes\""},
    {"\"bytes\":\"SENTS", "\"bytes\":\"!ENTS", "not base64"},
    {"\"bytes\":\"SENTS", "\"bytes\":\"SENT", "base64"},
    {"\"bytes\":\"SENTS", "\"bytes\":\"\\u0053ENTS", NULL},
    {"}}", "}", "not JSON"},
    {"}}", "}}}", "not JSON"},
    {"}}", "}} {}", "not JSON"},
    {"}}", "}}\r", NULL},
};

static const struct change checkpoint_changes[] = {
    {"\"number\":12", "\"number\":-12", "\"number\""},
    {"13:40:40.007Z", "13:40:40Z", NULL},
    {"2016-07-11T13:40:40.007Z", "yesterday", "\"time\""},
    {"\"partitions_total\":4", "\"partitions_total\":65537", "\"partitions_total\""},
    {"[38,41]", "[38]", "\"sequences\""},
    {"[38,41]", "[38,41,42]", "\"sequences\""},
    {"[38,41]", "[38,-1]", "\"sequences\""},
    {"[38,41]", "[42,41]", "\"replaced\""},
    {"[38,41],\"replaced\":[39,40]", "[42,41],\"replaced\":[]", NULL},
    {"[38,41]", "{\"38\":41}", "\"sequences\" is not an array"},
    {"[39,40]", "[39,42]", "\"replaced\""},
    {"[39,40]", "[39,\"40\"]", "\"replaced\""},
    {"\"partition\":2", "\"partition\":0", "one twice"},
    {"\"partition\":2", "\"partition\":65536", "\"partition\""},
    {"\"from\":1000", "\"from\":1251", "\"to\""},
    {"\"from\":1000", "\"from\":1101", "\"missing\""},
    {"\"to\":1250", "\"to\":1130", "\"missing\""},
    {"\"to\":1250", "\"to\":1131", NULL},
    {"[1100,1120]", "[1120,1120]", "\"missing\""},
    {"[1100,1120]", "[1120,1100]", "\"missing\""},
    {"[1100,1120]", "[1100,1131]", "\"missing\""},
    {"[1100,1120]", "[1100,1120,1125]", "\"missing\""},
    {"[1100,1120]", "[[1100],1120]", "\"missing\""},
    {"[1100,1120]", "7", "\"missing\""},
    {"[[1100,1120],[1130,1131]]", "[]", NULL},
    {"[[1100,1120],[1130,1131]]", "null", "\"missing\" is not an array"},
    {"\"watermark\":1468244385", "\"watermark\":-5", NULL},
    {"\"watermark\":1468244385", "\"watermark\":true", "\"watermark\""},
    {"\"watermark\":1468244385,", "", "\"watermark\" is missing"},
    {"\"idle\":false", "\"idle\":0", "\"idle\""},
    {"\"end\":false", "\"end\":null", "\"end\""},
    {"\"not_json\":1", "\"not_json\":-1", "\"not_json\""},
    {"\"not_json\":1", "\"not_json\":1,\"too_blue\":7", NULL},
    {"{\"not_json\":1,\"bad_utf8\":20}", "[]", "\"rejected\""},
    {"\"partitions\":[{", "\"partitions\":[7,{", "not an object"},
    {"\"replaced\":[39,40]", "\"replaced\":[39,40", "not JSON"},
};

static struct text changed(const struct text *line, const struct change *change)
{
    struct text out = {0};
    const char *at = strstr(line->bytes, change->find);
    ck_assert_msg(at != NULL, "%s", change->find);
    text_bytes(&out, line->bytes, (size_t)(at - line->bytes));
    text_string(&out, change->put);
    text_string(&out, at + strlen(change->find));
    return out;
}

static void judge_line(const struct text *line, const struct change *change,
                       enum record_kind good)
{
    struct record_reader *reader = record_reader_create();
    struct text other = changed(line, change);
    struct record record;
    const char *error = "";
    enum record_kind kind = record_read(reader, other.bytes, other.size, &record, &error);
    if (change->error) {
        ck_assert_msg(kind == RECORD_NONE, "%s -> %s", change->find, change->put);
        ck_assert_msg(strstr(error, change->error) != NULL, "%s: %s", change->put, error);
        ck_assert_int_eq(record.kind, RECORD_NONE);
    } else {
        ck_assert_msg(kind == good, "%s: %s", change->put, error);
    }
    /* A refusal leaves nothing behind. */
    ck_assert_msg(record_read(reader, line->bytes, line->size, &record, &error) == good, "%s",
                  error);
    text_free(&other);
    record_reader_destroy(&reader);
}

static void judge(const char *golden, const struct change *change, enum record_kind good)
{
    struct text line = sample_golden(golden);
    judge_line(&line, change, good);
    text_free(&line);
}

static const struct change keyed_changes[] = {
    {"\"key_id\":\"", "\"key\":\"", "\"key_id\" is missing"},
    {"\"key_id\":\"", "\"key_id\":\"0", "\"key_id\" is not that"},
    {"\"key_id\":\"", "\"key_id\":7,\"key_id\":\"", "\"key_id\" is not a string"},
    {"\"key_id\":\"", "\"key_id\":\"0011223344556677\",\"key_id\":\"",
     "\"key_id\" is not that"},
    {"\"profile\":\"keyed\"", "\"profile\":\"redis\"", "\"profile\""},
    {"\"encoding\"", "\"news\":1,\"encoding\"", NULL},
};

START_TEST(changed_keyed_sketch)
{
    struct hc_sketch *sketch = sample_sketch_in(HC_PROFILE_KEYED, 14, 0, 5);
    struct record_sketch record = sample_sketch_record(sketch);
    struct text line = {0};
    char id[40];
    ck_assert_int_eq(record_write_sketch(&record, &line), HC_OK);
    snprintf(id, sizeof id, "\"key_id\":\"%016llx\",\"bytes\"",
             (unsigned long long)hc_key_id(sample_key));
    ck_assert_ptr_nonnull(strstr(line.bytes, id));
    judge_line(&line, &keyed_changes[_i], RECORD_SKETCH);
    text_free(&line);
    hc_sketch_destroy(&sketch);
}
END_TEST

START_TEST(changed_sketch)
{
    judge("sparse.jsonl", &sketch_changes[_i], RECORD_SKETCH);
}
END_TEST

START_TEST(changed_checkpoint)
{
    judge("checkpoint.jsonl", &checkpoint_changes[_i], RECORD_CHECKPOINT);
}
END_TEST

static const struct {
    const char *written, *read;
} groups[] = {
    {"{}", "{}"},
    {"{ \"b\" : 1 , \"a\" : \"x\" }", "{\"a\":\"x\",\"b\":1}"},
    {"{\"a!\":1,\"a\":2,\"\":3}", "{\"\":3,\"a\":2,\"a!\":1}"},
    {"{\"\\u0061\":\"\\/\\u000a\\u00fc\"}", "{\"a\":\"/\\n\xc3\xbc\"}"},
    {"{\"a\":null,\"c\":true,\"b\":1.50}", "{\"a\":null,\"b\":1.50,\"c\":true}"},
    {"{\"a\":\"\\u0000\"}", "{\"a\":\"\\u0000\"}"},
};

START_TEST(canonical_groups)
{
    struct change change = {"{}", groups[_i].written, NULL};
    struct record_reader *reader = record_reader_create();
    struct text line = sample_golden("sparse.jsonl"), other = changed(&line, &change);
    struct record record;
    const char *error = "";
    ck_assert_msg(record_read(reader, other.bytes, other.size, &record, &error) == RECORD_SKETCH,
                  "%s", error);
    ck_assert_str_eq(record.sketch.group, groups[_i].read);
    text_free(&other);
    text_free(&line);
    record_reader_destroy(&reader);
}
END_TEST

START_TEST(escaped_slashes)
{
    struct record_reader *reader = record_reader_create();
    struct text line = sample_golden("sparse.jsonl"), other = {0};
    struct record record;
    const char *error = "";
    for (const char *at = line.bytes; *at; at++)
        text_string(&other, *at == '/' ? "\\/" : (char[]){*at, '\0'});
    ck_assert_uint_gt(other.size, line.size + 1);
    ck_assert_msg(record_read(reader, other.bytes, other.size, &record, &error) == RECORD_SKETCH,
                  "%s", error);
    ck_assert_str_eq(record.sketch.instance, "host-1/9f3a61c27b50d4e8/0");
    text_free(&other);
    text_free(&line);
    record_reader_destroy(&reader);
}
END_TEST

/* As many partitions as an assignment has are read, one more is refused. */
START_TEST(many_partitions)
{
    static struct record_partition partitions[LIMIT_PARTITIONS + 1];
    struct record_reader *reader = record_reader_create();
    struct record_checkpoint written = sample_checkpoint();
    struct text line = {0};
    struct record record;
    const char *error = "";
    for (int32_t i = 0; i <= LIMIT_PARTITIONS; i++)
        partitions[i] = (struct record_partition){.partition = LIMIT_PARTITIONS - i, .to = i};
    written.partitions = partitions;
    written.partitions_count = LIMIT_PARTITIONS;
    written.partitions_total = LIMIT_PARTITIONS + 1;
    ck_assert_int_eq(record_write_checkpoint(&written, &line), HC_OK);
    ck_assert_msg(record_read(reader, line.bytes, line.size, &record, &error) ==
                      RECORD_CHECKPOINT, "%s", error);
    sample_same_checkpoint(&record.checkpoint, &written);
    written.partitions_count++;
    text_clear(&line);
    ck_assert_int_eq(record_write_checkpoint(&written, &line), HC_OK);
    ck_assert_int_eq(record_read(reader, line.bytes, line.size, &record, &error), RECORD_NONE);
    ck_assert_ptr_nonnull(strstr(error, "partitions"));
    text_free(&line);
    record_reader_destroy(&reader);
}
END_TEST

static const char *const no_records[] = {"", " ", "7", "[]", "null", "\"sketch\"", "{}", "{", "}",
                                         "{\"type\":\"sketch\"}", "{\"version\":1}",
                                         "{\"type\":7,\"version\":1}", "{\"type\":\"\xff\"}",
                                         "{\"type\":\"\\x\"}"};

START_TEST(other_lines)
{
    struct record_reader *reader = record_reader_create();
    struct record record;
    const char *error = NULL;
    enum record_kind kind = record_read(reader, no_records[_i], strlen(no_records[_i]), &record,
                                        &error);
    ck_assert_int_eq(kind, RECORD_NONE);
    ck_assert_ptr_nonnull(error);
    ck_assert_uint_gt(strlen(error), 0);
    record_reader_destroy(&reader);
    ck_assert_ptr_null(reader);
    record_reader_destroy(&reader);
}
END_TEST

void add_cases(TCase *tcase)
{
    tcase_add_loop_test(tcase, changed_sketch, 0, sizeof sketch_changes / sizeof *sketch_changes);
    tcase_add_loop_test(tcase, changed_keyed_sketch, 0,
                        sizeof keyed_changes / sizeof *keyed_changes);
    tcase_add_loop_test(tcase, changed_checkpoint, 0,
                        sizeof checkpoint_changes / sizeof *checkpoint_changes);
    tcase_add_loop_test(tcase, canonical_groups, 0, sizeof groups / sizeof *groups);
    tcase_add_test(tcase, escaped_slashes);
    tcase_add_test(tcase, many_partitions);
    tcase_add_loop_test(tcase, other_lines, 0, sizeof no_records / sizeof *no_records);
}
