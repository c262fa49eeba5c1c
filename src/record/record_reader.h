/* What the reader's files share: typed access to the members of an untrusted
 * object. Each `need_` function fails once, with a message that names the
 * member, and writes its result only on success. */
#ifndef RECORD_RECORD_READER_H
#define RECORD_RECORD_READER_H

#include "json.h"
#include "record.h"
#include "record_limits.h"

/* Room for every string of one record. */
#define READER_STRINGS (4 * (RECORD_NAME_MAX + 1) + RECORD_TOPIC_MAX + 1 + RECORD_FIELDS_MAX + 1)

/* Members of an object that are kept at hand; an object of more is searched. */
#define READER_MEMBERS 32

/* The keys of one object, which is asked for each of them in turn. */
struct reader_members {
    int object;      /* token; -1: of none */
    bool searched;   /* too many, or written with escapes: not listed here */
    size_t count;
    struct reader_member {
        const char *name; /* as written */
        size_t size;
        int value;
    } list[READER_MEMBERS];
};

struct record_reader {
    struct json *json;
    struct reader_members root, inner; /* of the document, and of the object used last */
    bool escapes;             /* the document has a backslash */
    struct text strings;      /* decoded, each with its NUL; never moves */
    struct text group;        /* canonical */
    struct text scratch;
    struct text native;       /* the bytes of the sketch */
    struct text line;         /* the line without them, see record_line.c */
    int native_token;         /* the string that `native` was decoded from, or -1 */
    struct hc_codec *codec;
    struct hc_sketch *sketch; /* of the record handed over last, or NULL */
    struct record_partition *partitions;
    size_t partitions_room;
    struct record_range *missing; /* of all partitions, one after the other */
    size_t missing_room;
    uint64_t *replaced;
    size_t replaced_room;
    char error[256];
};

/* Sets the message and returns false, so that a check can end with it. */
bool reader_fail(struct record_reader *reader, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Room for `count` elements in one of the arrays above, which is then not NULL. */
bool reader_room(struct record_reader *reader, void **array, size_t *room, size_t count,
                 size_t element_size);

/* Parses a line into reader->json, and maybe the sketch's bytes into
 * reader->native. */
bool reader_parse(struct record_reader *reader, const char *line, size_t size);

/* The value of the first member of that name, or -1. */
int reader_find(struct record_reader *reader, int object, const char *name);

/* The value of member `name`, of that kind. */
bool need_member(struct record_reader *reader, int object, const char *name, enum json_kind kind,
                 int *token);
bool need_bool(struct record_reader *reader, int object, const char *name, bool *value);
bool need_int(struct record_reader *reader, int object, const char *name, int64_t min,
              int64_t max, int64_t *value);
/* 0..RECORD_COUNT_MAX */
bool need_count(struct record_reader *reader, int object, const char *name, uint64_t *value);
/* Finite and not negative. */
bool need_number(struct record_reader *reader, int object, const char *name, double *value);
/* At most `max` bytes, none of them NUL; kept in reader->strings. */
bool need_string(struct record_reader *reader, int object, const char *name, size_t max,
                 const char **string);
/* An element of an array, or a member's value, that must be an integer. */
bool need_int_token(struct record_reader *reader, int token, const char *name, int64_t min,
                    int64_t max, int64_t *value);

/* The canonical form of an object of scalars into reader->group. */
bool read_group(struct record_reader *reader, int object);

bool read_sketch(struct record_reader *reader, struct record_sketch *record);
bool read_checkpoint(struct record_reader *reader, struct record_checkpoint *record);

#endif
