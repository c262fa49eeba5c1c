"""Adds up the results of a run: tally.py FOLDER.

NAME.status holds a stage's exit code, NAME.xml its tests as JUnit XML (ctest's
or pytest's). A test that did not run has not passed. A stage that failed
without a test to blame counts as one failure. The last line is the sum.
"""
import pathlib
import sys
import xml.etree.ElementTree as xml


def read_tests(path):
    """(passed, names of those that did not pass)."""
    passed, failed = 0, []
    for case in xml.parse(path).getroot().iter("testcase"):
        troubles = [child for child in case if child.tag in ("failure", "error", "skipped")]
        if troubles or case.get("status") in ("fail", "notrun", "disabled"):
            failed.append(case.get("name"))
        else:
            passed += 1
    return passed, failed


def tally(folder):
    passed, failed = 0, []
    for status in sorted(folder.glob("*.status")):
        tests = status.with_suffix(".xml")
        count, names = read_tests(tests) if tests.exists() else (0, [])
        passed += count
        if status.read_text().strip() != "0" and not names:
            names = ["the stage itself"]
        failed += [f"{status.stem}: {name}" for name in names]
    return passed, failed


def main():
    passed, failed = tally(pathlib.Path(sys.argv[1]))
    for name in failed:
        print(f"failed: {name}")
    print(f"{passed} passed, {len(failed)} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
