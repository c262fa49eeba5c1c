"""A helper in a process of its own, that answers questions: one line of JSON each.

It shares no lock and no interpreter with the test, and ends when its stdin does,
so that it outlives nobody.
"""
import json
import subprocess
import sys


class Child:
    """Started with its first line; `greeting` is its answer to that."""

    def __init__(self, script, **start):
        self.process = subprocess.Popen([sys.executable, "-B", str(script)],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        start_new_session=True)
        self.greeting = self.ask(**start)

    def ask(self, **question):
        try:
            self.process.stdin.write(json.dumps(question).encode() + b"\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = b""
        if not line:
            raise RuntimeError(f"{self.process.args[2]} ended: {self.process.wait()}")
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
