/* One raw frame as a source hands it over. */
#ifndef BASE_MESSAGE_H
#define BASE_MESSAGE_H

#include <stddef.h>
#include <stdint.h>

#define MESSAGE_NO_TIMESTAMP INT64_C(-1)

/* The bytes and the key are borrowed from the source; source.h says how long. */
struct message {
    const char *bytes;    /* NULL when the frame was not kept, or is a null value; else not */
    size_t size;          /* of the frame; above the source's frame_max `bytes` may be NULL */
    const char *key;      /* the Kafka record's key, or NULL */
    size_t key_size;
    int64_t position;     /* Kafka: offset. File: byte of the (decompressed) line's start */
    int64_t next;         /* the position after this frame */
    int64_t timestamp_ms; /* the Kafka record's, or MESSAGE_NO_TIMESTAMP */
    uint32_t slot;        /* index into the partitions of the current assignment */
};

#endif
