/* headcountd: main. Arguments -> settings -> run -> exit code. */
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "config.h"
#include "cover.h"
#include "leave.h"
#include "log.h"
#include "properties.h"
#include "shown.h"
#include "wire.h"

static atomic_int stop;

static int run(const struct config *config)
{
    if (!leave_on_signals(&stop, "what is not committed is read again; stdin is lost")) {
        say("headcountd: cannot start a thread\n");
        return CONFIG_EXIT_FAILED;
    }
    return wire_run(config, &stop);
}

static int no_memory(void)
{
    say("headcountd: out of memory\n");
    return CONFIG_EXIT_FAILED;
}

int main(int argc, char **argv)
{
    char error[1024];
    struct config config;
    struct cover cover = {0};
    int code = config_read(&config, argc, argv, error, sizeof error);
    if (code != CONFIG_EXIT_DONE) {
        say("headcountd: %s\n", error);
        if (code == CONFIG_EXIT_USAGE)
            say("Try 'headcountd --help'.\n");
    } else if (config.help) {
        config_help(&config, stdout);
    } else if (config.version) {
        printf("headcountd %s (librdkafka %s)\n", HEADCOUNT_VERSION, kafka_version());
    } else if (config.properties.count == 1 && strcmp(config.properties.items[0], "list") == 0) {
        kafka_properties_list(stdout);
    } else {
        log_configure(config.quiet ? LOG_ERROR : config.verbose ? LOG_DEBUG : LOG_INFO,
                      (enum log_format)config.log_format);
        if (!cover_secrets(&cover, &config.properties, argc, argv))
            code = no_memory();
        else
            code = config.validate ? wire_validate(&config) : run(&config);
    }
    if (code == CONFIG_EXIT_DONE && (fflush(stdout) != 0 || ferror(stdout))) {
        say("headcountd: stdout: %s\n", strerror(errno));
        code = CONFIG_EXIT_FAILED;
    }
    cover_end(&cover);
    config_free(&config);
    return code;
}
