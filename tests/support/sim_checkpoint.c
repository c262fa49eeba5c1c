#include "sim_checkpoint.h"

#include <check.h>
#include <string.h>

#include "test_random.h"

uint64_t world_random(struct world *world)
{
    return random_next(&world->random);
}

unsigned world_below(struct world *world, size_t bound)
{
    return (unsigned)((world_random(world) >> 32) * bound >> 32);
}

bool world_happens(struct world *world, unsigned in_256)
{
    return world_below(world, 256) < in_256;
}

void world_broken(const struct world *world, const char *what, int line)
{
    ck_abort_msg("line %d: %s: HEADCOUNT_SEED=%llu, step %d", line, what,
                 (unsigned long long)world->seed, world->step);
}

/* Frames of few users, so that many change nothing; rejects and losses in some
 * worlds. */
static void make_log(struct world *world)
{
    unsigned users = 2 + world_below(world, USERS - 1);
    unsigned rejects = world_below(world, 3) * 30, losses = world_below(world, 3) * 20;

    for (size_t i = 0; i < PARTITIONS * FRAMES; i++) {
        struct log_frame *frame = &world->log[0][0] + i;

        frame->window = (uint8_t)world_below(world, LOG_WINDOWS);
        frame->user = (uint8_t)world_below(world, users);
        frame->kind = VALID;
        if (world_happens(world, rejects))
            frame->kind = world_below(world, 2) ? REJECT_A : REJECT_B;
        else if (world_happens(world, losses))
            frame->kind = MISSING;
    }
}

void world_make(struct world *world, uint64_t seed, bool large)
{
    unsigned kind;

    world->seed = world->random = seed;
    kind = world_below(world, 256); /* calm worlds are lived, too */
    world->odds = (struct sim_odds){.fail = !(kind & 1) ? 0 : large ? 200 : kind & 2 ? 100 : 8,
                                    .fail_checkpoint = kind & 4 ? 60 : 0,
                                    .fail_commit = kind & 8 ? 80 : 0,
                                    .full = kind & 16 ? 50 : 0,
                                    .crash = kind & 32 ? 1 : 0,
                                    .assign = kind & 64 ? 2 : 0,
                                    .memory = world_below(world, 4) ? 0 : 40};
    world->sinkless = kind & 128;
    world->profiles = large ? 1 : 1 + world_below(world, PROFILES);
    world->windows_count = large ? WINDOWS_MAX : LOG_WINDOWS;
    world->burst = large ? WINDOWS_MAX / 2 : 4;
    make_log(world);
    memset(world->committed, 0, sizeof world->committed);
    memset(world->set_aside, 0, sizeof world->set_aside);
    memset(world->others, 0, sizeof world->others);
    world->ghost.count = 0;
    world->records_count = 0;
}

void world_commit(struct world *world, struct sim_commit *commit)
{
    for (size_t i = 0; i < commit->count; i++)
        world->committed[commit->partition[i]] = commit->position[i];
    commit->count = 0;
}

void world_other_member(struct world *world)
{
    unsigned partition = world_below(world, PARTITIONS);
    int64_t *committed = &world->committed[partition];

    for (size_t i = world_below(world, 8); i > 0 && *committed < FRAMES; i--, (*committed)++) {
        const struct log_frame *frame = &world->log[partition][*committed];

        if (frame->kind == VALID)
            world->others[frame->window] |= UINT32_C(1) << frame->user;
        else
            world->set_aside[partition] |= UINT64_C(1) << *committed;
    }
}

/* What acknowledged records hold, from scratch. */
struct topic {
    uint32_t users[LOG_WINDOWS][PROFILES];
};

static struct topic topic_read(const struct world *world)
{
    struct topic topic;

    for (size_t i = 0; i < LOG_WINDOWS; i++)
        for (size_t j = 0; j < PROFILES; j++)
            topic.users[i][j] = world->others[i];
    for (size_t i = 0; i < world->records_count; i++) {
        const struct sim_record *record = &world->records[i];

        if (record->fate == DELIVERED && record->window < LOG_WINDOWS)
            topic.users[record->window][record->profile] |= record->users;
    }
    return topic;
}

static bool topic_has(const struct topic *topic, const struct world *world, unsigned partition,
                      int64_t offset)
{
    const struct log_frame *frame = &world->log[partition][offset];

    if (frame->kind == MISSING)
        return true;
    if (frame->kind != VALID)
        return world->sinkless || (world->set_aside[partition] >> offset & 1);
    for (size_t i = 0; i < world->profiles; i++)
        if (!(topic->users[frame->window][i] >> frame->user & 1))
            return false;
    return true;
}

bool oracle_contained(const struct world *world, unsigned partition, int64_t from, int64_t to)
{
    struct topic topic = topic_read(world);

    for (int64_t offset = from; offset < to; offset++)
        if (!topic_has(&topic, world, partition, offset))
            return false;
    return true;
}

/* Goes from the newest record of the run to the oldest, and calls `judge` for
 * each that was not delivered with whether later ones that were hold all of it.
 * False when `judge` says so. */
static bool judge_undelivered(struct world *world,
                              bool (*judge)(void *context, uint64_t sequence, bool replaced),
                              void *context)
{
    memset(world->later, 0, world->windows_count * sizeof world->later[0]);
    for (size_t i = world->records_count; i-- > world->run_first;) {
        const struct sim_record *record = &world->records[i];
        uint32_t *later = &world->later[record->window][record->profile];

        if (record->fate == DELIVERED)
            *later |= record->users;
        else if (!judge(context, i - world->run_first + 1,
                        (*later & record->users) == record->users))
            return false;
    }
    return true;
}

static bool judge_settled(void *last, uint64_t sequence, bool replaced)
{
    return replaced || sequence > *(const uint64_t *)last;
}

/* Whether all sequences up to `last` are delivered or replaced. */
static bool is_settled(struct world *world, uint64_t last)
{
    return judge_undelivered(world, judge_settled, &last);
}

bool oracle_ready(struct world *world)
{
    const struct sim_begun *begun = &world->begun[0];

    if (world->begun_count == 0 || !begun->gathered || begun->number != 0)
        return false;
    for (size_t i = 0; i < world->rejects_count; i++)
        if (world->rejects[i].number <= begun->reject_last)
            return false;
    return is_settled(world, begun->sequence_last);
}

struct naming {
    const struct checkpoint_view *view;
    size_t left; /* of view->replaced */
};

static bool judge_named(void *context, uint64_t sequence, bool replaced)
{
    struct naming *naming = context;
    const struct checkpoint_view *view = naming->view;

    if (sequence < view->sequence_first || sequence > view->sequence_last)
        return true;
    return replaced && naming->left > 0 && view->replaced[--naming->left] == sequence;
}

static const char *judge_sequences(struct world *world, const struct checkpoint_view *view)
{
    struct naming naming = {view, view->replaced_count};

    if (view->sequence_first != world->sequence_told + 1)
        return "sequences go on from the last checkpoint";
    if (view->sequence_last != world->begun[0].sequence_last)
        return "sequences end with what was gathered";
    return judge_undelivered(world, judge_named, &naming) && naming.left == 0
               ? NULL
               : "what is in later records, and only that, is named as replaced";
}

/* The losses of one slot, from *at on. */
static const char *judge_missing(const struct world *world, const struct checkpoint_view *view,
                                 unsigned slot, size_t *at)
{
    const struct log_frame *log = world->log[world->slots[slot].partition];
    uint64_t told = 0;

    for (; *at < view->missing_count && view->missing[*at].slot == slot; (*at)++)
        for (int64_t i = view->missing[*at].from; i < view->missing[*at].to; i++) {
            if (told >> i != 0 || i < view->from[slot] || i >= view->to[slot])
                return "losses ascend within the checkpoint";
            told |= UINT64_C(1) << i;
        }
    for (int64_t i = view->from[slot]; i < view->to[slot]; i++)
        if ((told >> i & 1) != (log[i].kind == MISSING))
            return "losses are told as they were";
    return NULL;
}

static const char *judge_counts(const struct world *world, const struct checkpoint_view *view)
{
    uint64_t kinds[KINDS] = {0}, rejected = 0;

    for (size_t i = 0; i < world->slots_count; i++)
        for (int64_t j = view->from[i]; j < view->to[i]; j++)
            kinds[world->log[world->slots[i].partition][j].kind]++;
    for (size_t i = 0; i < REJECT_COUNT; i++)
        rejected += view->rejected[i];
    if (view->frames != kinds[VALID])
        return "frames are those of the positions";
    return view->rejected[REJECT_A] == kinds[REJECT_A] &&
                   view->rejected[REJECT_B] == kinds[REJECT_B] &&
                   rejected == kinds[REJECT_A] + kinds[REJECT_B]
               ? NULL
               : "rejections are those of the positions";
}

const char *oracle_view(struct world *world, const struct checkpoint_view *view)
{
    const struct sim_begun *begun = &world->begun[0];
    const char *wrong = judge_sequences(world, view);
    size_t at = 0;

    if (view->slots != world->slots_count)
        return "its slots are those of the assignment";
    for (unsigned i = 0; i < view->slots && !wrong; i++) {
        const struct sim_slot *slot = &world->slots[i];

        if (view->from[i] != slot->told || view->to[i] != begun->to[i])
            return "positions go from the last checkpoint to where it began";
        if (memcmp(&view->marks[i], &begun->marks[i], sizeof view->marks[i]) != 0)
            return "marks are those of its beginning";
        if (!oracle_contained(world, slot->partition, slot->start, view->to[i]))
            return "what it covers is acknowledged";
        wrong = judge_missing(world, view, i, &at);
    }
    if (!wrong && at != view->missing_count)
        return "losses are of its slots";
    return wrong ? wrong : judge_counts(world, view);
}

const char *oracle_answers(struct world *world)
{
    const struct checkpoints *c = world->checkpoints;
    bool safe = true, committed = true;
    bool settled = is_settled(world, world->records_count - world->run_first);

    for (size_t i = 0; i < world->slots_count; i++) {
        safe = safe && world->slots[i].told == world->slots[i].next;
        committed = committed && world->slots[i].committed == world->slots[i].next;
    }
    if (checkpoints_all_safe(c) != safe)
        return "all_safe";
    if (checkpoints_all_committed(c) != committed)
        return "all_committed";
    if ((checkpoints_unsettled(c) == 0) != settled)
        return "unsettled";
    if (checkpoints_assigned(c) != world->assigned)
        return "assigned";
    if (checkpoints_gathering(c) != world->gathering)
        return "gathering";
    if (checkpoints_committing(c) != world->committing)
        return "committing";
    if (checkpoints_under_way(c) != world->begun_count || world->begun_count > LIMIT_CHECKPOINTS)
        return "under_way";
    bool can = world->assigned && !world->gathering && world->begun_count < LIMIT_CHECKPOINTS;
    return checkpoints_can_begin(c) == can ? NULL : "can_begin";
}
