/* Numbers are LEB128, signed ones in zigzag; a string is its length, its bytes
 * and a NUL. The seal is the MurmurHash64A of all bytes before it. */
#include "state_bytes.h"

#include <string.h>

#include "headcount/hash.h"

#define SEAL_SIZE 8

void state_put_uint(struct text *text, uint64_t number)
{
    for (; number >= 0x80; number >>= 7)
        text_char(text, (char)(0x80 | (number & 0x7f)));
    text_char(text, (char)number);
}

void state_put_int(struct text *text, int64_t number)
{
    uint64_t sign = number < 0 ? UINT64_MAX : 0;

    state_put_uint(text, (uint64_t)number << 1 ^ sign);
}

void state_put_string(struct text *text, const char *string)
{
    size_t size = strlen(string);

    state_put_uint(text, size);
    text_bytes(text, string, size + 1);
}

void state_seal(struct text *text, size_t begin)
{
    uint64_t hash;

    if (text->failed)
        return;
    hash = hc_hash_bytes(HC_PROFILE_REDIS, text->bytes + begin, text->size - begin).first;
    for (int i = 0; i < SEAL_SIZE; i++)
        text_char(text, (char)(hash >> 8 * i & 0xff));
}

struct state_reader state_open(const void *bytes, size_t size)
{
    struct state_reader reader = {.at = bytes, .failed = true};
    uint64_t hash, seal = 0;

    reader.end = reader.at;
    if (size < SEAL_SIZE)
        return reader;
    hash = hc_hash_bytes(HC_PROFILE_REDIS, bytes, size - SEAL_SIZE).first;
    reader.end += size - SEAL_SIZE;
    for (int i = 0; i < SEAL_SIZE; i++)
        seal |= (uint64_t)reader.end[i] << 8 * i;
    reader.failed = seal != hash;
    return reader;
}

void state_expect(struct state_reader *reader, bool good)
{
    if (!good)
        reader->failed = true;
}

uint64_t state_get_uint(struct state_reader *reader)
{
    uint64_t number = 0;

    for (int shift = 0; shift < 64 && !reader->failed && reader->at < reader->end; shift += 7) {
        unsigned char byte = *reader->at++;

        number |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80))
            return number;
    }
    reader->failed = true;
    return 0;
}

int64_t state_get_int(struct state_reader *reader)
{
    uint64_t number = state_get_uint(reader);

    return (int64_t)(number >> 1 ^ (number & 1 ? UINT64_MAX : 0));
}

const char *state_get_string(struct state_reader *reader)
{
    uint64_t size = state_get_uint(reader);
    const char *string = (const char *)reader->at;

    if (!reader->failed && size < (size_t)(reader->end - reader->at) &&
        string[size] == '\0' && strlen(string) == size) {
        reader->at += size + 1;
        return string;
    }
    reader->failed = true;
    return "";
}

size_t state_get_count(struct state_reader *reader)
{
    uint64_t count = state_get_uint(reader);

    if (reader->failed || count > (size_t)(reader->end - reader->at)) {
        reader->failed = true;
        return 0;
    }
    return (size_t)count;
}
