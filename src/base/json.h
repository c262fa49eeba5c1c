/* JSON documents (RFC 8259), read strictly: the one wrapper around jsmn.
 *
 * jsmn finds the tokens; a check of our own closes its gaps (commas, colons,
 * primitives, control characters, a second document, escapes, UTF-8), so that
 * JSON_OK means a valid document, and any other status names the first damage
 * in it, by position. The token array grows to what the largest document needed
 * and is reused: steady state allocates nothing, and memory that an unusually
 * large document took is given back some documents later.
 *
 * Tokens are non-negative ints, the root is 0. Not for concurrent use. */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum json_status {
    JSON_OK,
    JSON_EMPTY,      /* nothing but white space */
    JSON_NOT_JSON,
    JSON_TOO_DEEP,   /* more than LIMIT_DEPTH levels */
    JSON_BAD_ESCAPE, /* an unknown escape, bad \u, or a lone surrogate */
    JSON_BAD_UTF8,
    JSON_NO_MEMORY
};

enum json_kind {
    JSON_OBJECT,
    JSON_ARRAY,
    JSON_STRING,
    JSON_NUMBER,
    JSON_TRUE,
    JSON_FALSE,
    JSON_NULL
};

struct json;

/* A reusable reader, owned by the caller; NULL when there is no memory. */
struct json *json_create(void);
void json_destroy(struct json **json);

/* Makes room, so that no document of up to `size` bytes fails with
 * JSON_NO_MEMORY. It takes addresses (10 bytes a byte), and memory only once a
 * document needs it. False: no memory. Forgets the parsed document. */
bool json_reserve(struct json *json, size_t size);

/* Reads one document. `bytes` is borrowed until the next call. `size` is at
 * most LIMIT_FRAME_MAX. The accessors below need a JSON_OK before them. */
enum json_status json_parse(struct json *json, const char *bytes, size_t size);

enum json_kind json_kind(const struct json *json, int token);
/* Number of members or elements. */
int json_size(const struct json *json, int token);
/* The value of the first member of an object whose decoded key equals `key`,
 * or -1. `object` must be of kind JSON_OBJECT. */
int json_member(const struct json *json, int object, const char *key, size_t key_size);
/* The first key of an object or element of an array, or -1 when empty. */
int json_first(const struct json *json, int token);
/* A key's value token. */
int json_value(const struct json *json, int key);
/* The next key (given a key) or element (given an element) of the same
 * container, or -1. */
int json_next(const struct json *json, int token);
/* The raw text: between the quotes of a string, as written for the others.
 * Borrowed from the document. */
const char *json_text(const struct json *json, int token, size_t *size);
/* A string decoded into `into` (not terminated). The decoded size in *size;
 * false, and nothing useful in `into`, when it exceeds `room`. */
bool json_string(const struct json *json, int token, char *into, size_t room, size_t *size);
/* Whether a string's decoded text equals these bytes. */
bool json_string_is(const struct json *json, int token, const char *bytes, size_t size);
/* A number without fraction or exponent that fits; else false. */
bool json_int64(const struct json *json, int token, int64_t *number);
/* A number as the nearest double; false when it is no number, lies beyond a
 * double's range, or is written in more than 511 characters. */
bool json_double(const struct json *json, int token, double *number);

/* A place in a document: a root key, or an RFC 6901 pointer ("/a/b/0"). */
struct json_pointer;
/* Compiles `text`: with a leading '/' a pointer, otherwise a root key as it
 * is. NULL with a constant text in *error when malformed or out of memory. */
struct json_pointer *json_pointer_create(const char *text, const char **error);
void json_pointer_destroy(struct json_pointer **pointer);
/* One of its steps, from the root on: a key, or an element's place. */
struct json_step {
    const char *name; /* decoded, borrowed from the pointer, not terminated */
    size_t size;
    int index;        /* the name as an array index, or -1 */
};
/* How many it has, one at least; and each by number. */
size_t json_pointer_steps(const struct json_pointer *pointer);
struct json_step json_pointer_step(const struct json_pointer *pointer, size_t number);
/* The token it names in the parsed document, or -1. Where a key stands twice
 * the first wins. */
int json_pointer_find(const struct json *json, const struct json_pointer *pointer);

#endif
