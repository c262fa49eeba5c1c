/* What other JSON readers need for a frame: yard_json.c runs each over lines
 * that lie in memory and are split already. */
#ifndef YARD_JSON_H
#define YARD_JSON_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct yard_line {
    const char *bytes; /* YARD_PADDING bytes behind it can be read */
    size_t size;
};

#define YARD_PADDING 64

/* How many lines it found what it looks for in; *sum gets something of each, so
 * that nothing is left out. */
typedef size_t yard_reader(const struct yard_line *lines, size_t count, uint64_t *sum);

/* On-Demand: both fields, until both are known. */
yard_reader yard_simdjson;
const char *yard_simdjson_version(void);
/* The whole frame into a pool, then both fields. */
yard_reader yard_yyjson;
/* Tokens of the whole frame, STRICT and PARENT_LINKS; no field. */
yard_reader yard_jsmn;

#ifdef __cplusplus
}
#endif
#endif
