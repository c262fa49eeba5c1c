"""The guard itself: guard_test.py BUILD.

That counting twice gives the same, that a slowdown of 5 % that is planted in
one case is found there and nowhere else, and what is said of figures that don't
fit.
"""
import sys
import unittest

import guard

WITH = "compiler 1"


class Judgement(unittest.TestCase):
    def judge(self, was, is_now, with_now=WITH):
        return guard.judge((WITH, was), (with_now, is_now))

    def test_within_three_percent_is_silent(self):
        self.assertEqual(self.judge({"a": 10000, "b": 10000}, {"a": 10300, "b": 9700}), [])

    def test_growth_is_named(self):
        found = self.judge({"a": 10000, "b": 10000}, {"a": 10301, "b": 10000})
        self.assertEqual(found, ["a grew by 3.0%: 10000 -> 10301 instructions"])

    def test_what_was_won_is_to_be_recorded(self):
        found = self.judge({"a": 10000}, {"a": 5000})
        self.assertEqual(len(found), 1)
        self.assertIn("shrank", found[0])

    def test_a_case_without_a_figure(self):
        self.assertEqual(len(self.judge({}, {"a": 1})), 1)

    def test_a_figure_without_a_case(self):
        self.assertEqual(len(self.judge({"a": 1}, {})), 1)

    def test_another_compiler_can_not_be_judged(self):
        self.assertIn("nothing can be said",
                      "".join(self.judge({"a": 1}, {"a": 1}, "compiler 2")))

    def test_what_is_written_is_read(self):
        figures = {"a": 1, "b": 22}
        self.assertEqual(guard.parse(guard.render(WITH, figures)), (WITH, figures))


class Counting(unittest.TestCase):
    build = None

    def test_a_planted_slowdown_is_found_where_it_is(self):
        clean = guard.count(self.build)
        for case in ("decode", "loop"):
            slow = guard.count(self.build, case)
            found = guard.judge(clean, slow)
            self.assertEqual(len(found), 1, found)
            self.assertTrue(found[0].startswith(f"{case} grew by "), found)
            for name in set(clean[1]) - {case}:
                self.assertAlmostEqual(slow[1][name] / clean[1][name], 1, delta=0.001)


if __name__ == "__main__":
    Counting.build = sys.argv.pop(1)
    unittest.main()
