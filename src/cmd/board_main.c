/* headcount-board: main. Arguments -> settings -> run -> exit code. */
#include <stdatomic.h>
#include <stdlib.h>

#include "board_config.h"
#include "board_run.h"
#include "leave.h"
#include "shown.h"

static atomic_int stop;

static int fail(const char *why)
{
    say("headcount-board: %s\n", why);
    return CONFIG_EXIT_FAILED;
}

/* Calendars set TZ for moments, which must only ever replace it: a variable that is
 * added moves the environment, which other threads read. */
static bool name_zone(void)
{
    return getenv("TZ") || setenv("TZ", ":/etc/localtime", 0) == 0;
}

static int run(const void *context)
{
    const struct board_config *config = context;
    if (!name_zone())
        return fail("out of memory");
    if (config->program.validate)
        return board_program_validate(config);
    if (config->backup)
        return board_program_backup(config);
    if (!leave_on_signals(&stop, "what is not written is read again; stdin is lost"))
        return fail("cannot start a thread");
    return board_program_run(config, &stop);
}

int main(int argc, char **argv)
{
    struct board_config config;
    struct program_table table = {.count = 0};
    const struct program program = {.words = board_config_describe(&config, &table),
                                    .options = &config.program,
                                    .config = &config,
                                    .check = board_config_check,
                                    .run = run};
    return program_main(&program, argc, argv);
}
