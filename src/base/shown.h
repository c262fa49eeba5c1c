/* Text of others in front of people: in log lines, tables and messages.
 *
 * A name can hold line ends, escape sequences of terminals, and characters that
 * are not seen or turn what follows around. Written as they are, they forge
 * lines and rows; so they are written as escapes. What is data on stdout (JSON,
 * CSV) is none of this. */
#ifndef BASE_SHOWN_H
#define BASE_SHOWN_H

#include <stdbool.h>
#include <stddef.h>

#include "text.h"

/* The bytes from `bytes` on that a terminal can be given as they are. */
size_t shown_length(const char *bytes, size_t size);
/* As it is, but for what a terminal can't be given: \u009b for characters, \xff
 * for bytes that are none. */
void text_shown(struct text *text, const char *bytes, size_t size);
/* The same in quotes: a JSON string. Bytes that are not UTF-8 become U+FFFD. */
void text_shown_string(struct text *text, const char *bytes, size_t size);

/* A message on stderr, or on `stream` (FILE *): like fprintf, but for what a
 * terminal can't be given. A line end stays where it is the last character. */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
void say_on(void *stream, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Whether all that was printed has left stdout; if not, says why in the name of
 * `program`. What a full disk does is noticed here, at the end. */
bool say_stdout_written(const char *program);

#endif
