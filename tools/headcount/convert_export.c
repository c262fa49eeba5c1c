/* headcount convert --to: rows as sketches in the bytes of an engine.
 *
 * A row is a bucket of the roll-up, as in merge, but for those without users:
 * what is not there counts as 0 in every engine.
 *
 * A Redis string has a place for its own count, which PFCOUNT trusts until an
 * id or another string is added. We put `uniques` there: while a sketch of ours
 * is sparse that is within 0.02 %, where the 2^14 registers, which are all that
 * Redis can look at, say it within 0.8 %; and no one gets to see two numbers
 * for the same minute. Of dense sketches both are the same number. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "commands.h"
#include "convert.h"
#include "limits.h"
#include "rows.h"
#include "shown.h"

/* Counts from here on would look stale, and are left so. */
#define COUNT_MAX 9.2e18

struct exporter {
    const struct convert_export *asked;
    struct rows rows;
    unsigned char *bytes; /* grows to the largest sketch */
    size_t room;
    struct text out;
};

/* The count that PFCOUNT answers, little-endian in bytes 8 to 15; the top bit
 * would say that it is stale. */
static void write_count(const struct rollup_row *row, unsigned char *bytes)
{
    uint64_t count = (uint64_t)llround(row->estimate.value);
    for (int i = 0; i < 8; i++)
        bytes[8 + i] = (unsigned char)(count >> (8 * i));
}

/* Why a row can't be had in the precision that is needed. */
static void refuse_precision(const struct exporter *exporter, const struct rollup_row *row)
{
    const struct convert_export *asked = exporter->asked;
    unsigned own = hc_sketch_precision(row->sketch), needed = asked->options.precision;
    say("%s: %" PRId64 " %s: its precision is %u, and ", asked->name, row->start_s,
        row->group, own);
    if (needed)
        say("--%s asks for %u\n", asked->precision_option, needed);
    else if (asked->engine->precision_min == asked->engine->precision_max)
        say("%s has %u only\n", asked->engine->name, asked->engine->precision_min);
    else
        say("%s has %u to %u\n", asked->engine->name, asked->engine->precision_min,
            asked->engine->precision_max);
}

/* Whether the row's precision is one that goes with the options. */
static bool check_precision(const struct exporter *exporter, const struct rollup_row *row)
{
    const struct convert_export *asked = exporter->asked;
    unsigned precision = engine_precision(asked->engine, &asked->options, row->sketch);
    if (precision == 0) {
        refuse_precision(exporter, row);
        return false;
    }
    if (asked->options.sparse_precision <= 0 ||
        asked->options.sparse_precision >= (int64_t)precision)
        return true;
    say("%s: %" PRId64 " %s: its precision is %u, and --sparse-precision %" PRId64
        " is below that\n", asked->name, row->start_s, row->group, precision,
        asked->options.sparse_precision);
    return false;
}

/* The row's bytes into exporter->bytes; what is wrong has been said. */
static bool encode(struct exporter *exporter, const struct rollup_row *row, size_t *size)
{
    const struct convert_export *asked = exporter->asked;
    if (!check_precision(exporter, row))
        return false;
    enum hc_status status = engine_encode(asked->engine, &asked->options, row->sketch,
                                          &exporter->bytes, &exporter->room, size);
    if (status != HC_OK) {
        say("%s: %" PRId64 " %s: %s\n", asked->name, row->start_s, row->group,
            hc_status_text(status));
        return false;
    }
    if (asked->engine->profile == HC_PROFILE_REDIS && row->estimate.value < COUNT_MAX)
        write_count(row, exporter->bytes);
    return true;
}

static bool print_row(struct exporter *exporter, const struct rollup_row *row)
{
    enum convert_format format = exporter->asked->format;
    struct text *out = &exporter->out;
    size_t size;
    if (!encode(exporter, row, &size))
        return false;
    text_clear(out);
    if (format != CONVERT_RAW)
        text_format(out, "%" PRId64 "\t%s\t", row->start_s, row->group);
    if (format == CONVERT_HEX)
        text_hex(out, exporter->bytes, size);
    else if (format == CONVERT_BASE64)
        text_base64(out, exporter->bytes, size);
    else
        text_bytes(out, exporter->bytes, size);
    if (format != CONVERT_RAW)
        text_char(out, '\n');
    if (out->failed)
        say("%s: out of memory\n", exporter->asked->name);
    else
        fwrite(out->bytes, 1, out->size, stdout);
    return !out->failed;
}

/* The next row with users; 0 at the end, -1 on failure. */
static int next_row(struct exporter *exporter, struct rollup_row *row)
{
    int more;
    do {
        more = rollup_next(exporter->rows.rollup, row);
    } while (more > 0 && !row->sketch);
    if (more < 0)
        say("%s: %s\n", exporter->asked->name, rollup_error(exporter->rows.rollup));
    return more;
}

/* raw has no place for a second row. */
static bool check_raw(struct exporter *exporter)
{
    struct rollup_row row;
    int count = 0, more;
    while ((more = next_row(exporter, &row)) > 0 && count < 2)
        count++;
    rollup_rewind(exporter->rows.rollup);
    if (more >= 0 && count != 1)
        say("%s: raw is for a single row, and there %s\n", exporter->asked->name,
            count ? "are more: see --by" : "is none");
    return more >= 0 && count == 1;
}

static int print_rows(struct exporter *exporter)
{
    struct rollup_row row;
    int more, code = EXIT_DONE;
    if (exporter->asked->format == CONVERT_RAW && !check_raw(exporter))
        return EXIT_FAILED;
    while ((more = next_row(exporter, &row)) > 0 && !ferror(stdout)) {
        if (!print_row(exporter, &row))
            code = EXIT_FAILED;
    }
    return more < 0 ? EXIT_FAILED : code;
}

/* Sketches are filled with the hash of one engine, and can't be had for another. */
static void explain_profile(const struct exporter *exporter)
{
    const struct engine *engine = exporter->asked->engine;
    const struct rollup *rollup = exporter->rows.rollup;
    if (engine->profile && rollup && rollup_profiles(rollup) &&
        !(rollup_profiles(rollup) & 1u << engine->profile))
        say("%s: --to %s takes only what was counted with headcountd --profile %s\n",
            exporter->asked->name, engine->name, hc_profile_name(engine->profile));
}

int convert_export(const struct convert_export *export)
{
    struct exporter exporter = {.asked = export};
    const struct rows_options options = {
        .name = export->name,
        .calendar = export->calendar,
        .rollup = {.stream = export->stream,
                   .profile = export->engine->profile ? export->engine->profile
                                                      : export->profile,
                   .from_s = 0, .to_s = LIMIT_TIME_S + 1},
        .files = export->files,
        .threads = export->threads};
    int code = rows_open(&exporter.rows, &options);
    if (code == EXIT_DONE)
        code = print_rows(&exporter);
    else
        explain_profile(&exporter);
    code = rows_close(&exporter.rows, code);
    text_free(&exporter.out);
    free(exporter.bytes);
    return code;
}
