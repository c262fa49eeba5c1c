/* yard_kafka BROKERS TOPIC PARTITIONS [K=V]...: the bare reader. Batches of messages
 * are taken from librdkafka's queue and destroyed, from the start of each partition
 * to its end. Prints seconds of processor time, of the clock since the first message,
 * and messages. */
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BATCH 1024
#define WAIT_MS 10

static double now(clockid_t clock)
{
    struct timespec time;

    clock_gettime(clock, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static void set(rd_kafka_conf_t *conf, const char *name, const char *value)
{
    char error[256];

    if (rd_kafka_conf_set(conf, name, value, error, sizeof error) != RD_KAFKA_CONF_OK) {
        fprintf(stderr, "yard_kafka: %s\n", error);
        exit(2);
    }
}

static rd_kafka_t *create(int argc, char **argv)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    char error[256];
    rd_kafka_t *client;

    set(conf, "bootstrap.servers", argv[1]);
    set(conf, "group.id", "yard");
    set(conf, "enable.partition.eof", "true");
    set(conf, "enable.auto.commit", "false");
    set(conf, "enable.auto.offset.store", "false");
    set(conf, "auto.offset.reset", "earliest");
    set(conf, "check.crcs", "true");
    for (int i = 4; i < argc; i++) {
        char *value = strchr(argv[i], '=');

        if (value) {
            *value = '\0';
            set(conf, argv[i], value + 1);
        }
    }
    client = rd_kafka_new(RD_KAFKA_CONSUMER, conf, error, sizeof error);
    if (!client) {
        fprintf(stderr, "yard_kafka: %s\n", error);
        exit(1);
    }
    rd_kafka_poll_set_consumer(client);
    return client;
}

static void assign(rd_kafka_t *client, const char *topic, int partitions)
{
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(partitions);

    for (int i = 0; i < partitions; i++)
        rd_kafka_topic_partition_list_add(list, topic, i)->offset = 0;
    rd_kafka_assign(client, list);
    rd_kafka_topic_partition_list_destroy(list);
}

int main(int argc, char **argv)
{
    rd_kafka_message_t *messages[BATCH];
    unsigned long frames = 0;
    double first = 0;

    if (argc < 4) {
        fputs("usage: yard_kafka BROKERS TOPIC PARTITIONS [K=V]...\n", stderr);
        return 2;
    }
    rd_kafka_t *client = create(argc, argv);
    rd_kafka_queue_t *queue = rd_kafka_queue_get_consumer(client);
    long partitions = strtol(argv[3], NULL, 10), ended = 0;
    assign(client, argv[2], (int)partitions);
    while (ended < partitions) {
        ssize_t count = rd_kafka_consume_batch_queue(queue, WAIT_MS, messages, BATCH);

        for (ssize_t i = 0; i < count; i++) {
            ended += messages[i]->err == RD_KAFKA_RESP_ERR__PARTITION_EOF;
            frames += messages[i]->err == RD_KAFKA_RESP_ERR_NO_ERROR;
            rd_kafka_message_destroy(messages[i]);
        }
        if (first == 0 && frames > 0)
            first = now(CLOCK_MONOTONIC);
    }
    printf("%.6f %.6f %lu\n", now(CLOCK_PROCESS_CPUTIME_ID),
           now(CLOCK_MONOTONIC) - (first > 0 ? first : now(CLOCK_MONOTONIC)), frames);
    rd_kafka_queue_destroy(queue);
    rd_kafka_consumer_close(client);
    rd_kafka_destroy(client);
    return 0;
}
