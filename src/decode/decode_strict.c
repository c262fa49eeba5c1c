/* The plain way: the whole frame is checked, byte by byte, then tokenised, and
 * the fields are looked up among the tokens. It names the damage that the fast way
 * comes upon, is what that is tested against, and shares nothing with it. */
#include <assert.h>

#include "decode_fields.h"

static enum reject decode_damage(enum json_status status)
{
    switch (status) {
    case JSON_OK:
        return REJECT_NONE;
    case JSON_EMPTY:
        return REJECT_EMPTY;
    case JSON_NOT_JSON:
        return REJECT_NOT_JSON;
    case JSON_TOO_DEEP:
        return REJECT_TOO_DEEP;
    case JSON_BAD_ESCAPE:
        return REJECT_BAD_ESCAPE;
    case JSON_BAD_UTF8:
        return REJECT_BAD_UTF8;
    case JSON_NO_MEMORY:
        break;
    }
    assert(!"room for any frame was reserved");
    return REJECT_NOT_JSON;
}

static struct field find_field(const struct json *json, const struct json_pointer *pointer)
{
    struct field field = {.kind = FIELD_MISSING};
    int token = pointer ? json_pointer_find(json, pointer) : -1;

    if (token < 0)
        return field;
    field.text = json_text(json, token, &field.size);
    switch (json_kind(json, token)) {
    case JSON_STRING:
        field.kind = FIELD_STRING;
        break;
    case JSON_NUMBER:
        field.kind = FIELD_NUMBER;
        break;
    default:
        field.kind = FIELD_OTHER;
    }
    return field;
}

enum reject decode_strict(struct json *json, struct json_pointer *const pointers[FIELDS],
                          const char *bytes, size_t size, struct field fields[FIELDS])
{
    enum reject reason = decode_damage(json_parse(json, bytes, size));

    if (reason)
        return reason;
    if (json_kind(json, 0) != JSON_OBJECT)
        return REJECT_NOT_OBJECT;
    for (int i = 0; i < FIELDS; i++)
        fields[i] = find_field(json, pointers[i]);
    return REJECT_NONE;
}
