#include "http_token.h"

#include <stdio.h>
#include <string.h>

#include "secret.h"

/* Why the text is no token, or NULL. */
static const char *wrong(char *text)
{
    size_t size = strcspn(text, "\r\n");
    const char *rest = text + size + strspn(text + size, "\r\n");

    if (*rest)
        return "it has more than one line";
    text[size] = '\0';
    if (size < LIMIT_HTTP_TOKEN_MIN)
        return "too short, a token has at least 16 characters";
    if (size > LIMIT_HTTP_TOKEN_BYTES)
        return "too long, a token has at most 512 characters";
    for (size_t i = 0; i < size; i++)
        if (text[i] <= ' ' || text[i] > '~')
            return "a token has no spaces and no characters but those of ASCII";
    return NULL;
}

bool http_token_read(const char *path, char token[LIMIT_HTTP_TOKEN_BYTES + 1], char *error,
                     size_t error_size)
{
    char text[2 * LIMIT_HTTP_TOKEN_BYTES], said[128];
    struct secret_file file = {0};
    const char *why = NULL;

    secret_hide_process();
    if (!secret_file_read(path, text, sizeof text, &file, said, sizeof said)) {
        why = said;
    } else if (file.readers == SECRET_OTHERS) {
        snprintf(said, sizeof said,
                 "others can read it (mode %03o): chmod 600, and make a new one if it matters",
                 file.mode);
        why = said;
    } else if (strlen(text) != file.size) {
        why = "it is no text";
    } else {
        why = wrong(text);
    }
    if (!why)
        memcpy(token, text, strlen(text) + 1);
    else
        explicit_bzero(token, LIMIT_HTTP_TOKEN_BYTES + 1);
    explicit_bzero(text, sizeof text);
    if (why)
        snprintf(error, error_size, "--token-file %s: %s", path, why);
    return !why;
}
