/* The file is an SQLite database in WAL mode: readers see what was committed when
 * they began, and a transaction that did not end is not there after a crash.
 * With synchronous=NORMAL a loss of power may take the last transactions, whole
 * ones from the end: positions and sketches go back together, and what is read
 * again from there changes nothing.
 *
 *   minute quarter hour six_hours day present late pending
 *                                       (id, uniques, low, high, error, seal, bytes)
 *   stream (id, name, fields, key_id, state)    series (id, stream, profile, name)
 *   position (cluster, topic, partition, next)  setting (name, value)
 *   due (stream, grain, start, version, sent)
 *   waiting (stream, instance, epoch, number, lacks, bytes)
 *
 * Sketches are rows of plain tables with one integer as key, so that a range of
 * time is a range of the file. SQLite does not notice when a disk gives back other
 * numbers than it got: a sketch is sealed by its own form, what stands beside it by the
 * row's seal. application_id says that it is ours, user_version
 * which form of these tables it has.
 *
 * SQLite lets several processes write by turns, but two boards would each go by
 * what they hold in memory. So a writer locks a file beside it, FILE-lock, which
 * stays. */
#include "store_file.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "clock.h"
#include "headcount/hash.h"
#include "store_file_inside.h"

#define STORE_VERSION 2
#define BUSY_MS 10000
#define DAMAGED "it is damaged: put a backup in its place and remove its -wal, or read the topic " \
    "again into a new file"

/* What is short comes first: SQLite need not read the rest of a row then. */
#define TABLE(name) "CREATE TABLE " name "(id INTEGER PRIMARY KEY, uniques REAL NOT NULL," \
    " low REAL NOT NULL, high REAL NOT NULL, error REAL NOT NULL, seal INTEGER NOT NULL," \
    " bytes BLOB NOT NULL);"
static const char schema[] =
    TABLE("minute") TABLE("quarter") TABLE("hour") TABLE("six_hours") TABLE("day")
    TABLE("present") TABLE("late") TABLE("pending")
    "CREATE TABLE stream(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,"
    " fields TEXT NOT NULL, key_id INTEGER NOT NULL, state BLOB NOT NULL);"
    "CREATE TABLE series(id INTEGER PRIMARY KEY, stream INTEGER NOT NULL,"
    " profile INTEGER NOT NULL, name TEXT NOT NULL, UNIQUE(stream, profile, name));"
    "CREATE TABLE position(cluster TEXT NOT NULL, topic TEXT NOT NULL,"
    " partition INTEGER NOT NULL, next INTEGER NOT NULL,"
    " PRIMARY KEY(cluster, topic, partition)) WITHOUT ROWID;"
    "CREATE TABLE waiting(stream INTEGER NOT NULL, instance TEXT NOT NULL,"
    " epoch INTEGER NOT NULL, number INTEGER NOT NULL, lacks INTEGER NOT NULL,"
    " bytes BLOB NOT NULL, PRIMARY KEY(stream, instance, epoch, number)) WITHOUT ROWID;"
    "CREATE INDEX waiting_lacks ON waiting(stream, instance, epoch, lacks);"
    "CREATE TABLE due(stream INTEGER NOT NULL, grain INTEGER NOT NULL, start INTEGER NOT NULL,"
    " version INTEGER NOT NULL, sent INTEGER NOT NULL,"
    " PRIMARY KEY(stream, grain, start)) WITHOUT ROWID;"
    "CREATE TABLE setting(name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;";

#define PUT(name) "INSERT OR REPLACE INTO " name " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7)"
#define GET(name) "SELECT * FROM " name " WHERE id = ?1"
#define RANGE(name) "SELECT * FROM " name " WHERE id >= ?1 AND id < ?2 ORDER BY id"
#define DELETE(name) "DELETE FROM " name " WHERE id IN (SELECT id FROM " name \
    " WHERE id >= ?1 AND id < ?2 ORDER BY id LIMIT ?3)"
#define EACH_GRAIN(sql) sql("minute"), sql("quarter"), sql("hour"), sql("six_hours"), \
    sql("day"), sql("present"), sql("late"), sql("pending")
static const char *const statements[STATEMENTS] = {
    [BEGIN_WRITE] = "BEGIN IMMEDIATE", [BEGIN_READ] = "BEGIN", [COMMIT] = "COMMIT",
    [ROLLBACK] = "ROLLBACK",
    [PUT_STREAM] = "INSERT OR REPLACE INTO stream VALUES(?1, ?2, ?3, ?4, ?5)",
    [GET_STREAM] = "SELECT id, name, fields, key_id, state FROM stream WHERE name = ?1",
    [STREAMS] = "SELECT name FROM stream ORDER BY name",
    [PUT_SERIES] = "INSERT OR REPLACE INTO series VALUES(?1, ?2, ?3, ?4)",
    [SERIES] = "SELECT id, profile, name FROM series WHERE stream = ?1 ORDER BY profile, name",
    [LAST_IDS] = "SELECT (SELECT coalesce(max(id), 0) FROM stream),"
                 " (SELECT coalesce(max(id), 0) FROM series)",
    [PUT_POSITION] = "INSERT OR REPLACE INTO position VALUES(?1, ?2, ?3, ?4)",
    [GET_POSITION] = "SELECT next FROM position WHERE cluster = ?1 AND topic = ?2"
                     " AND partition = ?3",
    [PUT_SETTING] = "INSERT OR REPLACE INTO setting VALUES(?1, ?2)",
    [GET_SETTING] = "SELECT value FROM setting WHERE name = ?1",
    [PUT_WAITING] = "INSERT OR IGNORE INTO waiting VALUES(?1, ?2, ?3, ?4, ?5, ?6)",
    [GET_WAITING] = "SELECT number, lacks, bytes FROM waiting WHERE stream = ?1"
                    " AND instance = ?2 AND epoch = ?3 AND lacks >= ?4 AND lacks < ?5",
    [DROP_WAITING] = "DELETE FROM waiting WHERE stream = ?1"
                     " AND instance = ?2 AND epoch = ?3 AND lacks >= ?4 AND lacks < ?5",
    [PUT_DUE] = "INSERT INTO due VALUES(?1, ?2, ?3, ?4, 0)"
                " ON CONFLICT(stream, grain, start) DO UPDATE SET version = ?4",
    [DROP_DUE] = "DELETE FROM due WHERE stream = ?1 AND grain = ?2 AND start = ?3"
                 " AND version = ?4",
    [KEEP_DUE] = "UPDATE due SET sent = ?5, version = iif(version = ?4, 0, version)"
                 " WHERE stream = ?1 AND grain = ?2 AND start = ?3",
    [DUES] = "SELECT stream, grain, start, version, sent, name FROM due"
             " JOIN stream ON stream.id = due.stream ORDER BY stream, grain, start",
    [FORGET_DUES] = "DELETE FROM due",
    [LAST_VERSION] = "SELECT coalesce(max(version), 0) FROM due",
    [PUT_BLOB] = EACH_GRAIN(PUT), [GET_BLOB] = EACH_GRAIN(GET), [WALK] = EACH_GRAIN(RANGE),
    [ERASE] = EACH_GRAIN(DELETE)};

const char *store_file_error(const struct store_file *file)
{
    return file->error;
}

bool store_file_fail(struct store_file *file, const char *what)
{
    snprintf(file->error, sizeof file->error, "%.700s: %.300s", file->path, what);
    return false;
}

/* What SQLite said last, in words that say what to do where that is known. */
bool store_file_fail_sql(struct store_file *file)
{
    int of_system = sqlite3_system_errno(file->db);

    switch (sqlite3_errcode(file->db) & 0xff) {
    case SQLITE_NOTADB:
        return store_file_fail(file, "it is no store of headcount-board, nor any SQLite database");
    case SQLITE_CORRUPT:
        return store_file_fail(file, DAMAGED);
    case SQLITE_FULL:
        return store_file_fail(file, "the disk is full");
    case SQLITE_READONLY:
        return store_file_fail(file, "it can't be written");
    case SQLITE_CANTOPEN:
        return store_file_fail(file, strerror(of_system ? of_system : ENOENT));
    default:
        return store_file_fail(file, sqlite3_errmsg(file->db));
    }
}

sqlite3_stmt *store_file_prepare(struct store_file *file, int statement)
{
    sqlite3_stmt **prepared = &file->prepared[statement];

    if (*prepared) {
        sqlite3_reset(*prepared);
        return *prepared;
    }
    if (sqlite3_prepare_v3(file->db, statements[statement], -1, SQLITE_PREPARE_PERSISTENT, prepared,
                           NULL) == SQLITE_OK)
        return *prepared;
    store_file_fail_sql(file);
    return NULL;
}

void store_file_until(struct store_file *file, int64_t until_ms)
{
    int64_t left_ms = until_ms == INT64_MAX ? BUSY_MS : until_ms - clock_monotonic_ms();

    file->until_ms = until_ms;
    file->late = false;
    left_ms = left_ms > BUSY_MS ? BUSY_MS : left_ms;
    sqlite3_busy_timeout(file->db, left_ms > 0 ? (int)left_ms : 0);
}

bool store_file_is_late(const struct store_file *file)
{
    return file->late;
}

/* A step is a few pages of the file, so that it is enough to look between them. */
static bool is_late(struct store_file *file)
{
    if (file->until_ms == INT64_MAX || clock_monotonic_ms() < file->until_ms)
        return false;
    file->late = true;
    snprintf(file->error, sizeof file->error, "it took longer than it was given");
    return true;
}

int store_file_step(struct store_file *file, sqlite3_stmt *statement)
{
    int result;

    if (is_late(file)) {
        sqlite3_reset(statement);
        return -1;
    }
    result = sqlite3_step(statement);
    if (result == SQLITE_ROW)
        return 1;
    if (result != SQLITE_DONE)
        store_file_fail_sql(file);
    sqlite3_reset(statement);
    return result == SQLITE_DONE ? 0 : -1;
}

static bool run(struct store_file *file, int statement)
{
    sqlite3_stmt *prepared = store_file_prepare(file, statement);

    return prepared && store_file_step(file, prepared) == 0;
}

/* The first number of the first row of a question. */
static bool ask(struct store_file *file, const char *sql, int64_t *number)
{
    sqlite3_stmt *statement = NULL;
    bool done = sqlite3_prepare_v2(file->db, sql, -1, &statement, NULL) == SQLITE_OK &&
                sqlite3_step(statement) == SQLITE_ROW;

    if (done)
        *number = sqlite3_column_int64(statement, 0);
    else
        store_file_fail_sql(file);
    sqlite3_finalize(statement);
    return done;
}

static bool execute(struct store_file *file, const char *sql)
{
    return sqlite3_exec(file->db, sql, NULL, NULL, NULL) == SQLITE_OK || store_file_fail_sql(file);
}

static bool lock(struct store_file *file)
{
    char path[4096];
    int size = snprintf(path, sizeof path, "%s-lock", file->path);

    if (size < 0 || (size_t)size >= sizeof path)
        return store_file_fail(file, strerror(ENAMETOOLONG));
    file->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (file->lock < 0)
        return store_file_fail(file, strerror(errno));
    if (flock(file->lock, LOCK_EX | LOCK_NB) == 0)
        return true;
    return store_file_fail(file, errno == EWOULDBLOCK ? "another board has it open"
                                                      : strerror(errno));
}

/* Our tables into a file that has none. What a second program makes of the same
 * empty file at the same time is no longer empty here. */
static bool make_tables(struct store_file *file)
{
    char pragmas[128];

    snprintf(pragmas, sizeof pragmas, "PRAGMA application_id = %d; PRAGMA user_version = %d;",
             STORE_APPLICATION, STORE_VERSION);
    return execute(file, "BEGIN IMMEDIATE") && execute(file, schema) && execute(file, pragmas) &&
           execute(file, "COMMIT");
}

/* Whether the file is a store that this program knows. Nothing is changed in one
 * that is not. */
static bool check_tables(struct store_file *file, enum store_access access)
{
    int64_t application, version, tables;

    if (!ask(file, "PRAGMA application_id", &application) ||
        !ask(file, "PRAGMA user_version", &version) ||
        !ask(file, "SELECT count(*) FROM sqlite_schema", &tables))
        return false;
    if (access == STORE_WRITE && application == 0 && version == 0 && tables == 0)
        return execute(file, "PRAGMA page_size = 8192; PRAGMA journal_mode = WAL") &&
               make_tables(file);
    if (application != STORE_APPLICATION)
        return store_file_fail(file, "it is no store of headcount-board, but another program's "
                                     "database");
    if (version > STORE_VERSION)
        return store_file_fail(file, "a newer headcount-board has made it: use that one");
    if (version < STORE_VERSION)
        return store_file_fail(file, "an older headcount-board has made it, and this one reads it "
                                     "no more: delete it, and the topic is read into a new one");
    return true;
}

static bool set_up(struct store_file *file, enum store_access access)
{
    int flags = access == STORE_WRITE ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
                                      : SQLITE_OPEN_READWRITE;

    if (access == STORE_WRITE && !lock(file))
        return false;
    if (sqlite3_open_v2(file->path, &file->db, flags | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK)
        return file->db ? store_file_fail_sql(file) : store_file_fail(file, strerror(ENOMEM));
    sqlite3_busy_timeout(file->db, BUSY_MS);
    if (!check_tables(file, access))
        return false;
    if (access == STORE_READ)
        return execute(file, "PRAGMA query_only = 1; PRAGMA cache_size = -32768");
    if (sqlite3_db_readonly(file->db, "main"))
        return store_file_fail(file, "it can't be written");
    /* 128 MiB of journal, of which each page goes into the file once. */
    return execute(file, "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;"
                         "PRAGMA wal_autocheckpoint = 16000; PRAGMA cache_size = -32768;"
                         "PRAGMA journal_size_limit = 134217728");
}

struct store_file *store_file_open(const char *path, enum store_access access, char *error,
                                   size_t error_size)
{
    struct store_file *file = calloc(1, sizeof *file);

    if (file) {
        file->lock = -1;
        file->until_ms = INT64_MAX;
        file->path = strdup(path);
    }
    if (!file || !file->path) {
        snprintf(error, error_size, "%s: %s", path, strerror(ENOMEM));
        free(file);
        return NULL;
    }
    if (set_up(file, access))
        return file;
    snprintf(error, error_size, "%s", file->error);
    store_file_close(&file);
    return NULL;
}

void store_file_close(struct store_file **file)
{
    struct store_file *old = *file;

    if (!old)
        return;
    for (int i = 0; i < STATEMENTS; i++)
        sqlite3_finalize(old->prepared[i]);
    sqlite3_close(old->db);
    if (old->lock >= 0)
        close(old->lock);
    free(old->path);
    free(old);
    *file = NULL;
}

void store_file_rest(struct store_file *file)
{
    for (int i = 0; i < STATEMENTS; i++)
        sqlite3_reset(file->prepared[i]);
}

bool store_file_begin(struct store_file *file)
{
    return run(file, file->lock >= 0 ? BEGIN_WRITE : BEGIN_READ);
}

bool store_file_commit(struct store_file *file)
{
    return run(file, COMMIT);
}

/* SQLite has rolled back by itself after some failures. What failed before is
 * what is told. */
void store_file_rollback(struct store_file *file)
{
    char error[STORE_ERROR_ROOM];
    int64_t until_ms = file->until_ms;

    memcpy(error, file->error, sizeof error);
    store_file_rest(file);
    file->until_ms = INT64_MAX; /* this must be done, however late it is */
    if (!sqlite3_get_autocommit(file->db))
        run(file, ROLLBACK);
    file->until_ms = until_ms;
    memcpy(file->error, error, sizeof error);
}

/* Over all of the row but a sketch, whose bytes have a check of their own. */
static int64_t seal_of(enum store_grain grain, const struct store_blob *blob)
{
    const struct hc_estimate *estimate = &blob->estimate;
    const double numbers[] = {estimate->value, estimate->low, estimate->high, estimate->error};
    struct {
        int64_t grain, id;
        double numbers[sizeof(numbers) / sizeof(numbers[0])];
        uint64_t bits;
    } row = {.grain = grain, .id = blob->id};

    memcpy(row.numbers, numbers, sizeof numbers);
    if (grain >= STORE_PRESENT)
        row.bits = hc_hash_bytes(HC_PROFILE_REDIS, blob->bytes, blob->size).first;
    return (int64_t)hc_hash_bytes(HC_PROFILE_REDIS, &row, sizeof row).first;
}

bool store_file_put(struct store_file *file, enum store_grain grain, const struct store_blob *blob)
{
    sqlite3_stmt *put = store_file_prepare(file, PUT_BLOB + (int)grain);

    if (!put)
        return false;
    sqlite3_bind_int64(put, 1, blob->id);
    sqlite3_bind_double(put, 2, blob->estimate.value);
    sqlite3_bind_double(put, 3, blob->estimate.low);
    sqlite3_bind_double(put, 4, blob->estimate.high);
    sqlite3_bind_double(put, 5, blob->estimate.error);
    sqlite3_bind_int64(put, 6, seal_of(grain, blob));
    sqlite3_bind_blob64(put, 7, blob->bytes, blob->size, SQLITE_STATIC);
    return store_file_step(file, put) == 0;
}

/* Without its bytes, which then are not read from the disk, either; bits are. False: it
 * is not what was written. */
static bool read_estimate(sqlite3_stmt *row, enum store_grain grain, struct store_blob *blob)
{
    bool with_bytes = grain >= STORE_PRESENT;

    blob->id = sqlite3_column_int64(row, 0);
    blob->estimate = (struct hc_estimate){
        sqlite3_column_double(row, 1), sqlite3_column_double(row, 2),
        sqlite3_column_double(row, 3), sqlite3_column_double(row, 4)};
    blob->bytes = with_bytes ? sqlite3_column_blob(row, 6) : NULL;
    blob->size = with_bytes ? (size_t)sqlite3_column_bytes(row, 6) : 0;
    return sqlite3_column_int64(row, 5) == seal_of(grain, blob);
}

static bool read_blob(sqlite3_stmt *row, enum store_grain grain, struct store_blob *blob)
{
    if (!read_estimate(row, grain, blob))
        return false;
    blob->bytes = sqlite3_column_blob(row, 6);
    blob->size = (size_t)sqlite3_column_bytes(row, 6);
    return true;
}

static int fail_damaged(struct store_file *file, sqlite3_stmt *row)
{
    sqlite3_reset(row);
    store_file_fail(file, DAMAGED);
    return -1;
}

int store_file_get(struct store_file *file, enum store_grain grain, int64_t id,
                   struct store_blob *blob)
{
    sqlite3_stmt *get = store_file_prepare(file, GET_BLOB + (int)grain);
    int found;

    if (!get)
        return -1;
    sqlite3_bind_int64(get, 1, id);
    found = store_file_step(file, get);
    if (found == 1 && !read_blob(get, grain, blob))
        return fail_damaged(file, get);
    return found;
}

bool store_file_walk(struct store_file *file, enum store_grain grain, int64_t from_id,
                     int64_t to_id)
{
    sqlite3_stmt *walk = store_file_prepare(file, WALK + (int)grain);

    if (!walk)
        return false;
    sqlite3_bind_int64(walk, 1, from_id);
    sqlite3_bind_int64(walk, 2, to_id);
    return true;
}

static int next(struct store_file *file, enum store_grain grain,
                bool (*read)(sqlite3_stmt *row, enum store_grain grain, struct store_blob *blob),
                struct store_blob *blob)
{
    sqlite3_stmt *walk = file->prepared[WALK + (int)grain];
    int found;

    assert(walk);
    found = store_file_step(file, walk);
    if (found == 1 && !read(walk, grain, blob))
        return fail_damaged(file, walk);
    return found;
}

int store_file_next(struct store_file *file, enum store_grain grain, struct store_blob *blob)
{
    return next(file, grain, read_blob, blob);
}

int store_file_next_estimate(struct store_file *file, enum store_grain grain,
                             struct store_blob *blob)
{
    return next(file, grain, read_estimate, blob);
}

int store_file_erase(struct store_file *file, enum store_grain grain, int64_t from_id,
                     int64_t to_id, int most)
{
    sqlite3_stmt *erase = store_file_prepare(file, ERASE + (int)grain);

    if (!erase)
        return -1;
    sqlite3_bind_int64(erase, 1, from_id);
    sqlite3_bind_int64(erase, 2, to_id);
    sqlite3_bind_int(erase, 3, most);
    return store_file_step(file, erase) == 0 ? sqlite3_changes(file->db) : -1;
}

