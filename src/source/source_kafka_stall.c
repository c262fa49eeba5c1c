/* Nothing comes though it should: said aloud.
 *
 * Many errors never reach us. librdkafka tries again by itself: without a word
 * when a leader or a coordinator is not what it was, when a group can't be
 * joined, when the ends can't be asked for. That is right while it lasts seconds.
 * What lasts longer is told by what is missing: an assignment, messages that the
 * broker says are there, the ends. Each is said again every half minute. */
#include "clock.h"
#include "log.h"
#include "source_kafka.h"

#define LOOK_EVERY_MS 1000
#define PATIENCE_MS 10000
/* While held back, nothing comes for a good reason. */
#define ASKED_LATELY_MS 5000

void kafka_source_error(struct source_kafka *k, const char *event, const char *request,
                        rd_kafka_resp_err_t code, const char *text)
{
    const struct kafka_complaint complaint = {
        .event = event, .request = request, .topic = k->topic, .code = code, .text = text};

    kafka_notes_count(&k->notes, code);
    kafka_notes_tell(&k->notes, &complaint);
}

/* Whether it is time to say it: it has lasted, and was not said lately. */
static bool lasts(struct source_kafka *k, const char *what, bool so, int64_t *since_ms,
                  int64_t now_ms)
{
    int64_t swallowed = 0;
    bool loud;

    if (!so)
        *since_ms = 0;
    else if (*since_ms == 0)
        *since_ms = now_ms;
    loud = so && now_ms - *since_ms >= PATIENCE_MS &&
           kafka_notes_loud(&k->notes, what, &swallowed);
    if (loud)
        kafka_notes_count(&k->notes, RD_KAFKA_RESP_ERR__TIMED_OUT);
    return loud;
}

static const char *advice_for_assignment(struct source_kafka *k)
{
    if (kafka_notes_cut_off(&k->notes))
        return KAFKA_CUT_OFF_ADVICE;
    if (k->unknown)
        return kafka_advice(RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
    return "the group has not let us in: look at its coordinator's log, at whether this user may "
           "read the group, and for other members that join over and over";
}

static void look_for_assignment(struct source_kafka *k, int64_t now_ms)
{
    char last[KAFKA_TEXT_MAX];

    if (!lasts(k, "no_assignment", !k->live && !k->waiting && !k->finishing, &k->away_ms, now_ms))
        return;
    (void)kafka_notes_last(&k->notes, last, sizeof(last));
    log_event(LOG_WARN, "no_assignment", LOG_S("topic", k->topic),
              LOG_I("seconds", (now_ms - k->away_ms) / 1000), LOG_S("last_error", last),
              LOG_S("hint", advice_for_assignment(k)));
}

/* Ends that are known and lie ahead, but nothing comes. */
static void look_for_messages(struct source_kafka *k, int64_t now_ms, bool *known)
{
    for (size_t i = 0; i < k->count; i++) {
        struct kafka_slot *slot = &k->slots[i];
        int64_t asked_ms, high = kafka_watch_high(k, (uint32_t)i, &asked_ms);
        bool fresh = high >= 0 && now_ms - asked_ms < ASKED_LATELY_MS;
        bool more = fresh && !k->held && !slot->done &&
                    high > (slot->eof > slot->next ? slot->eof : slot->next);

        *known = *known || fresh;
        if (slot->stall_next != slot->next)
            slot->stall_ms = 0;
        slot->stall_next = slot->next;
        if (lasts(k, "no_messages", more, &slot->stall_ms, now_ms))
            log_event(LOG_WARN, "no_messages", LOG_S("topic", k->topic),
                      LOG_I("partition", slot->partition), LOG_I("position", slot->next),
                      LOG_I("end", high), LOG_I("seconds", (now_ms - slot->stall_ms) / 1000),
                      LOG_S("hint", "there is more, but the leader does not send it: look at its "
                                    "log, its disks and the partition's replicas"));
    }
}

void kafka_look_for_stalls(struct source_kafka *k, int64_t now_ms)
{
    bool known = false;

    if (now_ms < k->stall_look_ms)
        return;
    k->stall_look_ms = now_ms + LOOK_EVERY_MS;
    look_for_assignment(k, now_ms);
    if (!k->live)
        return;
    look_for_messages(k, now_ms, &known);
    if (lasts(k, "no_ends", k->count > 0 && !known, &k->unknown_ms, now_ms))
        log_event(LOG_WARN, "no_ends", LOG_S("topic", k->topic),
                  LOG_I("seconds", (now_ms - k->unknown_ms) / 1000),
                  LOG_S("hint", "the leaders do not say where their partitions end, so that no "
                                "partition counts as idle: look at them, and at whether this "
                                "user may describe the topic"));
}
