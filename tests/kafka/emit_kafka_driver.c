/* Drives a Kafka emitter as a pipeline would, and says what becomes of its
 * records. Every record has its own token, and every token a record.
 *
 *   emit_kafka_driver BROKERS TOPIC [OPTION]... [-X K=V]...
 *
 *   --count N          records (default 0)
 *   --size N           bytes of a value: its number, a blank, and what does not
 *                      compress well; 0: an empty value
 *   --slow MS          for every record
 *   --partitions N --record-max N --keep    as emit_kafka_options
 *   --deadline MS      from now; 0: for ever
 *   --header NAME      with the number as its value
 *   --again            send what failed once more
 *
 * The key is "key-NUMBER". On stdout: what create said; "full" when there is no
 * more room; "acked N" now and then; each kind of error once; "done" with the
 * sums. SIGTERM ends it, with what is in flight dropped. */
#include <assert.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin.h"
#include "clock.h"
#include "emit.h"
#include "limits.h"
#include "number.h"
#include "properties.h"

#define PAIRS_MAX 32
#define TELL_EVERY 500

static atomic_int stop;

struct driver {
    struct emit_kafka_options options;
    const char *pairs[PAIRS_MAX];
    size_t pairs_count;
    int64_t count, size, slow_ms, deadline_ms;
    const char *header;
    bool again;

    struct emit *emit;
    unsigned char *answers; /* [count]: acknowledgements of each token */
    char *value;
    int64_t *failed;        /* numbers to be sent again */
    int64_t failed_count, out;
    int64_t acked, errors, too_large, twice;
    char last_error[200];
};

static void on_signal(int signal_number)
{
    (void)signal_number;
    atomic_store(&stop, 1);
}

static int64_t number(const char *text)
{
    int64_t value = 0;
    bool fine = text && number_int64(text, 0, INT64_MAX, &value);

    if (!fine)
        abort();
    return value;
}

static void parse(struct driver *driver, int argc, char **argv)
{
    for (int i = 3; i < argc; i++) {
        const char *word = argv[i];

        if (strcmp(word, "--keep") == 0)
            driver->options.keep_forever = true;
        else if (strcmp(word, "--again") == 0)
            driver->again = true;
        else if (strcmp(word, "-X") == 0 && driver->pairs_count < PAIRS_MAX)
            driver->pairs[driver->pairs_count++] = argv[++i];
        else if (strcmp(word, "--header") == 0)
            driver->header = argv[++i];
        else if (strcmp(word, "--count") == 0)
            driver->count = number(argv[++i]);
        else if (strcmp(word, "--size") == 0)
            driver->size = number(argv[++i]);
        else if (strcmp(word, "--slow") == 0)
            driver->slow_ms = number(argv[++i]);
        else if (strcmp(word, "--partitions") == 0)
            driver->options.partitions = (int32_t)number(argv[++i]);
        else if (strcmp(word, "--record-max") == 0)
            driver->options.record_max = (size_t)number(argv[++i]);
        else if (strcmp(word, "--deadline") == 0)
            driver->deadline_ms = clock_monotonic_ms() + number(argv[++i]);
        else
            abort();
    }
}

/* "NUMBER " and six random bits a byte. */
static size_t fill_value(struct driver *driver, int64_t of)
{
    uint64_t random = (uint64_t)of * 2 + 1;
    size_t size = (size_t)driver->size;
    int head;

    if (size == 0)
        return 0;
    head = snprintf(driver->value, size + 1, "%" PRId64 " ", of);
    for (size_t i = (size_t)head; i < size; i++) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        driver->value[i] = (char)('0' + (random >> 58));
    }
    return size;
}

static enum emit_result send_one(struct driver *driver, int64_t of)
{
    char key[40], text[40];
    struct emit_header headers[2] = {{driver->header, text}, {NULL, NULL}};
    size_t size = fill_value(driver, of);
    struct emit_record record = {
        .key = key,
        .key_size = (size_t)snprintf(key, sizeof key, "key-%" PRId64, of),
        .value = driver->value,
        .value_size = size,
        .headers = driver->header ? headers : NULL,
        .token = (uint64_t)of,
    };

    snprintf(text, sizeof text, "%" PRId64, of);
    return emit_produce(driver->emit, &record);
}

static void take_ack(struct driver *driver, const struct emit_ack *ack)
{
    int64_t of = (int64_t)ack->token;

    assert(of >= 0 && of < driver->count);
    driver->out--;
    if (!ack->error) {
        driver->twice += driver->answers[of]++ > 0;
        if (++driver->acked % TELL_EVERY == 0)
            printf("acked %" PRId64 "\n", driver->acked);
        return;
    }
    driver->errors++;
    if (strcmp(driver->last_error, ack->error) != 0)
        printf("error %s\n", ack->error);
    snprintf(driver->last_error, sizeof driver->last_error, "%s", ack->error);
    driver->failed[driver->failed_count++] = of;
}

static void serve(struct driver *driver, int timeout_ms)
{
    static struct emit_ack acks[100];
    size_t count = emit_poll(driver->emit, timeout_ms, acks, 100);

    for (size_t i = 0; i < count; i++)
        take_ack(driver, &acks[i]);
}

/* The next number to send, or -1. */
static int64_t next_number(struct driver *driver, int64_t *next)
{
    if (driver->again && driver->failed_count > 0)
        return driver->failed[--driver->failed_count];
    return *next < driver->count ? (*next)++ : -1;
}

static void run(struct driver *driver)
{
    int64_t next = 0, of;
    bool told = false;

    while (!atomic_load(&stop) && !emit_failed(driver->emit)) {
        of = next_number(driver, &next);
        if (of < 0 && driver->out == 0)
            break;
        if (of >= 0) {
            enum emit_result result;

            while ((result = send_one(driver, of)) == EMIT_FULL && !atomic_load(&stop) &&
                   !emit_failed(driver->emit)) {
                if (!told)
                    printf("full at %" PRId64 "\n", driver->out);
                told = true;
                serve(driver, 10);
            }
            driver->out += result == EMIT_OK;
            driver->too_large += result == EMIT_TOO_LARGE;
        }
        serve(driver, of < 0 ? 100 : (int)driver->slow_ms);
        if (of >= 0 && driver->slow_ms > 0)
            (void)poll(NULL, 0, (int)driver->slow_ms);
    }
}

static enum emit_kafka_status create(struct driver *driver, const char *brokers)
{
    static const char *const names[] = {"ok", "config", "failed"};
    enum emit_kafka_status status;
    char error[1000] = "";
    struct kafka_properties *properties = kafka_properties_create(
        brokers, driver->pairs, driver->pairs_count, error, sizeof error);

    if (!properties) {
        printf("properties %s\n", error);
        return EMIT_KAFKA_CONFIG;
    }
    driver->options.properties = properties;
    status = emit_kafka_create(&driver->options, driver->deadline_ms, &stop, &driver->emit, error,
                               sizeof error);
    printf("%s %s\n", names[status], error);
    kafka_properties_destroy(&properties);
    return status;
}

int main(int argc, char **argv)
{
    struct driver driver = {.options = {.partitions = -1, .record_max = 1000}};
    const char *failure;

    if (argc < 3)
        return 2;
    setvbuf(stdout, NULL, _IOLBF, 0);
    signal(SIGTERM, on_signal);
    driver.options.topic = argv[2];
    parse(&driver, argc, argv);
    driver.answers = calloc((size_t)driver.count + 1, 1);
    driver.failed = calloc((size_t)driver.count + 1, sizeof *driver.failed);
    driver.value = malloc((size_t)driver.size + 64);
    assert(driver.answers && driver.failed && driver.value);
    if (create(&driver, argv[1]) != EMIT_KAFKA_OK)
        goto done;
    run(&driver);
    failure = emit_failed(driver.emit);
    if (failure)
        printf("failure %s\n", failure);
    printf("done acked=%" PRId64 " errors=%" PRId64 " too_large=%" PRId64 " twice=%" PRId64
           " out=%" PRId64 "\n", driver.acked, driver.errors, driver.too_large, driver.twice,
           driver.out);
    emit_destroy(&driver.emit);
    printf("destroyed\n");

done:
    free(driver.answers);
    free(driver.failed);
    free(driver.value);
    return 0;
}
