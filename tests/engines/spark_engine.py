"""Spark's SQL functions of sketches, and DataSketches' Java library below them."""
import os
import tempfile

import jpype

# What Spark's own scripts give to Java 17.
JAVA_OPTIONS = ["--add-opens=java.base/" + package + "=ALL-UNNAMED" for package in (
    "java.lang", "java.lang.invoke", "java.lang.reflect", "java.io", "java.net", "java.nio",
    "java.util", "java.util.concurrent", "java.util.concurrent.atomic", "sun.nio.ch",
    "sun.nio.cs", "sun.security.action", "sun.util.calendar")]
SETTINGS = {"spark.ui.enabled": "false", "spark.driver.host": "127.0.0.1",
            "spark.driver.bindAddress": "127.0.0.1", "spark.sql.shuffle.partitions": "1",
            "spark.sql.codegen.wholeStage": "false",
            "spark.sql.codegen.factoryMode": "NO_CODEGEN"}
ENGINE = {}


def start(sets):
    ENGINE["sets"] = sets
    hll = "org.apache.datasketches.hll."
    ENGINE["type"], ENGINE["union"] = jpype.JClass(hll + "HllSketch"), jpype.JClass(hll + "Union")
    kinds = jpype.JClass(hll + "TgtHllType")
    ENGINE["types"] = {4: kinds.HLL_4, 6: kinds.HLL_6, 8: kinds.HLL_8}


def java_bytes(data):
    return jpype.JArray(jpype.JByte)(data)


def load(data):
    return ENGINE["type"].heapify(java_bytes(bytes.fromhex(data)))


def united(lg_k, sketches):
    union = ENGINE["union"](lg_k)
    for each in sketches:
        union.update(each)
    return union


def plain(sketch):
    """The same in the form that is easily read: compact, HLL_8."""
    union = united(sketch.getLgConfigK(), [sketch])
    return bytes(union.getResult(ENGINE["types"][8]).toCompactByteArray()).hex()


def sketch(form, start, sets, merge):
    """By the library, as the functions of SQL do it."""
    made = ENGINE["type"](form["precision"], ENGINE["types"][form["bits"]])
    if start is not None:
        made = load(start)
    for name in sets:
        for each in ENGINE["sets"][name]:
            made.update(each)
    if merge:
        union = united(form["precision"], [made, *map(load, merge)])
        made = union.getResult(ENGINE["types"][form["bits"]])
    image = made.toUpdatableByteArray() if form["updatable"] else made.toCompactByteArray()
    return {"bytes": bytes(image).hex(), "plain": plain(made),
            "estimate": float(made.getCompositeEstimate()), "told": float(made.getEstimate())}


def session():
    if "session" not in ENGINE:
        builder = jpype.JClass("org.apache.spark.sql.SparkSession").builder().master("local[1]")
        SETTINGS["spark.sql.warehouse.dir"] = os.getcwd()
        for name, value in SETTINGS.items():
            builder = builder.config(name, value)
        ENGINE["session"] = builder.getOrCreate()
        ENGINE["session"].sparkContext().setLogLevel("ERROR")
    return ENGINE["session"]


def version():
    return f"Spark {session().version()}"


def query(rows, text):
    """Rows of words as the table `t`; the rows of the answer as text."""
    with tempfile.NamedTemporaryFile("w", dir=".", suffix=".csv") as file:
        file.writelines(",".join(row) + "\n" for row in rows)
        file.flush()
        names = [f"c{i}" for i in range(len(rows[0]))]
        session().read().schema(", ".join(f"{name} string" for name in names)).csv(
            os.path.abspath(file.name)).createOrReplaceTempView("t")
        return [[str(row.get(i)) for i in range(row.length())]
                for row in session().sql(text).collectAsList()]


def aggregate(sets, text):
    """The same over the table of ids in c1, c0 being the name of their set."""
    rows = [[name, each.encode().hex()] for name in sets for each in ENGINE["sets"][name]]
    return query(rows, text.replace("$id", "decode(unhex(c1), 'UTF-8')"))
