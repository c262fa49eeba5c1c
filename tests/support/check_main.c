/* The main() of a test: runs the cases that its add_cases() adds.
 *
 * It comes from a library, so that a test may have a main() of its own instead. */
#include "check_main.h"

#include <errno.h>
#include <stdlib.h>

int main(void)
{
    Suite *suite = suite_create(program_invocation_short_name);
    TCase *cases = tcase_create("cases");
    SRunner *runner = srunner_create(suite);
    int ran, failed;

    suite_add_tcase(suite, cases);
    add_cases(cases);
    srunner_run_all(runner, CK_ENV);
    ran = srunner_ntests_run(runner);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return ran > 0 && failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
