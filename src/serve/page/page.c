#include "page.h"

#include "page_files.h"

const struct http_route *page_routes(void)
{
    return page_files_routes;
}

/* The server makes tags of what is sent: a browser asks each time, and gets a file once. */
void page_send(void *context, const struct http_request *request, struct http_response *response)
{
    const struct page_file *file = context;

    (void)request;
    response->type = file->type;
    text_bytes(&response->body, file->bytes, file->size);
}
