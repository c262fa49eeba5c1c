/* One queue of files, taken by whoever is free, but not far ahead of the caller:
 * finished parts would pile up in memory behind one that takes long. */
#include "parts.h"

#include <assert.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "input.h"
#include "options.h"

#define THREADS_MAX OPTIONS_THREADS_MAX
#define THREADS_DEFAULT 8

struct slot {
    void *part; /* NULL while it is read, or when there is none */
    bool done;
};

struct parts {
    struct parts_kind kind;
    const void *context;
    const struct args_list *files;
    struct slot *slots; /* one a file */
    pthread_t threads[THREADS_MAX];
    size_t threads_count;
    pthread_mutex_t lock; /* of what follows, and of the slots */
    pthread_cond_t changed;
    size_t next;          /* file that nobody reads yet */
    size_t taken;         /* files that the caller is done with */
    bool stopping;
};

static bool parts_stopping(struct parts *parts)
{
    pthread_mutex_lock(&parts->lock);
    bool stopping = parts->stopping;
    pthread_mutex_unlock(&parts->lock);
    return stopping;
}

/* Adds all records of a file. False: one line was refused, or the file. */
static bool part_read(struct parts *parts, void *part, const char *path)
{
    struct input *input = input_create(&(struct input_options){
        .paths = &path, .count = 1, .quiet = true});
    struct record record;
    bool good = input != NULL;
    while (good && input_record(input, &record))
        good = parts->kind.add(part, &record) && input_refused(input) == 0 &&
               !parts_stopping(parts);
    good = good && input_refused(input) == 0;
    input_close(&input);
    return good;
}

/* The part of a file, or NULL. What is not a regular file is read once only. */
static void *part_make(struct parts *parts, const char *path)
{
    struct stat status;
    if (stat(path, &status) != 0 || !S_ISREG(status.st_mode))
        return NULL;
    void *part = parts->kind.create(parts->context);
    if (part && !part_read(parts, part, path)) {
        parts->kind.destroy(part);
        part = NULL;
    }
    return part;
}

static void *parts_run(void *context)
{
    struct parts *parts = context;
    pthread_mutex_lock(&parts->lock);
    while (!parts->stopping && parts->next < parts->files->count) {
        if (parts->next >= parts->taken + PARTS_AHEAD * parts->threads_count) {
            pthread_cond_wait(&parts->changed, &parts->lock);
            continue;
        }
        size_t index = parts->next++;
        pthread_mutex_unlock(&parts->lock);
        void *part = part_make(parts, parts->files->items[index]);
        pthread_mutex_lock(&parts->lock);
        parts->slots[index] = (struct slot){part, true};
        pthread_cond_broadcast(&parts->changed);
    }
    pthread_mutex_unlock(&parts->lock);
    return NULL;
}

struct parts *parts_start(const struct parts_kind *kind, const void *context,
                          const struct args_list *files, size_t threads)
{
    struct parts *parts = calloc(1, sizeof(*parts));
    assert(threads > 0 && threads <= THREADS_MAX);
    if (!parts)
        return NULL;
    parts->slots = calloc(files->count, sizeof(parts->slots[0]));
    if (!parts->slots) {
        free(parts);
        return NULL;
    }
    parts->kind = *kind;
    parts->context = context;
    parts->files = files;
    pthread_mutex_init(&parts->lock, NULL);
    pthread_cond_init(&parts->changed, NULL);
    pthread_mutex_lock(&parts->lock);
    while (parts->threads_count < threads &&
           pthread_create(&parts->threads[parts->threads_count], NULL, parts_run, parts) == 0)
        parts->threads_count++;
    pthread_mutex_unlock(&parts->lock);
    if (parts->threads_count == 0)
        parts_stop(&parts);
    return parts;
}

void *parts_take(struct parts *parts, size_t index)
{
    assert(index < parts->files->count);
    pthread_mutex_lock(&parts->lock);
    parts->taken = index;
    pthread_cond_broadcast(&parts->changed);
    while (!parts->slots[index].done)
        pthread_cond_wait(&parts->changed, &parts->lock);
    void *part = parts->slots[index].part;
    parts->slots[index].part = NULL;
    pthread_mutex_unlock(&parts->lock);
    return part;
}

void parts_stop(struct parts **parts)
{
    struct parts *old = *parts;
    if (!old)
        return;
    pthread_mutex_lock(&old->lock);
    old->stopping = true;
    pthread_cond_broadcast(&old->changed);
    pthread_mutex_unlock(&old->lock);
    for (size_t i = 0; i < old->threads_count; i++)
        pthread_join(old->threads[i], NULL);
    for (size_t i = 0; i < old->files->count; i++) {
        if (old->slots[i].part)
            old->kind.destroy(old->slots[i].part);
    }
    pthread_cond_destroy(&old->changed);
    pthread_mutex_destroy(&old->lock);
    free(old->slots);
    free(old);
    *parts = NULL;
}

static size_t processors(void)
{
    cpu_set_t set;
    return sched_getaffinity(0, sizeof(set), &set) == 0 ? (size_t)CPU_COUNT(&set) : 1;
}

const char *parts_folder(void)
{
    const char *folder = getenv("TMPDIR");
    return folder && *folder ? folder : "/tmp";
}

size_t parts_threads(int64_t asked, size_t files)
{
    size_t threads = (size_t)asked;
    assert(asked >= 0 && asked <= THREADS_MAX);
    if (threads == 0)
        threads = processors();
    if (asked == 0 && threads > THREADS_DEFAULT)
        threads = THREADS_DEFAULT;
    return threads < files ? threads : files;
}
