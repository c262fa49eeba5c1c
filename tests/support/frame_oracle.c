#include "frame_oracle.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "limits.h"

/* How the reading of something ended. */
enum end { END_DAMAGE, END_GOOD, END_STOP };

/* How many steps of each path lead to a value; -1: it lies elsewhere. */
struct place {
    int steps[FIELDS];
};

struct frame_oracle {
    struct json_pointer *const *pointers;
    const char *bytes;
    size_t size;
    size_t at;
    struct field *fields;
    size_t began[FIELDS]; /* where the value that is a field begins */
    bool open[FIELDS];    /* and whether it has ended */
    int left;
    char brackets[LIMIT_DEPTH]; /* what closes the containers, the outermost first */
    char closing[LIMIT_DEPTH];
    unsigned depth;
    char *key;            /* decoded */
    size_t key_size;
};

struct frame_oracle *frame_oracle_create(size_t size_max)
{
    struct frame_oracle *oracle = calloc(1, sizeof *oracle);

    assert(oracle);
    oracle->key = malloc(size_max + 1);
    assert(oracle->key);
    return oracle;
}

void frame_oracle_destroy(struct frame_oracle **oracle)
{
    if (!*oracle)
        return;
    free((*oracle)->key);
    free(*oracle);
    *oracle = NULL;
}

/* The next byte, or -1. */
static int peek(const struct frame_oracle *o)
{
    return o->at < o->size ? (unsigned char)o->bytes[o->at] : -1;
}

static int take(struct frame_oracle *o)
{
    int byte = peek(o);

    o->at += byte >= 0;
    return byte;
}

static void skip_space(struct frame_oracle *o)
{
    while (peek(o) >= 0 && strchr(" \t\r\n", peek(o)) && peek(o) != '\0')
        o->at++;
}

static void put(struct frame_oracle *o, unsigned byte)
{
    o->key[o->key_size++] = (char)byte;
}

static void put_point(struct frame_oracle *o, unsigned long point)
{
    if (point < 0x80) {
        put(o, (unsigned)point);
    } else if (point < 0x800) {
        put(o, 0xc0 + (unsigned)(point / 0x40));
        put(o, 0x80 + (unsigned)(point % 0x40));
    } else {
        if (point < 0x10000) {
            put(o, 0xe0 + (unsigned)(point / 0x1000));
        } else {
            put(o, 0xf0 + (unsigned)(point / 0x40000));
            put(o, 0x80 + (unsigned)(point / 0x1000 % 0x40));
        }
        put(o, 0x80 + (unsigned)(point / 0x40 % 0x40));
        put(o, 0x80 + (unsigned)(point % 0x40));
    }
}

static bool take_unit(struct frame_oracle *o, unsigned long *unit)
{
    static const char digits[] = "0123456789abcdef0123456789ABCDEF";

    *unit = 0;
    for (int i = 0; i < 4; i++) {
        int byte = take(o);
        const char *digit = byte > 0 ? strchr(digits, byte) : NULL;

        if (!digit)
            return false;
        *unit = *unit * 16 + (unsigned long)(digit - digits) % 16;
    }
    return true;
}

static bool take_escape(struct frame_oracle *o)
{
    static const char letters[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
    unsigned long unit, low;
    int byte = take(o);
    const char *letter = byte > 0 ? strchr(letters, byte) : NULL;

    if (letter) {
        put(o, (unsigned char)values[letter - letters]);
        return true;
    }
    if (byte != 'u' || !take_unit(o, &unit) || (unit >= 0xdc00 && unit < 0xe000))
        return false;
    if (unit >= 0xd800 && unit < 0xdc00) {
        if (take(o) != '\\' || take(o) != 'u' || !take_unit(o, &low) || low < 0xdc00 ||
            low >= 0xe000)
            return false;
        unit = 0x10000 + (unit - 0xd800) * 0x400 + (low - 0xdc00);
    }
    put_point(o, unit);
    return true;
}

/* The rest of a character whose first byte is not ASCII, by its value. */
static bool take_wide(struct frame_oracle *o, int first)
{
    int tails = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : 1;
    unsigned long point, least = tails == 3 ? 0x10000 : tails == 2 ? 0x800 : 0x80;

    if (first < 0xc0 || first > 0xf7)
        return false;
    point = (unsigned long)first & (0x3fUL >> tails);
    for (int i = 0; i < tails; i++) {
        int byte = take(o);

        if (byte < 0x80 || byte > 0xbf)
            return false;
        point = point * 0x40 + (unsigned long)(byte - 0x80);
    }
    if (point < least || point > 0x10ffff || (point >= 0xd800 && point < 0xe000))
        return false;
    put_point(o, point);
    return true;
}

/* Behind the opening quote. Its text goes to o->key. */
static bool take_string(struct frame_oracle *o)
{
    o->key_size = 0;
    for (;;) {
        int byte = take(o);

        if (byte == '"')
            return true;
        if (byte < 0x20)
            return false;
        if (byte == '\\' ? !take_escape(o) : byte >= 0x80 ? !take_wide(o, byte) : false)
            return false;
        if (byte != '\\' && byte < 0x80)
            put(o, (unsigned)byte);
    }
}

static bool take_digits(struct frame_oracle *o)
{
    size_t first = o->at;

    while (peek(o) >= '0' && peek(o) <= '9')
        o->at++;
    return o->at > first;
}

static bool take_number(struct frame_oracle *o)
{
    if (peek(o) == '-')
        o->at++;
    if (peek(o) == '0')
        o->at++;
    else if (!take_digits(o))
        return false;
    if (peek(o) == '.') {
        o->at++;
        if (!take_digits(o))
            return false;
    }
    if (peek(o) == 'e' || peek(o) == 'E') {
        o->at++;
        if (peek(o) == '+' || peek(o) == '-')
            o->at++;
        return take_digits(o);
    }
    return true;
}

static bool take_word(struct frame_oracle *o, const char *word)
{
    for (; *word; word++) {
        if (take(o) != *word)
            return false;
    }
    return true;
}

static enum field_kind kind_at(const struct frame_oracle *o)
{
    int byte = peek(o);

    if (byte == '"')
        return FIELD_STRING;
    return byte == '-' || (byte >= '0' && byte <= '9') ? FIELD_NUMBER : FIELD_OTHER;
}

static bool take_scalar(struct frame_oracle *o)
{
    switch (peek(o)) {
    case '"':
        o->at++;
        return take_string(o);
    case 't':
        return take_word(o, "true");
    case 'f':
        return take_word(o, "false");
    case 'n':
        return take_word(o, "null");
    default:
        return take_number(o);
    }
}

static void begin_fields(struct frame_oracle *o, const struct place *place)
{
    for (int i = 0; i < FIELDS; i++) {
        if (place->steps[i] < 0 || (size_t)place->steps[i] < json_pointer_steps(o->pointers[i]))
            continue;
        o->fields[i].kind = kind_at(o);
        o->began[i] = o->at;
        o->open[i] = true;
    }
}

/* What is open ends before `end`, or, a container, here. */
static enum end end_fields(struct frame_oracle *o, size_t end)
{
    for (int i = 0; i < FIELDS; i++) {
        bool quoted = o->fields[i].kind == FIELD_STRING;

        if (!o->open[i])
            continue;
        o->open[i] = false;
        o->fields[i].text = o->bytes + o->began[i] + quoted;
        o->fields[i].size = end - o->began[i] - 2 * quoted;
        o->left--;
        if (o->left == 0)
            return END_STOP;
    }
    return END_GOOD;
}

/* The place of a member (named by o->key) or element of the container at
 * `place`; what has been passed through there leads no further. */
static struct place descend(const struct frame_oracle *o, const struct place *place,
                            struct place *passed, int64_t element)
{
    struct place inner;

    for (int i = 0; i < FIELDS; i++) {
        struct json_step step;
        bool met = false;

        if (place->steps[i] >= 0 && passed->steps[i] == 0 &&
            (size_t)place->steps[i] < json_pointer_steps(o->pointers[i])) {
            step = json_pointer_step(o->pointers[i], (size_t)place->steps[i]);
            met = element >= 0 ? step.index == element
                               : step.size == o->key_size &&
                                     memcmp(step.name, o->key, step.size) == 0;
        }
        inner.steps[i] = met ? place->steps[i] + 1 : -1;
        passed->steps[i] |= met;
    }
    return inner;
}

static enum end take_value(struct frame_oracle *o, struct place place);

/* Between the brackets; the closing one is taken. */
static enum end take_inner(struct frame_oracle *o, const struct place *place, char closing)
{
    struct place passed = {{0}};

    skip_space(o);
    if (peek(o) == closing) {
        o->at++;
        return END_GOOD;
    }
    for (int64_t element = 0;; element++) {
        enum end end;

        skip_space(o);
        if (closing == '}') {
            if (take(o) != '"' || !take_string(o))
                return END_DAMAGE;
            skip_space(o);
            if (take(o) != ':')
                return END_DAMAGE;
            skip_space(o);
        }
        end = take_value(o, descend(o, place, &passed, closing == ']' ? element : -1));
        if (end != END_GOOD)
            return end;
        if (take(o) == closing)
            return END_GOOD;
    }
}

static enum end take_container(struct frame_oracle *o, const struct place *place)
{
    char closing = peek(o) == '{' ? '}' : ']';
    enum end end;

    if (o->depth == LIMIT_DEPTH)
        return END_DAMAGE;
    o->brackets[o->depth++] = closing;
    if (end_fields(o, o->at) == END_STOP)
        return END_STOP;
    o->at++;
    end = take_inner(o, place, closing);
    if (end == END_GOOD)
        o->depth--;
    return end;
}

/* A value, and all up to the mark behind it, unless it is the root. */
static enum end take_value(struct frame_oracle *o, struct place place)
{
    enum end end = END_GOOD;
    size_t behind;

    begin_fields(o, &place);
    if (peek(o) == '{' || peek(o) == '[')
        end = take_container(o, &place);
    else if (!take_scalar(o))
        end = END_DAMAGE;
    if (end != END_GOOD)
        return end;
    behind = o->at;
    skip_space(o);
    if (o->depth == 0)
        return o->at == o->size ? END_GOOD : END_DAMAGE;
    if (peek(o) != ',' && peek(o) != o->brackets[o->depth - 1])
        return END_DAMAGE;
    return end_fields(o, behind);
}

bool frame_oracle_read(struct frame_oracle *oracle, struct json_pointer *const pointers[FIELDS],
                       const char *bytes, size_t size, struct field fields[FIELDS], size_t *stop)
{
    struct place root;
    enum end end;

    oracle->pointers = pointers;
    oracle->bytes = bytes;
    oracle->size = size;
    oracle->at = 0;
    oracle->fields = fields;
    oracle->depth = 0;
    oracle->left = 0;
    for (int i = 0; i < FIELDS; i++) {
        fields[i] = (struct field){.kind = FIELD_MISSING};
        oracle->open[i] = false;
        root.steps[i] = pointers[i] ? 0 : -1;
        oracle->left += pointers[i] != NULL;
    }
    skip_space(oracle);
    if (peek(oracle) != '{')
        return false;
    end = take_value(oracle, root);
    *stop = oracle->at;
    if (end == END_GOOD) {
        while (bytes[*stop - 1] != '}')
            --*stop;
        --*stop;
    }
    return end != END_DAMAGE;
}

const char *frame_oracle_brackets(const struct frame_oracle *oracle, size_t *size)
{
    struct frame_oracle *own = (struct frame_oracle *)oracle;

    for (unsigned i = 0; i < oracle->depth; i++)
        own->closing[i] = oracle->brackets[oracle->depth - 1 - i];
    *size = oracle->depth;
    return oracle->closing;
}
