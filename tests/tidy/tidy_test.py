"""Goal: each rule of tidy goes red on a planted violation, and on nothing else."""
import pathlib
import shutil
import tempfile
import unittest

import tidy
import tidy_layers
import tidy_text

README = """# A project
```
src/
  base/       plumbing
    text.h text.c file_stream.c   growing text
  cmd/        main() only
  source/     where bytes come from
    lines.c source_kafka.c
include/headcount/
  sketch.h    the public header
tests/
  unit/       one file, one test
  fuzz/       one target each
docs/
  GUIDE.md    a guide
```
See [the guide](docs/GUIDE.md), `src/base/text.c`, `text.h`, `build/bin` and `a/b ratio`.
"""
GOOD = {
    "README.md": README,
    "docs/GUIDE.md": "Back to [the start](../README.md) or `./src/cmd`.\n",
    "include/headcount/sketch.h": "#include <stddef.h>\nsize_t hc_size(void);\n",
    "src/base/text.h": "#include <stddef.h>\nstruct text { size_t size; };\n",
    "src/base/text.c": '#include "text.h"\n\n/* not strcpy(a, b) but */\n'
                       'static const char *word = "atoi(";\n',
    "src/cmd/main.c": "int main(void)\n{\n    exit(0);\n}\n",
    "src/base/file_stream.c": "#include <zlib.h>\n",
    "src/source/lines.c": '#include "text.h"\n',
    "src/source/source_kafka.c": '#include <librdkafka/rdkafka.h>\n',
    "tests/unit/text_test.c": '#include <check.h>\n#include "text.h"\n',
    "tests/fuzz/text_fuzz.c": "int x;\n",
    "tests/fuzz/corpus/text/seed": "{}",
}
PLANTED = {
    "a line too long": ("src/base/text.h", "/* " + "x" * 100 + " */\n", "103|106"),
    "a file too long": ("src/base/text.c", "int x;\n" * 501, "501 lines"),
    "a function too long": ("src/base/text.c",
                            "int f(int a,\n      int b)\n{\n" + "    a++;\n" * 68 + "}\n",
                            "function of 72"),
    "a banned call": ("src/base/text.c", "int x = atoi (s);\n", "atoi is banned"),
    "exit below cmd": ("src/base/text.c", "void f(void)\n{\n    exit(1);\n}\n", "exit outside"),
    "unfinished work": ("src/base/text.c", "/* TO" + "DO: more */\n", "TO" + "DO"),
    "level 1 includes level 2": ("src/base/text.c", '#include "lines.h"\n', "may not include"),
    "level 2 includes its like": ("src/window/window.c", '#include "lines.h"\n',
                                  "may not include lines.h of src/source"),
    "librdkafka elsewhere": ("src/source/lines.c", "#include <librdkafka/rdkafka.h>\n",
                             "not for this file"),
    "kafka's header elsewhere": ("src/source/lines.c", '#include "properties.h"\n',
                                 "may not include properties.h"),
    "jsmn elsewhere": ("src/base/text.c", "#include <jsmn.h>\n", "not for this file"),
    "zlib elsewhere": ("src/source/lines.c", "#include <zlib.h>\n", "not for this file"),
    "a header of nobody": ("src/base/text.c", '#include "nowhere.h"\n', "no header of this tree"),
    "a folder without a rule": ("src/other/x.c", '#include "text.h"\n', "no rule says"),
    "a name used twice": ("src/source/text.c", "int x;\n", "taken by src/base/text.c"),
    "a test nobody runs": ("tests/unit/check_text.c", "int x;\n", "nothing runs"),
    "a test in no folder": ("tests/other_test.c", "int x;\n", "nothing runs"),
    "a program test nobody runs": ("tests/cli/count.py", "x = 1\n", "nothing runs"),
    "a fuzz target without corpus": ("tests/fuzz/line_fuzz.c", "int x;\n", "no input in"),
    "a dead path": ("docs/GUIDE.md", "See `src/base/gone.c`.\n", "names src/base/gone.c"),
    "a dead name": ("docs/GUIDE.md", "See `gone.c`.\n", "names gone.c"),
    "a dead link": ("docs/GUIDE.md", "See [this](gone.md).\n", "links to gone.md"),
    "a file the README lacks": ("src/base/more.c", "int x;\n", "does not name src/base/more.c"),
    "a folder the README lacks": ("src/emit/emit.c", "int x;\n", "does not name src/emit/emit.c"),
    "a README without a tree": ("README.md", "Hello.\n", "no drawing"),
    "a tree with a dead file": ("README.md", README.replace("lines.c", "lines.c gone.c"),
                                "names src/source/gone.c"),
    "a tree with a dead folder": ("README.md", README.replace("docs/\n", "gone/   x\ndocs/\n"),
                                  "names gone"),
}
# What the planted includes need to exist.
HELPERS = {
    "level 1 includes level 2": {"src/source/lines.h": ""},
    "level 2 includes its like": {"src/source/lines.h": ""},
    "kafka's header elsewhere": {"src/kafka/properties.h": ""},
}


class PlantedTree(unittest.TestCase):
    def setUp(self):
        self.root = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.root)
        for path, text in GOOD.items():
            self.write(path, text)

    def write(self, path, text):
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text, encoding="utf-8")

    def found(self):
        return list(tidy.violations(tidy.Tree(self.root)))

    def test_a_good_tree_is_green(self):
        self.assertEqual(self.found(), [])

    def test_build_trees_and_binary_files_are_not_looked_at(self):
        self.write("build/x.c", "atoi(s);\n")
        (self.root / "tests/fuzz/corpus/text/binary").write_bytes(b"\xff\0TO" + b"DO")
        self.assertEqual(self.found(), [])

    def test_each_planted_violation_is_found(self):
        for name, (path, text, message) in PLANTED.items():
            with self.subTest(name):
                before = {path: GOOD.get(path)}
                before.update({helper: None for helper in HELPERS.get(name, {})})
                self.write(path, text)
                for helper, content in HELPERS.get(name, {}).items():
                    self.write(helper, content)
                found = "\n".join(self.found())
                self.assertRegex(found, message)
                for changed, content in before.items():
                    if content is None:
                        (self.root / changed).unlink()
                    else:
                        self.write(changed, content)
                self.assertEqual(self.found(), [])

    def test_every_rule_has_a_planted_violation(self):
        """Without the rule the planted tree would be green."""
        for rule in tidy.RULES:
            with self.subTest(rule.__name__):
                red = 0
                for name, (path, text, _) in PLANTED.items():
                    files = {**GOOD, path: text, **HELPERS.get(name, {})}
                    red += bool(list(rule(FakeTree(files))))
                self.assertGreater(red, 0)

    def test_headers_that_need_others(self):
        self.write("src/base/alone.h", "size_t size_of(void);\n")
        self.write("include/headcount/only_c.h", "int f(int restrict_me[static 1]);\n")
        found = tidy_layers.headers_that_need_others(tidy.Tree(self.root), "cc", "c++")
        self.assertEqual(len(found), 2)
        self.assertRegex("\n".join(found), r"src/base/alone.h: .*\(cc\)")
        self.assertRegex("\n".join(found), r"only_c.h: .*\(c\+\+\)")


class FakeTree:
    """A tree in memory."""

    def __init__(self, files):
        self.files = files

    def with_suffix(self, *suffixes):
        return [(path, text) for path, text in self.files.items() if path.endswith(suffixes)]


class Functions(unittest.TestCase):
    def test_lengths_count_from_the_signature_to_the_closing_brace(self):
        text = ("#define X 1\n\n/* Adds. */\nstatic int add(int a,\n               int b)\n{\n"
                "    return a + b;\n}\n\nstruct s {\n    int x;\n};\n\nint\nold(void)\n{\n}\n")
        self.assertEqual(list(tidy_text.c_functions(text)), [(4, 5), (14, 4)])

    def test_comments_and_strings_are_blanked_in_place(self):
        bare = tidy_text.bare_c('a("atoi(", \'"\'); /* exit(\n */ b(); // gets(\nc')
        self.assertEqual(bare.count("\n"), 2)
        for word in ("atoi", "exit", "gets"):
            self.assertNotIn(word, bare)
        self.assertIn("b();", bare)


if __name__ == "__main__":
    unittest.main()
