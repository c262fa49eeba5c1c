"""Goal: what watches a round of chaos can't fail unseen. An auditor that dies says so at
once and with its last words; an instance that ends as it should not is a finding that
names the cause, and its log stays."""
import os
import signal

import pytest
from auditor import Auditor
from chaos_group import Group
from programs import wait_for

STANDS_FOR_HEADCOUNTD = """#!/bin/sh
trap 'echo event=not_all_safe hint="the cause"; exit {code}' TERM
echo event=started
{then}
while true; do sleep 0.02; done
"""


def group_of(scratch, code=0, then=""):
    """A group of a program that does nothing and ends with that code on SIGTERM."""
    program = scratch / "stands-for-headcountd"
    program.write_text(STANDS_FOR_HEADCOUNTD.format(code=code, then=then))
    program.chmod(0o700)
    group = Group("group0", program, ("127.0.0.1:1", "127.0.0.1:1"), "in", "out", 1000, scratch)
    group.start(0, 100, "1MiB", False, 10000)
    wait_for(lambda: "started" in group.slots[0].log(), "its start")
    return group


@pytest.mark.parametrize("calm, code, fine", [
    (True, 0, True), (True, 1, False), (True, 3, False), (False, 0, True), (False, 1, True),
    (False, 3, False)])
def test_exit_codes(scratch, calm, code, fine):
    group = group_of(scratch, code)
    log = group.slots[0].path
    if calm:
        group.leave_all()
    else:
        group.leave(0)
        wait_for(lambda: group.look() or not group.leaving, "its end")
    assert group.counts[f"left with {code}"] == 1 and group.events["not_all_safe"] == 1
    assert len(group.findings) == (not fine) and log.exists() == (not fine)
    assert fine or f"exit code {code}" in group.findings[0] and "the cause" in group.findings[0]


def test_an_end_that_nobody_asked_for(scratch):
    group = group_of(scratch, then="echo event=why; exit 0")
    log = group.slots[0].path
    wait_for(lambda: group.look() or not group.slots, "its end")
    assert "by itself with exit code 0" in group.findings[0] and "why" in group.findings[0]
    assert log.exists()


def test_an_auditor_that_dies(scratch):
    with Auditor("127.0.0.1:1", "group", "in", "out") as auditor:
        assert not auditor.ended()
        os.kill(auditor.child.process.pid, signal.SIGSEGV)
        wait_for(auditor.ended, "its end")
        with pytest.raises(RuntimeError, match="auditor_process.py ended with -11"):
            auditor.stop()


def test_an_auditor_that_fails_says_why():
    with pytest.raises(RuntimeError, match="KeyError: 'no such profile'"):
        Auditor("127.0.0.1:1", "group", "in", "out", "no such profile")


def test_an_auditor_that_is_silent():
    with Auditor("127.0.0.1:1", "group", "in", "out") as auditor:
        os.kill(auditor.child.process.pid, signal.SIGSTOP)
        try:
            with pytest.raises(RuntimeError, match="did not answer within 0.1 s"):
                auditor.child.ask(limit_s=0.1, ask="state")
        finally:
            os.kill(auditor.child.process.pid, signal.SIGKILL)
