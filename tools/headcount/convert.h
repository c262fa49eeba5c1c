/* What the parts of headcount convert share: what the command line asked for. */
#ifndef HEADCOUNT_CONVERT_H
#define HEADCOUNT_CONVERT_H

#include "args.h"
#include "calendar.h"
#include "convert_engines.h"

enum convert_format { CONVERT_HEX, CONVERT_BASE64, CONVERT_RAW };

/* Records into the bytes of an engine. */
struct convert_export {
    const char *name; /* what messages begin with */
    const struct engine *engine;
    struct engine_options options;
    const char *precision_option; /* that gave options.precision */
    enum convert_format format;
    struct calendar_options calendar;
    const char *stream;      /* NULL: the one that is there */
    enum hc_profile profile; /* 0: the one that is there */
    const struct args_list *files;
    int64_t threads; /* as OPTIONS_THREADS gives it */
};

/* Prints the rows. The exit code. */
int convert_export(const struct convert_export *export);

/* The bytes of an engine into records. */
struct convert_import {
    const char *name; /* what messages begin with */
    const struct engine *engine;
    enum convert_format format;
    const char *stream;
    int64_t minute_s;  /* of all sketches, or CONVERT_MINUTE_EACH: each line names its own */
    const char *group; /* JSON; with a minute only */
    const struct args_list *files;
};

#define CONVERT_MINUTE_EACH INT64_C(-1)

/* Prints the records. The exit code. */
int convert_import(const struct convert_import *import);

#endif
