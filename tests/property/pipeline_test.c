/* Goal: whatever a broker, a group, a network, clocks and crashes do, nothing is
 * committed that is not acknowledged, what is told is true, and in the end
 * everything is counted.
 *
 * Histories of a simulated world (support/sim.h), one a seed, from 1 on.
 *
 *     pipeline_test [--seed N] [--histories N] [--seconds N] [--history] [--planted]
 *
 * lives others: SEED=N, or --seed N alone, lives one again; --history tells all
 * of its events. With --planted there must be a violation: our sources have a
 * bug in them on purpose. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"
#include "sim.h"

#ifdef __SANITIZE_ADDRESS__
#define HISTORIES 2000
#else
#define HISTORIES 10000
#endif
#define PROGRESS 10000

static struct sim sim;

/* A process that dies at a yield point leaves behind what a function there has
 * allocated and not handed on yet. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:reject_keep\n";
}

/* In place of the one in src/base: what a pipeline logs is part of the history. */
void log_fields(enum log_level level, const char *event, const struct log_field *fields)
{
    (void)level;
    sim_trace_log(event, fields);
}

static void print_counts(const struct sim_counts *c)
{
#define COUNT(name) printf("  %-12s %llu\n", #name, (unsigned long long)c->name)
    COUNT(histories), COUNT(turns), COUNT(crashes), COUNT(freezes), COUNT(cuts), COUNT(stops);
    COUNT(ends), COUNT(failures), COUNT(assignments), COUNT(expelled), COUNT(grown);
    COUNT(truncated), COUNT(exempt), COUNT(clock_steps), COUNT(commits), COUNT(stale);
    COUNT(refused), COUNT(records), COUNT(checkpoints), COUNT(failed), COUNT(twice);
    COUNT(late), COUNT(resets), COUNT(rejected), COUNT(rejects_lost), COUNT(evicted), COUNT(held);
    COUNT(foreign), COUNT(resets_of_group), COUNT(rests);
#undef COUNT
}

static void live(uint64_t first, uint64_t count, int64_t seconds)
{
    int64_t begin_ms = clock_monotonic_ms();
    uint64_t seed = first;
    sim_create(&sim);
    for (; seed - first < count; seed++) {
        int64_t gone_ms = clock_monotonic_ms() - begin_ms;
        if (seconds > 0 && gone_ms >= seconds * 1000)
            break;
        if (seed > first && (seed - first) % PROGRESS == 0)
            fprintf(stderr, "%llu histories, seeds %llu to %llu, %lld s\n",
                    (unsigned long long)(seed - first), (unsigned long long)first,
                    (unsigned long long)(seed - 1), (long long)(gone_ms / 1000));
        sim_live(&sim, seed);
    }
    printf("%llu histories without a violation, seeds %llu to %llu, %lld s\n",
           (unsigned long long)(seed - first), (unsigned long long)first,
           (unsigned long long)(seed - 1), (long long)(clock_monotonic_ms() - begin_ms) / 1000);
    print_counts(&sim.counts);
    sim_destroy(&sim);
}

/* Lives histories until one is violated, as must be. */
static int find(uint64_t first, uint64_t count, int64_t seconds)
{
    char line[1024], found[1024] = "";
    int ends[2], status;
    int64_t begin_ms = clock_monotonic_ms();
    fflush(NULL);
    pid_t child = pipe(ends) == 0 ? fork() : -1;
    if (child == 0) {
        dup2(ends[1], STDERR_FILENO);
        live(first, count, seconds);
        _exit(0);
    }
    close(ends[1]);
    FILE *lines = fdopen(ends[0], "r");
    while (child > 0 && lines && fgets(line, sizeof line, lines))
        if (strncmp(line, "VIOLATION", strlen("VIOLATION")) == 0)
            memcpy(found, line, sizeof found);
    if (child > 0)
        waitpid(child, &status, 0);
    printf("%s after %.1f s: %s", *found ? "found" : "NOT FOUND",
           (double)(clock_monotonic_ms() - begin_ms) / 1000, *found ? found : "\n");
    return *found ? 0 : 1;
}

START_TEST(test_histories_lose_nothing)
{
    live(1, HISTORIES, 0);
    const struct sim_counts *c = &sim.counts;
    ck_assert(c->crashes && c->freezes && c->cuts && c->stops && c->failures && c->expelled);
    ck_assert(c->grown && c->truncated && c->exempt && c->clock_steps && c->stale && c->refused);
    ck_assert(c->failed && c->twice && c->late && c->resets && c->rejected && c->evicted);
    ck_assert(c->rejects_lost);
    ck_assert(c->held && c->foreign && c->resets_of_group && c->rests);
}
END_TEST

static int run_suite(void)
{
    Suite *suite = suite_create("pipeline");
    TCase *tcase = tcase_create("histories");
    SRunner *runner = srunner_create(suite);
    tcase_set_timeout(tcase, 0);
    tcase_add_test(tcase, test_histories_lose_nothing);
    suite_add_tcase(suite, tcase);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}

int main(int argc, char **argv)
{
    const char *one = getenv("SEED");
    uint64_t first = one ? strtoull(one, NULL, 10) : 1, count = one ? 1 : 0;
    int64_t seconds = 0;
    bool tracing = false, all = false, planted = false;
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : "";
        if (strcmp(argv[i], "--trace") == 0) {
            tracing = true;
        } else if (strcmp(argv[i], "--history") == 0) {
            all = true;
        } else if (strcmp(argv[i], "--planted") == 0) {
            planted = true;
        } else if (strcmp(argv[i], "--seed") == 0) {
            first = strtoull(value, NULL, 10);
            count = count ? count : 1;
            i++;
        } else if (strcmp(argv[i], "--histories") == 0) {
            count = strtoull(value, NULL, 10);
            i++;
        } else if (strcmp(argv[i], "--seconds") == 0) {
            seconds = strtoll(value, NULL, 10);
            count = UINT64_MAX;
            i++;
        } else {
            fprintf(stderr, "%s: what is '%s'?\n", argv[0], argv[i]);
            return 2;
        }
    }
    sim_trace_setup(&sim, argv[0], tracing, all);
    if (planted)
        return find(first, count ? count : UINT64_MAX, seconds);
    if (count == 0)
        return run_suite();
    live(first, count, seconds);
    return 0;
}
