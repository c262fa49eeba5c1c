/* One thread reads, writes and tidies up, so that all that is said of the store is
 * said in its order. What others may know of it is copied out under a lock, once a
 * second and when it changes. */
#include "board.h"

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "limits.h"
#include "log.h"

/* A minute is on the page within a second of its record. */
#define FLUSH_MS 250
#define TURN_MS 100
#define LOOK_MS 1000
#define KEEP_EVERY_MS 60000
/* How long leaving may wait for a store that can't be written. */
#define LEAVE_MS 2500

struct board {
    struct board_options options;
    struct ingest_follower followers[LIMIT_BOARD_FOLLOWERS + 2];
    struct ingest *ingest;
    enum ingest_state state;
    int64_t look_at_ms, keep_at_ms;
    bool keep_failed;
    int64_t newest_s;
    pthread_mutex_t lock;
    struct board_state seen;
    struct board_partition partitions[LIMIT_PARTITIONS];
    char topic[512];
    char error[1200];
};

/* Retention goes by the newest minute. */
static void taken(void *context, const struct record *record)
{
    struct board *board = context;

    if (record->kind == RECORD_SKETCH && record->sketch.minute_s > board->newest_s)
        board->newest_s = record->sketch.minute_s;
}

static void written(void *context)
{
    (void)context;
}

struct board *board_create(const struct board_options *options)
{
    struct board *board = calloc(1, sizeof *board);
    size_t count = 0;

    if (!board)
        return NULL;
    board->options = *options;
    board->newest_s = -1;
    board->seen.reads_topic = options->live;
    board->seen.turn_ms = clock_monotonic_ms();
    pthread_mutex_init(&board->lock, NULL);
    for (; options->followers && options->followers[count].taken; count++)
        board->followers[count] = options->followers[count];
    board->followers[count] = (struct ingest_follower){taken, written, board};
    board->state = INGEST_END;
    if (options->source) {
        board->state = INGEST_GOING;
        board->ingest = ingest_create(&(struct ingest_options){
            .store = options->store, .source = options->source, .flush_ms = FLUSH_MS,
            .followers = board->followers});
        if (!board->ingest)
            board_destroy(&board);
    }
    return board;
}

void board_destroy(struct board **board)
{
    if (!*board)
        return;
    ingest_destroy(&(*board)->ingest);
    pthread_mutex_destroy(&(*board)->lock);
    free(*board);
    *board = NULL;
}

const char *board_error(const struct board *board)
{
    return board->error;
}

void board_look(struct board *board,
                void (*see)(void *context, const struct board_state *state), void *context)
{
    pthread_mutex_lock(&board->lock);
    see(context, &board->seen);
    pthread_mutex_unlock(&board->lock);
}

/* A new assignment: what was there before stands where it stood. */
static void look_at_assignment(struct board *board, const struct source_assignment *assignment)
{
    struct board_state *seen = &board->seen;

    if (seen->topic && assignment->count == seen->partitions_count)
        return;
    snprintf(board->topic, sizeof board->topic, "%s", assignment->topic);
    seen->topic = board->topic;
    seen->partitions = board->partitions;
    seen->partitions_count = assignment->count;
    for (size_t i = 0; i < assignment->count; i++)
        board->partitions[i] = (struct board_partition){
            .partition = assignment->partitions[i].partition, .position = -1, .end = -1};
}

/* Whether what was there at first has been read. */
static bool look_at_partition(struct board *board, uint32_t slot, int64_t now_ms)
{
    struct board_partition *one = &board->partitions[slot];
    int64_t position = ingest_position(board->ingest, slot);
    int64_t confirmed_ms = source_end_confirmed_ms(board->options.source, slot);

    one->lag = source_lag(board->options.source, slot);
    if (position != one->position)
        one->good_ms = now_ms;
    if (confirmed_ms > one->good_ms)
        one->good_ms = confirmed_ms;
    one->position = position;
    if (one->end < 0 && one->lag >= 0)
        one->end = position + one->lag;
    return one->end >= 0 && position >= one->end;
}

static void look_at_topic(struct board *board, int64_t now_ms)
{
    const struct source_assignment *assignment = ingest_assignment(board->ingest);
    struct board_state *seen = &board->seen;
    bool loaded = true;

    if (!assignment) {
        seen->topic = NULL;
        seen->partitions_count = 0;
        return;
    }
    look_at_assignment(board, assignment);
    for (uint32_t i = 0; i < seen->partitions_count; i++)
        loaded = look_at_partition(board, i, now_ms) && loaded;
    if (loaded && !seen->loaded && !seen->held) {
        seen->loaded = true;
        log_event(LOG_INFO, "caught_up", LOG_S("topic", board->topic),
                  LOG_I("records", (int64_t)seen->counts.records),
                  LOG_I("refused", (int64_t)seen->counts.refused));
    }
}

static void look(struct board *board, int64_t now_ms)
{
    struct board_state *seen = &board->seen;

    pthread_mutex_lock(&board->lock);
    seen->turn_ms = now_ms;
    seen->held = board->state == INGEST_HELD;
    if (board->ingest)
        seen->counts = *ingest_counts(board->ingest);
    if (board->state == INGEST_END)
        seen->loaded = true;
    if (seen->reads_topic && now_ms >= board->look_at_ms) {
        board->look_at_ms = now_ms + LOOK_MS;
        look_at_topic(board, now_ms);
    }
    pthread_mutex_unlock(&board->lock);
}

/* A step of letting minutes go. What is old is what is old by this machine's clock
 * and by the newest minute, too: neither a clock that is wrong nor a damaged time in
 * a record may cost what can't be brought back. */
static void keep(struct board *board, int64_t now_ms)
{
    int64_t newest_ms = board->newest_s * 1000, wall_ms = clock_wall_ms();
    int64_t from_ms = (newest_ms < wall_ms ? newest_ms : wall_ms) - board->options.keep_minutes_ms;
    int more;

    if (board->options.keep_minutes_ms == 0 || now_ms < board->keep_at_ms || from_ms <= 0 ||
        board->state == INGEST_HELD)
        return;
    more = store_keep_minutes(board->options.store, from_ms / 1000);
    if (more < 0 && !board->keep_failed)
        log_event(LOG_ERROR, "minutes_not_let_go", LOG_S("why", store_error(board->options.store)));
    board->keep_failed = more < 0;
    if (more <= 0)
        board->keep_at_ms = now_ms + KEEP_EVERY_MS;
}

static void turn(struct board *board)
{
    int64_t now_ms = clock_monotonic_ms();

    if (board->state == INGEST_GOING || board->state == INGEST_HELD) {
        board->state = ingest_turn(board->ingest, TURN_MS, now_ms);
        if (board->state == INGEST_END)
            log_event(LOG_INFO, "read_to_the_end",
                      LOG_I("records", (int64_t)ingest_counts(board->ingest)->records),
                      LOG_I("refused", (int64_t)ingest_counts(board->ingest)->refused));
    } else {
        (void)poll(NULL, 0, TURN_MS);
    }
    look(board, clock_monotonic_ms());
    keep(board, now_ms);
    /* Nobody else writes it while nothing comes. One that fails is written with the next. */
    if (board->options.totals && totals_settle(board->options.totals, board->options.store) > 0)
        (void)store_flush(board->options.store);
}

/* Hands the partitions back when what was read of them is written. */
static enum board_result leave(struct board *board)
{
    int64_t until_ms = clock_monotonic_ms() + LEAVE_MS;

    if (board->state == INGEST_GOING || board->state == INGEST_HELD)
        source_close(board->options.source);
    while ((board->state == INGEST_GOING || board->state == INGEST_HELD) &&
           clock_monotonic_ms() < until_ms)
        board->state = ingest_turn(board->ingest, TURN_MS, clock_monotonic_ms());
    if (board->state == INGEST_END && store_flush(board->options.store))
        return BOARD_DONE;
    if (board->state == INGEST_FAILED) {
        snprintf(board->error, sizeof board->error, "%s", ingest_error(board->ingest));
        return store_flush(board->options.store) ? BOARD_FAILED : BOARD_UNWRITTEN;
    }
    if (store_flush(board->options.store) && board->state != INGEST_HELD)
        return BOARD_DONE;
    snprintf(board->error, sizeof board->error, "%s", store_error(board->options.store));
    return BOARD_UNWRITTEN;
}

enum board_result board_run(struct board *board, const atomic_int *stop)
{
    bool exit_at_end = board->options.exit_at_end;

    while (!atomic_load(stop) && board->state != INGEST_FAILED &&
           !(exit_at_end && (board->state == INGEST_END || board->state == INGEST_HELD)))
        turn(board);
    if (!exit_at_end || board->state != INGEST_HELD)
        return leave(board);
    snprintf(board->error, sizeof board->error, "%s", store_error(board->options.store));
    return BOARD_UNWRITTEN;
}
