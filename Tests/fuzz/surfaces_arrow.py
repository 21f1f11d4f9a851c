"""Arrow streams whose structs break the interface in every way that the library can see.

Nobody can see how long a buffer is, so all buffers here have 8 KiB and all offsets that could be followed lie inside.
Every struct that was handed out must be released exactly once, whatever the library makes of it.
"""
import ctypes
import functools
from ctypes import CFUNCTYPE, c_int, c_void_p, cast

import flip
from flip._arrow import CArrowArray, CArrowSchema
from flip._library import CALLBACK, new

from seeds import WIDE
from surfaces_text import config as text_config

ROOM = 8192
RELEASE = CFUNCTYPE(None, c_void_p)
GET = CFUNCTYPE(c_int, c_void_p, c_void_p)
LAST = CFUNCTYPE(c_void_p, c_void_p)


class Stream(ctypes.Structure):
    _fields_ = [("get_schema", GET), ("get_next", GET), ("get_last_error", LAST), ("release", RELEASE),
                ("private_data", c_void_p)]


# Formats by the bytes of an element: a format may be exchanged for another of no greater width.
FIXED = {1: ["c", "C", "b"], 2: ["s", "S", "e"], 4: ["i", "I", "f", "tdD", "tts", "ttm", "d:9,2,32"],
         8: ["l", "L", "g", "tdm", "tss:", "tsu:UTC", "tsn:", "tsm:Europe/Rome", "ttu", "ttn", "tDs", "d:18,2,64"],
         16: ["d:20,2", "d:38,0", "d:5,-3"], 32: ["d:50,2,256", "d:76,70,256"]}
BROKEN = [b"", b"w:", b"w:-4", b"d:", b"d:5", b"d:1000,2", b"d:5,2,77", b"d:9999999999999999999,1", b"tsu", b"tsx:",
          b"+l", b"+s", b"+w:3", b"+us:0,1", b"tt", b"\xff", b"iiii", b"l ", b"ts", b"+r", b"?",
          b"tsu:Nowhere/At all", b"n" * 300]
# For each field: bytes of an element, its format, elements as whole numbers; and texts.
VALUES = {b"city": (1, b"c", [0, 1, 2]), b"grade": (2, b"s", [1, 2, 3]), b"yes": (1, b"b", [0, 1, 255]),
          b"age": (4, b"I", [0, 17, 120]), b"dose": (8, b"g", [0, 0x3FF0000000000000, 0x4012000000000000]),
          b"born": (4, b"tdD", [0, 18262, 9000]), b"seen": (8, b"tsu:UTC", [10 ** 15, 1577934245123456])}
TEXTS = {b"city": [b"Ulm", b"Rom", b""], b"grade": [b"1", b"3"], b"yes": [b"true", b"false", b""],
         b"age": [b"0", b"77"],
         b"dose": [b"0.5", b"9", b""], b"born": [b"1950-02-28"], b"seen": [b"2020-01-01T00:00:00Z", b""]}
LENGTHS = [0, 1, 2, 3, 5, 8, 30]
ODD = [-1, -2 ** 63, 2 ** 62, 2 ** 63 - 1]


class Producer:
    """Everything that one stream hands out, kept alive, with the number of its releases."""

    def __init__(self, random):
        self.random, self.kept = random, []
        self.release = {kind: RELEASE(lambda at, kind=kind: self.let_go(kind.from_address(at)))
                        for kind in (CArrowSchema, CArrowArray)}

    def let_go(self, struct):
        """The release callback of every struct. Its number is in private_data, for the struct itself may be moved."""
        self.kept[struct.private_data or 0][1] += 1
        struct.release = None

    def own(self, struct):
        self.kept.append([struct, 0])
        struct.private_data = len(self.kept) - 1
        struct.release = cast(self.release[type(struct)], c_void_p).value
        return struct

    def keep(self, thing):
        self.kept.append([thing, 1])
        return thing

    def buffer(self, data=b""):
        return cast(self.keep(ctypes.create_string_buffer(bytes(data), ROOM)), c_void_p).value

    def odd(self, value, often=0.04):
        return self.random.choice(ODD) if self.random.random() < often else value


def offsets(random, n, kind, sorted_=True):
    """`n` offsets into a buffer; none leads out of it."""
    values = [random.randrange(0, 60) for _ in range(n)]
    if sorted_ or random.random() < 0.7:
        values.sort()
    return b"".join(value.to_bytes(kind, "little") for value in values)


def schema_of(p, name, format_, children=(), dictionary=None):
    random, s = p.random, CArrowSchema()
    if random.random() < 0.01:
        format_ = random.choice(BROKEN)
    s.format = None if random.random() < 0.003 else p.keep(format_)
    if random.random() < 0.01:
        name = random.choice([None, b"", b"\xff\xfe", b"age", b"n" * 5000])
    s.name = p.keep(name)
    s.flags = random.choice([0, 1, 2, 4, -1, 2 ** 40])
    pointers = (c_void_p * max(1, len(children)))(*[ctypes.addressof(c) if random.random() > 0.002 else None
                                                    for c in children])
    s.children = cast(p.keep(pointers), c_void_p).value if random.random() > 0.002 else None
    s.n_children = random.choice([-1, 0, max(0, len(children) - 1)]) if random.random() < 0.01 else len(children)
    if dictionary is not None and random.random() > 0.01:
        s.dictionary = ctypes.addressof(dictionary)
    return p.own(s)


def array_of(p, length, buffers, children=(), dictionary=None):
    random, a = p.random, CArrowArray()
    a.length, a.offset = p.odd(length, 0.005), random.choice([0, 0, 0, 1, 7, 30])
    if random.random() < 0.005:
        a.offset = -random.choice([1, 2 ** 63])
    a.null_count = (random.choice([-1, 0, 1, length, -2, 2 ** 60]) if random.random() < 0.03 else
                    -1 if buffers and buffers[0] else 0)
    slots = (c_void_p * 16)(*[b if random.random() > 0.005 else None for b in buffers])
    a.buffers = cast(p.keep(slots), c_void_p).value if random.random() > 0.002 else None
    a.n_buffers = random.choice([-1, 0, 1, 2, 3, 5]) if random.random() < 0.01 else len(buffers)
    pointers = (c_void_p * max(1, len(children)))(*[ctypes.addressof(c) if random.random() > 0.002 else None
                                                    for c in children])
    a.children = cast(p.keep(pointers), c_void_p).value if random.random() > 0.002 else None
    a.n_children = random.choice([-1, 0, max(0, len(children) - 1)]) if random.random() < 0.01 else len(children)
    if dictionary is not None and random.random() > 0.01:
        a.dictionary = ctypes.addressof(dictionary)
    p.own(a)
    if random.random() < 0.002:
        p.let_go(a)                    # released already
    return a


def words(random, n):
    """The buffers of `n` texts: offsets of 4 bytes, and bytes."""
    return offsets(random, n + 40, 4), random.choice([b"UlmUlmKoelnRom", b"aabb" * 15, b"\xff" * 60,
                                                      "ÄÖÜ".encode() * 10, b"2020-01-01" * 6, b"1" * 60])


def fitting(p, name, length):
    """(schema, array) of values that the field of this name takes."""
    random, valid = p.random, random_valid(p, name)
    if random.random() < 0.3:                            # texts are read as the cells of a CSV file are
        cells = [random.choice(TEXTS[name]) for _ in range(length + 40)]
        ends = [sum(map(len, cells[:i])) for i in range(len(cells) + 1)]
        place = b"".join(end.to_bytes(4, "little") for end in ends)
        return schema_of(p, name, b"u"), array_of(p, length, [valid, p.buffer(place), p.buffer(b"".join(cells))])
    width, format_, values = VALUES[name]
    data = b"".join(random.choice(values).to_bytes(width, "little") for _ in range(length + 40))
    if name != b"city":
        return schema_of(p, name, format_), array_of(p, length, [valid, p.buffer(data)])
    levels = b"".join(end.to_bytes(4, "little") for end in (0, 3, 6, 11))
    return (schema_of(p, name, format_, dictionary=schema_of(p, b"", b"u")),
            array_of(p, length, [valid, p.buffer(data)],
                     dictionary=array_of(p, 3, [None, p.buffer(levels), p.buffer("UlmRomKöln".encode())])))


def random_valid(p, name=b""):
    return None if name == b"grade" else p.random.choice([None, p.buffer(p.random.randbytes(64))])


def column(p, name, length):
    """(schema, array) of one column: nine in ten of values that fit, the others of a random type."""
    random = p.random
    if name in VALUES and random.random() < 0.93:
        return fitting(p, name, length)
    kind = random.choice(["fixed", "fixed", "fixed", "text", "large", "dictionary", "null", "nested"])
    valid = random_valid(p)
    if kind == "text":
        place, data = words(random, length)
        return schema_of(p, name, b"u"), array_of(p, length, [valid, p.buffer(place), p.buffer(data)])
    if kind == "large":
        return (schema_of(p, name, b"U"),
                array_of(p, length, [valid, p.buffer(offsets(random, length + 40, 8)), p.buffer(b"Ulm" * 20)]))
    if kind == "dictionary":
        n = random.choice([0, 1, 3, 30])
        place, data = words(random, n)
        width = random.choice([1, 2, 4, 8])
        indices = b"".join((random.choice([0, 1, 2, n, -1, 100]) % (1 << 8 * width)).to_bytes(width, "little")
                           for _ in range(length + 40))
        return (schema_of(p, name, random.choice(FIXED[width][:2]).encode(), dictionary=schema_of(p, b"", b"u")),
                array_of(p, length, [valid, p.buffer(indices)],
                         dictionary=array_of(p, n, [None, p.buffer(place), p.buffer(data)])))
    if kind == "null":
        return schema_of(p, name, b"n"), array_of(p, length, [])
    if kind == "nested":
        inner = column(p, b"item", length)
        return schema_of(p, name, b"+s", [inner[0]]), array_of(p, length, [valid], [inner[1]])
    width = random.choice(list(FIXED))
    data = random.choice([random.randbytes(70 * width), bytes(70 * width), (1).to_bytes(width, "little") * 70,
                          b"\xff" * 70 * width])
    return (schema_of(p, name, random.choice(FIXED[width]).encode()), array_of(p, length, [valid, p.buffer(data)]))


@functools.cache
def wide():
    return flip.Schema(WIDE)


def arrow(random, folder):
    p, length = Producer(random), random.choice(LENGTHS)
    names = [field["name"].encode() for field in WIDE["fields"]]
    if random.random() < 0.2:
        names = random.sample(names, random.randrange(len(names) + 1)) + random.choice([[], [b"more"], names[:1]])
    columns = [column(p, name, length + 30) for name in names]
    top = schema_of(p, b"", b"+s", [s for s, _ in columns])
    left = [array_of(p, length, [None], [a for _, a in columns])]
    handed = []

    def give(struct, out):
        ctypes.memmove(out, ctypes.byref(struct), ctypes.sizeof(struct))
        handed.append(struct.private_data or 0)
        struct.release = None                            # moved
        return 0

    def get_schema(_, out):
        return random.choice([5, 22, -1]) if random.random() < 0.01 else give(top, out)

    def get_next(_, out):
        if random.random() < 0.02:
            return random.choice([5, 22, 125])
        if not left:
            ctypes.memset(out, 0, ctypes.sizeof(CArrowArray))
            return 0
        return give(left.pop(), out)

    def release(at):
        Stream.from_address(at).release = RELEASE()
        gone.append(at)
    gone = []
    stream = Stream(GET(get_schema), GET(get_next), LAST(lambda _: None), RELEASE(release), None)
    if random.random() < 0.01:
        stream.get_next = GET()
    try:
        flip.Table(new("flip_table_import", wide()._pointer, ctypes.addressof(stream), text_config(random, "arrow"),
                       CALLBACK(), None))
        return True
    finally:
        broken = [n for n in handed if p.kept[n][1] != 1]
        if len(gone) != 1 or broken:
            raise AssertionError(f"released {len(gone)} streams; structs that were not released once: {len(broken)}")
