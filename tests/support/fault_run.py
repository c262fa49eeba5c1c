"""Cases of fault_table.py, shared out over lanes of fault_lane.py that run side by
side before one broker."""
import itertools
import queue
import random
import threading
import time

import fault_lane
import oracle
import programs
import topics

# Only one at a time uses the oracle's redis-server.
ORACLE = threading.Lock()


class Run:
    """Cases, shared out over some lanes."""

    def __init__(self, bin_folder, scratch, redis, brokers, hold_s):
        self.redis, self.hold_s = redis, hold_s
        self.brokers, self.bin, self.scratch = brokers, bin_folder, scratch
        self.outcomes, self.wrong = [], []
        self.name = f"faults-{random.SystemRandom().getrandbits(32):08x}"
        self.names = itertools.count()
        self.commits = 0

    def lane(self, output=True):
        return fault_lane.Lane(f"{self.name}-{next(self.names)}",
                               programs.Programs(self.bin, self.scratch),
                               topics.Topics(self.brokers), oracle.Oracle(self.redis), output,
                               self.hold_s)

    def run(self, cases, lanes, tell=lambda outcome: None):
        """False when something was wrong."""
        waiting = queue.SimpleQueue()
        for case in cases:
            waiting.put(case)
        threads = [threading.Thread(target=self._work, args=(waiting, tell), daemon=True)
                   for _ in range(lanes)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return not self.wrong

    def _work(self, waiting, tell):
        try:
            with self.lane() as lane:
                while (case := self._next(waiting)) is not None:
                    if case.request.when == "create":
                        self._alone(case, tell)
                    else:
                        self._one(lane, case, tell)
                self._finish(lane, "at the end")
        except Exception as failure:  # a thread's failure would go unseen
            self._blame(threading.current_thread().name, repr(failure))

    @staticmethod
    def _next(waiting):
        try:
            return waiting.get_nowait()
        except queue.Empty:
            return None

    def _alone(self, case, tell):
        """One that needs an output of its own."""
        with self.lane(output=False) as lane:
            if self._one(lane, case, tell):
                self._finish(lane, case)

    def _one(self, lane, case, tell):
        try:
            outcome = lane.run(case)
        except (AssertionError, OSError) as failure:
            self._blame(str(case), str(failure))
            lane.give_up()
            return False
        self.outcomes.append(outcome)
        tell(outcome)
        return True

    def _blame(self, what, failure):
        """Told at once: the run may be long."""
        self.wrong.append((what, failure))
        print(f"{time.strftime('%H:%M:%S')} WRONG {what}\n    {failure}", flush=True)

    def _finish(self, lane, what):
        try:
            with ORACLE:
                lane.finish()
            self.commits += len(lane.proxy.commits)
        except AssertionError as failure:
            self._blame(f"{lane.name} {what}", str(failure))
