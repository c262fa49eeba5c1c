"""Apache DataSketches, C++ by its Python package."""
import importlib.metadata

import datasketches

ENGINE = {}
TYPES = {4: datasketches.HLL_4, 6: datasketches.HLL_6, 8: datasketches.HLL_8}


def start(sets):
    ENGINE["sets"] = sets


def version():
    return "datasketches " + importlib.metadata.version("datasketches")


def load(data):
    return datasketches.hll_sketch.deserialize(bytes.fromhex(data))


def united(lg_k, sketches):
    """Twice, which changes nothing but that the estimate comes from the registers."""
    union = datasketches.hll_union(lg_k)
    for each in [*sketches, *sketches]:
        union.update(each)
    return union


def plain(sketch):
    """The same in the form that is easily read: compact, HLL_8."""
    union = united(sketch.lg_config_k, [sketch])
    return bytes(union.get_result(datasketches.HLL_8).serialize_compact()).hex()


def sketch(form, start, sets, merge):
    made = datasketches.hll_sketch(form["precision"], TYPES[form["bits"]])
    if start is not None:
        made = load(start)
    for name in sets:
        for each in ENGINE["sets"][name]:
            made.update(each)
    if merge:
        union = united(form["precision"], [made, *map(load, merge)])
        made = union.get_result(TYPES[form["bits"]])
    image = made.serialize_updatable() if form["updatable"] else made.serialize_compact()
    return {"bytes": bytes(image).hex(), "plain": plain(made),
            "estimate": united(made.lg_config_k, [made]).get_estimate(),
            "told": made.get_estimate()}
