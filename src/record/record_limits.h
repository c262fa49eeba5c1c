/* What a record may hold, for its writer and its reader. */
#ifndef RECORD_RECORD_LIMITS_H
#define RECORD_RECORD_LIMITS_H

#include "limits.h"

/* A window is a minute. */
#define RECORD_SECONDS 60
/* Bytes of a stream, cluster, input group or instance after decoding. */
#define RECORD_NAME_MAX 1024
/* Bytes of a topic: a file's is its path with size and mtime. */
#define RECORD_TOPIC_MAX 8192
/* Bytes of the fingerprint `fields`. */
#define RECORD_FIELDS_MAX 128
/* Bytes of a group in canonical form, and its members. */
#define RECORD_GROUP_MAX 65536
#define RECORD_GROUP_MEMBERS 64
/* Partitions of a topic; LIMIT_PARTITIONS are those of one assignment. */
#define RECORD_PARTITIONS_TOTAL 65536
/* Sequences, numbers and counts: the one after it is still an int64_t. */
#define RECORD_COUNT_MAX (INT64_MAX - 1)
/* How far a watermark may lie from 1970, either way, in seconds. */
#define RECORD_WATERMARK_MAX (2 * LIMIT_TIME_S)

#endif
