"""Mutants of JSON values and of text: what a person mistypes, what another program writes, what an attacker would."""
import json

ODD_NUMBERS = [0, -1, 1, 2, 63, 64, 65, 255, 256, 1024, 65535, 65536, 2 ** 31 - 1, 2 ** 31, 2 ** 53, 2 ** 63 - 1,
               2 ** 63, -2 ** 63, 2 ** 64, 10 ** 30, 0.5, -0.0, 1e-5, 1e-300, 5e-324, 1.7976931348623157e308, 0.1,
               1e17, 1 / 3]
ODD_TEXTS = ["", " ", "\0", "a", "age", "sex", "NaN", "null", "1e999", "-", "\ufeff", "\u202e", "é" * 40, "a" * 5000,
             "/", "..", "%s%n", "\n", '"', ",", "2020-01-01", "2020-02-30", "9999-12-31T23:59:60Z",
             "1970-01-01T00:00:00Z",
             "-0001-01-01", "renyi", "pld", "gaussian", "other", "=1+1", "\U0001f600", "sex=f", "minimum"]
ODD_VALUES = [None, True, False, [], {}, [[]], [None], {"": {}}, [1, "a"], {"a": [{"b": [1]}]}]


def odd(random):
    """A value of any kind."""
    kind = random.randrange(5)
    if kind == 0:
        return random.choice(ODD_TEXTS)
    if kind == 1:
        return json.loads(json.dumps(random.choice(ODD_VALUES)))
    if kind == 2:
        return random.choice([random.uniform(-10, 10), random.randrange(-10, 200), random.random()])
    return random.choice(ODD_NUMBERS)


def places(value, out=None):
    """Every container in a value with its keys."""
    out = [] if out is None else out
    if isinstance(value, dict):
        out += [(value, key) for key in value]
        children = value.values()
    elif isinstance(value, list):
        out += [(value, i) for i in range(len(value))]
        children = value
    else:
        return out
    for child in children:
        places(child, out)
    return out


def change(random, value, keys):
    """Changes one place of a value; `keys` are names that mean something in it."""
    found = places(value)
    if not found:
        return
    container, key = random.choice(found)
    kind = random.randrange(9)
    if kind <= 2:
        container[key] = odd(random)
    elif kind == 3:
        del container[key]
    elif kind == 4:                                      # what stands elsewhere
        other, there = random.choice(found)
        container[key] = json.loads(json.dumps(other[there]))
    elif kind == 5 and isinstance(container, dict):
        container[random.choice(keys + ODD_TEXTS)] = container[key]
    elif kind == 6 and isinstance(container, list):
        container.extend(json.loads(json.dumps(container[key])) for _ in range(random.choice([1, 2, 300])))
    elif isinstance(container[key], bool):
        container[key] = not container[key]
    elif isinstance(container[key], (int, float)):
        container[key] = random.choice([-container[key], container[key] + 1, container[key] - 1, container[key] * 10,
                                        container[key] / 3, container[key] * 2.0 ** random.randrange(-60, 60)])
    elif isinstance(container[key], str):
        container[key] = container[key][:random.randrange(1 + len(container[key]))] + random.choice(ODD_TEXTS)
    else:
        container[key] = odd(random)


def nudge(random, value):
    """Moves one number of a value a little, or exchanges two entries: what mostly stays valid."""
    found = places(value)
    numbers = [(c, k) for c, k in found if isinstance(c[k], (int, float)) and not isinstance(c[k], bool)]
    lists = [c[k] for c, k in found if isinstance(c[k], list) and len(c[k]) > 1]
    if numbers and (not lists or random.random() < 0.7):
        container, key = random.choice(numbers)
        old = container[key]
        container[key] = max(1, old + random.choice([-1, 1, 2, 10])) if isinstance(old, int) else old * random.uniform(
            0.2, 3)
    elif lists:
        chosen = random.choice(lists)
        i, j = random.randrange(len(chosen)), random.randrange(len(chosen))
        chosen[i], chosen[j] = chosen[j], chosen[i]


def json_value(random, seeds, keys):
    value = json.loads(json.dumps(random.choice(seeds)))
    for _ in range(random.choice([0, 1, 2])):
        nudge(random, value)
    for _ in range(random.choice([0, 0, 1, 1, 1, 2, 4])):
        change(random, value, keys)
    return value


def json_text(random, seeds, keys):
    """A changed value as JSON text; sometimes the text is changed too, so that it is no JSON any more."""
    text = json.dumps(json_value(random, seeds, keys), ensure_ascii=random.random() < 0.5).encode("utf-8",
                                                                                              "surrogatepass")
    if random.random() < 0.15:
        text = changed_text(random, text, [b'"', b"{", b"}", b"[", b"]", b",", b":", b"\\u", b"\\ud800", b"1e", b"-",
                                           b"//", b"[" * 2000, b'{"a":' * 300, b"\xff", b"\xed\xa0\x80", b"\xc0\x80",
                                           b"nul",
                                           b'"a":1,"a":2', b"0" * 400, b"\xef\xbb\xbf"])
    return text


def changed_text(random, text, pieces):
    """Bytes with pieces put in, doubled, taken out or turned."""
    data = bytearray(text)
    for _ in range(random.choice([1, 1, 2, 4])):
        at = random.randrange(len(data) + 1)
        length = random.choice([1, 1, 2, 8, 64])
        kind = random.randrange(5)
        if kind <= 1:
            data[at:at] = random.choice(pieces)
        elif kind == 2:
            del data[at:at + length]
        elif kind == 3:
            data[at:at] = data[max(0, at - length):at]
        elif at < len(data):
            data[at] = random.randrange(256)
    return bytes(data)
