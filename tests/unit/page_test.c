/* Goal: the page in the program is whole, and asks for nothing from anywhere else. All
 * that its files name is there, nothing needs an inline script or style, and a browser
 * is told what each file is. */
#include <stdio.h>
#include <string.h>

#include "check_main.h"
#include "page.h"

static const struct http_route *find(const char *path)
{
    const struct http_route *route = page_routes();

    while (route->handler && strcmp(route->path, path) != 0)
        route++;
    return route->handler ? route : NULL;
}

static struct http_response fetch(const struct http_route *route)
{
    struct http_request request = {.path = route->path};
    struct http_response response = {.status = 200};

    route->handler(route->context, &request, &response);
    ck_assert_int_eq(response.status, 200);
    ck_assert(!response.body.failed);
    ck_assert_uint_gt(response.body.size, 0);
    ck_assert_uint_eq(strlen(response.body.bytes), response.body.size);
    return response;
}

static bool ends(const char *text, const char *end)
{
    size_t size = strlen(text), end_size = strlen(end);

    return size >= end_size && strcmp(text + size - end_size, end) == 0;
}

START_TEST(each_file_says_what_it_is)
{
    size_t count = 0;

    for (const struct http_route *route = page_routes(); route->handler; route++, count++) {
        struct http_response response = fetch(route);
        const char *type = ends(route->path, ".js")    ? "text/javascript; charset=utf-8"
                           : ends(route->path, ".css") ? "text/css; charset=utf-8"
                           : ends(route->path, ".svg") ? "image/svg+xml"
                                                       : "text/html; charset=utf-8";

        ck_assert_str_eq(response.type, type);
        ck_assert(route->open);
        ck_assert(find(route->path) == route);
        text_free(&response.body);
    }
    ck_assert_uint_gt(count, 10);
    ck_assert_ptr_null(find("/index.html"));
}
END_TEST

/* What stands between `before` and `after`, as a path of ours: how many there were. */
static size_t check_named(const char *text, const char *before, const char *after,
                          const char *folder)
{
    size_t count = 0;

    for (const char *at = text; (at = strstr(at, before)); count++) {
        char path[128];
        size_t size;

        at += strlen(before);
        size = strcspn(at, after);
        snprintf(path, sizeof path, "%s%.*s", folder, (int)size, at);
        ck_assert_msg(find(path), "%s is named and not there", path);
    }
    return count;
}

START_TEST(what_is_named_is_there)
{
    size_t imports = 0;

    for (const struct http_route *route = page_routes(); route->handler; route++) {
        struct http_response response = fetch(route);

        if (ends(route->path, ".js") && !strstr(route->path, "uPlot"))
            imports += check_named(response.body.bytes, " from \"./", "\"", "/page/");
        text_free(&response.body);
    }
    ck_assert_uint_gt(imports, 10);
    struct http_response index = fetch(find("/"));
    ck_assert_uint_ge(check_named(index.body.bytes, "\"page/", "\"", "/page/"), 6);
    text_free(&index.body);
}
END_TEST

START_TEST(nothing_is_inline_or_from_elsewhere)
{
    struct http_response index = fetch(find("/"));
    const char *at = index.body.bytes;

    while ((at = strstr(at, "<script"))) {
        ck_assert_int_eq(strncmp(at, "<script src=\"page/", 18), 0);
        at++;
    }
    ck_assert_ptr_null(strstr(index.body.bytes, "<style"));
    ck_assert_ptr_null(strstr(index.body.bytes, " style="));
    ck_assert_ptr_null(strstr(index.body.bytes, " onclick="));
    text_free(&index.body);
    for (const struct http_route *route = page_routes(); route->handler; route++) {
        struct http_response response = fetch(route);

        /* The name of SVG is no address, and of uPlot it is the comment on its licence. */
        if (!ends(route->path, ".svg") && !strstr(route->path, "uPlot")) {
            ck_assert_ptr_null(strstr(response.body.bytes, "http:"));
            ck_assert_ptr_null(strstr(response.body.bytes, "https:"));
        }
        text_free(&response.body);
    }
}
END_TEST

void add_cases(TCase *cases)
{
    tcase_add_test(cases, each_file_says_what_it_is);
    tcase_add_test(cases, what_is_named_is_there);
    tcase_add_test(cases, nothing_is_inline_or_from_elsewhere);
}
