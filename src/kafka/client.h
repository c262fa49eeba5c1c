/* librdkafka clients of ours: how they are configured, what they log, and what
 * they last complained about. For src/kafka and the *_kafka.c files alone. */
#ifndef KAFKA_CLIENT_H
#define KAFKA_CLIENT_H

#include <librdkafka/rdkafka.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "properties.h"
#include "error_tally.h"

#define KAFKA_TEXT_MAX 512
#define KAFKA_QUIETED_MAX 32
#define KAFKA_COUNTS_MAX 48

enum kafka_role { KAFKA_CONSUMER, KAFKA_PRODUCER };

struct kafka_count {
    int code; /* rd_kafka_resp_err_t; those beyond the table's room are counted in its last */
    uint64_t times;
};

/* What a client last complained about, how often about what, and which
 * complaints are quiet for a while because they were logged. It is the opaque of
 * the client's callbacks and must outlive the client. Any thread. */
struct kafka_notes {
    void *owner; /* whatever the maker of the client needs in its own callbacks */
    pthread_mutex_t lock;
    char last[KAFKA_TEXT_MAX];  /* "" until the first complaint */
    int64_t cut_off_ms;         /* when a connection failed last, or 0 */
    char fatal[KAFKA_TEXT_MAX]; /* "" while the client can go on */
    bool scram_fails;           /* this library cannot do the SCRAM that was asked for */
    bool turned_away;           /* a broker refused us, or we its certificate */
    bool all_down;              /* at one time no broker was left to ask */
    int verdict;                /* why a broker's certificate was refused (X509_V_ERR_...) */
    struct {
        char facility[64];
        int64_t logged_ms;
        int64_t swallowed;
    } quieted[KAFKA_QUIETED_MAX];
    struct kafka_count counts[KAFKA_COUNTS_MAX];
    size_t counts_used;
    struct kafka_tally *tally; /* held; counted there, too. Or NULL */
    bool producer;
};

void kafka_notes_init(struct kafka_notes *notes, void *owner);
void kafka_notes_destroy(struct kafka_notes *notes);
/* Whether a connection failed lately: what stands still then stands for want of a broker,
 * and KAFKA_CUT_OFF_ADVICE is what can be done. */
bool kafka_notes_cut_off(struct kafka_notes *notes);
#define KAFKA_CUT_OFF_ADVICE \
    "a broker can't be reached, as last_error says: look at it, at the network and at --brokers"
/* The last complaint into `text`; false and "" when there was none. */
bool kafka_notes_last(struct kafka_notes *notes, char *text, size_t size);
/* Whether all brokers are out of reach, and not for being away: one at least
 * takes no such client. Waiting alone will not help. */
bool kafka_notes_hopeless(struct kafka_notes *notes);
/* The fatal one: the client will never do anything again. */
bool kafka_notes_fatal(struct kafka_notes *notes, char *text, size_t size);
/* Whether a complaint of this kind may be logged now: once, then again after
 * 30 s at the earliest; *swallowed counts those in between. */
bool kafka_notes_loud(struct kafka_notes *notes, const char *facility, int64_t *swallowed);

/* An error that reached us, of the brokers or of the client itself. */
struct kafka_complaint {
    const char *event;   /* what the line is called */
    const char *request; /* what we wanted: "fetch", "commit", ... */
    const char *topic;
    int code;            /* rd_kafka_resp_err_t */
    const char *text;    /* NULL: the code's own */
};
/* Counts an error. */
void kafka_notes_count(struct kafka_notes *notes, int code);
/* Logs it with what can be done about it, the same request and code again after
 * 30 s at the earliest. */
void kafka_notes_tell(struct kafka_notes *notes, const struct kafka_complaint *complaint);
/* Logs how often which error was, when there were any. */
void kafka_notes_sum(struct kafka_notes *notes, const char *topic);
/* What an operator can do about an error (an rd_kafka_resp_err_t) that stays.
 * Constant text. */
const char *kafka_advice(int code);

/* A configuration for one client: our defaults, over them the user's properties
 * of that role, over them what our guarantees rest on; log and error callbacks
 * into `notes`, which becomes the opaque. To be given to rd_kafka_new, or
 * destroyed. NULL with a message in `error`. */
rd_kafka_conf_t *kafka_conf_create(const struct kafka_properties *properties,
                                   enum kafka_role role, struct kafka_notes *notes, char *error,
                                   size_t error_size);
/* One more property of our own; false with a message in `error`. */
bool kafka_conf_put(rd_kafka_conf_t *conf, const char *name, const char *value, char *error,
                    size_t error_size);
/* Makes the client. Takes `conf` in any case. NULL with a message in `error`. */
rd_kafka_t *kafka_client_create(enum kafka_role role, rd_kafka_conf_t *conf, char *error,
                                size_t error_size);
/* Frees the client within a bounded time. In librdkafka 2.0.2 this never comes to
 * an end for a consumer whose topic was deleted: false then, the client stays
 * for good, and so must its notes. Leaving the group is up to the caller. */
bool kafka_client_destroy(rd_kafka_t *client);

/* Whether the user set this property (or its alias). */
bool kafka_properties_given(const struct kafka_properties *properties, const char *name);

/* Why a property is not the user's to set, or NULL. Constant text, that of
 * kafka_undecided for a name that nobody has judged. */
const char *kafka_refusal(const char *name);
extern const char kafka_undecided[];
/* Whether its value must never be shown. */
bool kafka_is_secret(const char *name);
/* Whether its value names a file that the library reads. */
bool kafka_is_file(const char *name);
/* Whether clients come of all the properties together; `conf` has been given
 * them. False with a message in `error`; says what is not safe about them. */
bool kafka_properties_judge(const struct kafka_properties *properties,
                            const rd_kafka_conf_t *conf, char *error, size_t error_size);
/* Whether SCRAM was asked for that this library does not get through. */
bool kafka_properties_scram_fails(const struct kafka_properties *properties);

#endif
