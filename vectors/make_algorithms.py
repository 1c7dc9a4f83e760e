"""Makes algorithms.json, without any code of this repository.

Needs Python 3 and its package `cryptography` (48 or later, for ML-DSA). All keys and messages are derived from fixed
labels, and so is what deterministic algorithms make of them: the list `made` comes out the same each time. The list
`kept` holds results of algorithms that use randomness. What is in it stays as it is; only what is missing is added.
"""
import hashlib
import hmac
import json
import math
import pathlib
import sys

sys.dont_write_bytecode = True  # Nothing but algorithms.json is to be left behind.

import ed25519ph
import ml_kem
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, mldsa, padding, rsa, utils, x25519

here = pathlib.Path(__file__).parent
E = 65537
SMALL = math.prod(range(3, 4000, 2))
HASHES = {256: hashes.SHA256(), 384: hashes.SHA384(), 512: hashes.SHA512()}
CURVES = {
    "ECC_NIST_P256": (ec.SECP256R1(), 256),
    "ECC_NIST_P384": (ec.SECP384R1(), 384),
    "ECC_NIST_P521": (ec.SECP521R1(), 512),
    "ECC_SECG_P256K1": (ec.SECP256K1(), 256),
}
MESSAGES = {"empty": b"", "text": "grüß dich".encode(), "long": bytes(at % 251 for at in range(1000))}


def stuff(label: str, length: int) -> bytes:
    """Bytes that look random and are not."""
    return hashlib.shake_256(b"chatelaine vectors: " + label.encode()).digest(length)


# Keys.
def is_prime(n: int) -> bool:
    """Miller-Rabin with bases that nobody chose for this number."""
    if math.gcd(n, SMALL) > 1:
        return False
    odd, twos = n - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    for round in range(40):
        x = pow(int.from_bytes(stuff(f"base {round}", n.bit_length() // 8), "big") % (n - 3) + 2, odd, n)
        if x in (1, n - 1):
            continue
        for _ in range(twos - 1):
            x = x * x % n
            if x == n - 1:
                break
        else:
            return False
    return True


def prime(label: str, bits: int) -> int:
    candidate = int.from_bytes(stuff(label, bits // 8), "big") | 3 << (bits - 2) | 1
    while candidate % E == 1 or not is_prime(candidate):
        candidate += 2
    return candidate


def rsa_key(bits: int) -> rsa.RSAPrivateKey:
    p, q = prime(f"p {bits}", bits // 2), prime(f"q {bits}", bits // 2)
    d = pow(E, -1, (p - 1) * (q - 1))
    public = rsa.RSAPublicNumbers(E, p * q)
    return rsa.RSAPrivateNumbers(p, q, d, d % (p - 1), d % (q - 1), pow(q, -1, p), public).private_key()


def ec_key(spec: str, label: str) -> ec.EllipticCurvePrivateKey:
    """One bit shorter than the curve's order, so surely below it."""
    curve, _ = CURVES[spec]
    return ec.derive_private_key(int.from_bytes(stuff(f"{label} {spec}", 80), "big") % 2 ** (curve.key_size - 1), curve)


def pkcs8(key) -> str:
    der = serialization.Encoding.DER
    return key.private_bytes(der, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()).hex()


def spki(key) -> str:
    return key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo).hex()


rsa_keys = {f"RSA_{bits}": rsa_key(bits) for bits in (2048, 3072, 4096)}
ec_keys = {spec: ec_key(spec, "scalar") for spec in CURVES}
seeds = {"ECC_NIST_EDWARDS25519": 32, "X25519": 32, "ML_DSA_44": 32, "ML_DSA_65": 32, "ML_DSA_87": 32}
seeds |= {f"ML_KEM_{level}": 64 for level in (512, 768, 1024)} | {f"HMAC_{bits}": bits // 8 for bits in (224, 256, 384, 512)}
raw = {spec: stuff(f"key {spec}", length) for spec, length in seeds.items()}
keys = {spec: {"format": "pkcs8", "bytes": pkcs8(key)} for spec, key in (rsa_keys | ec_keys).items()}
keys |= {spec: {"format": "raw", "bytes": key.hex()} for spec, key in raw.items()}
ed = ed25519.Ed25519PrivateKey.from_private_bytes(raw["ECC_NIST_EDWARDS25519"])
xd = x25519.X25519PrivateKey.from_private_bytes(raw["X25519"])
lattice = {bits: getattr(mldsa, f"MLDSA{bits}PrivateKey").from_seed_bytes(raw[f"ML_DSA_{bits}"]) for bits in (44, 65, 87)}


# What is the same each time.
def signed(spec: str, algorithm: str, sign) -> list:
    case = {"verb": "sign", "spec": spec, "algorithm": algorithm}
    return [{**case, "message": message.hex(), "signature": sign(message).hex()} for message in MESSAGES.values()]


def macs(bits: int) -> list:
    case = {"verb": "generateMac", "spec": f"HMAC_{bits}", "algorithm": f"HMAC_SHA_{bits}"}
    mac = lambda message: hmac.digest(raw[f"HMAC_{bits}"], message, f"sha{bits}")
    return [{**case, "message": message.hex(), "mac": mac(message).hex()} for message in MESSAGES.values()]


def agreed() -> list:
    case = lambda spec, peer, secret: {"verb": "deriveSharedSecret", "spec": spec, "publicKey": spki(peer), "sharedSecret": secret.hex()}
    peer = x25519.X25519PrivateKey.from_private_bytes(stuff("peer X25519", 32))
    cases = [case("X25519", peer, xd.exchange(peer.public_key()))]
    for spec in list(CURVES)[:3]:
        peer = ec_key(spec, "peer")
        cases.append(case(spec, peer, ec_keys[spec].exchange(ec.ECDH(), peer.public_key())))
    return cases


def decapsulated(level: int) -> list:
    ek, dk = ml_kem.key_pair(level, raw[f"ML_KEM_{level}"])
    secret, c = ml_kem.encapsulate(level, ek, stuff(f"m {level}", 32))
    assert ml_kem.decapsulate(level, dk, c) == secret
    changed = bytes([c[0] ^ 1]) + c[1:]
    case = {"verb": "decapsulate", "spec": f"ML_KEM_{level}"}
    return [
        {**case, "ciphertext": c.hex(), "sharedSecret": secret.hex()},
        {**case, "ciphertext": changed.hex(), "sharedSecret": ml_kem.decapsulate(level, dk, changed).hex()},
    ]


def public_keys() -> list:
    pairs = rsa_keys | ec_keys | {"ECC_NIST_EDWARDS25519": ed, "X25519": xd}
    pairs |= {f"ML_DSA_{bits}": key for bits, key in lattice.items()}
    cases = [{"verb": "getPublicKey", "spec": spec, "publicKey": spki(key)} for spec, key in pairs.items()]
    for parameter_set, level in enumerate((512, 768, 1024), 1):
        # RFC 9935 section 4: SEQUENCE { SEQUENCE { OID id-alg-ml-kem-… }, BIT STRING }.
        oid = bytes.fromhex("300b06096086480165030404") + bytes([parameter_set])
        ek, _ = ml_kem.key_pair(level, raw[f"ML_KEM_{level}"])
        bits = b"\x03\x82" + (len(ek) + 1).to_bytes(2, "big") + b"\0" + ek
        der = b"\x30\x82" + len(oid + bits).to_bytes(2, "big") + oid + bits
        cases.append({"verb": "getPublicKey", "spec": f"ML_KEM_{level}", "publicKey": der.hex()})
    return cases


made = public_keys()
for spec, key in rsa_keys.items():
    for bits, hash in HASHES.items():
        made += signed(spec, f"RSASSA_PKCS1_V1_5_SHA_{bits}", lambda message: key.sign(message, padding.PKCS1v15(), hash))
made += signed("ECC_NIST_EDWARDS25519", "ED25519_SHA_512", ed.sign)
made += signed("ECC_NIST_EDWARDS25519", "ED25519_PH_SHA_512", lambda message: ed25519ph.sign(raw["ECC_NIST_EDWARDS25519"], message))
made += [case for bits in (224, 256, 384, 512) for case in macs(bits)] + agreed()
made += [case for level in (512, 768, 1024) for case in decapsulated(level)]


# What is made once. Each plan is a description, and how to make the rest.
def p1363(der: bytes, length: int) -> bytes:
    return b"".join(number.to_bytes(length, "big") for number in utils.decode_dss_signature(der))


def plans():
    message = MESSAGES["text"]
    verify = {"verb": "verify", "message": message.hex()}
    for spec, key in rsa_keys.items():
        for bits, hash in HASHES.items():
            pss = padding.PSS(padding.MGF1(hash), hash.digest_size)
            case = {**verify, "spec": spec, "algorithm": f"RSASSA_PSS_SHA_{bits}"}
            yield case, "signature", lambda: key.sign(message, pss, hash)
        for bits, hash in ((1, hashes.SHA1()), (256, hashes.SHA256())):
            oaep = padding.OAEP(padding.MGF1(hash), hash, None)
            case = {"verb": "decrypt", "spec": spec, "algorithm": f"RSAES_OAEP_SHA_{bits}", "plaintext": message.hex()}
            yield case, "ciphertext", lambda: key.public_key().encrypt(message, oaep)
    for spec, key in ec_keys.items():
        bits = CURVES[spec][1]
        case = {**verify, "spec": spec, "algorithm": f"ECDSA_SHA_{bits}"}
        yield {**case, "format": "DER"}, "signature", lambda: key.sign(message, ec.ECDSA(HASHES[bits]))
        yield {**case, "format": "P1363"}, "signature", lambda: p1363(key.sign(message, ec.ECDSA(HASHES[bits])), (key.key_size + 7) // 8)
    for bits, key in lattice.items():
        case = {**verify, "spec": f"ML_DSA_{bits}", "algorithm": "ML_DSA_SHAKE_256"}
        yield case, "signature", lambda: key.sign(message)
        yield {**case, "signingContext": b"context".hex()}, "signature", lambda: key.sign(message, b"context")


file = here / "algorithms.json"
before = json.loads(file.read_text())["kept"] if file.exists() else []


def kept(case: dict, field: str, make) -> dict:
    found = [old for old in before if {name: value for name, value in old.items() if name != field} == case]
    return found[0] if found else {**case, field: make().hex()}


content = {
    "note": "Made by make_algorithms.py. All keys are for tests only. A vector's key is that of its spec.",
    "keys": keys,
    "made": made,
    "kept": [kept(*plan) for plan in plans()],
}
assert all(old in content["kept"] for old in before), "a vector that was kept would be lost"
file.write_text(json.dumps(content, indent=1, ensure_ascii=True) + "\n")
