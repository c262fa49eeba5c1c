#include "metrics.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "utf8.h"

static const char *const kinds[] = {[METRICS_COUNTER] = "counter", [METRICS_GAUGE] = "gauge"};

static bool is_name(const char *name)
{
    return *name && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") == strlen(name) &&
           (*name < '0' || *name > '9');
}

static bool ends_in_total(const char *name)
{
    size_t size = strlen(name);

    return size > 6 && strcmp(name + size - 6, "_total") == 0;
}

/* One character that is no ASCII, or U+FFFD; how many bytes it took. */
static size_t put_wide(struct text *page, const char *at, size_t size)
{
    size_t length = utf8_length(at, size);

    text_bytes(page, length ? at : "\xef\xbf\xbd", length ? length : 3);
    return length ? length : 1;
}

/* Text with the escapes of the format; quotes are escaped in labels alone. */
static void put_text(struct text *page, const char *text, bool label)
{
    size_t size = strlen(text);

    for (size_t i = 0; i < size;) {
        char c = text[i];

        if (c == '\\' || c == '\n' || (c == '"' && label)) {
            text_char(page, '\\');
            text_char(page, c == '\n' ? 'n' : c);
            i++;
        } else if ((unsigned char)c < 0x80) {
            text_char(page, c);
            i++;
        } else {
            i += put_wide(page, text + i, size - i);
        }
    }
}

void metrics_family(struct text *page, enum metrics_kind kind, const char *name,
                    const char *help)
{
    assert(is_name(name) && ends_in_total(name) == (kind == METRICS_COUNTER));
    text_format(page, "# HELP %s ", name);
    put_text(page, help, false);
    text_format(page, "\n# TYPE %s %s\n", name, kinds[kind]);
}

static void begin_sample(struct text *page, const char *name, const struct metrics_label *labels)
{
    bool some = labels && labels->name;

    assert(is_name(name));
    text_string(page, name);
    for (const struct metrics_label *label = labels; some && label->name; label++) {
        assert(is_name(label->name));
        text_format(page, "%c%s=\"", label == labels ? '{' : ',', label->name);
        put_text(page, label->value, true);
        text_char(page, '"');
    }
    text_string(page, some ? "} " : " ");
}

void metrics_int(struct text *page, const char *name, const struct metrics_label *labels,
                 int64_t value)
{
    begin_sample(page, name, labels);
    text_int(page, value);
    text_char(page, '\n');
}

void metrics_double(struct text *page, const char *name, const struct metrics_label *labels,
                    double value)
{
    begin_sample(page, name, labels);
    if (isnan(value))
        text_string(page, "NaN");
    else if (isinf(value))
        text_string(page, value > 0 ? "+Inf" : "-Inf");
    else
        text_json_double(page, value, 17);
    text_char(page, '\n');
}

void metrics_counter(struct text *page, const char *name, const char *help, uint64_t value)
{
    assert(value <= INT64_MAX);
    metrics_family(page, METRICS_COUNTER, name, help);
    metrics_int(page, name, NULL, (int64_t)value);
}

void metrics_gauge(struct text *page, const char *name, const char *help, int64_t value)
{
    metrics_family(page, METRICS_GAUGE, name, help);
    metrics_int(page, name, NULL, value);
}
