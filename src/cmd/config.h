/* What headcountd is asked to do: options -> checked settings. */
#ifndef CMD_CONFIG_H
#define CMD_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "args.h"
#include "decode.h"
#include "exits.h"
#include "headcount/hash.h"
#include "source.h"

enum config_when { CONFIG_AUTO, CONFIG_ALWAYS, CONFIG_NEVER };

enum config_rejects_down { CONFIG_WAIT, CONFIG_DROP };
enum config_input_format { CONFIG_LINES, CONFIG_REJECTS };

/* Strings are owned by `args` or static; `memory` may be any option's value. */
struct config {
    struct args *args;
    struct args_list files;
    const char *file; /* -F */

    const char *brokers, *topic, *group;
    bool group_given;
    const char *start_text;
    enum source_start start;
    int64_t start_time_ms;
    bool adopt, exit_at_end;
    struct args_list properties;

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
    uint8_t key[HC_KEY_SIZE]; /* secret; wiped by config_free */
    int64_t workers, precision, memory, emit_every_ms, max_lag_ms, idle_after_ms;
    int progress, log_format;
    const char *listen, *token_file; /* or NULL */
    bool verbose, quiet, validate, version, help;
    char fields[17];      /* fingerprint of what defines the count */
    char trial_group[48]; /* a group of our own where nothing is committed */
};

/* Reads options into *config and checks them. CONFIG_EXIT_DONE, or the exit
 * code with a message in `error`. `config_free` afterwards in any case. */
int config_read(struct config *config, int argc, char **argv, char *error, size_t error_size);
void config_free(struct config *config);

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

void config_help(const struct config *config, void *stream);

#endif
