/* A group as canonical JSON, so that equal groups are equal bytes: an object
 * of strings, numbers, true, false and null; no white space; strings with the
 * shortest escapes; numbers as written; members in the byte order of their
 * keys as written. {"country":"CH","vip":true} */
#include <stdlib.h>
#include <string.h>

#include "record_reader.h"

/* One member's canonical text, "key":value, as a place in the scratch text. */
struct group_member {
    const char *text;
    size_t begin, size;
    size_t key_size; /* with quotes */
};

static int member_compare(const void *one, const void *other)
{
    const struct group_member *a = one, *b = other;
    /* Without the closing quote, that is no part of the key. */
    size_t a_size = a->key_size - 1, b_size = b->key_size - 1;
    int order = memcmp(a->text + a->begin, b->text + b->begin, a_size < b_size ? a_size : b_size);
    return order ? order : (a_size > b_size) - (a_size < b_size);
}

/* Appends a string's canonical form to the scratch text. */
static bool write_string_token(struct record_reader *reader, int token)
{
    size_t raw_size, size;
    json_text(reader->json, token, &raw_size);
    text_clear(&reader->group);
    char *decoded = text_reserve(&reader->group, raw_size);
    if (!decoded)
        return reader_fail(reader, "out of memory");
    if (!json_string(reader->json, token, decoded, raw_size, &size))
        return reader_fail(reader, "\"group\" can't be read");
    text_json_string(&reader->scratch, decoded, size);
    return true;
}

static bool write_value(struct record_reader *reader, int token)
{
    enum json_kind kind = json_kind(reader->json, token);
    if (kind == JSON_OBJECT || kind == JSON_ARRAY)
        return reader_fail(reader, "\"group\" holds more than scalars");
    if (kind == JSON_STRING)
        return write_string_token(reader, token);
    size_t size;
    const char *text = json_text(reader->json, token, &size);
    text_bytes(&reader->scratch, text, size);
    return true;
}

/* The members' texts, in the order given. */
static bool read_members(struct record_reader *reader, int object, struct group_member *members)
{
    size_t count = 0;
    for (int key = json_first(reader->json, object); key >= 0;
         key = json_next(reader->json, key)) {
        struct group_member *member = &members[count++];
        member->begin = reader->scratch.size;
        if (!write_string_token(reader, key))
            return false;
        member->key_size = reader->scratch.size - member->begin;
        text_char(&reader->scratch, ':');
        if (!write_value(reader, json_value(reader->json, key)))
            return false;
        member->size = reader->scratch.size - member->begin;
    }
    if (reader->scratch.failed)
        return reader_fail(reader, "out of memory");
    for (size_t i = 0; i < count; i++)
        members[i].text = reader->scratch.bytes;
    return true;
}

bool read_group(struct record_reader *reader, int object)
{
    struct group_member members[RECORD_GROUP_MEMBERS];
    int count = json_size(reader->json, object);
    if (count > RECORD_GROUP_MEMBERS)
        return reader_fail(reader, "\"group\" has more than %d members", RECORD_GROUP_MEMBERS);
    text_clear(&reader->scratch);
    if (!read_members(reader, object, members))
        return false;
    qsort(members, (size_t)count, sizeof(members[0]), member_compare);
    text_clear(&reader->group);
    text_char(&reader->group, '{');
    for (int i = 0; i < count; i++) {
        if (i > 0 && member_compare(&members[i - 1], &members[i]) == 0)
            return reader_fail(reader, "\"group\" has a member twice");
        if (i > 0)
            text_char(&reader->group, ',');
        text_bytes(&reader->group, members[i].text + members[i].begin, members[i].size);
    }
    text_char(&reader->group, '}');
    if (reader->group.failed)
        return reader_fail(reader, "out of memory");
    if (reader->group.size > RECORD_GROUP_MAX)
        return reader_fail(reader, "\"group\" is longer than %d bytes", RECORD_GROUP_MAX);
    return true;
}
