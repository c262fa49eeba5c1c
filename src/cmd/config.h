/* What headcountd is asked to do: options -> checked settings. */
#ifndef CMD_CONFIG_H
#define CMD_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "decode.h"
#include "headcount/hash.h"
#include "program.h"
#include "source.h"

enum config_when { CONFIG_AUTO, CONFIG_ALWAYS, CONFIG_NEVER };

enum config_rejects_down { CONFIG_WAIT, CONFIG_DROP };
enum config_input_format { CONFIG_LINES, CONFIG_REJECTS };

/* Strings are owned by `program` or static; `memory` may be any option's value. */
struct config {
    struct program_options program;

    const char *topic, *group;
    bool group_given;
    const char *start_text;
    enum source_start start;
    int64_t start_time_ms;
    bool adopt, exit_at_end;

    const char *stream, *output, *rejects;
    int rejects_down;  /* enum config_rejects_down */
    bool rejects_down_given;
    int input_format;  /* enum config_input_format */
    bool print;
    struct decode_options decode;
    const char *user_field, *time_field;
    int time_unit, user_from, time_from;
    bool strict;
    int64_t ahead_max_ms, late_max_ms, now_s, frame_max;

    unsigned profiles;        /* bit 1 << index into profiles_names */
    const char *key_file;
    uint8_t key[HC_KEY_SIZE]; /* secret; wiped by config_wipe */
    int64_t workers, precision, memory, emit_every_ms, max_lag_ms, idle_after_ms;
    int progress;
    const char *listen, *token_file; /* or NULL */
    char fields[17];      /* fingerprint of what defines the count */
    char trial_group[48]; /* a group of our own where nothing is committed */
};

/* Sets defaults, and adds the options that change them to the table. */
struct args_program config_describe(struct config *config, struct program_table *table);
/* Checks what was read into a struct config, and works out the rest. CONFIG_EXIT_DONE,
 * or the exit code with a message in `error`. `config_wipe` afterwards in any case. */
int config_check(void *config, char *error, size_t error_size);
void config_wipe(struct config *config);

/* Whether records go to a Kafka topic. */
bool config_output_is_topic(const struct config *config);
/* Whether they are readable lines on a terminal instead. */
bool config_output_is_lines(const struct config *config);
/* Parts that --memory is for: a worker's windows each, and the union of what people
 * are shown of several. */
int64_t config_memory_parts(const struct config *config);
/* Where rejects go: a topic's name, a file's path, or NULL. */
const char *config_rejects_topic(const struct config *config);
const char *config_rejects_file(const struct config *config);

#endif
