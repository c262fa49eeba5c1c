/* Goal: a worker whose pipeline has ended gives up its source at once, whichever
 * worker that is, though others go on: a member of a group that is there and
 * does not poll keeps the others from sharing its partitions. One source ends
 * at once, the other when the first one has been destroyed. */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "check_main.h"
#include "team.h"

#define PATIENCE_POLLS 10000
#define POLL_NS 1000000L

struct actor {
    struct source source; /* first */
    bool waits;
    int polls;
    bool lost_patience;
};

static atomic_int destroyed;
static struct actor actors[2];

static void actor_poll(struct source *source, int timeout_ms, struct source_step *step)
{
    struct actor *actor = (struct actor *)source;
    const struct timespec wait = {.tv_nsec = POLL_NS};

    (void)timeout_ms;
    *step = (struct source_step){.kind = SOURCE_FINISHED};
    if (!actor->waits || atomic_load(&destroyed) > 0)
        return;
    if (actor->polls++ == PATIENCE_POLLS) {
        actor->lost_patience = true;
        return;
    }
    nanosleep(&wait, NULL);
    step->kind = SOURCE_NOTHING;
}

static void actor_destroy(struct source *source)
{
    (void)source;
    atomic_fetch_add(&destroyed, 1);
}

static void actor_nothing(struct source *source) { (void)source; }

static void actor_hold(struct source *source, bool held) { (void)source, (void)held; }

static int64_t actor_number(struct source *source, uint32_t slot)
{
    (void)source, (void)slot;
    return -1;
}

static bool actor_commit(struct source *source, const struct source_position *positions,
                         size_t count, const char *metadata)
{
    (void)source, (void)positions, (void)count, (void)metadata;
    return false;
}

static enum emit_result output_produce(struct emit *emit, const struct emit_record *record)
{
    (void)emit, (void)record;
    return EMIT_FULL;
}

static size_t output_poll(struct emit *emit, int timeout_ms, struct emit_ack *acks, size_t room)
{
    (void)emit, (void)timeout_ms, (void)acks, (void)room;
    return 0;
}

static const char *output_failed(struct emit *emit)
{
    (void)emit;
    return NULL;
}

static void output_destroy(struct emit *emit) { free(emit); }

static int64_t now(void *context)
{
    (void)context;
    return 1000;
}

static void make_worker(struct team *team, size_t number, bool waits)
{
    static const struct source_ops source_ops = {actor_poll, actor_nothing, actor_commit,
                                                 actor_hold, actor_number,  actor_number,
                                                 actor_nothing, actor_destroy};
    static const struct emit_ops emit_ops = {.produce = output_produce,
                                             .poll = output_poll,
                                             .failed = output_failed,
                                             .destroy = output_destroy};
    static const struct decode_options fields = {
        .user_field = "uid", .time_field = "ts", .frame_max = 1000};
    struct worker *worker = &team->workers[number];
    struct hc_sketch_options sketch = {.profile = HC_PROFILE_REDIS, .precision = 4};
    char error[200];

    actors[number] = (struct actor){.source = {&source_ops}, .waits = waits};
    *worker = (struct worker){.team = team, .number = (unsigned)number};
    worker->source = &actors[number].source;
    worker->output = calloc(1, sizeof *worker->output);
    worker->decoder = decoder_create(&fields, error, sizeof error);
    ck_assert(worker->output && worker->decoder);
    worker->output->ops = &emit_ops;
    const struct pipeline_options options = {.source = worker->source,
                                             .decoder = worker->decoder,
                                             .output = worker->output,
                                             .stream = "s",
                                             .instance = "i",
                                             .fields = "f",
                                             .input_group = "g",
                                             .windows = {&sketch, 1, 1 << 20},
                                             .emit_every_ms = 5000,
                                             .fingerprint = "p",
                                             .clock = {now, now, NULL}};
    worker->pipeline = pipeline_create(&options);
    ck_assert(worker->pipeline);
}

START_TEST(sources_go_when_their_workers_end)
{
    static const atomic_int go_on;
    struct team *team = calloc(1, sizeof *team);
    const struct worker *worst;

    ck_assert(team);
    team->count = 2;
    team->stop = &go_on;
    atomic_store(&destroyed, 0);
    make_worker(team, 0, _i == 0);
    make_worker(team, 1, _i == 1);
    team_run(team);
    ck_assert(!actors[_i].lost_patience);
    ck_assert_int_eq(atomic_load(&destroyed), 2);
    ck_assert_int_eq(team_result(team, &worst), PIPELINE_DONE);
    team_free(team);
    ck_assert_int_eq(atomic_load(&destroyed), 2);
    free(team);
}
END_TEST

void add_cases(TCase *tcase)
{
    tcase_set_timeout(tcase, 120);
    tcase_add_loop_test(tcase, sources_go_when_their_workers_end, 0, 2);
}
