/* headcount-board: main. Arguments -> settings -> run -> exit code. */
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "board_config.h"
#include "board_run.h"
#include "cover.h"
#include "leave.h"
#include "log.h"
#include "properties.h"
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

static int run(const struct board_config *config)
{
    if (config->validate)
        return board_program_validate(config);
    if (config->backup)
        return board_program_backup(config);
    if (!leave_on_signals(&stop, "what is not written is read again; stdin is lost"))
        return fail("cannot start a thread");
    return board_program_run(config, &stop);
}

int main(int argc, char **argv)
{
    char error[1024];
    struct board_config config;
    struct cover cover = {0};
    int code = board_config_read(&config, argc, argv, error, sizeof error);
    if (code != CONFIG_EXIT_DONE) {
        say("headcount-board: %s\n", error);
        if (code == CONFIG_EXIT_USAGE)
            say("Try 'headcount-board --help'.\n");
    } else if (config.help) {
        board_config_help(&config, stdout);
    } else if (config.version) {
        printf("headcount-board %s (librdkafka %s)\n", HEADCOUNT_VERSION, kafka_version());
    } else if (config.properties.count == 1 && strcmp(config.properties.items[0], "list") == 0) {
        kafka_properties_list(stdout);
    } else {
        log_configure(config.quiet ? LOG_ERROR : config.verbose ? LOG_DEBUG : LOG_INFO,
                      (enum log_format)config.log_format);
        code = cover_secrets(&cover, &config.properties, argc, argv) && name_zone()
                   ? run(&config) : fail("out of memory");
    }
    if (code == CONFIG_EXIT_DONE && (fflush(stdout) != 0 || ferror(stdout))) {
        say("headcount-board: stdout: %s\n", strerror(errno));
        code = CONFIG_EXIT_FAILED;
    }
    cover_end(&cover);
    board_config_free(&config);
    return code;
}
