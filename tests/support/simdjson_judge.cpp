/* The walk through both readings side by side, and the frame's two fields from
 * simdjson's alone. A double says of a time only between which two instants it
 * lies: its neighbours. */
#include "simdjson_judge.h"

#include <simdjson.h>

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <vector>

#include "limits.h"

/* Digits that are left of a run: in an exponent, elsewhere. Together they stay
 * within a double, and far from where simdjson gives up. */
#define EXPONENT_DIGITS 2
#define OTHER_DIGITS 15

namespace dom = simdjson::dom;

struct simdjson_judge {
    dom::parser parser;
    dom::parser text_parser; /* for a number in a string */
    std::vector<char> padded;
    std::vector<char> decoded;
    dom::element root;
    bool taken; /* the document that was judged last */
    bool cut;
};

struct simdjson_judge *simdjson_judge_create(size_t size_max)
{
    struct simdjson_judge *judge = new simdjson_judge;

    /* The parsers grow with what they get. */
    if (judge->parser.allocate(size_max + 1, size_max + 1) ||
        judge->text_parser.allocate(size_max + 1, 16))
        abort();
    judge->padded.resize(size_max + simdjson::SIMDJSON_PADDING);
    judge->decoded.resize(size_max + 1);
    judge->taken = judge->cut = false;
    return judge;
}

void simdjson_judge_destroy(struct simdjson_judge **judge)
{
    delete *judge;
    *judge = nullptr;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Is the digit at `at` the first of an exponent? */
static bool starts_exponent(std::string_view text, size_t at)
{
    if (at > 0 && (text[at - 1] == '+' || text[at - 1] == '-'))
        at--;
    return at > 0 && (text[at - 1] == 'e' || text[at - 1] == 'E');
}

/* Without the digits that are too many, outside of strings. Up to the first
 * damage the quotes tell what is a string; behind it nothing matters. */
static size_t cut_numbers(std::string_view text, char *into)
{
    bool in_string = false;
    size_t size = 0;

    for (size_t at = 0; at < text.size(); at++) {
        if (!in_string && is_digit(text[at])) {
            size_t left = starts_exponent(text, at) ? EXPONENT_DIGITS : OTHER_DIGITS;

            for (; at < text.size() && is_digit(text[at]); at++) {
                if (left > 0) {
                    into[size++] = text[at];
                    left--;
                }
            }
            at--;
            continue;
        }
        if (in_string && text[at] == '\\' && at + 1 < text.size())
            into[size++] = text[at++];
        else if (text[at] == '"')
            in_string = !in_string;
        into[size++] = text[at];
    }
    return size;
}

bool simdjson_judge_takes(struct simdjson_judge *judge, const char *bytes, size_t size)
{
    judge->cut = false;
    if (size > 0)
        memcpy(judge->padded.data(), bytes, size);
    judge->taken = !judge->parser.parse(judge->padded.data(), size, false).get(judge->root);
    return judge->taken;
}

bool simdjson_judge_takes_cut(struct simdjson_judge *judge, const char *bytes, size_t size)
{
    if (simdjson_judge_takes(judge, bytes, size))
        return true;
    judge->cut = true;
    size = cut_numbers({bytes, size}, judge->padded.data());
    judge->taken = !judge->parser.parse(judge->padded.data(), size, false).get(judge->root);
    return judge->taken;
}

static bool string_is(struct simdjson_judge *judge, const struct json *json, int token,
                      std::string_view expected)
{
    size_t size;

    return json_string(json, token, judge->decoded.data(), judge->decoded.size(), &size) &&
           std::string_view(judge->decoded.data(), size) == expected &&
           json_string_is(json, token, expected.data(), expected.size());
}

static const char *compare_number(const struct json *json, int token, dom::element element)
{
    int64_t integer;
    double real;

    switch (element.type()) {
    case dom::element_type::INT64:
        if (!json_int64(json, token, &integer) || integer != int64_t(element))
            return "an integer";
        return nullptr;
    case dom::element_type::UINT64:
        /* simdjson uses it from 2^63 on only. */
        if (json_int64(json, token, &integer) || !json_double(json, token, &real) ||
            real != double(uint64_t(element)))
            return "a large integer";
        return nullptr;
    default:
        if (json_double(json, token, &real) && real != double(element))
            return "a double";
        return nullptr;
    }
}

static const char *compare_value(struct simdjson_judge *judge, const struct json *json, int token,
                                 dom::element element);

static const char *compare_object(struct simdjson_judge *judge, const struct json *json, int token,
                                  dom::object object)
{
    int at = json_first(json, token);

    for (auto [key, value] : object) {
        if (at < 0)
            return "too few members";
        if (!string_is(judge, json, at, key))
            return "a key";
        if (const char *difference = compare_value(judge, json, json_value(json, at), value))
            return difference;
        at = json_next(json, at);
    }
    return at < 0 ? nullptr : "too many members";
}

static const char *compare_array(struct simdjson_judge *judge, const struct json *json, int token,
                                 dom::array array)
{
    int at = json_first(json, token);

    for (dom::element value : array) {
        if (at < 0)
            return "too few elements";
        if (const char *difference = compare_value(judge, json, at, value))
            return difference;
        at = json_next(json, at);
    }
    return at < 0 ? nullptr : "too many elements";
}

static const char *compare_value(struct simdjson_judge *judge, const struct json *json, int token,
                                 dom::element element)
{
    switch (json_kind(json, token)) {
    case JSON_OBJECT:
        if (!element.is_object() || json_size(json, token) != int(dom::object(element).size()))
            return "an object";
        return compare_object(judge, json, token, element);
    case JSON_ARRAY:
        if (!element.is_array() || json_size(json, token) != int(dom::array(element).size()))
            return "an array";
        return compare_array(judge, json, token, element);
    case JSON_STRING:
        if (!element.is_string() || !string_is(judge, json, token, element))
            return "a string";
        return nullptr;
    case JSON_NUMBER:
        if (!element.is_number())
            return "a number";
        return judge->cut ? nullptr : compare_number(json, token, element);
    case JSON_TRUE:
    case JSON_FALSE:
        if (!element.is_bool() || bool(element) != (json_kind(json, token) == JSON_TRUE))
            return "a truth";
        return nullptr;
    case JSON_NULL:
        return element.is_null() ? nullptr : "a null";
    }
    return "a kind";
}

const char *simdjson_judge_compare(struct simdjson_judge *judge, const struct json *json)
{
    return judge->taken ? compare_value(judge, json, 0, judge->root) : "a document";
}

/* Whole units between which a number lies. */
struct span {
    __int128 low;
    __int128 high;
};

static __int128 whole(double real)
{
    /* Far beyond any time, and within the type. */
    return __int128(std::floor(std::fmax(-1e30, std::fmin(1e30, real))));
}

static struct span span_of(dom::element element)
{
    if (element.is_int64())
        return {int64_t(element), int64_t(element)};
    if (element.is_uint64())
        return {__int128(uint64_t(element)), __int128(uint64_t(element))};
    double real = double(element);
    double below = real == 0 && !std::signbit(real) ? 0 : std::nextafter(real, -INFINITY);
    return {whole(below), whole(std::nextafter(real, INFINITY))};
}

static int64_t units_per_second(enum decode_time_unit unit)
{
    switch (unit) {
    case DECODE_S:
        return 1;
    case DECODE_MS:
        return 1000;
    case DECODE_US:
        return 1000000;
    default:
        return 1000000000;
    }
}

static const char *judge_time_span(struct span span, enum decode_time_unit unit,
                                   enum reject reason, const struct frame *frame)
{
    int64_t per_second = units_per_second(unit);
    __int128 low = span.low < 0 ? -1 : span.low / per_second;
    __int128 high = span.high < 0 ? -1 : span.high / per_second;

    if (reason == REJECT_TIME_RANGE)
        return low < 0 || high > LIMIT_TIME_S ? nullptr : "a time out of range";
    if (reason)
        return "a time";
    return frame->time_s >= low && frame->time_s <= high ? nullptr : "the seconds";
}

/* A number, with nothing around it, in a string. */
static bool read_text(struct simdjson_judge *judge, std::string_view text, bool *cut,
                      dom::element *element)
{
    std::vector<char> digits(text.size() + simdjson::SIMDJSON_PADDING);
    size_t size = cut_numbers(text, digits.data());

    *cut = size != text.size();
    if (text.empty() || (text[0] != '-' && !is_digit(text[0])) || !is_digit(text.back()))
        return false;
    return !judge->text_parser.parse(digits.data(), size, false).get(*element) &&
           element->is_number();
}

static const char *judge_time(struct simdjson_judge *judge, enum decode_time_unit unit,
                              dom::element element, enum reject reason, const struct frame *frame)
{
    bool cut = judge->cut;
    bool number = element.is_number();

    if (element.is_string())
        number = read_text(judge, element, &cut, &element);
    if (!number)
        return reason == REJECT_TIME_TYPE ? nullptr : "a time of no kind";
    if (cut)
        return reason == REJECT_NONE || reason == REJECT_TIME_RANGE ? nullptr : "a long time";
    return judge_time_span(span_of(element), unit, reason, frame);
}

/* The user that was found is a number's text: is that its value? */
static bool is_number_text(struct simdjson_judge *judge, std::string_view text,
                           dom::element expected)
{
    dom::element number;
    bool cut;

    if (!read_text(judge, text, &cut, &number))
        return false;
    if (cut || judge->cut)
        return true;
    return number.type() == expected.type() &&
           (number.is_double() ? double(number) == double(expected)
            : number.is_int64() ? int64_t(number) == int64_t(expected)
                                : uint64_t(number) == uint64_t(expected));
}

/* What must be rejected because of its user; REJECT_NONE for a good one. */
static enum reject judge_user(simdjson::error_code missing, dom::element user)
{
    if (missing)
        return REJECT_NO_USER;
    if (!user.is_string())
        return user.is_number() ? REJECT_NONE : REJECT_USER_TYPE;
    size_t size = std::string_view(user).size();
    return size == 0                  ? REJECT_USER_EMPTY
           : size > LIMIT_USER_BYTES ? REJECT_USER_TOO_LONG
                                     : REJECT_NONE;
}

static simdjson::error_code find(dom::object object, const char *field, dom::element *found)
{
    return field[0] == '/' ? object.at_pointer(field).get(*found)
                           : object.at_key(field).get(*found);
}

static const char *judge_fields(struct simdjson_judge *judge, const struct decode_options *options,
                                enum reject reason, const struct frame *frame)
{
    dom::object object = judge->root;
    dom::element user, time;
    enum reject wrong = judge_user(find(object, options->user_field, &user), user);

    /* A number too long to be a user is not seen here. */
    if (wrong || (reason == REJECT_USER_TOO_LONG && user.is_number()))
        return reason == wrong || !wrong ? nullptr : "a user";
    if (find(object, options->time_field, &time))
        return reason == REJECT_NO_TIME ? nullptr : "no time";
    if (!reason) {
        std::string_view found(frame->user, frame->user_size);

        if (user.is_string() ? std::string_view(user) != found
                             : !is_number_text(judge, found, user))
            return "the user's bytes";
    }
    return judge_time(judge, options->time_unit, time, reason, frame);
}

static bool is_damage(enum reject reason)
{
    return reason == REJECT_EMPTY || reason == REJECT_NOT_JSON || reason == REJECT_TOO_DEEP ||
           reason == REJECT_BAD_ESCAPE || reason == REJECT_BAD_UTF8;
}

const char *simdjson_judge_frame(struct simdjson_judge *judge,
                                 const struct decode_options *options, enum reject reason,
                                 const struct frame *frame)
{
    if (judge->taken == is_damage(reason))
        return judge->taken ? "a document that was refused" : "no document, and taken";
    if (!judge->taken)
        return nullptr;
    if (!judge->root.is_object())
        return reason == REJECT_NOT_OBJECT ? nullptr : "no object";
    return judge_fields(judge, options, reason, frame);
}
