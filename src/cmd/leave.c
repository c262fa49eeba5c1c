/* Signals come to a thread of their own: no code of ours runs in a handler. */
#include "leave.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "exits.h"
#include "log.h"

/* How long leaving in order may take. */
#define LEAVE_MS 10000
/* Some send one signal to the process and to its group: that is not a second. */
#define SAME_SIGNAL_MS 200

/* The thread reads it until the process ends. */
static struct {
    sigset_t signals;
    atomic_int *stop;
    const char *effect;
} leaving;

/* The next signal within this time, or -1. Being stopped and continued is none. */
static int signal_wait(int64_t ms)
{
    int64_t until_ms = clock_monotonic_ms() + ms;
    for (;;) {
        int64_t left_ms = until_ms - clock_monotonic_ms();
        if (left_ms < 0)
            return -1;
        const struct timespec wait = {.tv_sec = left_ms / 1000,
                                      .tv_nsec = left_ms % 1000 * 1000000L};
        int number = sigtimedwait(&leaving.signals, NULL, &wait);
        if (number > 0 || errno != EINTR)
            return number;
    }
}

static void *leave_thread(void *unused)
{
    int number;
    (void)unused;
    sigwait(&leaving.signals, &number);
    atomic_store(leaving.stop, 1);
    log_event(LOG_INFO, "stopping", LOG_S("signal", strsignal(number)));
    (void)signal_wait(SAME_SIGNAL_MS);
    number = signal_wait(LEAVE_MS);
    log_event(LOG_ERROR, "stopped_early",
              LOG_S("cause", number > 0 ? "second signal" : "leaving took too long"),
              LOG_S("effect", leaving.effect));
    _exit(CONFIG_EXIT_FAILED);
}

bool leave_on_signals(atomic_int *stop, const char *effect)
{
    pthread_t thread;
    leaving.stop = stop;
    leaving.effect = effect;
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* a limit on sizes is an error of write(2) like a full disk */
    sigemptyset(&leaving.signals);
    sigaddset(&leaving.signals, SIGINT);
    sigaddset(&leaving.signals, SIGTERM);
    return pthread_sigmask(SIG_BLOCK, &leaving.signals, NULL) == 0 &&
           pthread_create(&thread, NULL, leave_thread, NULL) == 0 &&
           pthread_detach(thread) == 0;
}
