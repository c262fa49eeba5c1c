/* The history for people. See sim.h.
 *
 * Nothing is written while histories go well. At a violation, which a failed
 * assertion or a signal is too, the program starts itself again with the seed
 * and --trace, which lives the same history and keeps its last events. */
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "sim.h"

#define EVENTS 160
#define EVENT_BYTES 480

/* One program, one history at a time. */
static struct {
    struct sim *sim;
    char *program;
    bool tracing, all;
    char events[EVENTS][EVENT_BYTES];
    size_t count;
} trace;

void sim_trace(struct sim *sim, int member, const char *format, ...)
{
    char *event = trace.events[trace.count++ % EVENTS];
    char who[24] = "world";
    if (member >= 0)
        snprintf(who, sizeof who, "member %d.%llu", member,
                 (unsigned long long)sim->members[member].start);
    int size = snprintf(event, EVENT_BYTES, "%7lld %-10s ", (long long)sim->now_ms, who);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(event + size, EVENT_BYTES - (size_t)size, format, arguments);
    va_end(arguments);
    if (trace.all)
        fprintf(stderr, "%s\n", event);
}

/* Ends the program; or lives the history again, to tell it. */
static void tell(void)
{
    char seed[32];
    const struct sim *sim = trace.sim;
    snprintf(seed, sizeof seed, "%llu", (unsigned long long)sim->seed);
    if (!trace.tracing) {
        fprintf(stderr, "VIOLATION seed %s; its history, lived again:\n", seed);
        char again[] = "--trace", which[] = "--seed";
        char *arguments[] = {trace.program, again, which, seed, NULL};
        fflush(NULL);
        execv("/proc/self/exe", arguments);
        _exit(3);
    }
    size_t first = trace.count > EVENTS ? trace.count - EVENTS : 0;
    fprintf(stderr, "the last events of the history:\n");
    for (size_t i = first; !trace.all && i < trace.count; i++)
        fprintf(stderr, "%s\n", trace.events[i % EVENTS]);
    fprintf(stderr, "again, with all events: %s --seed %s --history\n", trace.program, seed);
    _exit(3);
}

void sim_violation(struct sim *sim, const char *format, ...)
{
    va_list arguments;
    trace.sim = sim;
    if (trace.tracing) {
        fprintf(stderr, "VIOLATION seed %llu at %lld ms: ", (unsigned long long)sim->seed,
                (long long)sim->now_ms);
        va_start(arguments, format);
        vfprintf(stderr, format, arguments);
        va_end(arguments);
        fputc('\n', stderr);
    }
    tell();
    abort();
}

static void on_signal(int number)
{
    if (trace.tracing)
        fprintf(stderr, "VIOLATION seed %llu: signal %d\n",
                trace.sim ? (unsigned long long)trace.sim->seed : 0, number);
    if (trace.sim)
        tell();
    _exit(3);
}

void sim_trace_setup(struct sim *sim, char *program, bool tracing, bool all)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_NODEFER};
    trace.sim = sim;
    trace.program = program;
    trace.tracing = tracing || all;
    trace.all = all;
    sim->tracing = trace.tracing;
    sigaction(SIGABRT, &action, NULL);
    sigaction(SIGSEGV, &action, NULL);
    sigaction(SIGBUS, &action, NULL);
    sigaction(SIGFPE, &action, NULL);
}

void sim_trace_log(const char *event, const struct log_field *fields)
{
    char line[EVENT_BYTES] = "";
    size_t size = 0;
    if (!trace.sim || !trace.sim->tracing)
        return;
    for (; fields->name && size < sizeof line; fields++)
        size += (size_t)(fields->kind == LOG_FIELD_STRING
                             ? snprintf(line + size, sizeof line - size, " %s=%s", fields->name,
                                        fields->string ? fields->string : "")
                             : snprintf(line + size, sizeof line - size, " %s=%lld", fields->name,
                                        (long long)fields->integer));
    sim_trace(trace.sim, -1, "log %s%s", event, line);
}
