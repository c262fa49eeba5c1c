/* headcount show: what each record says, as a block of lines to read. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "input.h"
#include "limits.h"
#include "options.h"
#include "shown.h"

static const char show_epilogue[] =
    "A sketch record is a block of lines; its numbers are those of its bytes, and\n"
    "where the record claims another one, the block says so. --registers adds a\n"
    "line for each register that is not zero: 'register', its index, its value.\n";

/* "2016-07-11T13:39:00Z", or the bare number where no calendar reaches. */
static void show_time(struct text *out, int64_t time_s)
{
    if (time_s >= 0 && time_s <= LIMIT_TIME_S)
        text_utc(out, time_s);
    else
        text_int(out, time_s);
}

static void show_string(struct text *out, const char *name, const char *string)
{
    text_string(out, name);
    text_shown_string(out, string, strlen(string));
}

static void show_instance(struct text *out, const char *instance, int64_t epoch_ms)
{
    show_string(out, "  instance   ", instance);
    text_format(out, ", epoch %" PRId64 " (", epoch_ms);
    show_time(out, epoch_ms / 1000);
    text_string(out, ")");
}

static void show_uniques(struct text *out, const struct record_sketch *record)
{
    struct hc_estimate estimate = hc_sketch_estimate(record->sketch);
    text_format(out, "  uniques    %.0f, 95 %%: %.0f to %.0f, one standard error %.3g %%\n",
                round(estimate.value), floor(estimate.low), ceil(estimate.high),
                estimate.error * 100);
    if (fabs(round(estimate.value) - record->estimate.value) > 0)
        text_format(out, "  but        the record claims %.0f uniques\n", record->estimate.value);
}

static void show_sketch(struct text *out, const struct record_sketch *record)
{
    const struct hc_sketch *sketch = record->sketch;
    text_string(out, "sketch ");
    show_time(out, record->minute_s);
    show_string(out, " ", record->stream);
    text_char(out, ' ');
    text_shown(out, record->group, strlen(record->group));
    text_format(out, " %s%s\n", record_state_name(record->state),
                record->whole ? ", whole" : ", a part");
    show_uniques(out, record);
    text_format(out, "  frames     %" PRIu64 "\n", record->frames);
    show_instance(out, record->instance, record->epoch_ms);
    text_format(out, ", sequence %" PRIu64 "\n", record->sequence);
    show_string(out, "  fields     ", record->fields);
    text_format(out, "\n  sketch     %s, precision %u, %s, %zu bytes in memory, checksum %016"
                PRIx64 "\n", hc_profile_name(hc_sketch_profile(sketch)),
                hc_sketch_precision(sketch), hc_sketch_is_sparse(sketch) ? "sparse" : "dense",
                hc_sketch_memory(sketch), hc_digest(sketch));
    if (hc_sketch_key_id(sketch))
        text_format(out, "  key        id %016" PRIx64 "\n", hc_sketch_key_id(sketch));
}

/* False when there is no memory. */
static bool show_registers(struct text *out, const struct hc_sketch *sketch)
{
    size_t count = (size_t)1 << hc_sketch_precision(sketch);
    uint8_t *registers = malloc(count);
    if (!registers)
        return false;
    enum hc_status status = hc_sketch_registers(sketch, registers, count);
    for (size_t i = 0; status == HC_OK && i < count; i++) {
        if (registers[i])
            text_format(out, "register %zu %u\n", i, registers[i]);
    }
    free(registers);
    return status == HC_OK;
}

static void show_partition(struct text *out, const struct record_partition *partition)
{
    text_format(out, "  partition  %" PRId32 ": %" PRId64 " to %" PRId64 ", watermark ",
                partition->partition, partition->from, partition->to);
    if (partition->watermark_s == INT64_MIN)
        text_string(out, "none");
    else
        show_time(out, partition->watermark_s);
    text_string(out, partition->idle ? ", idle" : "");
    text_string(out, partition->end ? ", read to its end" : "");
    for (size_t i = 0; i < partition->missing_count; i++)
        text_format(out, ", missing %" PRId64 " to %" PRId64, partition->missing[i].from,
                    partition->missing[i].to);
    text_char(out, '\n');
}

static void show_sequences(struct text *out, const struct record_checkpoint *record)
{
    text_string(out, "  rests on   ");
    if (record->sequence_first > record->sequence_last)
        text_string(out, "no sketches");
    else
        text_format(out, "sequences %" PRIu64 " to %" PRIu64, record->sequence_first,
                    record->sequence_last);
    for (size_t i = 0; i < record->replaced_count; i++)
        text_format(out, ", %" PRIu64 " replaced", record->replaced[i]);
    text_char(out, '\n');
}

static void show_rejected(struct text *out, const uint64_t *rejected, uint64_t lost)
{
    const char *before = "  rejected   ";
    for (int reason = REJECT_NONE + 1; reason < REJECT_COUNT; reason++) {
        if (rejected[reason] == 0)
            continue;
        text_format(out, "%s%s %" PRIu64, before, reject_name(reason), rejected[reason]);
        before = ", ";
    }
    if (before[0] == ',')
        text_char(out, '\n');
    if (lost)
        text_format(out, "  lost       %" PRIu64 " of the rejected were not set aside\n", lost);
}

static void show_checkpoint(struct text *out, const struct record_checkpoint *record)
{
    text_format(out, "checkpoint %" PRIu64 " ", record->number);
    show_time(out, record->time_ms / 1000);
    show_string(out, " ", record->stream);
    text_char(out, '\n');
    show_instance(out, record->instance, record->epoch_ms);
    show_string(out, "\n  input      cluster ", record->cluster);
    show_string(out, ", topic ", record->topic);
    show_string(out, ", group ", record->input_group);
    text_format(out, ", %" PRId32 " partition%s\n", record->partitions_total,
                record->partitions_total == 1 ? "" : "s");
    show_sequences(out, record);
    for (size_t i = 0; i < record->partitions_count; i++)
        show_partition(out, &record->partitions[i]);
    text_format(out, "  frames     %" PRIu64 "\n", record->frames);
    show_rejected(out, record->rejected, record->rejects_lost);
}

/* One record's block on stdout; false when there is no memory. */
static bool show_record(struct text *out, const struct record *record, bool registers)
{
    text_clear(out);
    if (record->kind == RECORD_CHECKPOINT)
        show_checkpoint(out, &record->checkpoint);
    else
        show_sketch(out, &record->sketch);
    if (record->kind == RECORD_SKETCH && registers && !show_registers(out, record->sketch.sketch))
        return false;
    if (!out->failed)
        fwrite(out->bytes, 1, out->size, stdout);
    return !out->failed;
}

/* With `profile` only what is of it, and no checkpoints. */
static bool is_asked_for(const struct record *record, enum hc_profile profile)
{
    return !profile || (record->kind == RECORD_SKETCH &&
                        hc_sketch_profile(record->sketch.sketch) == profile);
}

static int show_all(struct input *input, bool registers, enum hc_profile profile)
{
    struct text out = {0};
    struct record record;
    while (input_record(input, &record)) {
        if (!is_asked_for(&record, profile))
            continue;
        if (!show_record(&out, &record, registers))
            input_refuse(input, "out of memory");
    }
    text_free(&out);
    return input_close(&input);
}

int command_show(int argc, char **argv)
{
    bool help = false, registers = false;
    int profile = OPTIONS_PROFILE_NONE;
    const struct args_option options[] = {
        {.name = "registers", .kind = ARGS_FLAG, .value = &registers,
         .help = "print the registers of each sketch too"},
        {.name = "profile", .kind = ARGS_CHOICE, .value = &profile,
         .choices = options_profile_names, .argument = "NAME", .not_in_environment = true,
         .help = "only sketches of this profile"},
        OPTIONS_HELP(&help),
        {.name = NULL}};
    const struct args_program program = {
        .name = "headcount show",
        .usage = "headcount show [--registers] [--profile NAME] [FILE]...",
        .epilogue = show_epilogue, .environment = "HEADCOUNT", .options = options};
    struct args *args;
    struct args_list files;
    int code;
    if (!options_parse(&program, &help, argc, argv, &args, &files, &code))
        return code;
    struct input *input = input_create(&(struct input_options){
        .command = program.name, .paths = files.items, .count = files.count});
    if (input)
        code = show_all(input, registers, options_profile(profile));
    else
        say("%s: out of memory\n", program.name);
    args_destroy(&args);
    return input ? code : EXIT_FAILED;
}
