"""Engines in processes of their own, so that a crash or a class path stays there.

    with child_engine.Engine("trino", build / "engines") as trino:
        trino.define("few", ["a", "b"])
        trino.sketch({"precision": 12}, sets=["few"])

An engine is a module here, NAME_engine.py, whose functions the parent calls by
name: a line of JSON goes in, one comes out. It runs in a Python of its own, and
in that a Java of its own where it has jars: Spark those of pyspark, others what a
NAME.pom.xml names, brought by Maven, once, to a folder.

    child_engine.py fetch FOLDER     brings the jars of all poms

Nothing is left behind: the child is killed on leaving, and by the kernel when
the thread that started it dies. What it writes goes to a folder that is removed.
"""
import ctypes
import importlib
import importlib.util
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
POMS = ("spark_kafka", "trino", "zetasketch")
PR_SET_PDEATHSIG = 1


class EngineError(Exception):
    """What the engine had to say against it."""


def fetch(name, folder):
    """The folder of the engine's jars, downloaded if it is not there as the pom has it."""
    pom, jars = HERE / f"{name}.pom.xml", pathlib.Path(folder).resolve() / name
    done = jars / "pom.xml"
    if done.exists() and done.read_bytes() == pom.read_bytes():
        return jars
    partial = jars.with_name(name + ".partial")
    for old in (jars, partial):
        shutil.rmtree(old, ignore_errors=True)
    subprocess.run(
        ["mvn", "-q", "-B", "-Dstyle.color=never", "-f", str(pom),
         "dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={partial}"],
        check=True, stdin=subprocess.DEVNULL, stdout=sys.stderr)
    shutil.copy(pom, partial / "pom.xml")
    partial.rename(jars)
    return jars


def jars_of(name, folder):
    """The folder of an engine's jars; None of one that is not Java's."""
    if name == "spark":
        return pathlib.Path(importlib.util.find_spec("pyspark").origin).parent / "jars"
    return fetch(name, folder) if name in POMS else None


def die_with_parent():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Engine:
    """Starts on entering, ends on leaving."""

    def __init__(self, name, folder):
        self.name = name
        self.jars = jars_of(name, folder)
        self.folder = tempfile.TemporaryDirectory(prefix=f"{name}-")
        with open(os.path.join(self.folder.name, "log"), "wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, __file__, name, str(self.jars or "")], cwd=self.folder.name,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log,
                preexec_fn=die_with_parent)
        self.known = set()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()
        self.folder.cleanup()

    def call(self, function, **arguments):
        line = json.dumps([function, arguments]).encode() + b"\n"
        try:
            self.process.stdin.write(line)
            self.process.stdin.flush()
            answer = json.loads(self.process.stdout.readline())
        except (OSError, ValueError):
            log = pathlib.Path(self.folder.name, "log").read_text(errors="replace")
            raise EngineError(f"{self.name} is gone:\n{log[-4000:]}") from None
        if "error" in answer:
            raise EngineError(answer["error"])
        return answer["result"]

    def define(self, name, ids):
        """Makes a set of ids known under a name; once is enough."""
        if name not in self.known:
            self.call("define", name=name, ids=ids)
            self.known.add(name)

    def sketch(self, form, start=None, sets=(), merge=()):
        """A sketch of `form` from bytes (or new), then counted, then merged into."""
        return self.call("sketch", form=form, start=start, sets=list(sets), merge=list(merge))

    def version(self):
        return self.call("version")


# The child.

SETS = {}


def define(name, ids):
    SETS[name] = ids


def start_java(jars, options):
    import jpype
    jpype.startJVM("-XX:-UsePerfData", "-Xmx1g", "-XX:+UseSerialGC",
                   "-XX:TieredStopAtLevel=1", f"-Djava.io.tmpdir={os.getcwd()}", *options,
                   classpath=[str(jar) for jar in sorted(pathlib.Path(jars).glob("*.jar"))])


def answer_of(module, line):
    function, arguments = json.loads(line)
    try:
        call = define if function == "define" else getattr(module, function)
        return {"result": call(**arguments)}
    except Exception as error:  # Java's too: the parent shall see it
        return {"error": f"{type(error).__name__}: {error}"}


def main(name, where):
    if name == "fetch":
        for each in POMS:
            fetch(each, where)
    else:
        serve(name, where)


def serve(name, jars):
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # engines like to talk
    sys.modules["child_engine"] = sys.modules["__main__"]
    module = importlib.import_module(f"{name}_engine")
    if jars:
        start_java(jars, getattr(module, "JAVA_OPTIONS", ()))
    module.start(SETS)
    for line in sys.stdin.buffer:
        answers.write(json.dumps(answer_of(module, line)).encode() + b"\n")
        answers.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
