"""Ed25519ph (RFC 8032 section 5.1) without a context, in plain Python: slow, not in constant time, for vectors alone."""
import hashlib

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
BASE_Y = 4 * pow(5, -1, P) % P
DOM2 = b"SigEd25519 no Ed25519 collisions\x01\x00"


def x_of(y: int) -> int:
    """The even one of the two."""
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    return P - x if x % 2 else x


def add(a: tuple, b: tuple) -> tuple:
    (x1, y1), (x2, y2) = a, b
    t = D * x1 * x2 * y1 * y2 % P
    return (x1 * y2 + x2 * y1) * pow(1 + t, -1, P) % P, (y1 * y2 + x1 * x2) * pow(1 - t, -1, P) % P


def multiply(scalar: int, point: tuple) -> tuple:
    total = (0, 1)
    while scalar:
        if scalar & 1:
            total = add(total, point)
        point, scalar = add(point, point), scalar >> 1
    return total


BASE = (x_of(BASE_Y), BASE_Y)


def encode(point: tuple) -> bytes:
    return (point[1] | (point[0] & 1) << 255).to_bytes(32, "little")


def number(*parts: bytes) -> int:
    return int.from_bytes(hashlib.sha512(b"".join(parts)).digest(), "little")


def sign(seed: bytes, message: bytes) -> bytes:
    hashed = hashlib.sha512(seed).digest()
    secret = int.from_bytes(hashed[:32], "little") & ~7 & (2**254 - 1) | 2**254
    public, digest = encode(multiply(secret, BASE)), hashlib.sha512(message).digest()
    r = number(DOM2, hashed[32:], digest) % L
    commitment = encode(multiply(r, BASE))
    s = (r + number(DOM2, commitment, public, digest) * secret) % L
    return commitment + s.to_bytes(32, "little")
