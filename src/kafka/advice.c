/* What an operator can do about an error of the brokers or of the client.
 *
 * Most errors pass by themselves, and headcountd goes on trying in any case; the
 * advice is for those that stay. */
#include <librdkafka/rdkafka.h>

#include "client.h"

struct advice {
    rd_kafka_resp_err_t code;
    const char *text;
};

#define BUSY "the brokers are changing leaders; it passes, or their logs say why not"
#define MOVING "the group's coordinator is moving; it passes, or the brokers' logs say why not"
#define REJOIN "the group is being shared out anew; if it goes on, look for members that are too " \
               "slow or restart all the time"
#define TOO_LARGE "raise the topic's max.message.bytes, or lower --precision"
#define DISK "look at the disks and logs of the topic's brokers"
#define OLD "the brokers and this librdkafka do not understand each other: look at both versions"
#define REPORT "the brokers object to what this librdkafka sends: look at their logs and versions"

static const struct advice advices[] = {
    {RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED,
     "allow this user to read and describe the input topic, to write, describe and create the "
     "output"},
    {RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED,
     "allow this user to read the consumer group, or name another with --group"},
    {RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED,
     "allow this user to create topics, or create the topic beforehand"},
    {RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED, "look at user, password and mechanism"},
    {RD_KAFKA_RESP_ERR_UNSUPPORTED_SASL_MECHANISM, "choose a mechanism that the brokers offer"},
    {RD_KAFKA_RESP_ERR_ILLEGAL_SASL_STATE, "look at security.protocol and the brokers' listener"},
    {RD_KAFKA_RESP_ERR__AUTHENTICATION, "look at user, password and mechanism"},
    {RD_KAFKA_RESP_ERR__SSL, "look at security.protocol, ssl.ca.location and the host name"},
    {RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN, "look at --brokers, the network and the brokers"},
    {RD_KAFKA_RESP_ERR__TRANSPORT, "look at the network and the broker"},
    {RD_KAFKA_RESP_ERR__RESOLVE, "look at --brokers and the name service"},
    {RD_KAFKA_RESP_ERR__TIMED_OUT, "look at the network and the load of the brokers"},
    {RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT, "look at the load of the brokers and their replicas"},
    {RD_KAFKA_RESP_ERR_NETWORK_EXCEPTION, "look at the network between the brokers"},
    {RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, "create the topic, or look at its name"},
    {RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC, "create the topic, or look at its name"},
    {RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION, "create the topic, or look at its name"},
    {RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION, "the brokers do not take this topic name"},
    {RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE, BUSY},
    {RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION, BUSY},
    {RD_KAFKA_RESP_ERR_REPLICA_NOT_AVAILABLE, BUSY},
    {RD_KAFKA_RESP_ERR_BROKER_NOT_AVAILABLE, BUSY},
    {RD_KAFKA_RESP_ERR_LISTENER_NOT_FOUND, "a leader lacks the listener that we came by"},
    {RD_KAFKA_RESP_ERR_FENCED_LEADER_EPOCH, BUSY},
    {RD_KAFKA_RESP_ERR_UNKNOWN_LEADER_EPOCH, BUSY},
    {RD_KAFKA_RESP_ERR_OFFSET_NOT_AVAILABLE, BUSY},
    {RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE, MOVING},
    {RD_KAFKA_RESP_ERR_NOT_COORDINATOR, MOVING},
    {RD_KAFKA_RESP_ERR_COORDINATOR_LOAD_IN_PROGRESS, MOVING},
    {RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID, REJOIN},
    {RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION, REJOIN},
    {RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS, REJOIN},
    {RD_KAFKA_RESP_ERR__MAX_POLL_EXCEEDED, REJOIN},
    {RD_KAFKA_RESP_ERR_INCONSISTENT_GROUP_PROTOCOL,
     "other members of this group are no headcountd: name another with --group"},
    {RD_KAFKA_RESP_ERR_INVALID_GROUP_ID, "name another group with --group"},
    {RD_KAFKA_RESP_ERR_GROUP_ID_NOT_FOUND, "the group was removed; it is made anew"},
    {RD_KAFKA_RESP_ERR_INVALID_SESSION_TIMEOUT,
     "set -X session.timeout.ms to what the brokers allow (group.min.session.timeout.ms to "
     "group.max.session.timeout.ms)"},
    {RD_KAFKA_RESP_ERR_GROUP_MAX_SIZE_REACHED, "raise group.max.size on the brokers"},
    {RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID,
     "another member has the same -X group.instance.id: give each its own, or none"},
    {RD_KAFKA_RESP_ERR_OFFSET_METADATA_TOO_LARGE, "raise offset.metadata.max.bytes on the brokers"},
    {RD_KAFKA_RESP_ERR_INVALID_COMMIT_OFFSET_SIZE, "look at offsets.topic.segment.bytes"},
    {RD_KAFKA_RESP_ERR_UNSTABLE_OFFSET_COMMIT, "a transaction of the group is open; it passes"},
    {RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE, "records were deleted before they were read"},
    {RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE, TOO_LARGE},
    {RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE, "raise the topic's segment.bytes"},
    {RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS, "bring replicas back, or lower min.insync.replicas"},
    {RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS_AFTER_APPEND,
     "bring replicas back, or lower min.insync.replicas"},
    {RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP,
     "set the clocks: ours and the broker's differ by more than message.timestamp.*.max.ms"},
    {RD_KAFKA_RESP_ERR_INVALID_RECORD,
     "the topic refuses our records: look for compaction, or a schema that the brokers enforce"},
    {RD_KAFKA_RESP_ERR_POLICY_VIOLATION, "a policy of the brokers forbids it"},
    {RD_KAFKA_RESP_ERR_THROTTLING_QUOTA_EXCEEDED, "raise this user's quota"},
    {RD_KAFKA_RESP_ERR_UNSUPPORTED_COMPRESSION_TYPE, "set -X compression.type=none or gzip"},
    {RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR, DISK},
    {RD_KAFKA_RESP_ERR_UNKNOWN, DISK},
    {RD_KAFKA_RESP_ERR_INVALID_MSG, "records were damaged on their way or on disk"},
    {RD_KAFKA_RESP_ERR__BAD_MSG, "records were damaged on their way or on disk"},
    {RD_KAFKA_RESP_ERR_UNSUPPORTED_VERSION, OLD},
    {RD_KAFKA_RESP_ERR_UNSUPPORTED_FOR_MESSAGE_FORMAT, OLD},
    {RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE, OLD},
    {RD_KAFKA_RESP_ERR_INVALID_REQUEST, REPORT},
};

const char *kafka_advice(int code)
{
    for (size_t i = 0; i < sizeof advices / sizeof advices[0]; i++)
        if ((int)advices[i].code == code)
            return advices[i].text;
    return "look at the brokers' logs";
}
