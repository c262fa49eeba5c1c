/* The machine that reads a frame in blocks of 64 bytes. It is written once and
 * compiled into each way (decode_way_*.c): that defines the functions which
 * decode_block.h lists, and DECODE_WAY, its name, and then includes this file.
 *
 * Its first half (decode_scan.h) makes words of a block. Here those are looked at:
 * escapes where there are any, keys where a step of a path is due, and brackets, one
 * by one. The span from one bracket to the next lies in one container, of which it
 * is known by then whether it is an object. UTF-8, and numbers that are more than
 * digits, are looked at in the end.
 *
 * Errors are bits at, or before, the byte where they show, and count only up to the
 * byte where reading stops. */
#ifndef DECODE_DECODE_MACHINE_H
#define DECODE_DECODE_MACHINE_H

#include <string.h>

#include "decode_fast.h"
#include "decode_scan.h"
#include "limits.h"

#ifdef DECODE_WAY

/* Places that wait to be looked at. */
#define PLACES 64

/* The containers that are open. */
struct levels {
    unsigned depth;
    uint8_t object[LIMIT_DEPTH + 2]; /* by depth: 1 or 0; [0] is as good as one: the root's own */
};

struct machine {
    struct search search;
    struct carry carry;
    size_t base;          /* of the block at work */
    size_t low_due;       /* for fast_unicode_errors */
    size_t closed;        /* behind the last bracket; 0: it has not come */
    unsigned odd_count;
    uint32_t odd[PLACES + 1]; /* behind numbers and words that are more than digits */
    struct levels levels; /* these are written before they are read */
    char tail[2 * BLOCK]; /* the last bytes, with space behind them */
};

/* The place of the lowest bit; without one, anything. */
INLINE unsigned lowest(uint64_t bits)
{
    return (unsigned)__builtin_ctzll(bits | UINT64_C(1) << 63);
}

INLINE uint64_t up_to(uint64_t bit)
{
    return bit | (bit - 1);
}

/* Letters that stand for nothing behind a backslash. */
INLINE uint64_t escape_errors(struct machine *m, const char *at, uint64_t escaped)
{
    const struct search *s = &m->search;
    struct escape_marks marks = block_escape_marks(at);
    uint64_t digits = marks.digit, errors = escaped & ~marks.escapable;
    /* But for whole characters with all digits in the block. */
    uint64_t unicode = escaped & marks.unicode &
                       (marks.half >> 1 |
                        ~(digits >> 1 & digits >> 2 & digits >> 3 & digits >> 4));

    if (unicode)
        errors |= fast_unicode_errors(s->bytes, (size_t)(s->end - s->bytes), m->base,
                                      unicode, &m->low_due);
    return errors;
}

/* Those of the numbers and words that wait which begin before `stop`. Whether one
 * is in a block nobody can foresee, so they are looked at together. */
static __attribute__((noinline)) bool odd_are_good(struct machine *m, size_t stop)
{
    const struct search *s = &m->search;
    bool good = true;

    for (unsigned i = 0; i < m->odd_count && good; i++) {
        const char *at = s->bytes + m->odd[i];

        while (!fast_ends_value[(unsigned char)at[-1]])
            at--;
        good = (size_t)(at - s->bytes) >= stop || fast_is_scalar(at, s->end);
    }
    m->odd_count = 0;
    return good;
}

/* Most blocks have two at most. False: in the blocks before there is damage. */
INLINE bool keep_odd(struct machine *m, uint64_t ends)
{
    bool good = true;

    if (__builtin_expect(m->odd_count > PLACES - BLOCK / 2, 0))
        good = odd_are_good(m, SIZE_MAX);
    for (unsigned i = 0; i < 2; i++, ends &= ends - 1) {
        m->odd[m->odd_count] = (uint32_t)(m->base + lowest(ends));
        m->odd_count += ends != 0;
    }
    for (; __builtin_expect(ends != 0, 0); ends &= ends - 1)
        m->odd[m->odd_count++] = (uint32_t)(m->base + lowest(ends));
    return good;
}

/* Where in the block each field's next step may be, on whatever level. */
struct candidates {
    uint64_t of[FIELDS], all;
};

/* Without looking at names. */
INLINE uint64_t any_candidates(const struct search *s, unsigned field, const struct words *w)
{
    if (!s->due[field])
        return 0;
    if (s->array[field])
        return w->comma;
    return s->step[field]->plain ? w->opens | w->escaped_keys : w->closes;
}

INLINE void find_candidates(const struct search *s, const struct words *w,
                            struct candidates *candidates)
{
    for (unsigned i = 0; i < FIELDS; i++) {
        uint64_t names = w->opens & (w->first[i] >> 1 | UINT64_C(1) << 63) &
                         (w->keys >> s->reach[i] | s->beyond[i]);

        candidates->of[i] = s->named[i] & (names | w->escaped_keys);
    }
    if (__builtin_expect(s->unnamed, 0)) {
        for (unsigned i = 0; i < FIELDS; i++)
            candidates->of[i] |= s->named[i] ? 0 : any_candidates(s, i, w);
    }
    candidates->all = candidates->of[FIELD_USER] | candidates->of[FIELD_TIME];
}

/* What may be the key or element of a step. `inner` are errors inside of strings. */
INLINE void search_place(struct machine *m, const struct words *w, unsigned field, uint64_t bit,
                         uint64_t inner)
{
    size_t at = m->base + (size_t)__builtin_ctzll(bit);

    if (bit & w->opens)
        search_at_opening(&m->search, field, at);
    else if (bit & w->comma)
        search_at_comma(&m->search, field, at);
    else if (!(inner & up_to(bit)))
        search_at_closing(&m->search, field, at);
}

/* The candidates of a span, at the level where a step is due. */
static __attribute__((noinline)) void search_span(struct machine *m, const struct words *w,
                                                  struct candidates *candidates, uint64_t span,
                                                  uint64_t inner)
{
    struct search *s = &m->search;

    for (unsigned i = 0; i < FIELDS; i++) {
        uint64_t bits = candidates->of[i] & span;

        for (; bits && s->due[i] == m->levels.depth; bits &= bits - 1) {
            const struct search_step *step = s->step[i];

            search_place(m, w, i, bits & -bits, inner);
            if (s->step[i] != step)
                candidates->of[i] = any_candidates(s, i, w);
        }
    }
    candidates->all = candidates->of[FIELD_USER] | candidates->of[FIELD_TIME];
}

/* The same of copies, so that the words themselves need no address. */
INLINE void search_copies(struct machine *m, const struct words *w, struct candidates *candidates,
                          uint64_t span, uint64_t inner)
{
    struct words words = *w;
    struct candidates copy = *candidates;

    search_span(m, &words, &copy, span, inner);
    *candidates = copy;
}

INLINE uint64_t any_token(const struct words *w)
{
    return w->opens | w->scalars | w->brackets | w->colon | w->comma;
}

/* Of one block, from bracket to bracket. */
struct walk {
    const char *at;    /* the block */
    const struct words *words;
    struct candidates candidates;
    uint64_t inner;    /* errors inside of strings */
    uint64_t brackets, rest; /* not reached */
    uint64_t errors;
    unsigned object;   /* the container here is one: 1 or 0 */
};

/* All bits where a step is due on this level: most keys on others are no branch. */
INLINE uint64_t due_here(const struct machine *m)
{
    const unsigned *due = m->search.due;
    bool here = (due[FIELD_USER] == m->levels.depth) | (due[FIELD_TIME] == m->levels.depth);

    return 0 - (uint64_t)here;
}

/* The bytes up to a bracket, or the block's end, which lie in one container. */
INLINE void walk_span(struct machine *m, struct walk *walk, uint64_t span)
{
    walk->rest ^= span;
    walk->errors |= span & (walk->object ? walk->words->no_member : walk->words->colon);
    if (__builtin_expect((walk->candidates.all & span & due_here(m)) != 0, 0))
        search_copies(m, walk->words, &walk->candidates, span, walk->inner);
}

/* To the next bracket. Two bits of it tell '[' from '{' and both from those that close. */
INLINE void walk_bracket(struct machine *m, struct walk *walk)
{
    struct levels *levels = &m->levels;
    uint64_t bit = walk->brackets & -walk->brackets;
    unsigned bracket = (unsigned char)walk->at[__builtin_ctzll(bit)];
    unsigned curly = bracket >> 5 & 1, closing = bracket >> 2 & 1;

    walk_span(m, walk, walk->rest & up_to(bit));
    walk->brackets ^= bit;
    walk->errors |= closing & (curly ^ walk->object) ? bit : 0;
    levels->object[levels->depth + 1] = (uint8_t)curly; /* above what one closes: never read */
    levels->depth += 1 - 2 * closing;
    if (__builtin_expect(levels->depth - 1 >= LIMIT_DEPTH, 0)) {
        m->closed = m->base + (size_t)__builtin_ctzll(bit) + 1;
        walk->errors |= levels->depth > LIMIT_DEPTH ? bit : walk->rest & any_token(walk->words);
        walk->brackets = walk->rest = 0;
        return;
    }
    walk->object = levels->object[levels->depth];
    if (__builtin_expect(closing & (levels->depth < m->search.deepest), 0))
        search_leave(&m->search, levels->depth);
}

/* A block's errors. */
INLINE uint64_t read_words(struct machine *m, const char *at, const struct words *w)
{
    struct walk walk;

    walk.at = at;
    walk.words = w;
    walk.brackets = w->brackets;
    walk.rest = ~UINT64_C(0);
    walk.object = m->levels.object[m->levels.depth];
    walk.inner = 0;
    if (__builtin_expect(w->control, 0))
        walk.inner = block_controls(at) & w->strings;
    if (w->escaped)
        walk.inner |= escape_errors(m, at, w->escaped);
    walk.errors = walk.inner | w->errors;
    walk.errors |= !keep_odd(m, w->odd_ends);
    if (__builtin_expect(m->closed != 0, 0))
        return walk.errors | any_token(w);
    find_candidates(&m->search, w, &walk.candidates);
    while (walk.brackets)
        walk_bracket(m, &walk);
    walk_span(m, &walk, walk.rest);
    return walk.errors;
}

static void start(struct machine *m)
{
    m->carry = (struct carry){.ended = {.mark = 1, .colon = 1}}; /* a value begins */
    m->base = m->low_due = m->closed = 0;
    m->odd_count = 0;
    m->levels.depth = 0;
    m->levels.object[0] = 1;
}

/* Fills m->tail with the frame's last bytes, from m->base on: where they lie there. */
INLINE const char *copy_tail(struct machine *m, const char *at, size_t left)
{
    memset(m->tail + BLOCK, ' ', BLOCK);
    if (m->base > 0) /* in one size: with some of the block before */
        memcpy(m->tail, at + left - BLOCK, BLOCK);
    else
        memcpy(m->tail + BLOCK - left, at, left);
    return m->tail + BLOCK - left;
}

/* Is everything before `stop`, which is ASCII or the end, in UTF-8? In a pass of its
 * own, so that blocks with and without wide bytes may follow in any order. */
static __attribute__((noinline)) bool is_utf8(struct machine *m, size_t stop)
{
    const char *bytes = m->search.bytes;
    uint64_t errors = 0;
    size_t wide = 0;

    for (m->base = 0; stop - m->base >= BLOCK; m->base += BLOCK)
        errors |= block_utf8_errors(bytes + m->base, bytes, m->base, stop, &wide);
    errors |= block_utf8_errors(copy_tail(m, bytes + m->base, stop - m->base), bytes, m->base,
                                stop, &wide);
    return !errors;
}

/* Is what waited to be looked at, up to `stop`, as it has to be? */
INLINE bool ends_well(struct machine *m, size_t stop)
{
    return (m->odd_count == 0 || odd_are_good(m, stop)) &&
           (!m->carry.wide || is_utf8(m, stop));
}

/* Does it begin as an object does? */
INLINE bool is_object(const char *bytes, size_t size)
{
    const char *at = bytes, *end = bytes + size;

    while (at < end && fast_is_space(*at))
        at++;
    return at < end && *at == '{';
}

static bool read_frame(const struct search_path paths[FIELDS], const char *bytes, size_t size,
                       bool whole, struct field fields[FIELDS], size_t *stop)
{
    struct machine m;
    struct search *search = &m.search;
    const char *at = bytes;
    uint64_t errors;

    if (!is_object(bytes, size))
        return false;
    start(&m);
    search_start(search, paths, bytes, size, fields);
    for (; m.base < size; m.base += BLOCK, at += BLOCK) {
        struct words words;

        if (__builtin_expect(size - m.base < BLOCK, 0))
            at = copy_tail(&m, at, size - m.base);
        scan_block(&m.carry, at, search, &words);
        errors = read_words(&m, at, &words);
        if (search->left == 0 && !whole && search->stop < m.base + BLOCK && search->stop < size) {
            *stop = search->stop;
            return !(errors & up_to(UINT64_C(1) << *stop % BLOCK)) && ends_well(&m, *stop);
        }
        if (errors)
            return false;
    }
    *stop = m.closed - 1;
    return m.closed && ends_well(&m, size);
}

#define JOIN(a, b) a##b
#define WAY_VARIABLE(name) JOIN(fast_way_, name)
#define STRING(name) #name
#define WAY_NAME(name) STRING(name)

const struct fast_way WAY_VARIABLE(DECODE_WAY) = {
    .name = WAY_NAME(DECODE_WAY), .read = read_frame};

#endif
#endif
