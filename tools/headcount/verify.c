/* headcount verify: are the input positions covered without a hole?
 *
 * The judgement is src/rollup/coverage.c's; here it becomes lines. The first
 * word of a line says what it is about, so that scripts can pick:
 *
 *   source     one (stream, cluster, topic, input group), its sums
 *   partition  one of its partitions: what was seen, "ok" or what is wrong
 *   hole       positions that no checkpoint covers
 *   lost       positions that the broker did not deliver
 *   unmet      a checkpoint that does not count, and why
 *   loose      sketch records that no checkpoint names
 *   imported   the same, made of foreign bytes: there never is a checkpoint */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "coverage.h"
#include "input.h"
#include "limits.h"
#include "options.h"
#include "parts.h"
#include "shown.h"

static const char verify_epilogue[] =
    "Reads all records of a stream, sketches and checkpoints, in any order. A\n"
    "checkpoint counts when every sketch that it rests on was read. Exit code 1 when\n"
    "a position between the first and the last seen is covered by none that counts,\n"
    "was lost by the broker, when a partition or the rest of a file is not there, or\n"
    "when sketches are there whose checkpoint is not.\n";

static void print_string(struct text *out, const char *name, const char *string)
{
    text_string(out, name);
    text_shown_string(out, string, strlen(string));
}

static void print_sums(struct text *out, const struct coverage_source *source)
{
    text_format(out, " checkpoints %" PRIu64 " repeated %" PRIu64 " frames %" PRIu64,
                source->checkpoints, source->repeated, source->frames);
    uint64_t rejected = 0;
    for (int reason = REJECT_NONE + 1; reason < REJECT_COUNT; reason++)
        rejected += source->rejected[reason];
    text_format(out, " rejected %" PRIu64, rejected);
    for (int reason = REJECT_NONE + 1; reason < REJECT_COUNT; reason++) {
        if (source->rejected[reason])
            text_format(out, " %s %" PRIu64, reject_name(reason), source->rejected[reason]);
    }
    if (source->rejects_lost)
        text_format(out, " rejects_lost %" PRIu64, source->rejects_lost);
    text_char(out, '\n');
}

static void print_source(struct text *out, const struct coverage_source *source)
{
    print_string(out, "source stream ", source->stream);
    print_string(out, " cluster ", source->cluster);
    print_string(out, " topic ", source->topic);
    print_string(out, " group ", source->input_group);
    print_sums(out, source);
}

static void print_ranges(struct text *out, const char *what, int32_t partition,
                         const struct record_range *ranges, size_t count)
{
    for (size_t i = 0; i < count; i++)
        text_format(out, "%s partition %" PRId32 ": %" PRId64 " to %" PRId64 ", %" PRIu64
                    " positions\n", what, partition, ranges[i].from, ranges[i].to,
                    (uint64_t)(ranges[i].to - ranges[i].from));
}

static void print_watermark(struct text *out, int64_t watermark_s)
{
    text_string(out, ", watermark ");
    if (watermark_s == INT64_MIN)
        text_string(out, "none");
    else if (watermark_s >= 0 && watermark_s <= LIMIT_TIME_S)
        text_utc(out, watermark_s);
    else
        text_int(out, watermark_s);
}

static void print_partition(struct text *out, const struct coverage_partition *partition)
{
    text_format(out, "partition %" PRId32 ": ", partition->partition);
    if (!partition->seen) {
        text_string(out, "NOT THERE, no checkpoint names it\n");
        return;
    }
    text_format(out, "%" PRId64 " to %" PRId64 ", covered %" PRIu64 ", read again %" PRIu64,
                partition->first, partition->last, partition->covered, partition->again);
    print_watermark(out, partition->watermark_s);
    if (partition->holes_count)
        text_format(out, ", HOLES %zu", partition->holes_count);
    if (partition->lost_count)
        text_format(out, ", LOST %zu", partition->lost_count);
    if (partition->open_end)
        text_string(out, ", END NOT REACHED");
    if (!partition->holes_count && !partition->lost_count && !partition->open_end)
        text_string(out, ", ok");
    text_char(out, '\n');
    print_ranges(out, "hole", partition->partition, partition->holes, partition->holes_count);
    print_ranges(out, "lost", partition->partition, partition->lost, partition->lost_count);
    if (partition->open_end)
        text_format(out, "hole partition %" PRId32 ": %" PRId64 " to the end\n",
                    partition->partition, partition->last);
}

static void print_unmet(struct text *out, const struct coverage_unmet *unmet)
{
    text_format(out, "unmet checkpoint %" PRIu64, unmet->number);
    print_string(out, " instance ", unmet->instance);
    text_format(out, " epoch %" PRId64 ": sequence %" PRIu64, unmet->epoch_ms, unmet->sequence);
    if (unmet->sequences > 1)
        text_format(out, " and %" PRIu64 " more were", unmet->sequences - 1);
    text_string(out, unmet->sequences > 1 ? " not read\n" : " was not read\n");
}

static void print_imported(struct text *out, const struct coverage_loose *loose)
{
    print_string(out, "imported instance ", loose->instance);
    text_format(out, ": %" PRIu64 " record%s that no checkpoint covers\n", loose->sequences,
                loose->sequences == 1 ? "" : "s");
}

static void print_loose(struct text *out, const struct coverage_loose *loose)
{
    if (strncmp(loose->instance, "import/", 7) == 0) {
        print_imported(out, loose);
        return;
    }
    print_string(out, "loose instance ", loose->instance);
    text_format(out, " epoch %" PRId64 ": sequence %" PRIu64, loose->epoch_ms, loose->sequence);
    if (loose->sequences > 1)
        text_format(out, " and %" PRIu64 " more", loose->sequences - 1);
    text_string(out, loose->tail ? ", after its last checkpoint: it was cut off\n"
                                 : ", NAMED BY NO CHECKPOINT, though later ones are there\n");
}

/* Writes what is in `out` and empties it. False when there was no memory. */
static bool print_out(struct text *out)
{
    bool failed = out->failed;
    if (!failed && out->size > 0)
        fwrite(out->bytes, 1, out->size, stdout);
    text_clear(out);
    return !failed;
}

/* All findings on stdout. True when nothing is wrong. */
static bool print_findings(const struct coverage *coverage)
{
    struct text out = {0};
    bool good = true, printed = true;
    for (size_t i = 0; i < coverage_sources_count(coverage); i++) {
        const struct coverage_source *source = coverage_source(coverage, i);
        print_source(&out, source);
        for (size_t p = 0; p < source->partitions_count; p++) {
            print_partition(&out, &source->partitions[p]);
            printed = print_out(&out) && printed;
        }
        for (size_t u = 0; u < source->unmet_count; u++) {
            print_unmet(&out, &source->unmet[u]);
            printed = print_out(&out) && printed;
        }
        good = good && source->whole;
    }
    for (size_t i = 0; i < coverage_loose_count(coverage); i++) {
        const struct coverage_loose *loose = coverage_loose(coverage, i);
        print_loose(&out, loose);
        printed = print_out(&out) && printed;
        good = good && loose->tail;
    }
    text_free(&out);
    return good && printed;
}

static enum hc_status verify_add(struct coverage *coverage, const struct record *record)
{
    return record->kind == RECORD_SKETCH ? coverage_add_sketch(coverage, &record->sketch)
                                         : coverage_add_checkpoint(coverage, &record->checkpoint);
}

/* The records of all files up to `until` that were not read yet. */
static enum hc_status verify_read(struct input *input, struct coverage *coverage, size_t until)
{
    struct record record;
    enum hc_status status = HC_OK;
    input_until(input, until);
    while (status == HC_OK && input_record(input, &record))
        status = verify_add(coverage, &record);
    return status;
}

/* What one thread makes of one file. */
struct part_options {
    size_t waiting_bytes_max;
    const char *folder;
};

static void *part_create(const void *context)
{
    const struct part_options *options = context;
    struct coverage *part = coverage_create();
    if (part)
        coverage_hold(part, options->waiting_bytes_max, options->folder);
    return part;
}

static bool part_add(void *part, const struct record *record)
{
    return verify_add(part, record) == HC_OK;
}

static void part_destroy(void *context)
{
    struct coverage *part = context;
    coverage_destroy(&part);
}

/* Joins a part, or reads its file where there is none that fits. */
static enum hc_status verify_join(struct input *input, struct coverage *coverage,
                                  struct coverage *part, size_t index)
{
    enum hc_status status;
    if (!part || !coverage_joins(coverage, part)) {
        coverage_destroy(&part);
        return verify_read(input, coverage, index + 1);
    }
    input_skip(input);
    status = coverage_join(coverage, part);
    coverage_destroy(&part);
    return status;
}

/* As rows_read_parts in rows.c. */
static enum hc_status verify_read_parts(struct input *input, struct coverage *coverage,
                                        const struct args_list *files, size_t threads)
{
    static const struct parts_kind kind = {part_create, part_add, part_destroy};
    const struct part_options options = {LIMIT_WAITING_BYTES / (threads * PARTS_AHEAD),
                                         parts_folder()};
    enum hc_status status = HC_OK;
    struct parts *parts = parts_start(&kind, &options, files, threads);
    if (!parts)
        return verify_read(input, coverage, files->count);
    for (size_t i = 0; status == HC_OK && i < files->count; i++)
        status = verify_join(input, coverage, parts_take(parts, i), i);
    parts_stop(&parts);
    return status;
}

/* Reads everything and judges it. */
static enum hc_status verify_judge(struct input *input, struct coverage *coverage,
                                   const struct args_list *files, int64_t asked)
{
    size_t count = files->count ? files->count : 1, threads = parts_threads(asked, count);
    enum hc_status status = threads > 1 ? verify_read_parts(input, coverage, files, threads)
                                        : verify_read(input, coverage, count);
    return status == HC_OK ? coverage_judge(coverage) : status;
}

static int verify_all(struct input *input, const struct args_list *files, int64_t threads)
{
    struct coverage *coverage = coverage_create();
    enum hc_status status = HC_ENOMEM;
    int code = EXIT_FAILED;
    if (coverage)
        status = verify_judge(input, coverage, files, threads);
    if (status != HC_OK) {
        say("headcount verify: %s\n",
            status == HC_EROOM ? coverage_error(coverage) : "out of memory");
    } else if (coverage_sources_count(coverage) == 0) {
        say("headcount verify: no checkpoint was read, so nothing can be said\n");
    } else if (print_findings(coverage)) {
        code = EXIT_DONE;
    }
    coverage_destroy(&coverage);
    return input_close(&input) == EXIT_DONE ? code : EXIT_FAILED;
}

int command_verify(int argc, char **argv)
{
    bool help = false;
    int64_t threads = 0;
    const struct args_option options[] = {OPTIONS_THREADS(&threads), OPTIONS_HELP(&help),
                                          {.name = NULL}};
    const struct args_program program = {
        .name = "headcount verify", .usage = "headcount verify [--threads N] [FILE]...",
        .epilogue = verify_epilogue, .environment = "HEADCOUNT", .options = options};
    struct args *args;
    struct args_list files;
    int code;
    if (!options_parse(&program, &help, argc, argv, &args, &files, &code))
        return code;
    struct input *input = input_create(&(struct input_options){
        .command = program.name, .paths = files.items, .count = files.count});
    if (input)
        code = verify_all(input, &files, threads);
    else
        say("%s: out of memory\n", program.name);
    args_destroy(&args);
    return input ? code : EXIT_FAILED;
}
