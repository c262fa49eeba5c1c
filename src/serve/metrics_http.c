#include <stdio.h>

#include "http_inside.h"
#include "metrics.h"

void metrics_http(struct text *page, const struct http_server *server)
{
    const union MHD_DaemonInfo *info =
        MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_CURRENT_CONNECTIONS);

    metrics_gauge(page, "headcount_http_connections", "Connections that are open.",
                  info ? info->num_connections : 0);
    metrics_family(page, METRICS_COUNTER, "headcount_http_responses_total",
                   "Answers by status, from the start of each.");
    for (int status = 0; status < HTTP_STATUS_END; status++) {
        int64_t times = (int64_t)atomic_load(&server->answers[status]);
        char code[16];

        if (times == 0 && status != MHD_HTTP_OK)
            continue;
        snprintf(code, sizeof code, "%d", status);
        metrics_int(page, "headcount_http_responses_total",
                    (const struct metrics_label[]){{"code", code}, {NULL, NULL}}, times);
    }
}
