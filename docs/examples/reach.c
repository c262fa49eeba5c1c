/* Who came back? Ids on stdin, one a line; their sketch on stdout, for tomorrow:
 *     reach /dev/null < monday.txt > monday.hc
 *     reach monday.hc < tuesday.txt > tuesday.hc */
#include <headcount/codec.h>
#include <headcount/overlap.h>
#include <stdio.h>
#include <stdlib.h>

static char bytes[32768]; /* at precision 14 no sketch takes more */

static enum hc_status count_lines(struct hc_sketch *sketch, size_t *size)
{
    enum hc_status status = HC_OK;
    char *line = NULL;
    size_t room = 0;
    ssize_t length;

    while (status == HC_OK && (length = getline(&line, &room, stdin)) > 0)
        status = hc_sketch_add(sketch, line, (size_t)length - (line[length - 1] == '\n'), NULL);
    free(line);
    return status == HC_OK ? hc_encode(sketch, bytes, sizeof bytes, size) : status;
}

static void print(const char *what, enum hc_status status, const struct hc_estimate *ids)
{
    if (status == HC_OK)
        fprintf(stderr, "%s: %.0f (%.0f to %.0f)\n", what, ids->value, ids->low, ids->high);
    else
        fprintf(stderr, "%s: %s\n", what, hc_status_text(status));
}

int main(int argc, char **argv)
{
    struct hc_sketch_options options = {.profile = HC_PROFILE_REDIS, .precision = 14};
    struct hc_sketch *today = NULL, *before = NULL;
    FILE *file = argc == 2 ? fopen(argv[1], "rb") : NULL;
    size_t size = file != NULL ? fread(bytes, 1, sizeof bytes, file) : 0;
    enum hc_status status = hc_sketch_create(&options, &today);
    struct hc_estimate ids;

    if (file == NULL || ferror(file) || fclose(file) != 0 || status != HC_OK) {
        fprintf(stderr, "reach SKETCH < IDS > SKETCH: the first can't be read\n");
        return EXIT_FAILURE;
    }
    status = size > 0 ? hc_decode(bytes, size, NULL, &before) : HC_OK;
    if (status == HC_OK)
        status = count_lines(today, &size);
    ids = hc_sketch_estimate(today);
    print("today", status, &ids);
    if (status == HC_OK && before != NULL) {
        print("came back", hc_sketch_intersection(before, today, &ids), &ids);
        status = hc_sketch_union(before, today, NULL);
        ids = hc_sketch_estimate(before);
        print("on either day", status, &ids);
    }
    hc_sketch_destroy(&today);
    hc_sketch_destroy(&before);
    return status != HC_OK || ferror(stdin) || fwrite(bytes, 1, size, stdout) != size ||
           fflush(stdout) != 0;
}
