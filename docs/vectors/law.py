"""docs/law.md in Python, written from its text: map expressions, sums, products,
random numbers and hashes, and, from scalars.py, the numbers.
"""

from fractions import Fraction
from hashlib import sha256

# Everything of the law under one name.
from scalars import *

# --- SCALE -------------------------------------------------------------------


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, count):
        assert self.at + count <= len(self.data), "truncated"
        self.at += count
        return self.data[self.at - count : self.at]

    def uint(self, size):
        return int.from_bytes(self.take(size), "little")

    def u8(self):
        return self.uint(1)

    def u32(self):
        return self.uint(4)

    def i16(self):
        return int.from_bytes(self.take(2), "little", signed=True)

    def bool(self):
        flag = self.u8()
        assert flag < 2
        return flag == 1

    def compact(self):
        first = self.u8()
        size = {0: 0, 1: 1, 2: 3}[first % 4]
        return (first + (self.uint(size) << 8)) >> 2

    def list(self, item):
        return [item(self) for _ in range(self.compact())]

    def text(self):
        return self.take(self.compact()).decode()

    def end(self):
        assert self.at == len(self.data), "something follows"


def compact(n):
    size, tag = (1, 0) if n < 2**6 else (2, 1) if n < 2**14 else (4, 2)
    return (4 * n + tag).to_bytes(size, "little")


def u32(n):
    return n.to_bytes(4, "little")


def u64(n):
    return n.to_bytes(8, "little")


# --- Map expressions ---------------------------------------------------------

#: Function and kinds of operands by tag; r is a register, u bits, i an exponent.
INSTRUCTIONS = [
    (lambda bits: bits, "u"),
    (lambda a: a, "r"),
    (add, "rr"),
    (sub, "rr"),
    (mul, "rr"),
    (div, "rr"),
    (minimum, "rr"),
    (maximum, "rr"),
    (neg, "r"),
    (absolute, "r"),
    (sqrt, "r"),
    (rint_op, "r"),
    (ldexp, "ri"),
    (exp, "r"),
    (log, "r"),
    (tanh, "r"),
    (lambda a, b, x, y: x if lt(a, b) else y, "rrrr"),
    (lambda a, b, x, y: x if eq(a, b) else y, "rrrr"),
    (erf, "r"),
    (sinpi, "r"),
    (cospi, "r"),
]


def read_instruction(reader):
    tag = reader.u8()
    read = {"r": reader.u8, "u": reader.u32, "i": reader.i16}
    return tag, [read[kind]() for kind in INSTRUCTIONS[tag][1]]


def evaluate(instructions, inputs):
    registers = list(inputs)
    for tag, operands in instructions:
        function, kinds = INSTRUCTIONS[tag]
        registers.append(function(*(registers[o] if kind == "r" else o for o, kind in zip(operands, kinds))))
    return registers[-1]


# --- Sums and products -------------------------------------------------------


def exact_sum(x):
    m = max((abs(value(v)) for v in x), default=0)
    if m == 0:
        return 0
    e = above(m)
    q = sum(rint(value(v) * Fraction(2) ** (30 - e)) for v in x)
    return to_bits(q * Fraction(2) ** (e - 30))


def long_sum(x):
    return to_bits(sum((value(v) for v in x), Fraction(0)))


#: (p, limit, greatest k)
PRECISIONS = [(7, 127, 2**32), (14, 127 * 128 + 63, 2**32), (21, (127 * 128 + 63) * 128 + 63, 2**21)]


def quantised(x, precision):
    p, limit, _ = PRECISIONS[precision]
    m = max((abs(value(v)) for v in x), default=0)
    if m == 0:
        return 0, [0] * len(x)
    e = above(m) - 1
    while rint(m * Fraction(2) ** (p - e)) > limit:
        e += 1
    return e, [rint(value(v) * Fraction(2) ** (p - e)) for v in x]


def exact_product(a, b, precision):
    (ea, qa), (eb, qb) = quantised(a, precision), quantised(b, precision)
    d = sum(x * y for x, y in zip(qa, qb))
    return to_bits(round24(d) * Fraction(2) ** (ea + eb - 2 * PRECISIONS[precision][0]))


def block_product(a, b, precision, block):
    starts = range(0, len(a), block)
    parts = [exact_product(a[s : s + block], b[s : s + block], precision) for s in starts]
    infinities = [part for part in parts if not finite(part)]
    if infinities:
        return INF if INF in infinities else SIGN | INF
    return long_sum(parts)


# --- Random numbers and samples ----------------------------------------------


def block(counter, key):
    c, k, mask = list(counter), list(key), 0xFFFFFFFF
    for _ in range(10):
        p, q = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [q >> 32 ^ c[1] ^ k[0], q & mask, p >> 32 ^ c[3] ^ k[1], p & mask]
        k = [(k[0] + 0x9E3779B9) & mask, (k[1] + 0xBB67AE85) & mask]
    return c


def word(key, stream, step, i):
    return block([i // 4, step % 2**32, step // 2**32, stream], key)[i % 4]


def unit(w):
    return to_bits(Fraction(w // 256, 2**24))


def uniform(w, bound):
    return mul(to_bits(Fraction(w // 256 - 2**23, 2**23)), bound)


def permute(key, stream, epoch, n, i):
    h = 1
    while 4**h < n:
        h += 1
    v = i
    while True:
        left, right = v >> h, v % 2**h
        for j in range(8):
            f = block([right % 2**32, epoch % 2**32, epoch // 2**32, stream + j], key)[0] % 2**h
            left, right = right, left ^ f
        v = left << h | right
        if v < n:
            return v


def philox_key(seed):
    digest = sha256(b"assay/philox-key/v1" + seed).digest()
    return [int.from_bytes(digest[:4], "little"), int.from_bytes(digest[4:8], "little")]


# --- Hashes ------------------------------------------------------------------


def hashed(*parts):
    return sha256(b"".join(parts)).digest()


def tree(level):
    if not level:
        return hashed(b"\x11")
    while len(level) > 1:
        pairs = [level[i : i + 2] for i in range(0, len(level), 2)]
        level = [hashed(b"\x11", *pair) if len(pair) == 2 else pair[0] for pair in pairs]
    return level[0]


def tensor_root(data):
    raw = b"".join(map(u32, data))
    return tree([hashed(b"\x10", raw[i : i + 1024]) for i in range(0, max(len(raw), 1), 1024)])


def state_root(step, tensors):
    """tensors: (name, shape, data) of each."""
    tensors = sorted(tensors, key=lambda tensor: tensor[0].encode())
    leaves = []
    for place, (name, shape, data) in enumerate(tensors):
        name, shape = name.encode(), compact(len(shape)) + b"".join(map(u32, shape))
        place = u64(step) + u32(place) + u32(len(tensors))
        name = compact(len(name)) + name
        leaves.append(hashed(b"\x12assay/state/v1", place, name, shape, tensor_root(data)))
    return tree(leaves)


def pulse_bytes(step, loss, norm):
    return u64(step) + u32(loss) + u32(norm)


def trace_root(pulses):
    return tree([hashed(b"\x13assay/pulse/v1", pulse_bytes(*pulse)) for pulse in pulses])


def salted_trace(salt, pulses):
    return hashed(b"assay/salted-trace/v1", salt, u64(len(pulses)), *(pulse_bytes(*p) for p in pulses))


def segment_salt(job, segment, after):
    return hashed(b"asy:seal", u64(job), u32(segment), after)

