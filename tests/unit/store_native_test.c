/* Goal: a sketch that is alone in its minute is kept in the form in which it came. That
 * form may be any encoder's, alone or before and after others: what the store says is
 * what merge says. One that wastes room is not kept; one that others were united with
 * is not what is written. */
#include <zstd.h>

#include "check_main.h"
#include "store_faults.h"
#include "store_kit.h"

#define START_S 1477778400
#define FORM_HEADER_SIZE 28
#define FORM_ROOM (1 << 15)

static struct store_kit kit;
static struct history history;
static struct record_reader *records;
static uint64_t sequence;

static void set_up(void)
{
    memset(&history, 0, sizeof history);
    kit_make(&kit);
    records = record_reader_create();
    faults_set(FAULT_NONE, 0);
}

static void tear_down(void)
{
    faults_set(FAULT_NONE, 0);
    record_reader_destroy(&records);
    kit_remove(&kit);
    history_free(&history);
}

enum encoder { OURS, ANOTHER, WASTEFUL };

/* One block of registers as they are. */
static size_t raw_frame(uint8_t *into, const uint8_t *registers, size_t size)
{
    uint32_t stated = (uint32_t)size - 256, block = (uint32_t)size << 3 | 1;
    const uint8_t head[] = {0x28, 0xb5, 0x2f, 0xfd, 0x60, stated & 0xff, stated >> 8 & 0xff,
                            block & 0xff, block >> 8 & 0xff, block >> 16 & 0xff};

    memcpy(into, head, sizeof head);
    memcpy(into + sizeof head, registers, size);
    return sizeof head + size;
}

/* The native form of a sketch: its size. */
static size_t encode(const struct hc_sketch *sketch, enum encoder encoder, uint8_t *form)
{
    uint8_t registers[1 << 14];
    size_t count = (size_t)1 << hc_sketch_precision(sketch), size, payload;

    ck_assert_int_eq(hc_encode(sketch, form, FORM_ROOM, &size), HC_OK);
    if (encoder == OURS)
        return size;
    ck_assert(!hc_sketch_is_sparse(sketch));
    ck_assert_int_eq(hc_sketch_registers(sketch, registers, sizeof registers), HC_OK);
    if (encoder == WASTEFUL)
        payload = raw_frame(form + FORM_HEADER_SIZE, registers, count);
    else
        payload = ZSTD_compress(form + FORM_HEADER_SIZE, FORM_ROOM - FORM_HEADER_SIZE, registers,
                                count, 19);
    ck_assert(!ZSTD_isError(payload));
    for (int i = 0; i < 4; i++)
        form[16 + i] = (uint8_t)(payload >> (8 * i));
    return FORM_HEADER_SIZE + payload;
}

/* A record of users first, first + 1, … */
struct part {
    int64_t minute;
    unsigned precision, first, users;
    enum encoder encoder;
};

/* As a line, with its sketch in form[*size]. */
static void add_line(const struct part *part, uint8_t *form, size_t *size)
{
    struct hc_sketch *sketch = history_sketch(part->precision);
    struct record_sketch record = {
        .stream = "users", .minute_s = START_S + part->minute * 60, .group = "{}",
        .state = RECORD_CLOSED, .whole = true, .instance = "i", .epoch_ms = 7,
        .sequence = ++sequence, .fields = "f", .sketch = sketch};
    struct text ours = {0}, line = {0};
    const char *begin, *end;

    for (unsigned user = 0; user < part->users; user++)
        history_add_user(sketch, part->first + user);
    record.estimate = hc_sketch_estimate(sketch);
    ck_assert_int_eq(record_write_sketch(&record, &ours), HC_OK);
    text_char(&ours, '\0');
    *size = encode(sketch, part->encoder, form);
    begin = strstr(ours.bytes, "\"bytes\":\"");
    ck_assert_ptr_nonnull(begin);
    begin += strlen("\"bytes\":\"");
    end = strchr(begin, '"');
    text_bytes(&line, ours.bytes, (size_t)(begin - ours.bytes));
    text_base64(&line, form, *size);
    text_bytes(&line, end, strlen(end));
    history_add_line(&history, line.bytes, line.size);
    text_free(&line);
    text_free(&ours);
    hc_sketch_destroy(&sketch);
}

static void same(void)
{
    struct store_reader *reader = kit_read(&kit);

    for (int numbers = 0; numbers < 2; numbers++) {
        for (enum calendar_grain grain = CALENDAR_MINUTE; grain <= CALENDAR_DAY; grain++) {
            const struct rollup_options options = {.stream = "users", .to_s = LIMIT_TIME_S + 1,
                                                   .numbers = numbers};
            const struct calendar_options calendar = {.grain = grain, .zone = "UTC"};

            kit_same(reader, &history, history.count, options, &calendar);
        }
    }
    store_reader_close(&reader);
}

/* What stands in the file of that minute is `form`, or its size when that is NULL. */
static size_t kept(int64_t minute, const uint8_t *form, size_t size)
{
    sqlite3_stmt *get;
    sqlite3 *db;
    size_t found;

    ck_assert_int_eq(sqlite3_open(kit.path, &db), SQLITE_OK);
    ck_assert_int_eq(sqlite3_prepare_v2(db, "SELECT bytes FROM minute WHERE id & 0xffffffff = ?",
                                        -1, &get, NULL), SQLITE_OK);
    sqlite3_bind_int64(get, 1, START_S / 60 + minute);
    ck_assert_int_eq(sqlite3_step(get), SQLITE_ROW);
    found = (size_t)sqlite3_column_bytes(get, 0);
    if (form) {
        ck_assert_uint_eq(found, size);
        ck_assert_mem_eq(sqlite3_column_blob(get, 0), form, size);
    }
    sqlite3_finalize(get);
    sqlite3_close(db);
    return found;
}

static void add_last(struct store *store)
{
    ck_assert_int_eq(kit_add(store, records, &history.lines[history.count - 1]), STORE_TAKEN);
}

START_TEST(alone)
{
    static const struct part parts[] = {{0, 14, 0, 90, OURS}, {1, 14, 0, 6000, OURS},
                                        {2, 14, 0, 6000, ANOTHER}, {3, 12, 500, 90000, ANOTHER},
                                        {400, 14, 90, 9000, WASTEFUL}};
    uint8_t forms[sizeof(parts) / sizeof(parts[0])][FORM_ROOM];
    size_t sizes[sizeof(parts) / sizeof(parts[0])];
    struct store *store = kit_open(&kit);

    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        add_line(&parts[i], forms[i], &sizes[i]);
        add_last(store);
    }
    /* It is another one. */
    ck_assert(sizes[1] != sizes[2] || memcmp(forms[1], forms[2], sizes[1]) != 0);
    ck_assert(store_flush(store));
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        if (parts[i].encoder != WASTEFUL)
            kept(parts[i].minute, forms[i], sizes[i]);
        else
            ck_assert_uint_lt(kept(parts[i].minute, NULL, 0), sizes[i] / 2);
    }
    same();
    store_close(&store);
}
END_TEST

/* A second record of the same minute, before the first one is written or after: other
 * users, the same, some of them, or at a lower precision. */
START_TEST(united)
{
    static const struct part firsts[] = {{0, 14, 0, 90, OURS}, {0, 14, 0, 6000, OURS},
                                         {0, 14, 0, 6000, ANOTHER}, {0, 14, 0, 6000, WASTEFUL}};
    static const struct part seconds[] = {{0, 14, 7000, 50, OURS}, {0, 14, 0, 5000, ANOTHER},
                                          {0, 14, 0, 90, OURS}, {0, 12, 0, 90, OURS},
                                          {0, 14, 3000, 9000, WASTEFUL}};
    const size_t seconds_count = sizeof(seconds) / sizeof(seconds[0]);
    struct store *store = kit_open(&kit);
    uint8_t form[FORM_ROOM];
    size_t size;

    for (size_t i = 0; i < sizeof(firsts) / sizeof(firsts[0]) * seconds_count; i++) {
        struct part first = firsts[i / seconds_count], second = seconds[i % seconds_count];

        first.minute = second.minute = (int64_t)i * (_i % 2 ? 1 : 97);
        add_line(&first, form, &size);
        add_last(store);
        if (_i / 2)
            ck_assert(store_flush(store));
        add_line(&second, form, &size);
        add_last(store);
    }
    ck_assert(store_flush(store));
    same();
    while (store_tidy(store) == 1)
        continue;
    same();
    store_close(&store);
}
END_TEST

/* A write that fails is tried again, with a record that came in between. */
START_TEST(written_again)
{
    const struct part one = {0, 14, 0, 6000, ANOTHER}, more = {0, 14, 5000, 3000, OURS};
    const struct part other = {1, 14, 0, 7000, ANOTHER};
    struct store *store = kit_open(&kit);
    uint8_t form[FORM_ROOM];
    size_t size;

    add_line(&one, form, &size);
    add_last(store);
    add_line(&other, form, &size);
    add_last(store);
    faults_set(FAULT_FULL, 1);
    ck_assert(!store_flush(store));
    faults_set(FAULT_NONE, 0);
    add_line(&more, form, &size);
    add_last(store);
    ck_assert(store_flush(store));
    same();
    store_close(&store);
}
END_TEST

void add_cases(TCase *tests)
{
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, alone);
    tcase_add_loop_test(tests, united, 0, 4);
    tcase_add_test(tests, written_again);
}
