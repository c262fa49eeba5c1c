"""One sketch of the library at a time, by way of tests/engines/sketch_driver.c."""
import subprocess


class Refused(Exception):
    """Its text is the status that the library gave."""


class OurSketch:
    """The driver's process; ended on leaving."""

    def __init__(self, bin_folder):
        self.process = subprocess.Popen([str(bin_folder / "sketch_driver")],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.stdout.close()
        code = self.process.wait()
        assert code == 0, f"sketch_driver ended with {code}"

    def ask(self, *words):
        self.process.stdin.write((" ".join(map(str, words)) + "\n").encode())
        self.process.stdin.flush()
        answer = self.process.stdout.readline().decode().split()
        assert answer, f"sketch_driver died of {str(words)[:200]}"
        if answer[0] != "HC_OK":
            raise Refused(answer[0])
        return answer[1:]

    def count(self, profile, precision, hexadecimal):
        """A new sketch of ids, which are given in hexadecimal with spaces between."""
        self.ask("new", profile, precision)
        return self.add(hexadecimal)

    def add(self, hexadecimal):
        if hexadecimal:
            self.ask("add", hexadecimal)
        return self

    def fold(self, precision):
        self.ask("fold", precision)
        return self

    def encode(self, *form):
        return self.ask("encode", *form)[0]

    def decode(self, engine, data):
        self.ask("decode", engine, data)
        return self

    def union(self, engine, data):
        self.ask("union", engine, data)
        return self

    def registers(self):
        return self.ask("registers")[0]

    def show(self):
        """(profile, precision, is sparse, estimate)"""
        profile, precision, kind, estimate = self.ask("show")
        return profile, int(precision), kind == "sparse", float(estimate)

    def rare(self, profile, precision, rank, prefix, count):
        """`count` ids, prefix and a number, whose rank is at least so."""
        return self.ask("rare", profile, precision, rank, prefix, count)
