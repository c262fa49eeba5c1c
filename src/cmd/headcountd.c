/* headcountd: main. Arguments -> settings -> run -> exit code. */
#include <stdatomic.h>

#include "config.h"
#include "leave.h"
#include "shown.h"
#include "wire.h"

static atomic_int stop;

static int run(const void *context)
{
    const struct config *config = context;
    if (config->program.validate)
        return wire_validate(config);
    if (leave_on_signals(&stop, "what is not committed is read again; stdin is lost"))
        return wire_run(config, &stop);
    say("headcountd: cannot start a thread\n");
    return CONFIG_EXIT_FAILED;
}

int main(int argc, char **argv)
{
    struct config config;
    struct program_table table = {.count = 0};
    const struct program program = {.words = config_describe(&config, &table),
                                    .options = &config.program,
                                    .config = &config,
                                    .check = config_check,
                                    .run = run};
    int code = program_main(&program, argc, argv);
    config_wipe(&config);
    return code;
}
