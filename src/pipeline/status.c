/* What is told of a pipeline while it runs. */
#include <assert.h>

#include "log.h"
#include "pipeline_body.h"

/* 1971: what a unit that is too small makes of any day of ours lies before it. */
#define DOUBTFUL_BEFORE_S (INT64_C(365) * 86400)

static size_t count_open(const struct pipeline *p)
{
    size_t count = 0;

    for (struct window *w = window_coldest(p->windows); w; w = window_next_hotter(w))
        count += w->minute_s + WINDOW_SECONDS > p->watermark.value_s;
    return count;
}

void pipeline_status(const struct pipeline *p, struct pipeline_status *status)
{
    *status = (struct pipeline_status){
        .counters = p->counters,
        .windows = window_table_count(p->windows),
        .windows_open = count_open(p),
        .memory = window_table_memory(p->windows),
        .memory_peak = window_table_memory_peak(p->windows),
        .watermark_s = p->watermark.value_s,
        .unsettled = checkpoints_unsettled(p->checkpoints),
        .held = p->held,
        .rejects_down = p->rejects.down_ms >= 0,
        .minute_first_s = p->minute_first_s,
        .minute_last_s = p->minute_last_s,
        .assigned = p->assignment != NULL,
        .partitions = p->ended ? 0 : p->slots_count,
        .told = assign_all_told(p),
        .committed = assign_all_committed(p),
        .checkpoint_ms = p->acknowledged_ms,
    };
    status->lag = status->partitions > 0 ? 0 : -1;
    for (size_t i = 0; i < status->partitions && status->lag >= 0; i++) {
        int64_t lag = source_lag(p->o.source, (uint32_t)i);
        status->lag = lag < 0 ? -1 : status->lag + lag;
    }
}

void pipeline_partition(const struct pipeline *p, size_t slot,
                        struct pipeline_partition *partition)
{
    assert(slot < p->slots_count && !p->ended);
    *partition = (struct pipeline_partition){
        .partition = p->slots[slot].partition,
        .position = checkpoints_position(p->checkpoints, (uint32_t)slot),
        .lag = source_lag(p->o.source, (uint32_t)slot),
        .watermark_s = watermark_of_partition(&p->watermark, &p->clocks[slot], p->max_lag_s),
        .end_confirmed_ms = source_end_confirmed_ms(p->o.source, (uint32_t)slot),
    };
}

void status_doubt_times(struct pipeline *p)
{
    if (p->times_told || p->minute_first_s > p->minute_last_s)
        return;
    p->times_told = true;
    if (p->minute_last_s < DOUBTFUL_BEFORE_S)
        log_event(LOG_WARN, "time_doubtful", LOG_I("first_s", p->minute_first_s),
                  LOG_I("last_s", p->minute_last_s),
                  LOG_S("hint", "all times lie in 1970: look at --time-unit, which is too small"),
                  LOG_S("effect", "they are counted"));
}
