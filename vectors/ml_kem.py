"""ML-KEM (FIPS 203) in plain Python: slow, not in constant time, for vectors alone."""
import hashlib

Q = 3329
PARAMETERS = {512: (2, 3, 10, 4), 768: (3, 2, 10, 4), 1024: (4, 2, 11, 5)}  # k, eta1, du, dv; eta2 is 2
ZETAS = [pow(17, int(f"{i:07b}"[::-1], 2), Q) for i in range(128)]
GAMMAS = [pow(17, 2 * int(f"{i:07b}"[::-1], 2) + 1, Q) for i in range(128)]


def ntt(f: list) -> list:
    f, i, length = f[:], 1, 128
    while length >= 2:
        for start in range(0, 256, 2 * length):
            for j in range(start, start + length):
                t = ZETAS[i] * f[j + length] % Q
                f[j], f[j + length] = (f[j] + t) % Q, (f[j] - t) % Q
            i += 1
        length //= 2
    return f


def inverse_ntt(f: list) -> list:
    f, i, length = f[:], 127, 2
    while length <= 128:
        for start in range(0, 256, 2 * length):
            for j in range(start, start + length):
                t = f[j]
                f[j], f[j + length] = (t + f[j + length]) % Q, ZETAS[i] * (f[j + length] - t) % Q
            i -= 1
        length *= 2
    return [x * 3303 % Q for x in f]


def multiply(a: list, b: list) -> list:
    out = []
    for i in range(128):
        a0, a1, b0, b1 = a[2 * i], a[2 * i + 1], b[2 * i], b[2 * i + 1]
        out += [(a0 * b0 + a1 * b1 * GAMMAS[i]) % Q, (a0 * b1 + a1 * b0) % Q]
    return out


def add(*polynomials: list) -> list:
    return [sum(column) % Q for column in zip(*polynomials)]


def dot(a: list, b: list) -> list:
    return add(*(multiply(x, y) for x, y in zip(a, b)))


def encode(f: list, d: int) -> bytes:
    return sum(x << (d * i) for i, x in enumerate(f)).to_bytes(32 * d, "little")


def decode(b: bytes, d: int) -> list:
    value = int.from_bytes(b, "little")
    return [(value >> (d * i)) & ((1 << d) - 1) for i in range(256)]


def compress(f: list, d: int) -> list:
    return [((x << d) + Q // 2) // Q % (1 << d) for x in f]


def decompress(f: list, d: int) -> list:
    return [(x * Q + (1 << (d - 1))) >> d for x in f]


def split(b: bytes, length: int) -> list:
    return [b[at : at + length] for at in range(0, len(b), length)]


def sample_ntt(seed: bytes) -> list:
    stream, out = hashlib.shake_128(seed).digest(3 * 1000), []
    for b0, b1, b2 in zip(stream[0::3], stream[1::3], stream[2::3]):
        out += [d for d in (b0 + 256 * (b1 % 16), b1 // 16 + 16 * b2) if d < Q]
    return out[:256]


def sample_cbd(eta: int, seed: bytes, number: int) -> list:
    stream = hashlib.shake_256(seed + bytes([number])).digest(64 * eta)
    bits = decode_bits(stream)
    pairs = split(bits, 2 * eta)
    return [(sum(pair[:eta]) - sum(pair[eta:])) % Q for pair in pairs]


def decode_bits(b: bytes) -> bytes:
    return bytes((byte >> i) & 1 for byte in b for i in range(8))


def matrix(rho: bytes, k: int) -> list:
    return [[sample_ntt(rho + bytes([j, i])) for j in range(k)] for i in range(k)]


def key_pair(level: int, seed: bytes) -> tuple:
    """Section 6.1: encapsulation and decapsulation key of d ‖ z."""
    k, eta1, _, _ = PARAMETERS[level]
    d, z = seed[:32], seed[32:]
    expanded = hashlib.sha3_512(d + bytes([k])).digest()
    rho, sigma = expanded[:32], expanded[32:]
    s = [ntt(sample_cbd(eta1, sigma, i)) for i in range(k)]
    e = [ntt(sample_cbd(eta1, sigma, k + i)) for i in range(k)]
    t = [add(dot(row, s), e[i]) for i, row in enumerate(matrix(rho, k))]
    ek = b"".join(encode(f, 12) for f in t) + rho
    return ek, b"".join(encode(f, 12) for f in s) + ek + hashlib.sha3_256(ek).digest() + z


def encrypt(level: int, ek: bytes, m: bytes, r: bytes) -> bytes:
    k, eta1, du, dv = PARAMETERS[level]
    t, a = [decode(b, 12) for b in split(ek[:-32], 384)], matrix(ek[-32:], k)
    y = [ntt(sample_cbd(eta1, r, i)) for i in range(k)]
    columns = [[a[i][j] for i in range(k)] for j in range(k)]
    u = [add(inverse_ntt(dot(column, y)), sample_cbd(2, r, k + j)) for j, column in enumerate(columns)]
    v = add(inverse_ntt(dot(t, y)), sample_cbd(2, r, 2 * k), decompress(decode(m, 1), 1))
    return b"".join(encode(compress(f, du), du) for f in u) + encode(compress(v, dv), dv)


def encapsulate(level: int, ek: bytes, m: bytes) -> tuple:
    """Section 6.2: shared secret and ciphertext."""
    both = hashlib.sha3_512(m + hashlib.sha3_256(ek).digest()).digest()
    return both[:32], encrypt(level, ek, m, both[32:])


def decapsulate(level: int, dk: bytes, c: bytes) -> bytes:
    """Section 6.3, with the implicit rejection."""
    k, _, du, dv = PARAMETERS[level]
    s, ek = [decode(b, 12) for b in split(dk[: 384 * k], 384)], dk[384 * k : -64]
    u = [decompress(decode(b, du), du) for b in split(c[: 32 * du * k], 32 * du)]
    v = decompress(decode(c[32 * du * k :], dv), dv)
    w = add(v, [-x for x in inverse_ntt(dot(s, [ntt(f) for f in u]))])
    m = encode(compress(w, 1), 1)
    both = hashlib.sha3_512(m + dk[-64:-32]).digest()
    if encrypt(level, ek, m, both[32:]) == c:
        return both[:32]
    return hashlib.shake_256(dk[-32:] + c).digest(32)
