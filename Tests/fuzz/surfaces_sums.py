"""Rows elsewhere: asks and exported sums whose bytes were changed on their way, with and without a check that fits."""
import ctypes
import functools
import json
import struct

import flip
import flip.remote
import pyarrow
from flip._library import Handle, call, config_bytes, lib, new, take_bytes

from mutants import change
from seeds import SMALL
from surfaces_json import narrow, rows

MASK = (1 << 64) - 1
ASK_KEYS = ["stage", "parts", "groups", "tables", "codes", "cells", "plan", "schema", "fields", "config", "epsilon",
            "sketch", "person", "max_rows_per_person", "constraints", "missingValues"]
SKETCH = b"""{"fields": [{"name": "age", "type": "integer"}, {"name": "ward", "type": "string"},
 {"name": "dose", "type": "number"}, {"name": "day", "type": "date", "format": "%d.%m.%Y"}]}"""
PARTS = 3


def sip(key, data):
    """SipHash-2-4 with 128 bits, as the library seals asks and sums; key: two words."""
    v = [key[0] ^ 0x736F6D6570736575, key[1] ^ 0x646F72616E646F6D ^ 0xEE, key[0] ^ 0x6C7967656E657261,
         key[1] ^ 0x7465646279746573]

    def turn(x, n):
        return (x << n | x >> (64 - n)) & MASK

    def rounds(n):
        for _ in range(n):
            v[0] = (v[0] + v[1]) & MASK
            v[1] = turn(v[1], 13) ^ v[0]
            v[0] = turn(v[0], 32)
            v[2] = (v[2] + v[3]) & MASK
            v[3] = turn(v[3], 16) ^ v[2]
            v[0] = (v[0] + v[3]) & MASK
            v[3] = turn(v[3], 21) ^ v[0]
            v[2] = (v[2] + v[1]) & MASK
            v[1] = turn(v[1], 17) ^ v[2]
            v[2] = turn(v[2], 32)

    whole = len(data) // 8 * 8
    tail = int.from_bytes(data[whole:], "little") | (len(data) & 255) << 56
    for m in [*struct.unpack(f"<{whole // 8}Q", data[:whole]), tail]:
        v[3] ^= m
        rounds(2)
        v[0] ^= m
    v[2] ^= 0xEE
    rounds(4)
    low = v[0] ^ v[1] ^ v[2] ^ v[3]
    v[1] ^= 0xDD
    rounds(4)
    return struct.pack("<2Q", low, v[0] ^ v[1] ^ v[2] ^ v[3])


@functools.cache
def plan():
    return flip.plan(narrow(), epsilon=8.0, delta=1e-3, config={**SMALL, "preset": "best"})


def asked():
    """A trainer and the bytes of its ask."""
    trainer = flip.Trainer(new("flip_trainer_create_remote", plan()._pointer, config_bytes({})), None)
    return trainer, take_bytes("flip_trainer_ask", trainer._pointer, PARTS)


class Domain(Handle):
    """A release of a domain under way."""

    _free = "flip_domain_free"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def asked_domain(folder, person, invalid):
    """The release of a domain and the bytes of its ask."""
    for old in folder.glob("sums-budget*"):
        old.unlink()
    terms = {"epsilon": 90.0, "delta": 1e-3, "selection_delta": 5e-4, "max_rows_per_person": 2 if person else None}
    budget = new("flip_budget_create", bytes(folder / "sums-budget.h5"), config_bytes(terms))
    try:
        config = {"epsilon": 20, "test_seed": 1, "person": person, "max_rows_per_person": terms["max_rows_per_person"],
                  "invalid": invalid}
        domain = Domain(new("flip_domain_create_remote", budget, SKETCH, len(SKETCH), config_bytes(config)))
    finally:
        lib.flip_budget_free(budget)
    return domain, take_bytes("flip_domain_ask", domain._pointer, PARTS)


def cell(random, kind):
    """A cell of some column, most of them good."""
    if random.random() < 0.1:
        return random.choice([None, "", "x" * random.choice([1, 199, 200, 201, 3000]), "\0", "1e999", "9" * 20])
    return {"age": str(random.randrange(99)), "ward": random.choice(["north", "south", f"w{random.randrange(50)}"]),
            "dose": repr(random.random()), "day": f"{random.randrange(1, 29):02}.02.2024"}[kind]


def stream(random, person):
    """Rows of a domain: texts, dictionaries or numbers."""
    names, n = ["age", "ward", "dose", "day", *([person] if person else [])], random.choice([0, 1, 7, 40])
    columns = {name: [cell(random, name if name != person else "ward") for _ in range(n)] for name in names}
    table = pyarrow.table({name: pyarrow.array(cells, pyarrow.string()) for name, cells in columns.items()})
    if random.random() < 0.3:
        at = random.randrange(len(names))
        kind = random.choice([pyarrow.float64(), pyarrow.int8(), pyarrow.date32(), pyarrow.timestamp("ns"),
                              pyarrow.timestamp("s"), pyarrow.bool_(), pyarrow.decimal128(38, 10), pyarrow.float16()])
        cells = pyarrow.array([random.choice([None, 0, 1]) for _ in range(n)], pyarrow.int64())
        made = cells.cast(pyarrow.int32()).cast(kind) if pyarrow.types.is_date(kind) else cells.cast(kind)
        table = table.set_column(at, names[at], made)
    elif random.random() < 0.5:
        at = random.randrange(len(names))
        table = table.set_column(at, names[at], table.column(at).dictionary_encode())
    return table


def domain_sums(random, folder):
    """The same of a domain: texts beside the words."""
    person = random.choice([None, None, "who"])
    domain, ask = asked_domain(folder, person, random.choice(["refuse", "coerce", "coerce"]))
    with domain:
        take = random.randrange(4)
        if take < 2:
            return harmed_ask(random, ask, take, lambda: stream(random, person))
        with flip.remote.Sums(ask) as total:
            for part in range(PARTS):
                own = flip.remote.part_sums(ask, part, stream(random, person))
                if part == 1 and random.random() < 0.7:
                    own = broken(random, own) if take == 2 else changed_sums(random, ask, own)
                total.merge(own)
            call("flip_domain_answer", domain._pointer, total._pointer)
            schema, report = ctypes.c_void_p(), ctypes.c_void_p()
            call("flip_domain_finish", domain._pointer, ctypes.byref(schema), ctypes.byref(report))
            lib.flip_buffer_free(report)
            flip.Schema(flip.Schema(schema.value).json)
    return True


def broken(random, data):
    """Bytes with some bits turned, some taken out or put in, or an end that is gone."""
    data = bytearray(data)
    for _ in range(random.choice([1, 1, 2, 8])):
        at = random.randrange(max(1, len(data)))
        kind = random.randrange(4)
        if kind == 0:
            del data[at:at + random.choice([1, 8, 64, len(data)])]
        elif kind == 1:
            data[at:at] = random.randbytes(random.choice([1, 8, 64]))
        elif data:
            data[at % len(data)] ^= 1 << random.randrange(8)
    return bytes(data)


def changed_ask(random, ask):
    """An ask whose text says something else, sealed as the library seals it."""
    (size,) = struct.unpack_from("<Q", ask, 56)
    record, codes = json.loads(ask[64:64 + size]), ask[64 + size:-16]
    change(random, record, ASK_KEYS)
    text = json.dumps(record).encode()
    data = ask[:56] + struct.pack("<Q", len(text)) + text + (broken(random, codes) if random.random() < 0.2 else codes)
    return data + sip(struct.unpack_from("<2Q", ask, 40), data)


def harmed_ask(random, ask, take, rows):
    """A worker's side of an ask that is broken, or sealed as another one."""
    if take == 0:
        flip.remote.ask_info(broken(random, ask))
        return True
    other = changed_ask(random, ask)
    flip.remote.ask_info(other)
    return bool(flip.remote.part_sums(other, 0, rows()))


def changed_sums(random, ask, sums):
    """Exported sums with other words or another head, sealed as the library seals them."""
    data = bytearray(sums[:-16])
    if random.random() < 0.2:                               # lists of texts may have any length
        data = bytearray(data[:40] + broken(random, data[40:]))
    for _ in range(random.choice([1, 1, 3, 20])):
        at = 8 * random.randrange(len(data) // 8)
        word = random.choice([0, 1, 2, MASK, 1 << 63, 1 << 40, (1 << 40) - 1, random.getrandbits(64)])
        struct.pack_into("<Q", data, at, word)
    return bytes(data) + sip(struct.unpack_from("<2Q", ask, 40), bytes(data))


def sums(random, folder):
    """Changes an ask or sums of it, and does what a worker and a trainer do with them."""
    if random.random() < 0.5:
        return domain_sums(random, folder)
    trainer, ask = asked()
    with trainer:
        take = random.randrange(4)
        if take < 2:
            return harmed_ask(random, ask, take, lambda: rows()[0])
        with flip.remote.Sums(ask) as total:
            for part in range(PARTS):
                own = flip.remote.part_sums(ask, part, rows()[0])
                if part == 1:
                    own = broken(random, own) if take == 2 else changed_sums(random, ask, own)
                total.merge(own)
            call("flip_trainer_answer", trainer._pointer, total._pointer, None)
    return True
