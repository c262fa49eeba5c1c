/* The files of the page as page_embed.cmake writes them. Private to page.c. */
#ifndef PAGE_FILES_H
#define PAGE_FILES_H

#include <stddef.h>

#include "http.h"

struct page_file {
    const char *type;  /* Content-Type */
    const unsigned char *bytes;
    size_t size;
};

/* One for each file, which is its context, and the end. */
extern const struct http_route page_files_routes[];
http_handler page_send;

#endif
