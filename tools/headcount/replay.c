/* headcount replay: rejected frames out of a rejects file, as they were.
 *
 * A line of that file is {"reason":…,"source":…,"position":…,"time":…,
 * "frame":"base64"}. Each frame becomes a line again, so that it can be counted
 * once more: a frame of its own cannot hold a line feed. */
#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "input.h"
#include "json.h"
#include "limits.h"
#include "options.h"
#include "text.h"

static const char replay_epilogue[] =
    "REJECTS are files written by headcountd --rejects. The frames go to stdout, one\n"
    "a line, in their order. A frame that was too large to be kept, and one that\n"
    "holds a line feed (it came as a Kafka message), can't be a line: they are\n"
    "refused, the others go on.\n";

/* The bytes of a line's frame into `frame`. NULL, or why there are none. */
static const char *replay_frame(struct json *json, const char *line, size_t size,
                                struct text *frame)
{
    size_t encoded_size;
    text_clear(frame);
    if (json_parse(json, line, size) != JSON_OK || json_kind(json, 0) != JSON_OBJECT)
        return "not a JSON object";
    int token = json_member(json, 0, "frame", strlen("frame"));
    if (token < 0 || json_kind(json, token) == JSON_NULL)
        return "the frame was not kept";
    if (json_kind(json, token) != JSON_STRING)
        return "\"frame\" is not a string";
    const char *encoded = json_text(json, token, &encoded_size);
    if (!text_from_base64(frame, encoded, encoded_size))
        return frame->failed ? "out of memory" : "\"frame\" is not base64";
    if (frame->size > 0 && memchr(frame->bytes, '\n', frame->size))
        return "the frame holds a line feed";
    return NULL;
}

static int replay_all(struct input *input, struct json *json)
{
    struct text frame = {0};
    const char *line;
    size_t size;
    while (input_line(input, &line, &size)) {
        const char *error = replay_frame(json, line, size, &frame);
        if (error) {
            input_refuse(input, error);
            continue;
        }
        if (frame.size > 0)
            fwrite(frame.bytes, 1, frame.size, stdout);
        putchar('\n');
    }
    text_free(&frame);
    return input_close(&input);
}

int command_replay(int argc, char **argv)
{
    bool help = false;
    const struct args_option options[] = {OPTIONS_HELP(&help), {.name = NULL}};
    const struct args_program program = {
        .name = "headcount replay", .usage = "headcount replay [REJECTS]...",
        .epilogue = replay_epilogue, .environment = "HEADCOUNT", .options = options};
    struct args *args;
    struct args_list files;
    int code = EXIT_FAILED;
    if (!options_parse(&program, &help, argc, argv, &args, &files, &code))
        return code;
    struct json *json = json_create();
    struct input *input = input_create(&(struct input_options){
        .command = program.name, .paths = files.items, .count = files.count,
        .line_max = LIMIT_FRAME_MAX});
    if (json && input) {
        code = replay_all(input, json);
    } else {
        fprintf(stderr, "%s: out of memory\n", program.name);
        input_close(&input);
        code = EXIT_FAILED;
    }
    json_destroy(&json);
    args_destroy(&args);
    return code;
}
