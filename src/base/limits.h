/* Every maximum in one place, with the memory it implies. */
/* The name hides libc's header from every includer: pass that on, outside the
 * guard, since libc's own chain of headers comes through here again. */
#ifdef __clang__
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Winclude-next-absolute-path"
#endif
#include_next <limits.h>
#ifdef __clang__
#pragma clang diagnostic pop
#endif

#ifndef BASE_LIMITS_H
#define BASE_LIMITS_H

/* A frame's user id after decoding, in bytes. */
#define LIMIT_USER_BYTES 4096
/* Levels of brackets in a frame, the root object included. */
#define LIMIT_DEPTH 1024
/* The last second of the year 9999. */
#define LIMIT_TIME_S INT64_C(253402300799)
/* --max-frame: default and bounds, in bytes. A frame costs at most
 * 10 bytes of tokens a byte while it is parsed: the addresses are reserved from
 * the start, the memory is taken by frames that need it. */
#define LIMIT_FRAME_DEFAULT (1024 * 1024)
#define LIMIT_FRAME_MIN 16
#define LIMIT_FRAME_MAX (64 * 1024 * 1024)
/* Options of a program. */
#define LIMIT_OPTIONS 64
/* A file of options, in bytes. */
#define LIMIT_CONFIG_BYTES (1024 * 1024)
/* Messages in one batch. */
#define LIMIT_BATCH_MESSAGES 1024
/* --workers. */
#define LIMIT_WORKERS 64
/* --memory: default and bounds, in bytes. */
#define LIMIT_MEMORY_DEFAULT (64 * 1024 * 1024)
#define LIMIT_MEMORY_MIN (1024 * 1024)
#define LIMIT_MEMORY_MAX (INT64_C(1) << 40)
/* Timestamps that a partition's clock rests on. */
#define LIMIT_CLOCK_SAMPLES 64
/* Partitions of one assignment. */
#define LIMIT_PARTITIONS 4096
/* Published sketch records that wait for their acknowledgement. */
#define LIMIT_RECORDS_IN_FLIGHT 16384
/* Bytes of published records that wait for their acknowledgement. */
#define LIMIT_BYTES_IN_FLIGHT (16 * 1024 * 1024)
/* Sketches of a roll-up that are held in memory; the others wait in a file. */
#define LIMIT_ROLLUP_BYTES (64 * 1024 * 1024)
/* Sketches that a store holds in memory while it is written. */
#define LIMIT_STORE_BYTES (64 * 1024 * 1024)
/* Readers of a store in one process, each with the pages that it holds of the file. */
#define LIMIT_STORE_READERS 64
/* Checkpoints that wait for the sketches they rest on, in memory. */
#define LIMIT_WAITING_BYTES (4 * 1024 * 1024)
/* Minutes with users that count as strays, see store_about.c, and how far from the others
 * they lie: longer than any month, so that what comes once a month has none. */
#define LIMIT_STRAY_MINUTES 10
#define LIMIT_STRAY_GAP_S (INT64_C(40) * 86400)
/* Rows without users in a row that a roll-up shows: a week of minutes. */
#define LIMIT_ZERO_ROWS 10080
/* Questions to the board's store that are answered at once: each may hold a page cache
 * of 32 MiB, and sketches of LIMIT_API_SKETCH_BYTES. How long one may take, with the
 * waiting for its turn. */
#define LIMIT_API_READERS 4
#define LIMIT_API_SKETCH_BYTES (32 * 1024 * 1024)
#define LIMIT_API_TIME_MS 10000
/* Rows of an answer: more than a month by minute, or five years by hour. */
#define LIMIT_API_ROWS 50000
/* The same where each row is worked out from several sketches: three years by day. */
#define LIMIT_API_UNIONS 1100
/* The same where each row takes two questions to the joint estimator. */
#define LIMIT_API_OVERLAPS 400
/* Streams whose changes are told live: more are in the store, but not told. */
#define LIMIT_LIVE_STREAMS 1024
/* A line of records in a file. */
#define LIMIT_RECORD_BYTES (4 * 1024 * 1024)
/* A total of a stream and group, as JSON. */
#define LIMIT_TOTAL_BYTES (80 * 1024)
/* Addresses that a board answers. */
#define LIMIT_BOARD_ROUTES 64
/* Who follows what a board writes. */
#define LIMIT_BOARD_FOLLOWERS 4
/* Pages that are told live, each a connection and a thread. */
#define LIMIT_LIVE_CLIENTS 64
/* Checkpoints under way at once. */
#define LIMIT_CHECKPOINTS 2

/* HTTP. Connections at a time, from one address too, for what stands behind a proxy
 * or a tunnel has one: each is a thread, and up to LIMIT_HTTP_MEMORY_BYTES for what
 * its client sends. */
#define LIMIT_HTTP_CONNECTIONS 128
#define LIMIT_HTTP_CONNECTIONS_PER_ADDRESS 96
#define LIMIT_HTTP_MEMORY_BYTES (32 * 1024)
/* The address in a request line, and the parameters in it. */
#define LIMIT_HTTP_TARGET_BYTES 8192
#define LIMIT_HTTP_FIELDS 64
#define LIMIT_HTTP_EVENT_ID_BYTES 64
/* A line for people in an answer, or in a header of one. */
#define LIMIT_HTTP_DETAIL_BYTES 1024
/* The token of --token-file. */
#define LIMIT_HTTP_TOKEN_MIN 16
#define LIMIT_HTTP_TOKEN_BYTES 512
/* How long a client may take over a request, from the connection or the answer
 * before on, and over taking an answer that is no stream; how long it may be silent
 * or take nothing. */
#define LIMIT_HTTP_REQUEST_MS 30000
#define LIMIT_HTTP_ANSWER_MS 60000
#define LIMIT_HTTP_SILENT_S 30

#endif
