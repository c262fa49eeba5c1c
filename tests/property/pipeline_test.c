/* Goal: whatever a broker, a group, an output and crashes do, nothing is
 * committed that is not acknowledged, and in the end everything is counted.
 *
 * Histories of a simulated world (support/sim.h), one a seed. HEADCOUNT_SEED
 * lives a single one again; HEADCOUNT_HISTORIES sets how many there are. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "log.h"
#include "sim.h"

#define HISTORIES 1500

static struct sim sim;

static void live(uint64_t seed)
{
    /* The mixture is drawn from the seed, so that calm worlds are lived, too. */
    uint64_t kind = seed * UINT64_C(0x9e3779b97f4a7c15) >> 32;
    const struct sim_faults faults = {.revoke = kind & 1 ? 8 : 0,
                                      .lose = kind & 2 ? 4 : 0,
                                      .refuse_commit = kind & 4 ? 200 : 0,
                                      .fail_record = kind & 8 ? 100 : 0,
                                      .full = kind & 16 ? (kind & 64 ? 900 : 100) : 0,
                                      .crash = kind & 32 ? 4 : 0};
    sim_start(&sim, seed, &faults);
    sim_live(&sim);
    sim_end(&sim);
}

START_TEST(test_histories_lose_nothing)
{
    const char *one = getenv("HEADCOUNT_SEED"), *many = getenv("HEADCOUNT_HISTORIES");
    uint64_t first = one ? strtoull(one, NULL, 10) : 1;
    uint64_t count = one ? 1 : many ? strtoull(many, NULL, 10) : HISTORIES;
    uint64_t crashes = 0, rebalances = 0, commits = 0, failures = 0;
    uint64_t evicted = 0, held = 0;
    log_configure(LOG_ERROR, LOG_LOGFMT);
    for (uint64_t seed = first; seed < first + count; seed++) {
        if (one || many)
            fprintf(stderr, "\rseed %llu ", (unsigned long long)seed);
        live(seed);
        crashes += sim.crashes;
        rebalances += sim.rebalances;
        commits += sim.commits;
        failures += sim.failures;
        evicted += sim.evicted;
        held += sim.held;
    }
    printf("\n%llu histories, %llu crashes, %llu assignments, %llu positions committed, "
           "%llu records failed, %llu windows let go, %llu turns held\n",
           (unsigned long long)count, (unsigned long long)crashes, (unsigned long long)rebalances,
           (unsigned long long)commits, (unsigned long long)failures,
           (unsigned long long)evicted, (unsigned long long)held);
    ck_assert(one || count < 64 || (crashes && failures && commits && evicted && held));
}
END_TEST

int main(void)
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
