/* Goal: when a program is healthy and when it is ready, by what its workers tell, on a
 * clock that is driven: each thing that can stand still makes it unready after the
 * patience for it and no sooner, and ready again by its first step. */
#include <stdlib.h>
#include <string.h>

#include "check_main.h"
#include "figures_inside.h"

#define PATIENCE_MS 30000
#define EMIT_MS 5000

static struct config config;
static struct figures figures;
static int64_t now_ms;

/* What a worker tells, from one time to the next. */
struct told {
    struct pipeline_status status;
    struct pipeline_partition partitions[3];
};
static struct told told[2];

static void begin(size_t workers, const char *topic)
{
    memset(&figures, 0, sizeof figures);
    config = (struct config){.topic = topic, .emit_every_ms = EMIT_MS};
    figures.config = &config;
    figures.count = workers;
    now_ms = 1000000;
    for (size_t i = 0; i < 2; i++) {
        told[i] = (struct told){.status = {.assigned = true, .partitions = 2, .told = true,
                                           .committed = true}};
        for (int j = 0; j < 3; j++)
            told[i].partitions[j] = (struct pipeline_partition){
                .partition = (int32_t)i * 3 + j, .end_confirmed_ms = -1};
    }
}

static void tell(size_t number)
{
    struct figures_worker *worker = &figures.workers[number];
    struct figures_partition *before = worker->partitions;
    struct pipeline_status status_before = worker->status;

    worker->status = told[number].status;
    worker->partitions = calloc(worker->status.partitions + 1, sizeof *worker->partitions);
    for (size_t i = 0; i < worker->status.partitions; i++)
        worker->partitions[i].told = told[number].partitions[i];
    figures_note(worker, &status_before, before, now_ms);
    worker->told = true;
    free(before);
}

/* A second of a worker that reads both of its partitions. */
static void read_on(size_t number)
{
    told[number].partitions[0].position++;
    told[number].partitions[1].position++;
    told[number].status.counters.frames += 2;
    tell(number);
}

static void free_figures(void)
{
    for (size_t i = 0; i < figures.count; i++)
        free(figures.workers[i].partitions);
}

static void expect(const char *unready)
{
    const char *found = figures_unready(&figures, now_ms);

    ck_assert_msg(found == unready || (found && unready && strcmp(found, unready) == 0),
                  "%s, not %s", found ? found : "ready", unready ? unready : "ready");
}

#define READY NULL
#define UNPUBLISHED "what was read is not published: the output or the rejects sink takes nothing"
#define UNCOMMITTED "what was published is not committed"
#define STUCK "a partition gives neither frames nor its end"
#define STILL "the loop of a worker does not come round"
#define NOTHING "no partitions are assigned"

START_TEST(a_start_is_no_readiness)
{
    begin(2, "t");
    expect("starting");
    read_on(0);
    expect("starting");
    told[1].status.partitions = 0;
    tell(1);
    expect(READY); /* one of them has partitions */
    told[0].status.partitions = 0;
    tell(0);
    expect(READY); /* between two assignments */
    now_ms += PATIENCE_MS;
    tell(0);
    tell(1);
    expect(READY);
    now_ms += 1;
    expect(NOTHING);
    told[0].status.partitions = 2;
    tell(0);
    expect(READY);
}
END_TEST

START_TEST(nothing_assigned_at_first_is_not_ready)
{
    begin(1, "t");
    told[0].status.partitions = 0;
    told[0].status.assigned = false;
    tell(0);
    expect(NOTHING);
    ck_assert_ptr_null(figures_unhealthy(&figures, now_ms));
}
END_TEST

START_TEST(files_need_no_partitions)
{
    begin(1, NULL);
    told[0].status.partitions = 0;
    tell(0);
    expect(READY);
    told[0].status.partitions = 1;
    for (int i = 0; i < 100; i++) { /* nobody writes to the pipe */
        now_ms += 1000;
        tell(0);
        expect(READY);
    }
}
END_TEST

START_TEST(a_loop_that_stands_is_not_healthy)
{
    begin(2, "t");
    read_on(0);
    read_on(1);
    now_ms += PATIENCE_MS;
    read_on(1);
    ck_assert_ptr_null(figures_unhealthy(&figures, now_ms));
    now_ms += 1;
    ck_assert_str_eq(figures_unhealthy(&figures, now_ms), STILL);
    expect(STILL);
    figures.workers[0].ended = true; /* it has no loop any more */
    ck_assert_ptr_null(figures_unhealthy(&figures, now_ms));
    expect(READY);
    figures.workers[1].ended = true;
    expect("ending");
}
END_TEST

START_TEST(what_is_read_has_to_be_published)
{
    begin(1, "t");
    read_on(0);
    told[0].status.told = false;
    for (int64_t s = 0; s < (PATIENCE_MS + EMIT_MS) / 1000; s++) {
        now_ms += 1000;
        read_on(0);
        expect(READY);
    }
    now_ms += 1;
    read_on(0);
    expect(UNPUBLISHED);
    ck_assert_ptr_null(figures_unhealthy(&figures, now_ms));
    told[0].status.counters.checkpoints++;
    read_on(0);
    expect(READY);
    /* A stream that is never quite told gets on by its checkpoints. */
    for (int i = 0; i < 100; i++) {
        now_ms += 10000;
        told[0].status.counters.checkpoints++;
        read_on(0);
        expect(READY);
    }
}
END_TEST

START_TEST(what_is_published_has_to_be_committed)
{
    int64_t patience_ms = 2 * (int64_t)(PATIENCE_MS + EMIT_MS);

    begin(1, "t");
    read_on(0);
    told[0].status.committed = false;
    for (int64_t s = 0; s < patience_ms / 1000; s++) {
        now_ms += 1000;
        read_on(0);
        expect(READY);
    }
    now_ms += 1;
    read_on(0);
    expect(UNCOMMITTED);
    told[0].status.counters.commits++;
    read_on(0);
    expect(READY);
}
END_TEST

START_TEST(each_partition_has_to_get_on)
{
    begin(2, "t");
    read_on(0);
    read_on(1);
    for (int64_t s = 0; s < PATIENCE_MS / 1000; s++) {
        now_ms += 1000;
        read_on(0);
        told[1].partitions[0].position++;
        tell(1);
        expect(READY);
    }
    now_ms += 1;
    read_on(0);
    told[1].partitions[0].position++;
    tell(1);
    expect(STUCK);
    /* Its broker says that there is nothing more: as of when it was asked. */
    told[1].partitions[1].end_confirmed_ms = now_ms - PATIENCE_MS;
    tell(1);
    expect(READY);
    now_ms += 1;
    tell(1);
    expect(STUCK);
}
END_TEST

START_TEST(who_is_held_back_need_not_read)
{
    begin(1, "t");
    told[0].status.held = true;
    tell(0);
    now_ms += PATIENCE_MS + 1;
    tell(0);
    expect(READY);
    told[0].status.held = false;
    now_ms += 1000;
    tell(0);
    expect(READY);
    now_ms += PATIENCE_MS;
    tell(0);
    expect(STUCK);
}
END_TEST

START_TEST(partitions_that_change_places_are_told_apart)
{
    struct pipeline_partition first;

    begin(1, "t");
    read_on(0);
    now_ms += PATIENCE_MS;
    told[0].partitions[0].position += 5;
    tell(0);
    first = told[0].partitions[0];
    told[0].partitions[0] = told[0].partitions[1];
    told[0].partitions[1] = first;
    now_ms += 1;
    tell(0);
    expect(STUCK); /* the second, which is the first now and has not moved */
}
END_TEST

START_TEST(partitions_keep_their_time_where_they_stand)
{
    begin(1, "t");
    read_on(0);
    now_ms += PATIENCE_MS;
    /* One more, and the others in another order: who is new has time. */
    told[0].partitions[2] = told[0].partitions[0];
    told[0].partitions[0] = (struct pipeline_partition){.partition = 7, .end_confirmed_ms = -1};
    told[0].status.partitions = 3;
    told[0].partitions[1].position++;
    tell(0);
    expect(READY);
    now_ms += 1;
    expect(STUCK); /* the one that moved to another place */
    told[0].partitions[2].position++;
    tell(0);
    expect(READY);
    now_ms += PATIENCE_MS - 1;
    tell(0);
    expect(READY);
    now_ms += 1;
    tell(0);
    expect(STUCK); /* the new one */
}
END_TEST

void add_cases(TCase *health)
{
    tcase_add_checked_fixture(health, NULL, free_figures);
    tcase_add_test(health, a_start_is_no_readiness);
    tcase_add_test(health, nothing_assigned_at_first_is_not_ready);
    tcase_add_test(health, files_need_no_partitions);
    tcase_add_test(health, a_loop_that_stands_is_not_healthy);
    tcase_add_test(health, what_is_read_has_to_be_published);
    tcase_add_test(health, what_is_published_has_to_be_committed);
    tcase_add_test(health, each_partition_has_to_get_on);
    tcase_add_test(health, who_is_held_back_need_not_read);
    tcase_add_test(health, partitions_that_change_places_are_told_apart);
    tcase_add_test(health, partitions_keep_their_time_where_they_stand);
}
