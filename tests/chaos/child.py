"""A helper in a process of its own, that answers questions: one line of JSON each.

It shares no lock and no interpreter with the test, and ends when its stdin does,
so that it outlives nobody. One that ends before, or does not answer in time,
raises RuntimeError with its last words.
"""
import json
import select
import subprocess
import sys
import tempfile

ANSWER_S = 900
TAIL = 3000


class Child:
    """Started with its first line; `greeting` is its answer to that."""

    def __init__(self, script, **start):
        self.name = script.name
        self.words = tempfile.TemporaryFile()  # what it says on stderr
        self.process = subprocess.Popen([sys.executable, "-B", str(script)],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=self.words, start_new_session=True)
        self.greeting = self.ask(**start)

    def ended(self):
        return self.process.poll() is not None

    def last_words(self):
        size = self.words.seek(0, 2)
        self.words.seek(max(0, size - TAIL))
        return self.words.read().decode(errors="replace")

    def ask(self, limit_s=ANSWER_S, **question):
        try:
            self.process.stdin.write(json.dumps(question).encode() + b"\n")
            self.process.stdin.flush()
            if not select.select([self.process.stdout], [], [], limit_s)[0]:
                raise RuntimeError(f"{self.name} did not answer within {limit_s} s: "
                                   + self.last_words())
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = b""
        if not line.endswith(b"\n"):
            raise RuntimeError(f"{self.name} ended with {self.process.wait()}: "
                               + self.last_words())
        answer = json.loads(line)
        if "error" in answer:
            raise ValueError(answer["error"])
        return answer

    def end(self, limit_s=30):
        if self.process.stdin.closed:
            return
        try:
            self.process.stdin.close()
        except BrokenPipeError:
            pass  # it ended before
        self.process.stdout.close()
        try:
            self.process.wait(limit_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
