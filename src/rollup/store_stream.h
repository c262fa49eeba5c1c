/* What a store holds in memory of one stream beside its sketches. Private to
 * rollup. */
#ifndef ROLLUP_STORE_STREAM_H
#define ROLLUP_STORE_STREAM_H

#include "coverage_state.h"
#include "rollup_profiles.h"
#include "sorted.h"
#include "store_file.h"
#include "text.h"

struct store_series {
    int64_t id;
    enum hc_profile profile;
    bool saved;       /* is in the file */
    char group[];
};

struct store_stream {
    int64_t id;
    char *name;
    char *fields;     /* of the first record that names them, or NULL */
    uint64_t key_id;  /* of the first keyed record; 0: none yet */
    struct coverage *coverage;         /* not judged */
    struct rollup_profiles *profiles;  /* not judged */
    struct sorted *series;             /* by (profile, group) */
    struct store_series *last;         /* used */
    bool changed; /* since it was saved */
};

/* The stream of that name with all that the file has of it, owned by the caller;
 * a new one, with id 0, when it has nothing. NULL on failure: `error` is a line
 * for people. */
struct store_stream *store_stream_load(struct store_file *file, const char *name, char *error,
                                       size_t error_size);
void store_stream_destroy(struct store_stream **stream);
/* Writes it if it is changed, in the transaction under way. HC_ENOMEM; HC_EROOM:
 * store_file_error says why. Tell it with store_stream_saved that it was committed. */
enum hc_status store_stream_save(struct store_stream *stream, struct store_file *file,
                                 struct text *scratch);
void store_stream_saved(struct store_stream *stream);

/* The series, made with the id *last_id + 1 when there is none. NULL: no memory. */
struct store_series *store_stream_series(struct store_stream *stream, enum hc_profile profile,
                                         const char *group, int64_t *last_id);

/* The owner of the stream's STORE_PRESENT and STORE_LATE blobs of a profile. */
#define STORE_DAY_OWNER(stream, profile) ((stream)->id << 3 | (int64_t)(profile))
#define STORE_DAY_STREAM(id) ((id) >> (STORE_START_BITS + 3))
#define STORE_STREAMS_MAX (STORE_OWNER_MAX >> 3)

#endif
