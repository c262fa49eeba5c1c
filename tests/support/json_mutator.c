/* For a fuzzer of JSON: changes whole values and members as often as bytes, so
 * that many inputs stay documents, and frames. What a value is is guessed from
 * the bytes; a wrong guess is a mutation like any other. */
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t size_max);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t size_max, unsigned seed);

struct piece {
    const uint8_t *bytes;
    size_t size;
};

static const char *const values[] = {
    "0", "-0", "1", "-1", "1468244385", "253402300799", "253402300800", "1468244385.999999999999",
    "1e3", "14682443.85e2", "1E-400", "1e400", "9223372036854775808", "-9223372036854775809",
    "18446744073709551616", "0.1", "123456789012345678901234567890", "5e-324", "1e22",
    "\"\"", "\"u1\"", "\"1468244385\"", "\"-1.5e3\"", "\"\\u0031\"", "\" 1\"",
    "\"\\ud83d\\ude00\"", "\"\\u0000\"", "\"\xc3\xa9\xf0\x9f\x98\x80\"",
    "\"\\\\\\\"\\/\\b\\f\\n\\r\\t\"", "true", "false", "null", "[]", "{}", "[0]", "[[],{}]",
    "{\"uid\":\"a\"}", "{\"ts\":1,\"ts\":2}", "{\"\":[{}]}",
    "{\"uid\":\"u\",\"ts\":1468244385}", "{\"a\":[\"u\"],\"t/s\":{\"ts\":7}}"};
static const char *const keys[] = {"\"uid\":", "\"ts\":", "\"a\":", "\"t/s\":", "\"\\u0075id\":",
                                   "\"t\\u0073\":", "\"\":", "\"t\\/s\" :", "\"UID\":"};

static size_t draw(uint64_t *random, size_t below)
{
    *random ^= *random << 13;
    *random ^= *random >> 7;
    *random ^= *random << 17;
    return below ? (size_t)(*random >> 11) % below : 0;
}

/* Behind the string that begins at `at`. */
static size_t end_of_string(const uint8_t *data, size_t size, size_t at)
{
    for (at++; at < size && data[at] != '"'; at++)
        at += data[at] == '\\';
    return at < size ? at + 1 : size;
}

/* Behind the value that begins at `at`: its brackets, its quotes, or up to a mark. */
static size_t end_of_value(const uint8_t *data, size_t size, size_t at)
{
    size_t depth = 0;

    while (at < size) {
        uint8_t c = data[at];
        bool opens = c == '[' || c == '{', closes = c == ']' || c == '}';

        if (depth == 0 && (closes || c == ',' || c == ':'))
            return at;
        depth += opens;
        depth -= closes;
        at = c == '"' ? end_of_string(data, size, at) : at + 1;
        if (depth == 0 && (closes || c == '"'))
            return at;
    }
    return size;
}

/* A place where a value or key may begin: the start, or behind a mark. */
static size_t pick_place(uint64_t *random, const uint8_t *data, size_t size)
{
    size_t at = draw(random, size + 1);

    while (at > 0 && !strchr("[{,:", data[at - 1]))
        at--;
    return at;
}

static struct piece constant(const char *text)
{
    return (struct piece){(const uint8_t *)text, strlen(text)};
}

/* Puts the pieces in the place of data[from..to). Returns the new size, 0 when
 * that is too much. The pieces may lie in the data: they are copied first. */
static size_t splice(uint8_t *data, size_t size, size_t size_max, size_t from, size_t to,
                     const struct piece *pieces, size_t count)
{
    uint8_t added[1024];
    size_t added_size = 0;

    for (size_t i = 0; i < count; i++) {
        if (pieces[i].size > sizeof added - added_size)
            return 0;
        memcpy(added + added_size, pieces[i].bytes, pieces[i].size);
        added_size += pieces[i].size;
    }
    if (size - (to - from) + added_size > size_max)
        return 0;
    memmove(data + from + added_size, data + to, size - to);
    memcpy(data + from, added, added_size);
    return size - (to - from) + added_size;
}

static size_t mutate_value(uint64_t *random, uint8_t *data, size_t size, size_t size_max)
{
    size_t from = pick_place(random, data, size), to = end_of_value(data, size, from);
    size_t other = pick_place(random, data, size);
    struct piece value = constant(values[draw(random, sizeof values / sizeof *values)]);
    struct piece key = constant(keys[draw(random, sizeof keys / sizeof *keys)]);
    struct piece old = {data + from, to - from};
    struct piece copy = {data + other, end_of_value(data, size, other) - other};

    switch (draw(random, 8)) {
    case 0:
    case 1:
        return splice(data, size, size_max, from, to, &value, 1);
    case 2: /* another of its values */
        return splice(data, size, size_max, from, to, &copy, 1);
    case 3: /* an element before it */
        return splice(data, size, size_max, from, from, (struct piece[]){value, constant(",")}, 2);
    case 4: /* a member before it */
        return splice(data, size, size_max, from, from,
                      (struct piece[]){key, draw(random, 2) ? value : copy, constant(",")}, 3);
    case 5: /* a level more */
        return splice(data, size, size_max, from, to,
                      (struct piece[]){constant("["), old, constant("]")}, 3);
    case 6:
        return splice(data, size, size_max, from, to,
                      (struct piece[]){constant("{"), key, old, constant("}")}, 4);
    default: /* gone, with its comma */
        to += to < size && data[to] == ',';
        return splice(data, size, size_max, from, to, NULL, 0);
    }
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t size_max, unsigned seed)
{
    uint64_t random = seed * UINT64_C(0x9e3779b97f4a7c15) | 1;
    size_t changed = 0;

    if (draw(&random, 3) == 0)
        return LLVMFuzzerMutate(data, size, size_max);
    for (size_t i = 1 + draw(&random, 3); i > 0; i--) {
        size_t now = mutate_value(&random, data, changed ? changed : size, size_max);

        changed = now ? now : changed;
    }
    return changed ? changed : LLVMFuzzerMutate(data, size, size_max);
}
