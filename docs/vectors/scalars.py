"""Values, scalars and functions of docs/law.md. Numbers are their 32 bits (int);
arithmetic on them is exact (Fraction) and rounded here. No floating-point operation
is used.
"""

from fractions import Fraction
from math import isqrt

# --- Values ------------------------------------------------------------------

SIGN, INF, NAN, ONE = 0x80000000, 0x7F800000, 0x7FC00000, 0x3F800000


def is_nan(x):
    return x & 0x7FFFFFFF > INF


def finite(x):
    return x & INF != INF


def value(x):
    """The real number of finite bits."""
    field, fraction = x >> 23 & 0xFF, x & 0x7FFFFF
    m, e = (fraction, -149) if field == 0 else (fraction | 0x800000, field - 150)
    return Fraction(-m if x & SIGN else m) * Fraction(2) ** e


def rint(r):
    """The nearest integer to a Fraction, ties to even."""
    return round(r)


def above(r):
    """The least e with r < 2^e, for r > 0."""
    e = r.numerator.bit_length() - r.denominator.bit_length()
    while r >= Fraction(2) ** e:
        e += 1
    while r < Fraction(2) ** (e - 1):
        e -= 1
    return e


def to_bits(r):
    """round(r), as bits; +0 for 0."""
    if r == 0:
        return 0
    sign, r = (SIGN if r < 0 else 0), abs(r)
    grid = max(above(r) - 24, -149)
    m = rint(r / Fraction(2) ** grid)
    if m == 1 << 24:
        m, grid = m >> 1, grid + 1
    if grid + 150 >= 255:
        return sign | INF
    return sign | (m if m < 0x800000 else (grid + 150) << 23 | m & 0x7FFFFF)


def round24(n):
    """An integer to 24 significant bits, as a Fraction."""
    if n == 0:
        return Fraction(0)
    grid = Fraction(2) ** max(abs(n).bit_length() - 24, 0)
    return rint(n / grid) * grid


def signed(r, sign):
    """round(r), with this sign on a zero."""
    return to_bits(r) or sign


# --- Scalars -----------------------------------------------------------------


def add(a, b):
    if is_nan(a) or is_nan(b):
        return NAN
    if not finite(a) or not finite(b):
        if not finite(a) and not finite(b) and a != b:
            return NAN
        return b if finite(a) else a
    return signed(value(a) + value(b), a & b & SIGN if value(a) == value(b) == 0 else 0)


def neg(a):
    return a ^ SIGN


def absolute(a):
    return a & ~SIGN


def sub(a, b):
    return add(a, neg(b))


def mul(a, b):
    if is_nan(a) or is_nan(b):
        return NAN
    sign = (a ^ b) & SIGN
    if not finite(a) or not finite(b):
        return NAN if 0 in (absolute(a), absolute(b)) else sign | INF
    return signed(value(a) * value(b), sign)


def div(a, b):
    if is_nan(a) or is_nan(b):
        return NAN
    sign = (a ^ b) & SIGN
    if not finite(a):
        return sign | INF if finite(b) else NAN
    if not finite(b):
        return sign
    if value(b) == 0:
        return NAN if value(a) == 0 else sign | INF
    return signed(value(a) / value(b), sign)


def sqrt(a):
    if is_nan(a) or absolute(a) == 0 or a == INF:
        return a
    if a & SIGN:
        return NAN
    scaled = value(a) * 2**400  # an integer, whose root has far more than 24 bits
    root = isqrt(int(scaled))
    # A half more stands for whatever follows.
    exact = root * root == scaled
    return to_bits((Fraction(root) + (0 if exact else Fraction(1, 2))) / 2**200)


def rint_op(a):
    if not finite(a):
        return a
    return signed(Fraction(rint(value(a))), a & SIGN)


def ldexp(a, k):
    if not finite(a) or absolute(a) == 0:
        return a
    return signed(value(a) * Fraction(2) ** k, a & SIGN)


def lt(a, b):
    if is_nan(a) or is_nan(b):
        return False
    key = lambda x: (1 if x == INF else -1) * 2**200 if not finite(x) else value(x)
    return key(a) < key(b)


def eq(a, b):
    return not is_nan(a) and not is_nan(b) and (a == b or absolute(a) == absolute(b) == 0)


def minimum(a, b):
    return b if lt(b, a) else a


def maximum(a, b):
    return b if lt(a, b) else a


# --- Functions ---------------------------------------------------------------


def words(text):
    return [int(word, 16) for word in text.split()]


LOG2E, LN2H, LN2L = words("3fb8aa3b 3f318000 b95e8083")
PIH, PIL = words("40490fdb b3bbbd2e")
EXP = words("3f000000 3e2aaaab 3d2aaaab 3c088889 3ab60b61 39500d01")
LOG = words("3f2aaaab 3ecccccd 3e924925 3e638e39 3e3a2e8c")
TANH = words("beaaaaab 3e088875 bd5d0462 3cb254bb bc08b50b 3b1641e0")
ERFS = words("3e0375d4 bec093a3 3de7175b bcdc0f4f 3baab9a8 ba58672e 38ba6dd0")
ERFL = words("3927115a bf90918a bf222ca7 bddd6e50 3cccf2b3 bb87717d 39dfd015 b7aba059")
SIN = words("c0a55de7 402335e1 bf19670f 3da65bb1")
COS = words("c09de9e6 4081e0f5 bfaae5cc 3e6db249")


def number(r):
    """The bits of a number that binary32 has."""
    bits = to_bits(Fraction(r))
    assert value(bits) == Fraction(r)
    return bits


HALF, TWO = number(Fraction(1, 2)), number(2)


def horner(x, c):
    p = c[-1]
    for ci in reversed(c[:-1]):
        p = add(mul(p, x), ci)
    return p


def exp(x):
    if is_nan(x):
        return NAN
    x = number(89) if lt(number(89), x) else x
    x = number(-105) if lt(x, number(-105)) else x
    n = rint_op(mul(x, LOG2E))
    r = sub(sub(x, mul(n, LN2H)), mul(n, LN2L))
    p = add(ONE, add(r, mul(mul(r, r), horner(r, EXP))))
    return ldexp(p, int(value(n)))


def log(x):
    if absolute(x) == 0:
        return SIGN | INF
    if is_nan(x) or x & SIGN:
        return NAN
    if x == INF:
        return INF
    small = lt(x, 0x00800000)
    b = mul(x, number(2**25)) if small else x
    c = b + 0x3F800000 - 0x3F3504F3
    k = number(c // 2**23 - 127 - (25 if small else 0))
    f = sub(c % 2**23 + 0x3F3504F3, ONE)
    s = div(f, add(TWO, f))
    z = mul(s, s)
    r = mul(z, horner(z, LOG))
    h = mul(mul(f, f), HALF)
    inner = add(mul(s, add(h, r)), mul(k, LN2L))
    return sub(mul(k, LN2H), sub(sub(h, inner), f))


def with_sign(magnitude, x):
    return absolute(magnitude) | x & SIGN


def tanh(x):
    if is_nan(x):
        return NAN
    a = absolute(x)
    if lt(a, number(Fraction(5, 8))):
        z = mul(a, a)
        return with_sign(add(a, mul(mul(a, z), horner(z, TANH))), x)
    m = number(10) if lt(number(10), a) else a
    return with_sign(sub(ONE, div(TWO, add(exp(mul(TWO, m)), ONE))), x)


def erf(x):
    if is_nan(x):
        return NAN
    a = absolute(x)
    a = number(4) if lt(number(4), a) else a
    if lt(a, number(Fraction(27, 32))):
        return with_sign(add(a, mul(a, horner(mul(a, a), ERFS))), x)
    return with_sign(sub(ONE, exp(horner(a, ERFL))), x)


def turns(x):
    a = absolute(x)
    a = a if lt(a, number(2**24)) else 0
    n = rint_op(add(a, a))
    r = sub(a, mul(n, HALF))
    z = mul(r, r)
    s = add(mul(r, PIH), add(mul(r, PIL), mul(mul(r, z), horner(z, SIN))))
    c = add(ONE, mul(z, horner(z, COS)))
    return s, c, int(value(n)) % 4


def sinpi(x):
    if not finite(x):
        return NAN
    s, c, k = turns(x)
    return add([s, c, neg(s), neg(c)][k], 0) ^ x & SIGN


def cospi(x):
    if not finite(x):
        return NAN
    s, c, k = turns(x)
    return add([c, neg(s), neg(c), s][k], 0)
