/* Goal: each document of tests/golden/json_corpus.txt has the verdict that
 * stands there, from our reader, from our strict decoder and from simdjson, which
 * finds the same in what it takes. Where simdjson's verdict is another one the
 * table says so: numbers beyond 64 bits and doubles, with whose digits cut it
 * agrees too, and what is deeper than we read. The fast way is held against the
 * strict one, with each document before and behind the fields. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check_main.h"
#include "decode_judge.h"
#include "simdjson_judge.h"
#include "text.h"

#define CORPUS TEST_DATA "/golden/json_corpus.txt"
#define DOCUMENT_MAX (1 << 20)
#define ROWS_MIN 1500

struct row {
    int line;
    const char *verdict;
    const char *status;
    const char *others;
    const char *reason;
    struct text document;
};

struct corpus {
    FILE *file;
    char *line;
    size_t room;
    struct row row;
};

struct readers {
    struct json *json;
    struct decoder *strict;
    struct decoder *fast;
    struct simdjson_judge *judge;
    struct decode_judge *decode_judge;
    char *copy;
    int wrong;
};

static const char *const statuses[] = {"ok",         "empty",    "not_json", "too_deep",
                                       "bad_escape", "bad_utf8", "no_memory"};

static void add_bytes(struct text *document, const char *hex)
{
    char *rest;

    for (unsigned long byte = strtoul(hex, &rest, 16); rest != hex;
         byte = strtoul(hex, &rest, 16)) {
        text_char(document, (char)byte);
        hex = rest;
    }
    ck_assert_int_eq(*hex, '\0');
}

/* What stands between '<' and '>'. */
static void add_notation(struct text *document, const char *text)
{
    char *rest;
    unsigned long times = strtoul(text, &rest, 10);

    if (rest == text || (*rest != '*' && *rest != 'x')) {
        add_bytes(document, text);
        return;
    }
    for (bool hex = *rest++ == 'x'; times > 0; times--) {
        if (hex)
            add_bytes(document, rest);
        else
            text_string(document, rest);
    }
}

static void expand(struct text *document, char *text)
{
    text_clear(document);
    while (*text) {
        size_t plain = strcspn(text, "<");
        char *end;

        text_bytes(document, text, plain);
        text += plain;
        if (!*text)
            break;
        end = strchr(text, '>');
        ck_assert_ptr_nonnull(end);
        *end = '\0';
        add_notation(document, text + 1);
        text = end + 1;
    }
    ck_assert(!document->failed);
}

static bool next_row(struct corpus *corpus)
{
    struct row *row = &corpus->row;
    char *at;

    do {
        if (getline(&corpus->line, &corpus->room, corpus->file) <= 0)
            return false;
        row->line++;
    } while (corpus->line[0] == '#' || corpus->line[0] == '\n');
    at = corpus->line;
    row->verdict = strsep(&at, "\t");
    row->status = strsep(&at, "\t");
    row->others = strsep(&at, "\t");
    row->reason = strsep(&at, "\t");
    ck_assert_ptr_nonnull(at);
    expand(&row->document, strsep(&at, "\n"));
    ck_assert_uint_le(row->document.size, DOCUMENT_MAX);
    return true;
}

static void complain(struct readers *readers, const struct row *row, const char *what)
{
    fprintf(stderr, "line %d: %s: %s\n", row->line, row->reason, what);
    readers->wrong++;
}

/* "simdjson" in a list; "pysimdjson" is another. */
static bool differs(const struct row *row)
{
    return strncmp(row->others, "simdjson", strlen("simdjson")) == 0;
}

/* A copy that ends where the document does, so that a read beyond it is seen. */
static const char *place(struct readers *readers, const struct text *document)
{
    free(readers->copy);
    readers->copy = malloc(document->size ? document->size : 1);
    ck_assert_ptr_nonnull(readers->copy);
    if (document->size > 0)
        memcpy(readers->copy, document->bytes, document->size);
    return readers->copy;
}

static enum reject decode(struct readers *readers, struct decoder *decoder,
                          const struct text *document)
{
    struct message message = {.bytes = place(readers, document),
                              .size = document->size,
                              .timestamp_ms = MESSAGE_NO_TIMESTAMP};
    struct frame frame;

    return decoder_decode(decoder, &message, &frame);
}

/* The decoder calls a document what the reader calls it. */
static void check_decoder(struct readers *readers, const struct row *row, bool taken)
{
    const char *name = reject_name(decode(readers, readers->strict, &row->document));
    bool damaged = false;

    for (size_t i = JSON_EMPTY; i < JSON_NO_MEMORY; i++)
        damaged |= strcmp(name, statuses[i]) == 0;
    if (taken ? damaged : strcmp(name, row->status) != 0)
        complain(readers, row, name);
}

/* What is a document is a value too, at every place in an eight-byte step. */
static void check_as_value(struct readers *readers, const struct row *row)
{
    struct text frame = {0};

    for (int shift = 0; shift < 9; shift++) {
        text_clear(&frame);
        text_format(&frame, "{\"%.*s\":", shift, "12345678");
        text_bytes(&frame, row->document.bytes, row->document.size);
        text_string(&frame, ",\"uid\":\"u\",\"ts\":1}");
        if (decode(readers, readers->strict, &frame) != REJECT_NONE ||
            decode(readers, readers->fast, &frame) != REJECT_NONE)
            complain(readers, row, "as a member of a frame");
    }
    text_free(&frame);
}

/* Fast and strict: the document itself, and before and behind the fields. */
static void check_fast(struct readers *readers, const struct row *row)
{
    static const char *const around[][2] = {
        {"", ""}, {"{\"x\":", ",\"uid\":\"u\",\"ts\":1}"}, {"{\"ts\":1,\"uid\":", "}"},
        {"{\"uid\":\"u\",\"ts\":1,\"x\":", "}"}};
    struct text frame = {0};

    for (size_t i = 0; i < sizeof around / sizeof *around; i++) {
        text_clear(&frame);
        text_string(&frame, around[i][0]);
        text_bytes(&frame, row->document.bytes, row->document.size);
        text_string(&frame, around[i][1]);
        ck_assert(!frame.failed);
        decode_judge_check(readers->decode_judge, frame.bytes, frame.size, NULL);
    }
    text_free(&frame);
}

static void check_simdjson(struct readers *readers, const struct row *row, bool taken)
{
    const char *bytes = readers->copy, *difference;
    size_t size = row->document.size;

    if (simdjson_judge_takes(readers->judge, bytes, size) == (taken == differs(row)))
        complain(readers, row, "simdjson's verdict");
    if (strcmp(row->status, "too_deep") == 0)
        return;
    if (simdjson_judge_takes_cut(readers->judge, bytes, size) != taken)
        complain(readers, row, "simdjson's verdict without the long numbers");
    difference = taken ? simdjson_judge_compare(readers->judge, readers->json) : NULL;
    if (difference)
        complain(readers, row, difference);
}

static void check_row(struct readers *readers, const struct row *row)
{
    const char *bytes = place(readers, &row->document);
    enum json_status status = json_parse(readers->json, bytes, row->document.size);
    bool taken = status == JSON_OK;

    if (strcmp(statuses[status], row->status) != 0)
        complain(readers, row, statuses[status]);
    if (strcmp(row->verdict, "either") != 0 && taken != (strcmp(row->verdict, "accept") == 0))
        complain(readers, row, row->verdict);
    check_simdjson(readers, row, taken);
    check_decoder(readers, row, taken);
    check_fast(readers, row);
    if (strcmp(row->verdict, "accept") == 0)
        check_as_value(readers, row);
}

START_TEST(every_document_has_its_verdict)
{
    struct decode_options options = {.user_field = "uid",
                                     .time_field = "ts",
                                     .frame_max = DOCUMENT_MAX,
                                     .ahead_max_ms = DECODE_UNLIMITED,
                                     .late_max_ms = DECODE_UNLIMITED};
    struct corpus corpus = {.file = fopen(CORPUS, "r")};
    struct readers readers = {.json = json_create()};
    char error[128];
    int rows = 0;

    ck_assert_ptr_nonnull(corpus.file);
    readers.judge = simdjson_judge_create(DOCUMENT_MAX);
    readers.fast = decoder_create(&options, error, sizeof error);
    options.strict = true;
    readers.strict = decoder_create(&options, error, sizeof error);
    ck_assert(readers.fast && readers.strict);
    options.frame_max = DOCUMENT_MAX + 64;
    readers.decode_judge = decode_judge_create(&options);
    for (; next_row(&corpus); rows++)
        check_row(&readers, &corpus.row);
    ck_assert_int_gt(rows, ROWS_MIN);
    ck_assert_int_eq(readers.wrong, 0);
    free(readers.copy);
    decode_judge_destroy(&readers.decode_judge);
    decoder_destroy(&readers.fast);
    decoder_destroy(&readers.strict);
    simdjson_judge_destroy(&readers.judge);
    json_destroy(&readers.json);
    text_free(&corpus.row.document);
    free(corpus.line);
    fclose(corpus.file);
}
END_TEST

void add_cases(TCase *tcase)
{
    tcase_set_timeout(tcase, 120);
    tcase_add_test(tcase, every_document_has_its_verdict);
}
