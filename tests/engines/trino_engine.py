"""Trino's HyperLogLog: airlift's stats, called as approx_set and merge call it."""
import pathlib
import re

import jpype

ENGINE = {}


def start(sets):
    ENGINE["sets"] = sets
    ENGINE["type"] = jpype.JClass("io.airlift.stats.cardinality.HyperLogLog")
    ENGINE["slices"] = jpype.JClass("io.airlift.slice.Slices")


def version():
    path = str(ENGINE["type"].class_.getProtectionDomain().getCodeSource().getLocation())
    return "airlift " + re.sub(r"\.jar$", "", pathlib.Path(path).name)


def load(data):
    array = jpype.JArray(jpype.JByte)(bytes.fromhex(data))
    return ENGINE["type"].newInstance(ENGINE["slices"].wrappedBuffer(array))


def sketch(form, start, sets, merge):
    if start is None:
        made = ENGINE["type"].newInstance(1 << form["precision"])
    else:
        made = load(start)
    add, slices = made.add, ENGINE["slices"].utf8Slice
    for name in sets:
        for each in ENGINE["sets"][name]:
            add(slices(each))
    for data in merge:
        made.mergeWith(load(data))
    estimate = int(made.cardinality())
    return {"bytes": bytes(made.serialize().getBytes()).hex(), "estimate": estimate}
