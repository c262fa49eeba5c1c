"""Goal: whatever error a broker answers to whatever request, headcountd ends only
where the table says so; once the error is over it goes on, every register is a
redis-server's, no commit is ahead of what was acknowledged, and an error that
stays is told with what can be done about it."""
import random

import fault_run
import fault_table
import pytest

LANES = 6


@pytest.fixture
def drawn(request):
    """A random generator; told where the test fails."""
    seed = request.config.getoption("--seed")
    print(f"cases: --seed={seed}")
    return random.Random(seed)


@pytest.fixture
def faults(build, scratch, redis, broker):
    def run(cases, lanes, hold_s):
        faulted = fault_run.Run(build / "bin", scratch, redis, broker.bootstrap, hold_s)
        faulted.run(cases, lanes)
        assert not faulted.wrong, "\n".join(f"{case}: {what}" for case, what in faulted.wrong)
        return faulted
    return run


def test_each_request_fails_in_each_way(faults, drawn):
    """For each request a code that passes and one that stays until it is lifted."""
    cases = fault_table.cases()
    some = [drawn.choice([case for case in cases
                          if case.request is request and (case.count == 0) == stays])
            for request in fault_table.REQUESTS for stays in (False, True)]
    drawn.shuffle(some)
    done = faults(some, LANES, hold_s=1.0)
    assert len(done.outcomes) == len(some) and done.commits > len(some) / 2
    assert all(outcome.faults >= 1 for outcome in done.outcomes)


def test_what_stays_is_told(faults):
    """What librdkafka says nothing about, and what it does tell."""
    events = {
        "Produce: NOT_LEADER_OR_FOLLOWER": "output_waits",
        "Produce: INVALID_TIMESTAMP": "delivery_failed",
        "Fetch: NOT_LEADER_OR_FOLLOWER": "no_messages",
        "Fetch: TOPIC_AUTHORIZATION_FAILED": "kafka_error",
        "ListOffsets: TOPIC_AUTHORIZATION_FAILED": "kafka_error",
        "OffsetCommit: GROUP_AUTHORIZATION_FAILED": "commit_failed",
        "FindCoordinator at the start: COORDINATOR_NOT_AVAILABLE": "no_assignment",
    }
    cases = [case for case in fault_table.cases()
             if case.times == "for good" and str(case).removesuffix(" for good") in events]
    assert len(cases) == len(events)
    done = faults(cases, len(cases), hold_s=25.0)
    for outcome in done.outcomes:
        event = events[str(outcome.case).removesuffix(" for good")]
        told = [each for each in outcome.told() if each["event"] == event]
        assert told and all(each.get("hint") or each.get("error") for each in told), outcome
        # Said once, not at every attempt.
        assert len(outcome.told()) < 12, outcome
