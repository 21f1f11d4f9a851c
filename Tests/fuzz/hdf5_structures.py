"""Where the structures of an HDF5 file are, and mutations that keep its checksums, to pass the first check."""

import hashlib
import struct

# Structures that end with a checksum (HDF5 File Format Specification), and their size where it is fixed.
CHECKED = {b"OHDR": None, b"OCHK": None, b"FRHP": 146, b"FHIB": None, b"BTHD": 38, b"BTLF": None, b"BTIN": None,
           b"FAHD": 28, b"FADB": None,
           b"EAHD": 72, b"EAIB": None, b"EASB": None, b"EADB": None}
PLAIN = [b"TREE", b"SNOD", b"HEAP", b"GCOL", b"FHDB"]
SIGNATURE = b"\x89HDF\r\n\x1a\n"
SEAL = b"\nflip-sha256 "
LONGEST = 700
MASK = 0xFFFFFFFF


def lookup3(data):
    """Bob Jenkins' hash with the initial value 0, as HDF5 uses it."""
    def rot(x, k):
        return ((x << k) | (x >> (32 - k))) & MASK
    a = b = c = (0xDEADBEEF + len(data)) & MASK
    at, left = 0, len(data)
    while left > 12:
        x, y, z = struct.unpack_from("<III", data, at)
        a, b, c = (a + x) & MASK, (b + y) & MASK, (c + z) & MASK
        a = ((a - c) & MASK) ^ rot(c, 4); c = (c + b) & MASK
        b = ((b - a) & MASK) ^ rot(a, 6); a = (a + c) & MASK
        c = ((c - b) & MASK) ^ rot(b, 8); b = (b + a) & MASK
        a = ((a - c) & MASK) ^ rot(c, 16); c = (c + b) & MASK
        b = ((b - a) & MASK) ^ rot(a, 19); a = (a + c) & MASK
        c = ((c - b) & MASK) ^ rot(b, 4); b = (b + a) & MASK
        at, left = at + 12, left - 12
    if not left:
        return c
    x, y, z = struct.unpack("<III", bytes(data[at:]) + bytes(12 - left))
    a, b, c = (a + x) & MASK, (b + y) & MASK, (c + z) & MASK
    c = ((c ^ b) - rot(b, 14)) & MASK
    a = ((a ^ c) - rot(c, 11)) & MASK
    b = ((b ^ a) - rot(a, 25)) & MASK
    c = ((c ^ b) - rot(b, 16)) & MASK
    a = ((a ^ c) - rot(c, 4)) & MASK
    b = ((b ^ a) - rot(a, 14)) & MASK
    return ((c ^ b) - rot(b, 24)) & MASK


def places(data, word):
    at = data.find(word)
    while at >= 0:
        yield at
        at = data.find(word, at + 1)


class Seed:
    """A valid file, the places in it that matter, and how to make mutants of it."""

    def __init__(self, name, data, kind):
        self.name, self.kind = name, kind
        self.sealed = data[-78:].startswith(SEAL)
        self.data = data[:-78] if self.sealed else data
        self.checked = []                                # (start, length without the checksum)
        for word, size in CHECKED.items():
            for at in places(self.data, word):
                for length in [size - 4] if size else range(8, min(LONGEST, len(self.data) - at - 4)):
                    if at + length + 4 > len(self.data):
                        break
                    if struct.unpack_from("<I", self.data, at + length)[0] == lookup3(self.data[at:at + length]):
                        self.checked.append((at, length))
                        break
        if self.data[:8] == SIGNATURE and self.data[8] >= 2:
            self.checked.append((0, 44))
        starts = [0] + [at for at, _ in self.checked]
        for word in PLAIN:
            starts += places(self.data, word)
        # Object headers of version 1 have no signature: their messages are found by what points at them.
        addresses = [struct.unpack_from("<Q", self.data, i)[0] for i in range(0, len(self.data) - 8, 8)]
        self.addresses = sorted({a for a in addresses if 0 < a < len(self.data)} | set(starts))
        self.regions = [(at, min(len(self.data), at + 512)) for at in sorted(set(starts) | set(self.addresses))]

    def mutant(self, random):
        data = bytearray(self.data)
        for _ in range(random.choice([1, 1, 1, 2, 2, 3, 5, 9])):
            start, end = random.choice(self.regions) if random.random() < 0.8 else (0, len(data))
            at = random.randrange(start, max(start + 1, end))
            if at >= len(data):
                continue
            kind = random.randrange(8)
            if kind <= 1:
                data[at] ^= 1 << random.randrange(8)
            elif kind == 2:
                data[at] = random.choice([0, 1, 2, 3, 4, 7, 8, 16, 127, 128, 254, 255])
            elif kind in (3, 4):
                width = random.choice([2, 4, 8])
                size = len(data)
                value = random.choice([0, 1, 2, 8, 255, 1 << 15, (1 << 31) - 1, 1 << 31, (1 << 32) - 1, 1 << 40,
                                       (1 << 63) - 1, 1 << 63, (1 << 64) - 1, size, size - 1, size - 8,
                                       random.getrandbits(8 * width)])
                data[at:at + width] = (value & ((1 << 8 * width) - 1)).to_bytes(width, "little")
            elif kind == 5:                              # one address for another: cycles, structures of another kind
                at -= at % 8
                data[at:at + 8] = random.choice(self.addresses).to_bytes(8, "little") if self.addresses else b"\0" * 8
            elif kind == 6:
                source = random.choice(self.addresses or [0])
                length = random.choice([4, 8, 16, 40, 96])
                data[at:at + length] = data[source:source + length]
            else:
                data[at:at + 4] = struct.pack("<I",
                                              (struct.unpack_from("<I", data + b"\0\0\0\0",
                                                                  at)[0] + random.choice([-8, -1, 1, 8])) & MASK)
        del data[len(self.data):]
        if random.random() < 0.03:
            del data[random.randrange(len(data)):]
        if random.random() < 0.85:
            for at, length in self.checked:
                if data[at:at + length] != self.data[at:at + length] and at + length + 4 <= len(data):
                    data[at + length:at + length + 4] = struct.pack("<I", lookup3(bytes(data[at:at + length])))
        return self.seal(bytes(data))

    def seal(self, data):
        return data + SEAL + hashlib.sha256(data).hexdigest().encode() + b"\n" if self.sealed else data
