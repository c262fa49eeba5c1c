"""HyperLogLog sketches in Python: libheadcount through ctypes, nothing else needed."""
import ctypes as c

PROFILES = {"redis": 1, "datasketches": 2, "postgres": 3, "zetasketch": 4, "trino": 5}


class Options(c.Structure):
    _fields_ = [("profile", c.c_int), ("precision", c.c_uint), ("allocator", c.c_void_p),
                ("key", c.c_char_p)]


class Estimate(c.Structure):
    _fields_ = [(name, c.c_double) for name in ("value", "low", "high", "error")]


# Calls are short: PyDLL keeps the interpreter's lock, so threads may share a sketch.
lib = c.PyDLL("libheadcount.so.0")
lib.hc_status_text.restype = c.c_char_p
lib.hc_sketch_estimate.restype = Estimate
lib.hc_encode_size_max.restype = c.c_size_t


def call(function, *arguments):
    status = function(*arguments)
    if status != 0:
        raise ValueError(lib.hc_status_text(status).decode())


class Sketch:
    """How many different ids, given as bytes or str, were added."""

    def __init__(self, profile="redis", precision=14):
        self._as_parameter_ = c.c_void_p()
        call(lib.hc_sketch_create, c.byref(Options(PROFILES[profile], precision)), self._out())

    def __del__(self):
        lib.hc_sketch_destroy(self._out())

    def _out(self):
        return c.byref(self._as_parameter_)

    @classmethod
    def decode(cls, data, function=lib.hc_decode):
        """From the bytes of encode(), or of an engine: function=lib.hc_redis_decode."""
        sketch = cls.__new__(cls)
        sketch._as_parameter_ = c.c_void_p()
        call(function, data, c.c_size_t(len(data)), None, sketch._out())
        return sketch

    def add(self, item):
        item = item.encode() if isinstance(item, str) else item
        call(lib.hc_sketch_add, self, item, c.c_size_t(len(item)), None)

    def update(self, other):
        """Adds all that the other sketch has: a union."""
        call(lib.hc_sketch_union, self, other, None)

    def estimate(self):
        """value, and low to high, its 95 % interval."""
        return lib.hc_sketch_estimate(self)

    def common(self, other):
        """The estimate of what both sketches have; ValueError where it can't be told."""
        ids = Estimate()
        call(lib.hc_sketch_intersection, self, other, c.byref(ids))
        return ids

    def encode(self):
        room = lib.hc_encode_size_max(self)
        data, size = c.create_string_buffer(room), c.c_size_t()
        call(lib.hc_encode, self, data, c.c_size_t(room), c.byref(size))
        return data.raw[:size.value]
