/* The page that people look at, embedded in the program: its HTML, style and scripts, and uPlot,
 * which draws the chart. */
#ifndef PAGE_H
#define PAGE_H

#include "http.h"

/* `/` and `/page/...`, all open: they hold no numbers, and the page is what asks for a
 * token. A NULL handler ends them. Static. */
const struct http_route *page_routes(void);

#endif
