"""CSV files: read under a schema, listed for what breaks it, and schemas made from them."""
import ctypes
import functools

import flip
from flip._library import CALLBACK, config_bytes, lib, new, take_json

from mutants import ODD_NUMBERS, ODD_TEXTS, changed_text, json_text
from seeds import WIDE, narrow_csv, wide_csv

PIECES = [b'"', b'""', b",", b";", b"\t", b"\r\n", b"\r", b"\n", b"\n\n", b"\0", b"\xff", b"\xc3", b"\xef\xbb\xbf",
          b"\xff\xfe", b"NaN", b"inf", b"1e999", b"-0", b"9" * 400, b"0x10", b"'", b"\xe2\x80\xa8", b"," * 300,
          b"a" * 5000,
          b"2020-02-30", b"0000-00-00", b"2020-01-01T25:00:00Z", b"TRUE", b"age", b"city"]
CONFIGS = {"csv": [{}, {}, {"invalid": "coerce", "extra": "ignore"}, {"delimiter": ";"}, {"delimiter": "\t"},
                   {"extra": "ignore", "person": "who", "max_rows_per_person": 2}],
           "arrow": [{}, {"invalid": "coerce", "extra": "ignore"}],
           "infer": [{}, {}, {"levels": 2}, {"skip": ["age"], "delimiter": "|"}, {"declared": True}]}
NO_CALLBACK = CALLBACK()


@functools.cache
def keys(what):
    return list(flip.config_schema(what))


@functools.cache
def wide():
    return flip.Schema(WIDE)


def config(random, what):
    """A configuration as it should be, or a changed one."""
    if random.random() < 0.8:
        return config_bytes(random.choice(CONFIGS[what]))
    return json_text(random, CONFIGS[what], keys(what)).replace(b"\0", b"")


def file(random, folder):
    """Rows under the schemas of the seeds, changed; with a column of persons in every second."""
    rows = random.choice([wide_csv(random.choice([0, 1, 12, 60])), wide_csv(), narrow_csv(20)])
    if random.random() < 0.2:
        head, *lines = rows.splitlines()
        rows = "\n".join([head + ",who"] + [f"{line},{random.choice(['p1', 'p2', ''])}" for line in lines]) + "\n"
    data = rows.encode()
    if random.random() < 0.3:
        cells = data.replace(b"\n", b",\n").split(b",")
        for _ in range(random.choice([1, 3])):
            cells[random.randrange(len(cells))] = random.choice(
                [text.encode() for text in ODD_TEXTS] + [str(n).encode() for n in ODD_NUMBERS])
        data = b",".join(cells).replace(b",\n", b"\n")
    if random.random() < 0.5:
        data = changed_text(random, data, PIECES)
    path = folder / "rows.csv"
    path.write_bytes(data)
    return bytes(path)


def csv(random, folder):
    path, options = file(random, folder), config(random, "csv")
    take = random.randrange(4)
    if take == 0:
        answer = take_json("flip_schema_check_csv", wide()._pointer, path, options, NO_CALLBACK, None)
        return answer["fits"]
    table = flip.Table(new("flip_table_read_csv", wide()._pointer, path, options, NO_CALLBACK, None))
    if take == 1:                                        # what was read can be written, and read again as the same rows
        table.write_hdf5(folder / "rows.h5")
        flip.Table.read_hdf5(folder / "rows.h5").to_csv(folder / "again.csv")
        table.to_csv(folder / "once.csv")
        if (folder / "once.csv").read_bytes() != (folder / "again.csv").read_bytes():
            raise AssertionError("rows changed on their way through a file")
    return True


def infer(random, folder):
    if random.random() < 0.6:
        schema = flip.Schema(new("flip_schema_infer_csv", file(random, folder), config(random, "infer"), NO_CALLBACK,
                                 None))
    else:
        texts = [random.choice(ODD_TEXTS + [str(n) for n in ODD_NUMBERS] + ["1", "2", "3"] * 20).encode()
                 for _ in range(random.choice([0, 1, 5, 40]))]
        offsets, at = (ctypes.c_int64 * (len(texts) + 1))(), 0
        for i, text in enumerate(texts):
            at += len(text)
            offsets[i + 1] = at
        if random.random() < 0.1 and texts:              # texts that end before they begin
            offsets[random.randrange(len(texts))] = random.choice([-1, at])
        valid = (ctypes.c_uint8 * max(1, len(texts)))(*[random.randrange(2) for _ in texts])
        name = random.choice(ODD_TEXTS).encode().replace(b"\0", b"")
        schema = flip.Schema(new("flip_schema_infer_strings", name, b"".join(texts), offsets,
                                 random.choice([valid, None]), len(texts), config(random, "infer")))
    if flip.Schema(schema.json) != schema:
        raise AssertionError("a schema made from rows is not the one that its text says")
    return True
