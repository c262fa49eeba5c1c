/* Rows as JSON and CSV, the same numbers as headcount merge writes. */
#ifndef BOARD_API_ROWS_H
#define BOARD_API_ROWS_H

#include "calendar.h"
#include "rollup.h"
#include "text.h"

/* {"start":...,"end":...,"by":...,"group":{},"uniques":...,"low":...,"high":...,
 * "error":...,"minutes":...,"of":...,"late":...,"complete":...,"state":...,
 * "additive":false} */
void api_row_json(struct text *text, const struct rollup_row *row, enum calendar_grain by);
/* The same as CSV with a line end; and the line that names the columns. */
void api_row_csv(struct text *text, const struct rollup_row *row, enum calendar_grain by);
void api_row_csv_head(struct text *text);

/* Parts of rows. "start":"...","end":"..." */
void api_write_times(struct text *text, int64_t start_s, int64_t end_s);
/* "uniques":12345,"low":12301,"high":12389,"error":0.0081, rounded as in records */
void api_write_estimate(struct text *text, const struct hc_estimate *estimate);
/* 2016-07-11T13:00:00Z,2016-07-11T14:00:00Z */
void api_write_csv_times(struct text *text, int64_t start_s, int64_t end_s);
/* ,12345,12301,12389,0.0081 */
void api_write_csv_estimate(struct text *text, const struct hc_estimate *estimate);
const char *api_bool(bool yes);

#endif
