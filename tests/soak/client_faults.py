"""tools/soak client-faults: every error that a broker can answer to each request of
headcountd, once, five times and for good.

A real broker stands behind a proxy that answers requests with errors; the table
of requests and codes is in tests/support/fault_table.py. Ends with 0 only if
every case did what the table says.
"""
import argparse
import collections
import json
import os
import pathlib
import random
import sys
import tempfile

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parents[1] / "support")]

import fault_lane  # noqa: E402
import fault_run  # noqa: E402
import fault_table  # noqa: E402
import kafka  # noqa: E402
import redis_server  # noqa: E402

# The broker is never killed, so nobody has to notice its end soon; on a busy machine it
# would be taken for dead while it lives.
PROPERTIES = {"group.min.session.timeout.ms": "500", "broker.session.timeout.ms": "30000"}


def report(outcome):
    return json.dumps({
        "case": str(outcome.case), "request": outcome.case.request.name,
        "code": outcome.case.code_name, "times": outcome.case.times, "faults": outcome.faults,
        "exit": outcome.code, "held": outcome.held, "rate": round(outcome.rate, 1),
        "seconds": round(outcome.seconds, 2), "told": outcome.told()})


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", 1)[0])
    parser.add_argument("--build", default="build")
    parser.add_argument("--kafka", default=None, help="where the jars are (BUILD/kafka)")
    parser.add_argument("--only", default="", help="cases in whose name this stands")
    parser.add_argument("--sample", type=int, default=0, help="so many cases, drawn by --seed")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--lanes", type=int, default=4)
    parser.add_argument("--hold", type=float, default=fault_lane.FOR_GOOD_S,
                        help="seconds of what is for good; above 11 it has to be told, too")
    parser.add_argument("--report", help="a line of JSON for each case")
    options = parser.parse_args()
    cases = [case for case in fault_table.cases() if options.only in str(case)]
    rng = random.Random(options.seed)
    rng.shuffle(cases)
    if options.sample:
        cases = cases[:options.sample]
    file = open(options.report or os.devnull, "w", encoding="utf-8")
    with kafka.Broker(options.kafka or options.build + "/kafka", PROPERTIES) as broker, \
            redis_server.Redis() as redis, \
            tempfile.TemporaryDirectory() as scratch, file:
        run = fault_run.Run(pathlib.Path(options.build, "bin"), scratch, redis,
                            broker.bootstrap, options.hold)
        fine = run.run(cases, options.lanes, lambda outcome: print(
            report(outcome), file=file, flush=True))
    exits = collections.Counter(outcome.code for outcome in run.outcomes)
    if not run.wrong and not options.sample and not options.only:
        missed = {str(case) for case in cases} - {str(each.case) for each in run.outcomes}
        assert not missed, missed
    print(f"client-faults: seed {options.seed}, {len(cases)} cases, "
          f"{sum(outcome.faults for outcome in run.outcomes)} faults, {run.commits} commits "
          f"audited, {exits[1] + exits[78]} ends by the table, {len(run.wrong)} wrong")
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())
