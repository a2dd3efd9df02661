"""The ops and programs of docs/law.md, on top of law.py. A tensor is (shape, bits)."""

from math import prod

import law


class Ends(Exception):
    """What ends a job, as a vector names it."""


def refuse(unless):
    if not unless:
        raise Ends({"kind": "refused"})


def integer(tensor, number, i, limit):
    """Element i of input `number` as an integer in 0..limit."""
    x = tensor[1][i]
    r = law.value(x)
    if r.denominator != 1 or not 0 <= r < limit:
        raise Ends({"kind": "bad-integer", "input": number, "index": i})
    return int(r)


# --- Indices -----------------------------------------------------------------


def coordinates(shape, i):
    place = []
    for size in reversed(shape):
        place.append(i % size)
        i //= size
    return place[::-1]


def flat(shape, place):
    i = 0
    for size, at in zip(shape, place):
        i = i * size + at
    return i


def at(tensor, place):
    return tensor[1][flat(tensor[0], place)]


def replaced(place, axis, new):
    return [*place[:axis], new, *place[axis + 1 :]]


# --- Ops: each is given (parameters, inputs, output shape) and returns a function
# --- from an element's place in the output to its bits.


def fill(p, x, out):
    refuse(len(x) == 0)
    return lambda place: p[0]


def map_(p, x, out):
    (instructions,) = p
    refuse(1 <= len(x) <= 16 and 1 <= len(instructions) <= 64)
    for i, (tag, operands) in enumerate(instructions):
        kinds = law.INSTRUCTIONS[tag][1]
        refuse(all(kind != "r" or o < len(x) + i for o, kind in zip(operands, kinds)))
    for shape, _ in x:
        refuse(len(shape) <= len(out) and all(s in (1, o) for s, o in zip(shape[::-1], out[::-1])))

    def element(place):
        own = [place[len(out) - len(shape) :] for shape, _ in x]
        values = [at(t, [j if s != 1 else 0 for j, s in zip(q, t[0])]) for q, t in zip(own, x)]
        return law.evaluate(instructions, values)

    return element


def over_axes(reduce, least=0):
    def op(p, x, out):
        refuse(len(x) == 1)
        axes, (shape, data) = p[0], x[0]
        refuse(axes != 0 and axes >> len(shape) == 0)
        kept = [1 if axes >> d & 1 else size for d, size in enumerate(shape)]
        refuse(kept == out)
        count = prod(size for d, size in enumerate(shape) if axes >> d & 1)
        refuse(count <= 2**32 and (count >= least or prod(out) == 0))
        groups = {}
        for i, value in enumerate(data):
            place = coordinates(shape, i)
            group = flat(kept, [0 if axes >> d & 1 else j for d, j in enumerate(place)])
            groups.setdefault(group, []).append(value)
        return lambda place: reduce(groups.get(flat(kept, place), []))

    return op


def greatest(x):
    best = x[0]
    for v in x[1:]:
        if law.lt(best, v) or (best == law.SIGN and v == 0):
            best = v
    return best


def total(p, x, out):
    refuse(1 <= len(x) <= 65535 and out == [])
    return lambda place: law.exact_sum([v for _, data in x for v in data])


def product(multiply):
    """multiply(row, column, precision, rest of the parameters)."""

    def op(p, x, out):
        ta, tb, precision, *rest = p
        refuse(len(x) == 2)
        (sa, a), (sb, b) = x
        refuse(len(sa) in (2, 3) and len(sb) == len(sa) == len(out) and sa[:-2] == sb[:-2] == out[:-2])
        m, k = sa[-2:][::-1] if ta else sa[-2:]
        kb, n = sb[-2:][::-1] if tb else sb[-2:]
        refuse(k == kb and out[-2:] == [m, n])
        length = min([k, *rest])
        refuse(length <= law.PRECISIONS[precision][2] and 0 not in rest)

        def element(place):
            lead, (r, c) = place[:-2], place[-2:]
            row = [at(x[0], [*lead, *([i, r] if ta else [r, i])]) for i in range(k)]
            column = [at(x[1], [*lead, *([c, i] if tb else [i, c])]) for i in range(k)]
            return multiply(row, column, precision, *rest)

        return element

    return op


def one_hot(p, x, out):
    refuse(len(x) == 1 and len(x[0][0]) == 1 and len(out) == 2 and out[0] == x[0][0][0])
    return lambda place: law.ONE if integer(x[0], 0, place[0], out[1]) == place[1] else 0


def transpose(p, x, out):
    refuse(len(x) == 1 and len(x[0][0]) in (2, 3))
    shape = x[0][0]
    refuse(out == [*shape[:-2], shape[-1], shape[-2]])
    return lambda place: at(x[0], [*place[:-2], place[-1], place[-2]])


def reshape(p, x, out):
    refuse(len(x) == 1 and prod(x[0][0]) == prod(out))
    return lambda place: x[0][1][flat(out, place)]


def gather(p, x, out):
    refuse(len(x) == 2 and len(x[0][0]) == 2 and len(x[1][0]) == 1 and out == [x[1][0][0], x[0][0][1]])
    return lambda place: at(x[0], [integer(x[1], 1, place[0], x[0][0][0]), place[1]])


def scatter(add):
    def op(p, x, out):
        refuse(len(x) == 2 and len(x[0][0]) == 2 and len(x[1][0]) == 1 and len(out) == 2)
        (n, d) = x[0][0]
        refuse(x[1][0] == [n] and out[1] == d and n <= 2**32)

        def element(place):
            rows = [r for r in range(n) if integer(x[1], 1, r, out[0]) == place[0]]
            return add([at(x[0], [r, place[1]]) for r in rows])

        return element

    return op


def permute(p, x, out):
    refuse(len(x) == 1)
    shape, order = x[0][0], p
    rank = len(shape)
    refuse(sorted(order[:rank]) == list(range(rank)) and order[rank:] == list(range(rank, 4)))
    refuse(out == [shape[d] for d in order[:rank]])

    def element(place):
        own = [0] * rank
        for d, j in enumerate(place):
            own[order[d]] = j
        return at(x[0], own)

    return element


def slice_(p, x, out):
    axis, start = p
    refuse(len(x) == 1 and len(x[0][0]) == len(out) and axis < len(out))
    refuse(replaced(x[0][0], axis, 0) == replaced(out, axis, 0) and start + out[axis] <= x[0][0][axis])
    return lambda place: at(x[0], replaced(place, axis, place[axis] + start))


def concat(p, x, out):
    (axis,) = p
    refuse(1 <= len(x) <= 65535 and axis < len(out))
    refuse(all(len(s) == len(out) and replaced(s, axis, 0) == replaced(out, axis, 0) for s, _ in x))
    refuse(sum(s[axis] for s, _ in x) == out[axis])
    parts = [(t, j) for t in x for j in range(t[0][axis])]

    def element(place):
        tensor, j = parts[place[axis]]
        return at(tensor, replaced(place, axis, j))

    return element


def places(window, images):
    """(oh, ow) of a window over [n, c, h, w]."""
    kh, kw, sv, sh, pv, ph = window
    refuse(len(images) == 4 and min(kh, kw, sv, sh) >= 1)
    rooms = (images[2] + 2 * pv - kh, images[3] + 2 * ph - kw)
    refuse(min(rooms) >= 0)
    return rooms[0] // sv + 1, rooms[1] // sh + 1


def source(window, images, row, column):
    """Where the patches' element is from, or None in the padding."""
    kh, kw, sv, sh, pv, ph = window
    oh, ow = places(window, images)
    s, oy, ox = row // (oh * ow), row // ow % oh, row % ow
    ch, ky, kx = column // (kh * kw), column // kw % kh, column % kw
    y, x = oy * sv + ky - pv, ox * sh + kx - ph
    return [s, ch, y, x] if 0 <= y < images[2] and 0 <= x < images[3] else None


def patches_shape(window, images):
    oh, ow = places(window, images)
    return [images[0] * oh * ow, images[1] * window[0] * window[1]]


def patches(p, x, out):
    refuse(len(x) == 1 and len(x[0][0]) == 4)
    refuse(out == patches_shape(p, x[0][0]))

    def element(place):
        origin = source(p, x[0][0], *place)
        return at(x[0], origin) if origin else 0

    return element


def fold(p, x, out):
    refuse(len(x) == 1 and len(out) == 4)
    rows, columns = patches_shape(p, out)
    refuse(x[0][0] == [rows, columns])
    all_places = [(r, c) for r in range(rows) for c in range(columns)]
    return lambda place: law.exact_sum([at(x[0], q) for q in all_places if source(p, out, *q) == place])


def iota(p, x, out):
    (axis,) = p
    refuse(len(x) == 0 and axis < len(out) and out[axis] <= 2**24)
    return lambda place: law.number(place[axis])


def random(p, x, out):
    (stream,) = p
    refuse(len(x) == 1 and x[0][0] == [8] and stream < 2**24 and prod(out) <= 2**34)

    def element(place):
        part = [integer(x[0], 0, i, 2**16) for i in range(8)]
        key = [part[0] + (part[1] << 16), part[2] + (part[3] << 16)]
        step = sum(part[4 + i] << 16 * i for i in range(4))
        return law.unit(law.word(key, 2**25 + stream, step, flat(out, place)))

    return element


#: Op and kinds of parameters by tag: u a u32, y a byte, b a bool, e an expression.
OPS = [
    (fill, "u"),
    (map_, "e"),
    (over_axes(law.exact_sum), "y"),
    (over_axes(greatest, 1), "y"),
    (total, ""),
    (product(law.exact_product), "bby"),
    (one_hot, ""),
    (transpose, ""),
    (reshape, ""),
    (gather, ""),
    (scatter(law.exact_sum), ""),
    (permute, "yyyy"),
    (slice_, "yu"),
    (concat, "y"),
    (patches, "uuuuuu"),
    (fold, "uuuuuu"),
    (iota, "y"),
    (random, "u"),
    (over_axes(law.long_sum), "y"),
    (scatter(law.long_sum), ""),
    (product(law.block_product), "bbyu"),
]


def read_op(reader):
    tag = reader.u8()
    expression = lambda: reader.list(law.read_instruction)
    read = {"u": reader.u32, "y": reader.u8, "b": reader.bool, "e": expression}
    return tag, [read[kind]() for kind in OPS[tag][1]]


def run_op(op, inputs, shape):
    """The output's bits; raises Ends."""
    tag, parameters = op
    element = OPS[tag][0](parameters, inputs, shape)
    out = []
    for i in range(prod(shape)):
        bits = element(coordinates(shape, i))
        if not law.finite(bits):
            bits = law.NAN if law.is_nan(bits) else bits
            raise Ends({"kind": "non-finite", "index": i, "bits": f"{bits:08x}"})
        out.append(bits)
    return out


# --- Programs ----------------------------------------------------------------


class Program:
    def __init__(self, encoded):
        self.hash = law.hashed(b"assay/program/v1", encoded)
        reader = law.Reader(encoded)
        pair = lambda r: (r.u32(), r.u32())
        self.tensors = reader.list(self.tensor)
        self.ops = reader.list(lambda r: (read_op(r), r.list(law.Reader.u32), r.u32()))
        self.updates = reader.list(pair)
        self.outputs = reader.list(law.Reader.u32)
        self.pulse = pair(reader) if reader.bool() else None
        reader.end()

    @staticmethod
    def tensor(reader):
        name, shape, kind = reader.text(), reader.list(law.Reader.u32), reader.u8()
        return name, shape, (kind, (reader.u8(), reader.u32()) if kind == 0 else None)

    def canonical(self):
        ids = [i for i, (_, _, (kind, _)) in enumerate(self.tensors) if kind == 0]
        return sorted(ids, key=lambda i: self.tensors[i][0].encode())

    def first_state(self, seed):
        """Bits by tensor number."""
        key, state = law.philox_key(seed), {}
        for s, i in enumerate(self.canonical()):
            _, shape, (_, (tag, bits)) = self.tensors[i]
            random_bits = lambda j: law.uniform(law.word(key, s, 0, j), bits)
            state[i] = [random_bits(j) if tag == 1 else bits for j in range(prod(shape))]
        return state

    def root(self, step, state):
        return law.state_root(step, [(*self.tensors[i][:2], data) for i, data in state.items()])

    def step(self, step, state, inputs):
        """The state after a step, and its pulse; inputs are bits by name."""
        values = dict(state)
        for i, (name, _, (kind, _)) in enumerate(self.tensors):
            if kind == 1:
                values[i] = inputs[name]
        for op, read, output in self.ops:
            operands = [(self.tensors[i][1], values[i]) for i in read]
            values[output] = run_op(op, operands, self.tensors[output][1])
        state = state | {target: values[origin] for target, origin in self.updates}
        return state, (step, values[self.pulse[0]][0], values[self.pulse[1]][0])
