/* The small tables of the store's file, and its backup. */
#include "store_file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "coverage_state.h"
#include "store.h"
#include "store_file_inside.h"

static void bind_text(sqlite3_stmt *statement, int index, const char *text)
{
    sqlite3_bind_text(statement, index, text, -1, SQLITE_STATIC);
}

/* "" rather than NULL, which SQLite gives where it has no memory. */
static const char *column_text(sqlite3_stmt *row, int column)
{
    const char *text = (const char *)sqlite3_column_text(row, column);

    return text ? text : "";
}

bool store_file_put_stream(struct store_file *file, const struct store_stream_row *row)
{
    sqlite3_stmt *put = store_file_prepare(file, PUT_STREAM);

    if (!put)
        return false;
    sqlite3_bind_int64(put, 1, row->id);
    bind_text(put, 2, row->name);
    bind_text(put, 3, row->fields);
    sqlite3_bind_int64(put, 4, row->key_id);
    sqlite3_bind_blob64(put, 5, row->state, row->state_size, SQLITE_STATIC);
    return store_file_step(file, put) == 0;
}

int store_file_get_stream(struct store_file *file, const char *name, struct store_stream_row *row)
{
    sqlite3_stmt *get = store_file_prepare(file, GET_STREAM);
    int found;

    if (!get)
        return -1;
    bind_text(get, 1, name);
    found = store_file_step(file, get);
    if (found != 1)
        return found;
    row->id = sqlite3_column_int64(get, 0);
    row->name = column_text(get, 1);
    row->fields = column_text(get, 2);
    row->key_id = sqlite3_column_int64(get, 3);
    row->state = sqlite3_column_blob(get, 4);
    row->state_size = (size_t)sqlite3_column_bytes(get, 4);
    return 1;
}

bool store_file_streams(struct store_file *file, void (*each)(void *context, const char *name),
                        void *context)
{
    sqlite3_stmt *streams = store_file_prepare(file, STREAMS);
    int found = -1;

    while (streams && (found = store_file_step(file, streams)) == 1)
        each(context, column_text(streams, 0));
    return found == 0;
}

bool store_file_put_series(struct store_file *file, const struct store_series_row *row)
{
    sqlite3_stmt *put = store_file_prepare(file, PUT_SERIES);

    if (!put)
        return false;
    sqlite3_bind_int64(put, 1, row->id);
    sqlite3_bind_int64(put, 2, row->stream);
    sqlite3_bind_int(put, 3, row->profile);
    bind_text(put, 4, row->group);
    return store_file_step(file, put) == 0;
}

bool store_file_series(struct store_file *file, int64_t stream,
                       bool (*each)(void *context, const struct store_series_row *row),
                       void *context)
{
    sqlite3_stmt *series = store_file_prepare(file, SERIES);
    int found = -1;

    if (!series)
        return false;
    sqlite3_bind_int64(series, 1, stream);
    while ((found = store_file_step(file, series)) == 1) {
        const struct store_series_row row = {sqlite3_column_int64(series, 0), stream,
                                             sqlite3_column_int(series, 1),
                                             column_text(series, 2)};

        if (!each(context, &row)) {
            sqlite3_reset(series);
            return store_file_fail(file, strerror(ENOMEM));
        }
    }
    return found == 0;
}

bool store_file_last_ids(struct store_file *file, int64_t *stream, int64_t *series)
{
    sqlite3_stmt *ids = store_file_prepare(file, LAST_IDS);

    if (!ids || store_file_step(file, ids) != 1)
        return false;
    *stream = sqlite3_column_int64(ids, 0);
    *series = sqlite3_column_int64(ids, 1);
    sqlite3_reset(ids);
    return true;
}

static void bind_position(sqlite3_stmt *statement, const struct store_position *position)
{
    bind_text(statement, 1, position->cluster);
    bind_text(statement, 2, position->topic);
    sqlite3_bind_int(statement, 3, position->partition);
}

bool store_file_put_position(struct store_file *file, const struct store_position *position)
{
    sqlite3_stmt *put = store_file_prepare(file, PUT_POSITION);

    if (!put)
        return false;
    bind_position(put, position);
    sqlite3_bind_int64(put, 4, position->next);
    return store_file_step(file, put) == 0;
}

int store_file_get_position(struct store_file *file, struct store_position *position)
{
    sqlite3_stmt *get = store_file_prepare(file, GET_POSITION);
    int found;

    if (!get)
        return -1;
    bind_position(get, position);
    found = store_file_step(file, get);
    if (found == 1)
        position->next = sqlite3_column_int64(get, 0);
    sqlite3_reset(get);
    return found;
}

int store_file_put_waiting(struct store_file *file, int64_t stream,
                           const struct coverage_shelved *one)
{
    sqlite3_stmt *put = store_file_prepare(file, PUT_WAITING);

    if (!put)
        return -1;
    sqlite3_bind_int64(put, 1, stream);
    bind_text(put, 2, one->instance);
    sqlite3_bind_int64(put, 3, one->epoch_ms);
    sqlite3_bind_int64(put, 4, one->number);
    sqlite3_bind_int64(put, 5, one->lacks);
    sqlite3_bind_blob64(put, 6, one->bytes, one->size, SQLITE_STATIC);
    return store_file_step(file, put) == 0 ? sqlite3_changes(file->db) : -1;
}

/* Of whom, and what they lack. */
static sqlite3_stmt *prepare_lacking(struct store_file *file, int statement, int64_t stream,
                                     const struct coverage_shelved *of, int64_t to)
{
    sqlite3_stmt *prepared = store_file_prepare(file, statement);

    if (!prepared)
        return NULL;
    sqlite3_bind_int64(prepared, 1, stream);
    bind_text(prepared, 2, of->instance);
    sqlite3_bind_int64(prepared, 3, of->epoch_ms);
    sqlite3_bind_int64(prepared, 4, of->lacks);
    sqlite3_bind_int64(prepared, 5, to);
    return prepared;
}

bool store_file_take_waiting(struct store_file *file, int64_t stream,
                             const struct coverage_shelved *of, int64_t to,
                             bool (*each)(void *context, const struct coverage_shelved *one),
                             void *context)
{
    sqlite3_stmt *get = prepare_lacking(file, GET_WAITING, stream, of, to), *drop;
    int found = -1, count = 0;

    while (get && (found = store_file_step(file, get)) == 1) {
        struct coverage_shelved one = *of;

        one.number = sqlite3_column_int64(get, 0);
        one.lacks = sqlite3_column_int64(get, 1);
        one.bytes = sqlite3_column_blob(get, 2);
        one.size = (size_t)sqlite3_column_bytes(get, 2);
        count++;
        if (!each(context, &one)) {
            sqlite3_reset(get);
            return store_file_fail(file, "a checkpoint in it is damaged");
        }
    }
    if (found != 0 || count == 0)
        return found == 0;
    drop = prepare_lacking(file, DROP_WAITING, stream, of, to);
    return drop && store_file_step(file, drop) == 0;
}

bool store_file_put_setting(struct store_file *file, const char *name, int64_t value)
{
    sqlite3_stmt *put = store_file_prepare(file, PUT_SETTING);

    if (!put)
        return false;
    bind_text(put, 1, name);
    sqlite3_bind_int64(put, 2, value);
    return store_file_step(file, put) == 0;
}

bool store_file_get_setting(struct store_file *file, const char *name, int64_t *value)
{
    sqlite3_stmt *get = store_file_prepare(file, GET_SETTING);
    int found;

    if (!get)
        return false;
    bind_text(get, 1, name);
    found = store_file_step(file, get);
    if (found < 0)
        return false;
    *value = found == 1 ? sqlite3_column_int64(get, 0) : 0;
    sqlite3_reset(get);
    return true;
}

/* Binds what says which it is, and its version. */
static bool step_due(struct store_file *file, sqlite3_stmt *statement, const struct store_due *due)
{
    sqlite3_bind_int64(statement, 1, due->stream_id);
    sqlite3_bind_int(statement, 2, (int)due->grain);
    sqlite3_bind_int64(statement, 3, due->start_s);
    sqlite3_bind_int64(statement, 4, due->version);
    return store_file_step(file, statement) == 0;
}

bool store_file_put_due(struct store_file *file, const struct store_due *due)
{
    sqlite3_stmt *put = store_file_prepare(file, PUT_DUE);

    return put && step_due(file, put, due);
}

bool store_file_settle_due(struct store_file *file, const struct store_due *due, bool final)
{
    sqlite3_stmt *settle = store_file_prepare(file, final ? DROP_DUE : KEEP_DUE);

    if (settle && !final)
        sqlite3_bind_int64(settle, 5, (int64_t)due->sent);
    return settle && step_due(file, settle, due);
}

bool store_file_dues(struct store_file *file,
                     void (*each)(void *context, const struct store_due *due), void *context)
{
    sqlite3_stmt *dues = store_file_prepare(file, DUES);
    int found = -1;

    while (dues && (found = store_file_step(file, dues)) == 1) {
        const struct store_due due = {
            .stream = column_text(dues, 5), .stream_id = sqlite3_column_int64(dues, 0),
            .grain = (enum store_due_grain)sqlite3_column_int(dues, 1),
            .start_s = sqlite3_column_int64(dues, 2), .version = sqlite3_column_int64(dues, 3),
            .sent = (uint64_t)sqlite3_column_int64(dues, 4)};

        each(context, &due);
    }
    return found == 0;
}

bool store_file_forget_dues(struct store_file *file)
{
    sqlite3_stmt *forget = store_file_prepare(file, FORGET_DUES);

    return forget && store_file_step(file, forget) == 0;
}

bool store_file_last_version(struct store_file *file, int64_t *version)
{
    sqlite3_stmt *last = store_file_prepare(file, LAST_VERSION);

    if (!last || store_file_step(file, last) != 1)
        return false;
    *version = sqlite3_column_int64(last, 0);
    sqlite3_reset(last);
    return true;
}

/* In one step, and so in one read transaction: of one moment, whatever is written
 * meanwhile. It becomes `path` when it is whole. */
static bool copy(struct store_file *file, const char *path)
{
    sqlite3_backup *backup = NULL;
    sqlite3 *into = NULL;
    bool done = false;

    if (sqlite3_open(path, &into) == SQLITE_OK)
        backup = sqlite3_backup_init(into, "main", file->db, "main");
    if (backup) {
        sqlite3_backup_step(backup, -1);
        done = sqlite3_backup_finish(backup) == SQLITE_OK;
    }
    if (!done)
        snprintf(file->error, sizeof file->error, "%.700s: %.300s", path,
                 into ? sqlite3_errmsg(into) : strerror(ENOMEM));
    sqlite3_close(into);
    return done;
}

static bool fail_at(struct store_file *file, const char *path, const char *what)
{
    snprintf(file->error, sizeof file->error, "%.700s: %.300s", path, what);
    return false;
}

/* Whether `path` has the beginning of a store, or of nothing: SQLite's first words, and
 * whose database it is in bytes 68 to 71. */
static bool is_copy(const char *path)
{
    unsigned char head[72];
    FILE *in = fopen(path, "rb");
    size_t size = in ? fread(head, 1, sizeof head, in) : 0;
    bool read = in && !ferror(in);
    uint32_t whose = 0;

    if (in)
        fclose(in);
    if (size == 0)
        return read;
    for (int i = 0; i < 4 && size == sizeof head; i++)
        whose = whose << 8 | head[68 + i];
    return size == sizeof head && memcmp(head, "SQLite format 3", 16) == 0 &&
           whose == STORE_APPLICATION;
}

/* What stands at `path` already may be an older copy. What a board writes to has a lock
 * beside it, also while no board runs, and a journal that fits no other file. */
static bool is_replaceable(struct store_file *file, const char *path)
{
    static const char *const beside[] = {"-lock", "-wal"};
    struct stat found;
    char name[4096];

    if (stat(path, &found) != 0)
        return errno == ENOENT || fail_at(file, path, strerror(errno));
    for (size_t i = 0; i < sizeof beside / sizeof beside[0]; i++) {
        int size = snprintf(name, sizeof name, "%s%s", path, beside[i]);

        if (size < 0 || (size_t)size >= sizeof name)
            return fail_at(file, path, strerror(ENAMETOOLONG));
        if (access(name, F_OK) == 0)
            return fail_at(file, path, "a board keeps its numbers there, and would lose them: name "
                                       "another file for the copy");
    }
    return is_copy(path) ||
           fail_at(file, path, "it is there already, and no copy of a board's file: name another");
}

bool store_file_backup(struct store_file *file, const char *path)
{
    char partial[4096];
    int size = snprintf(partial, sizeof partial, "%s.partial", path);

    if (size < 0 || (size_t)size >= sizeof partial)
        return store_file_fail(file, strerror(ENAMETOOLONG));
    if (!is_replaceable(file, path))
        return false;
    remove(partial);
    if (!copy(file, partial)) {
        remove(partial);
        return false;
    }
    if (rename(partial, path) == 0)
        return true;
    fail_at(file, path, strerror(errno));
    remove(partial);
    return false;
}
