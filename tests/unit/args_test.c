/* Goal: every way to write an option, the precedence of the three sources, and
 * errors that name what is wrong and what is allowed. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "args.h"
#include "check_main.h"
#include "test_folder.h"

struct values {
    bool verbose, quiet, help, given;
    const char *name, *config;
    int64_t count, wait_ms, room, start_s;
    double share;
    int format;
    struct args_list pairs;
    unsigned colours;
};

static struct values v;
static char error[1024];
static struct args *args;
static struct args_list positional;
static char folder[TEST_FOLDER_ROOM], path[TEST_PATH_ROOM];
static char program_name[] = "tool";
static char line[1024]; /* what argv points to: it outlives the call */

static const char *const formats[] = {"json", "binary", NULL};

static const char *const colours[] = {"red", "green", "blue", NULL};

static const struct args_option options[] = {
    {"name", 'n', ARGS_STRING, &v.name, 0, 0, NULL, "NAME", "a name", &v.given, false},
    {"count", 'c', ARGS_INT, &v.count, -5, 18, NULL, "N", "a number", NULL, false},
    {"share", 0, ARGS_DOUBLE, &v.share, 0, 2, NULL, "X", "a share", NULL, false},
    {"wait-for", 'w', ARGS_DURATION, &v.wait_ms, 1000, 90000000, NULL, "D", "how long", NULL,
     false},
    {"room", 0, ARGS_SIZE, &v.room, 16, 1 << 20, NULL, "SIZE", "how much", NULL, false},
    {"start", 0, ARGS_TIME, &v.start_s, 0, 0, NULL, "T", "from when", NULL, false},
    {"format", 'f', ARGS_CHOICE, &v.format, 0, 0, formats, "F", "json, or binary", NULL, false},
    {"pair", 'X', ARGS_LIST, &v.pairs, 0, 0, NULL, "K=V", "a pair\nanother line", NULL, false},
    {"colour", 0, ARGS_SET, &v.colours, 0, 0, colours, "NAME", "colours", NULL, false},
    {"config", 'F', ARGS_STRING, &v.config, 0, 0, NULL, "FILE", "options", NULL, false},
    {"verbose", 'v', ARGS_FLAG, &v.verbose, 0, 0, NULL, NULL, "say more", NULL, false},
    {"quiet", 'q', ARGS_FLAG, &v.quiet, 0, 0, NULL, NULL, "say less", NULL, true},
    {"help", 'h', ARGS_FLAG, &v.help, 0, 0, NULL, NULL, "this text", NULL, false},
    {0}};

static const struct args_program program = {
    "tool", "tool [OPTION]... FILE\ntool -h", "The end.", "ARGSTEST", options};

static void set_up(void)
{
    static const char *const names[] = {"NAME", "COUNT",  "WAIT_FOR", "PAIR", "CONFIG",
                                        "HELP", "FORMAT", "VERBOSE",  "UNKNOWN", "COLOUR"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char variable[64];

        snprintf(variable, sizeof variable, "ARGSTEST_%s", names[i]);
        unsetenv(variable);
    }
    v = (struct values){.count = 7, .name = "default"};
    test_folder_make(folder);
    snprintf(path, sizeof path, "%s/file", folder);
}

static void tear_down(void)
{
    test_folder_remove(folder);
    args_destroy(&args);
}

/* Parses words that are separated by '|'. */
static enum args_status parse(const char *words)
{
    char *argv[64], *rest = line, *word;
    int argc = 1;

    args_destroy(&args);
    argv[0] = program_name;
    snprintf(line, sizeof line, "%s", words);
    while (*words && (word = strsep(&rest, "|")))
        argv[argc++] = word;
    return args_parse(&program, argc, argv, "config", &args, &positional, error, sizeof error);
}

static void expect_error(enum args_status status, const char *words, const char *message)
{
    ck_assert_int_eq(parse(words), status);
    ck_assert_str_eq(error, message);
    ck_assert_ptr_null(args);
}

static void write_file(const char *bytes, size_t size)
{
    FILE *file = fopen(path, "w");

    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, size, file), size);
    fclose(file);
}

/* Parses `words` with a file of these bytes named by the environment. */
static enum args_status parse_with_file(const char *bytes, const char *words)
{
    write_file(bytes, strlen(bytes));
    setenv("ARGSTEST_CONFIG", path, 1);
    return parse(words);
}

static void expect_file_error(const char *bytes, const char *message)
{
    char full[1024];

    ck_assert_int_eq(parse_with_file(bytes, ""), ARGS_CONFIG);
    snprintf(full, sizeof full, "%s:%s", path, message);
    ck_assert_str_eq(error, full);
}

START_TEST(nothing_given_leaves_defaults)
{
    ck_assert_int_eq(parse(""), ARGS_OK);
    ck_assert_int_eq(v.count, 7);
    ck_assert_str_eq(v.name, "default");
    ck_assert(!v.given);
    ck_assert_uint_eq(positional.count, 0);
}
END_TEST

START_TEST(options_are_written_in_four_ways)
{
    static const char *const ways[] = {"--name|x=y", "--name=x=y", "-n|x=y", "-nx=y", "-vqnx=y",
                                       "-vqn|x=y", "--name|old|-nx=y"};

    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        v.given = false;
        v.name = NULL;
        ck_assert_msg(parse(ways[i]) == ARGS_OK, "%s: %s", ways[i], error);
        ck_assert_str_eq(v.name, "x=y");
        ck_assert(v.given);
    }
    ck_assert(v.verbose && v.quiet);
    ck_assert_int_eq(parse("--name="), ARGS_OK);
    ck_assert_str_eq(v.name, "");
    ck_assert_int_eq(parse("--name|--"), ARGS_OK);
    ck_assert_str_eq(v.name, "--");
}
END_TEST

START_TEST(kinds_are_read)
{
    ck_assert_int_eq(parse("-c|-5|--share=1.5|-w25h|--room|64KiB|--start|2016-07-11T13:39:45Z|"
                           "-fbinary|-Xa=1|--pair|b=2"),
                     ARGS_OK);
    ck_assert_int_eq(v.count, -5);
    ck_assert_double_eq(v.share, 1.5);
    ck_assert_int_eq(v.wait_ms, 90000000);
    ck_assert_int_eq(v.room, 65536);
    ck_assert_int_eq(v.start_s, 1468244385);
    ck_assert_int_eq(v.format, 1);
    ck_assert_uint_eq(v.pairs.count, 2);
    ck_assert_str_eq(v.pairs.items[0], "a=1");
    ck_assert_str_eq(v.pairs.items[1], "b=2");
}
END_TEST

START_TEST(sets_collect_what_is_named)
{
    static const char *const ways[] = {"--colour|red|--colour=blue", "--colour=red,blue",
                                       "--colour| blue , red ", "--colour=blue|--colour|red"};

    v.colours = 7;
    ck_assert_int_eq(parse(""), ARGS_OK);
    ck_assert_uint_eq(v.colours, 7);
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        ck_assert_msg(parse(ways[i]) == ARGS_OK, "%s: %s", ways[i], error);
        ck_assert_uint_eq(v.colours, 5);
    }
    ck_assert_int_eq(parse_with_file("colour=green\ncolour = blue, red\n", ""), ARGS_OK);
    ck_assert_uint_eq(v.colours, 7);
    setenv("ARGSTEST_COLOUR", "blue\nred", 1); /* one source wins as a whole */
    ck_assert_int_eq(parse(""), ARGS_OK);
    ck_assert_uint_eq(v.colours, 5);
    ck_assert_int_eq(parse("--colour=green"), ARGS_OK);
    ck_assert_uint_eq(v.colours, 2);
}
END_TEST

START_TEST(a_set_takes_its_words_once)
{
    static const char *const wrong[] = {"pink", "", "red,", ",red", "red,,blue", "re", "redd",
                                        "red;blue", "red,red", "green,blue, green"};

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char words[64], message[128];

        snprintf(words, sizeof words, "--colour=%s", wrong[i]);
        snprintf(message, sizeof message,
                 "--colour '%s': must be of these, each once: red green blue", wrong[i]);
        expect_error(ARGS_USAGE, words, message);
    }
    expect_error(ARGS_USAGE, "--colour=red|--colour=blue|--colour=red",
                 "--colour 'red': must be of these, each once: red green blue");
    expect_file_error("colour=red\ncolour=pink\n",
                      "2: colour 'pink': must be of these, each once: red green blue");
}
END_TEST

START_TEST(other_words_are_positional)
{
    ck_assert_int_eq(parse("a|-v|-||--|-q|--|b"), ARGS_OK);
    ck_assert_uint_eq(positional.count, 6);
    ck_assert_str_eq(positional.items[0], "a");
    ck_assert_str_eq(positional.items[1], "-");
    ck_assert_str_eq(positional.items[2], "");
    ck_assert_str_eq(positional.items[3], "-q");
    ck_assert_str_eq(positional.items[4], "--");
    ck_assert_str_eq(positional.items[5], "b");
    ck_assert(v.verbose && !v.quiet);
}
END_TEST

START_TEST(the_line_wins_over_the_environment_over_the_file)
{
    static const char file[] = "name=file\ncount=1\nwait-for=1s\npair=f1\npair=f2\nformat=binary\n";

    setenv("ARGSTEST_NAME", "environment", 1);
    setenv("ARGSTEST_COUNT", "2", 1);
    setenv("ARGSTEST_PAIR", "e1\n\ne2\n", 1);
    setenv("ARGSTEST_UNKNOWN", "is not ours", 1);
    setenv("ARGSTEST_FORMAT", "", 1);
    setenv("ARGSTEST_QUIET", "that of a sister program", 1);
    ck_assert_int_eq(parse_with_file(file, "-nline"), ARGS_OK);
    ck_assert(!v.quiet);
    ck_assert_str_eq(v.name, "line");
    ck_assert_int_eq(v.count, 2);
    ck_assert_int_eq(v.wait_ms, 1000);
    ck_assert_int_eq(v.format, 1);
    ck_assert_uint_eq(v.pairs.count, 2);
    ck_assert_str_eq(v.pairs.items[0], "e1");
    ck_assert_str_eq(v.pairs.items[1], "e2");
    /* A list comes from one source as a whole. */
    ck_assert_int_eq(parse("-Xl1"), ARGS_OK);
    ck_assert_uint_eq(v.pairs.count, 1);
    unsetenv("ARGSTEST_PAIR");
    ck_assert_int_eq(parse(""), ARGS_OK);
    ck_assert_uint_eq(v.pairs.count, 2);
    ck_assert_str_eq(v.pairs.items[1], "f2");
}
END_TEST

START_TEST(a_value_that_is_overruled_is_not_judged)
{
    setenv("ARGSTEST_COUNT", "many", 1);
    ck_assert_int_eq(parse_with_file("format=xml\n", "-c3|-fjson"), ARGS_OK);
    ck_assert_int_eq(v.count, 3);
}
END_TEST

START_TEST(files_may_be_commented_and_spaced)
{
    ck_assert_int_eq(parse_with_file("# comment\r\n\r\n \t name = a b # c \r\n  verbose=true", ""),
                     ARGS_OK);
    ck_assert_str_eq(v.name, "a b # c");
    ck_assert(v.verbose);
    ck_assert_int_eq(parse_with_file("", ""), ARGS_OK);
}
END_TEST

START_TEST(errors_of_the_line_name_the_word)
{
    expect_error(ARGS_USAGE, "--nam=x", "unknown option '--nam' (did you mean 'name'?)");
    expect_error(ARGS_USAGE, "-vz", "unknown option '-z' in '-vz'");
    expect_error(ARGS_USAGE, "--verbose=yes", "--verbose takes no value: '--verbose=yes'");
    expect_error(ARGS_USAGE, "a|--name", "--name needs a value (NAME)");
    expect_error(ARGS_USAGE, "-vn", "-n needs a value (NAME)");
    expect_error(ARGS_USAGE, "-c19", "--count '19': must be a whole number from -5 to 18");
    expect_error(ARGS_USAGE, "-c1x", "--count '1x': must be a whole number from -5 to 18");
    expect_error(ARGS_USAGE, "--share|3", "--share '3': must be a number from 0 to 2");
    expect_error(ARGS_USAGE, "-w5",
                 "--wait-for '5': must be a duration (ms s m h d) from 1s to 25h");
    expect_error(ARGS_USAGE, "--room=1MB",
                 "--room '1MB': must be a size in bytes (KiB MiB GiB) from 16 to 1MiB");
    expect_error(ARGS_USAGE, "--start|noon",
                 "--start 'noon': must be a Unix time, or one like 2016-07-11T13:39:00Z");
    expect_error(ARGS_USAGE, "-f|xml", "--format 'xml': must be one of json binary");
    expect_error(ARGS_USAGE, "-f|a\nb", "--format 'a b': must be one of json binary");
}
END_TEST

START_TEST(errors_of_the_environment_name_the_variable)
{
    setenv("ARGSTEST_WAIT_FOR", "1", 1);
    expect_error(ARGS_CONFIG, "",
                 "ARGSTEST_WAIT_FOR '1': must be a duration (ms s m h d) from 1s to 25h");
    unsetenv("ARGSTEST_WAIT_FOR");
    setenv("ARGSTEST_VERBOSE", "1", 1);
    expect_error(ARGS_CONFIG, "", "ARGSTEST_VERBOSE '1': must be true or false");
    setenv("ARGSTEST_VERBOSE", "false", 1);
    ck_assert_int_eq(parse(""), ARGS_OK);
    ck_assert(!v.verbose);
}
END_TEST

START_TEST(errors_of_the_file_name_the_line)
{
    expect_file_error("\nnam=x\n", "2: unknown option 'nam' (did you mean 'name'?)");
    expect_file_error("verbose\n", "1: 'verbose' is no option=value");
    expect_file_error("verbose=1\n", "1: verbose '1': must be true or false");
    expect_file_error("count=1\n\ncount=1", "3: 'count' stands in line 1 already");
    expect_file_error("config=x\n", "1: 'config' can't stand in a file");
    expect_file_error("help=true\n", "1: 'help' can't stand in a file");
    expect_file_error("count=0x1\n", "1: count '0x1': must be a whole number from -5 to 18");
    write_file("count=1\n\0", 9);
    ck_assert_int_eq(parse(""), ARGS_CONFIG);
    ck_assert_ptr_nonnull(strstr(error, ": a NUL byte at 8"));
}
END_TEST

START_TEST(files_that_do_not_open_are_named)
{
    expect_error(ARGS_CONFIG, "-F/nowhere/at/all", "/nowhere/at/all: No such file or directory");
    expect_error(ARGS_CONFIG, "-F/tmp", "/tmp: Is a directory");
    expect_error(ARGS_CONFIG, "-F/dev/zero", "/dev/zero: larger than 1048576 bytes");
}
END_TEST

START_TEST(help_is_read_before_all_else)
{
    setenv("ARGSTEST_COUNT", "many", 1);
    setenv("ARGSTEST_HELP", "maybe", 1);
    ck_assert_int_eq(parse("-F/nowhere|-c99|-h"), ARGS_OK);
    ck_assert(v.help);
    ck_assert_int_eq(v.count, 7);
    ck_assert_int_eq(parse("-c3"), ARGS_OK);
}
END_TEST

START_TEST(long_messages_are_cut)
{
    char small[8], word[] = "--unknown-option";
    char *argv[] = {program_name, word};

    ck_assert_int_eq(
        args_parse(&program, 2, argv, NULL, &args, &positional, small, sizeof small), ARGS_USAGE);
    ck_assert_str_eq(small, "unknown");
}
END_TEST

START_TEST(no_words_at_all_are_fine)
{
    char *argv[] = {NULL};

    ck_assert_int_eq(args_parse(&program, 0, argv, NULL, &args, &positional, error, sizeof error),
                     ARGS_OK);
    args_destroy(&args);
    args_destroy(&args);
}
END_TEST

START_TEST(help_is_a_table)
{
    static const struct args_option few[] = {
        {"brokers", 'b', ARGS_STRING, &v.name, 0, 0, NULL, "LIST", "Kafka servers", NULL, false},
        {"a-name-that-takes-all", 0, ARGS_STRING, &v.name, 0, 0, NULL, "LONG",
         "this line has so many words that it has to be broken into two\nnext", NULL, false},
        {"quiet", 'q', ARGS_FLAG, &v.quiet, 0, 0, NULL, NULL, "less", NULL, false},
        {0}};
    static const struct args_program help = {"tool", "tool A\ntool B", "End.", NULL, few};
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);

    args_help(&help, stream);
    fclose(stream);
    ck_assert_str_eq(text,
                     "usage: tool A\n"
                     "       tool B\n"
                     "\n"
                     "  -b, --brokers LIST        Kafka servers\n"
                     "      --a-name-that-takes-all LONG\n"
                     "                            "
                     "this line has so many words that it has to be broken\n"
                     "                            into two\n"
                     "                            next\n"
                     "  -q, --quiet               less\n"
                     "\n"
                     "End.\n");
    free(text);
}
END_TEST

/* Two slips, one in a short name; what is further away is like nothing. */
START_TEST(slips_of_the_pen_are_guessed)
{
    expect_error(ARGS_USAGE, "--waitfor", "unknown option '--waitfor' (did you mean 'wait-for'?)");
    expect_error(ARGS_USAGE, "--wati-fr", "unknown option '--wati-fr' (did you mean 'wait-for'?)");
    expect_error(ARGS_USAGE, "--wa-fr=1", "unknown option '--wa-fr'");
    expect_error(ARGS_USAGE, "--nmae", "unknown option '--nmae' (did you mean 'name'?)");
    expect_error(ARGS_USAGE, "--neme-x", "unknown option '--neme-x'");
    expect_error(ARGS_USAGE, "--=1", "unknown option '--'");
    expect_error(ARGS_USAGE, "--a-name-that-has-more-letters-than-any",
                 "unknown option '--a-name-that-has-more-letters-than-any'");
    /* A variable that is like no option is somebody else's. */
    setenv("ARGSTEST_SERVICE_HOST", "10.0.0.1", 1);
    setenv("ARGSTEST_A_NAME_THAT_HAS_MORE_LETTERS_THAN_ANY", "x", 1);
    setenv("ARGSTESTWAIT_FRO", "x", 1);
    setenv("ARGSTEST_", "x", 1);
    ck_assert_int_eq(parse(""), ARGS_OK);
    setenv("ARGSTEST_WAIT_FRO", "secret", 1);
    expect_error(ARGS_CONFIG, "", "ARGSTEST_WAIT_FRO in the environment: unknown option "
                                  "'wait-fro' (did you mean 'wait-for'?)");
    unsetenv("ARGSTEST_WAIT_FRO");
}
END_TEST

void add_cases(TCase *tcase)
{
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, nothing_given_leaves_defaults);
    tcase_add_test(tcase, options_are_written_in_four_ways);
    tcase_add_test(tcase, kinds_are_read);
    tcase_add_test(tcase, sets_collect_what_is_named);
    tcase_add_test(tcase, a_set_takes_its_words_once);
    tcase_add_test(tcase, other_words_are_positional);
    tcase_add_test(tcase, the_line_wins_over_the_environment_over_the_file);
    tcase_add_test(tcase, a_value_that_is_overruled_is_not_judged);
    tcase_add_test(tcase, files_may_be_commented_and_spaced);
    tcase_add_test(tcase, errors_of_the_line_name_the_word);
    tcase_add_test(tcase, slips_of_the_pen_are_guessed);
    tcase_add_test(tcase, errors_of_the_environment_name_the_variable);
    tcase_add_test(tcase, errors_of_the_file_name_the_line);
    tcase_add_test(tcase, files_that_do_not_open_are_named);
    tcase_add_test(tcase, help_is_read_before_all_else);
    tcase_add_test(tcase, long_messages_are_cut);
    tcase_add_test(tcase, no_words_at_all_are_fine);
    tcase_add_test(tcase, help_is_a_table);
}
