"""ZetaSketch's HyperLogLog++, that of BigQuery's HLL_COUNT."""
import pathlib
import re

import jpype

ENGINE = {}


def start(sets):
    ENGINE["sets"] = sets
    ENGINE["type"] = jpype.JClass("com.google.zetasketch.HyperLogLogPlusPlus")
    ENGINE["builder"] = jpype.JClass("com.google.zetasketch.HyperLogLogPlusPlus$Builder")


def version():
    path = str(ENGINE["type"].class_.getProtectionDomain().getCodeSource().getLocation())
    return re.sub(r"\.jar$", "", pathlib.Path(path).name)


def load(data):
    return ENGINE["type"].forProto(jpype.JArray(jpype.JByte)(bytes.fromhex(data)))


def new(form):
    builder = ENGINE["builder"]().normalPrecision(form["precision"])
    if form["sparse"]:
        return builder.sparsePrecision(form["sparse"]).buildForStrings()
    return builder.noSparseMode().buildForStrings()


def sketch(form, start, sets, merge):
    made = new(form) if start is None else load(start)
    text = jpype.JString
    for name in sets:
        for each in ENGINE["sets"][name]:
            made.add(text(each))
    for data in merge:
        made.merge(load(data))
    return {"bytes": bytes(made.serializeToByteArray()).hex(),
            "estimate": int(made.longResult())}
