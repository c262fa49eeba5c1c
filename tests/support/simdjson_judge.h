/* What simdjson (its DOM parser) makes of documents and frames, to be compared
 * with our reader and decoder, which share nothing with it.
 *
 * simdjson takes no number beyond 64 bits or a double's range, which the grammar
 * allows. A document that it refuses is shown to it once more with the digits of
 * its long numbers cut off behind the first few: that leaves its validity as it
 * was, whatever else is wrong with it. */
#ifndef SUPPORT_SIMDJSON_JUDGE_H
#define SUPPORT_SIMDJSON_JUDGE_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#include "decode.h"
#include "json.h"

struct simdjson_judge;

/* For documents of up to `size_max` bytes, of any depth. Aborts when there is no memory. */
struct simdjson_judge *simdjson_judge_create(size_t size_max);
void simdjson_judge_destroy(struct simdjson_judge **judge);

/* Whether simdjson takes it as it is; and with its long numbers cut. */
bool simdjson_judge_takes(struct simdjson_judge *judge, const char *bytes, size_t size);
bool simdjson_judge_takes_cut(struct simdjson_judge *judge, const char *bytes, size_t size);

/* What differs between the document that `json` has read and the one that was
 * judged last and taken; NULL if nothing does: kinds, members and their order,
 * decoded strings, and numbers where nothing was cut. */
const char *simdjson_judge_compare(struct simdjson_judge *judge, const struct json *json);

/* The same for the document as a frame: is this its verdict, and are these its
 * user and time? Without a record timestamp, fields from the frame, no RFC 3339. */
const char *simdjson_judge_frame(struct simdjson_judge *judge,
                                 const struct decode_options *options, enum reject reason,
                                 const struct frame *frame);

#ifdef __cplusplus
}
#endif

#endif
