/* headcount replay: rejected frames as they were, out of rejects files or what
 * kcat prints of a rejects topic.
 *
 *   line of a rejects file            {"reason":…,"frame":"base64"}
 *   a message, as kcat prints it      key size TAB value size TAB headers LF bytes LF
 *
 * As lines the frames are what came, and no more: a frame that holds a line
 * feed can't be one, and the timestamp and key of its Kafka record are gone. As
 * rejects they stay, for headcountd --input-format rejects. */
#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "input.h"
#include "json.h"
#include "limits.h"
#include "options.h"
#include "rejected.h"
#include "shown.h"
#include "text.h"

enum replay_format { REPLAY_LINES, REPLAY_REJECTS };

static const char *const replay_formats[] = {"lines", "rejects", NULL};

static const char replay_epilogue[] =
    "REJECTS are files written by headcountd --rejects, or what a rejects topic holds:\n"
    "  kcat -C -b BROKERS -t REJECTS -e -q -f '%K\\t%S\\t%h\\n%k%s\\n' | headcount replay\n"
    "The frames go to stdout in their order. A frame that was too large to be kept is\n"
    "refused, and as a line one that holds a line feed (it came as a Kafka message); the\n"
    "others go on. To judge each frame by the time of its own Kafka record again:\n"
    "  headcount replay --format rejects REJECTS | headcountd --input-format rejects -\n";

struct replay {
    int format;
    struct input *input;
    struct json *json;
    struct text key, frame, names, line;
};

/* The frame as a line. NULL, or why it is none. */
static const char *replay_print(const struct rejected *rejected)
{
    if (!rejected->kept)
        return "the frame was not kept";
    size_t size = rejected->frame ? rejected->size : 0;
    if (size > 0 && memchr(rejected->frame, '\n', size))
        return "the frame holds a line feed";
    if (size > 0)
        fwrite(rejected->frame, 1, size, stdout);
    putchar('\n');
    return NULL;
}

static const char *replay_line(struct replay *replay, const char *line, size_t size)
{
    struct rejected rejected;
    const char *error =
        rejected_read(replay->json, line, size, &replay->key, &replay->frame, &rejected);
    if (error || replay->format == REPLAY_LINES)
        return error ? error : replay_print(&rejected);
    fwrite(line, 1, size, stdout);
    putchar('\n');
    return NULL;
}

/* A message under the line of its headers. */
static const char *replay_message(struct replay *replay, const char *line, size_t size)
{
    struct rejected rejected;
    int64_t key_size, value_size;
    const char *bytes;
    if (!rejected_read_headers(line, size, &replay->names, &rejected, &key_size, &value_size))
        return "neither a line of rejects nor a message as kcat -f '%K\\t%S\\t%h\\n%k%s\\n' "
               "prints it";
    rejected.key_size = key_size > 0 ? (size_t)key_size : 0;
    size_t total = rejected.key_size + (value_size > 0 ? (size_t)value_size : 0);
    if (total >= LIMIT_FRAME_MAX)
        return "the message is too large";
    if (!input_bytes(replay->input, total + 1, &bytes) || bytes[total] != '\n')
        return "the message is cut off";
    rejected.key = key_size >= 0 ? bytes : NULL;
    if (rejected.kept) {
        rejected.frame = value_size >= 0 ? bytes + rejected.key_size : NULL;
        rejected.size = total - rejected.key_size;
    }
    if (replay->format == REPLAY_LINES)
        return replay_print(&rejected);
    text_clear(&replay->line);
    rejected_write(&rejected, &replay->line);
    if (replay->line.failed)
        return "out of memory";
    fwrite(replay->line.bytes, 1, replay->line.size, stdout);
    putchar('\n');
    return NULL;
}

static int replay_all(struct replay *replay)
{
    const char *line;
    size_t size;
    while (input_line(replay->input, &line, &size)) {
        const char *error = line[0] == '{' ? replay_line(replay, line, size)
                                           : replay_message(replay, line, size);
        if (error)
            input_refuse(replay->input, error);
    }
    text_free(&replay->key);
    text_free(&replay->frame);
    text_free(&replay->names);
    text_free(&replay->line);
    return input_close(&replay->input);
}

int command_replay(int argc, char **argv)
{
    bool help = false;
    struct replay replay = {.format = REPLAY_LINES};
    const struct args_option options[] = {
        {.name = "format", .kind = ARGS_CHOICE, .value = &replay.format,
         .choices = replay_formats, .argument = "F",
         .help = "lines: the frames (default); rejects: with all that is known of them"},
        OPTIONS_HELP(&help),
        {.name = NULL}};
    const struct args_program program = {
        .name = "headcount replay", .usage = "headcount replay [OPTION]... [REJECTS]...",
        .epilogue = replay_epilogue, .environment = "HEADCOUNT", .options = options};
    struct args *args;
    struct args_list files;
    int code = EXIT_FAILED;
    if (!options_parse(&program, &help, argc, argv, &args, &files, &code))
        return code;
    replay.json = json_create();
    replay.input = input_create(&(struct input_options){
        .command = program.name, .paths = files.items, .count = files.count,
        .line_max = LIMIT_FRAME_MAX});
    if (replay.json && replay.input) {
        code = replay_all(&replay);
    } else {
        say("%s: out of memory\n", program.name);
        input_close(&replay.input);
        code = EXIT_FAILED;
    }
    json_destroy(&replay.json);
    args_destroy(&args);
    return code;
}
