/* What the files of store_file share: they alone know SQLite. Private to them. */
#ifndef ROLLUP_STORE_FILE_INSIDE_H
#define ROLLUP_STORE_FILE_INSIDE_H

#include <sqlite3.h>

#include "store_file.h"

#define STORE_ERROR_ROOM 1024
#define STORE_APPLICATION 0x48434244 /* "HCBD": whose database it is */

enum statement {
    BEGIN_WRITE, BEGIN_READ, COMMIT, ROLLBACK,
    PUT_STREAM, GET_STREAM, STREAMS, PUT_SERIES, SERIES, LAST_IDS,
    PUT_POSITION, GET_POSITION, PUT_SETTING, GET_SETTING,
    PUT_WAITING, GET_WAITING, DROP_WAITING,
    PUT_DUE, DROP_DUE, KEEP_DUE, DUES, FORGET_DUES, LAST_VERSION,
    PUT_BLOB, GET_BLOB = PUT_BLOB + STORE_GRAINS, WALK = GET_BLOB + STORE_GRAINS,
    ERASE = WALK + STORE_GRAINS, STATEMENTS = ERASE + STORE_GRAINS
};

struct store_file {
    char *path;
    sqlite3 *db;
    int lock; /* a writer's, or -1 */
    int64_t until_ms;
    bool late;
    sqlite3_stmt *prepared[STATEMENTS]; /* NULL until used */
    char error[STORE_ERROR_ROOM];
};

/* Sets the error; false. */
bool store_file_fail(struct store_file *file, const char *what);
bool store_file_fail_sql(struct store_file *file);
/* A statement that is ready to be bound; NULL on failure. */
sqlite3_stmt *store_file_prepare(struct store_file *file, int statement);
/* One step: 1 a row, 0 done, -1. What is done, well or not, holds nothing. */
int store_file_step(struct store_file *file, sqlite3_stmt *statement);

#endif
