/* headcountd: main. Arguments -> settings -> run -> exit code. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "config.h"
#include "cover.h"
#include "log.h"
#include "properties.h"
#include "shown.h"
#include "wire.h"

/* How long leaving in order may take after SIGINT or SIGTERM. */
#define LEAVE_MS 10000
/* Some send one signal to the process and to its group: that is not a second. */
#define SAME_SIGNAL_MS 200

static atomic_int stop;

/* The next signal within this time, or -1. Being stopped and continued is none. */
static int signal_wait(const sigset_t *signals, int64_t ms)
{
    int64_t until_ms = clock_monotonic_ms() + ms;
    for (;;) {
        int64_t left_ms = until_ms - clock_monotonic_ms();
        if (left_ms < 0)
            return -1;
        const struct timespec wait = {.tv_sec = left_ms / 1000,
                                      .tv_nsec = left_ms % 1000 * 1000000L};
        int number = sigtimedwait(signals, NULL, &wait);
        if (number > 0 || errno != EINTR)
            return number;
    }
}

/* Signals come to this thread alone: the first asks to leave in order; a second
 * one, or the end of the time for it, ends the process. Leaving without the
 * last commit loses nothing: it is read again. */
static void *signal_thread(void *signals)
{
    int number;
    sigwait(signals, &number);
    atomic_store(&stop, 1);
    log_event(LOG_INFO, "stopping", LOG_S("signal", strsignal(number)));
    (void)signal_wait(signals, SAME_SIGNAL_MS);
    number = signal_wait(signals, LEAVE_MS);
    log_event(LOG_ERROR, "stopped_early",
              LOG_S("cause", number > 0 ? "second signal" : "leaving took too long"),
              LOG_S("effect", "what is not committed is read again; stdin is lost"));
    _exit(CONFIG_EXIT_FAILED);
}

static bool signals_start(sigset_t *signals)
{
    pthread_t thread;
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a limit on sizes is an error of write(2) like a full disk */
    sigemptyset(signals);
    sigaddset(signals, SIGINT);
    sigaddset(signals, SIGTERM);
    return pthread_sigmask(SIG_BLOCK, signals, NULL) == 0 &&
           pthread_create(&thread, NULL, signal_thread, signals) == 0 &&
           pthread_detach(thread) == 0;
}

static int run(const struct config *config)
{
    static sigset_t signals; /* the thread reads it until the process ends */
    if (!signals_start(&signals)) {
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
