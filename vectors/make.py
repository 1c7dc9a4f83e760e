"""Makes cm1-own.json, cw1.json, cs1.json and blind-index.json, without any code of this repository.

Needs Python 3 and its package `cryptography`. Everything is derived from fixed labels, so the files come out the same
each time. The layouts are those of the format's specification; what is written here in Python is a second
implementation of it, and the tests compare the two.
"""
import hashlib
import hmac
import json
import pathlib
import struct
import uuid

from cryptography.hazmat.primitives import cmac, hashes
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

here = pathlib.Path(__file__).parent
LABEL = b"c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\0"
CHUNK = 16384


def stuff(label: str, length: int) -> bytes:
    """Bytes that look random and are not."""
    return hashlib.shake_256(b"chatelaine vectors: " + label.encode()).digest(length)


def chunked(key: bytes, context: bytes, salt: bytes, plaintext: bytes) -> bytes:
    """C2SP chunked-encryption@v1: salt, commitment, chunks."""
    derived = HKDFExpand(hashes.SHA512(), 76, LABEL + salt + context).derive(key)
    aead, base, commitment = AESGCM(derived[:32]), int.from_bytes(derived[32:44], "big"), derived[44:]
    chunks = [plaintext[at : at + CHUNK] for at in range(0, len(plaintext) + 1, CHUNK)]
    sealed = [aead.encrypt((base ^ index).to_bytes(12, "big"), chunk, None) for index, chunk in enumerate(chunks)]
    return salt + commitment + b"".join(sealed)


def encode_context(context: dict) -> bytes:
    pairs = sorted((key.encode(), value.encode()) for key, value in context.items())
    return struct.pack(">H", len(pairs)) + b"".join(
        struct.pack(">H", len(key)) + key + struct.pack(">H", len(value)) + value for key, value in pairs
    )


def header(magic: bytes, kind: int, key_id: str, version: int) -> bytes:
    return magic + bytes([kind]) + uuid.UUID(key_id).bytes + struct.pack(">I", version)


# CM1: messages.
material = stuff("material", 32)
key_id = str(uuid.UUID(bytes=stuff("key id", 16), version=4))
version = 3


def message(number: int, suite: int, plaintext: bytes, context: dict) -> dict:
    salt = stuff(f"salt {number}", 24)
    head = header(b"CM1", suite, key_id, version)
    under = head + encode_context(context)
    random = {"salt": salt.hex()}
    if suite == 0x02:
        data_key, body_salt = stuff(f"data key {number}", 32), stuff(f"body salt {number}", 24)
        sealed = head + chunked(material, under, salt, data_key) + chunked(data_key, b"CM1\x02", body_salt, plaintext)
        random |= {"dataKey": data_key.hex(), "bodySalt": body_salt.hex()}
    else:
        sealed = head + chunked(material, under, salt, plaintext)
    small = len(plaintext) <= 1024
    plain = {"plaintext": plaintext.hex()} if small else {"plaintextLength": len(plaintext)}
    cipher = {"ciphertext": sealed.hex()} if small else {"ciphertextSha256": hashlib.sha256(sealed).hexdigest()}
    return {"id": number, "suite": suite, "context": context, **random, **plain, **cipher}


def counting(length: int) -> bytes:
    return bytes(at % 251 for at in range(length))


unicode = {"b": "2", "a": "1", "\uffff": "last of one unit", "\U00010000": "first of two", "é": "ü", "10": "x", "9": "y", "\0": ""}
plans = [
    (0x01, b"", {}),
    (0x02, b"", {}),
    (0x01, "grüß dich".encode(), {"table": "customers", "row": "42"}),
    (0x02, "grüß dich".encode(), {"row": "42", "table": "customers"}),
    (0x01, b"\x00", unicode),
    (0x02, b"\x00", unicode),
    (0x01, counting(16383), {"n": "1"}),
    (0x01, counting(16384), {"n": "2"}),
    (0x02, counting(16385), {"n": "3"}),
    (0x01, counting(1048577), {"n": "4"}),
    (0x02, counting(1048576), {"n": "5"}),
    (0x82, stuff("AES-256 key", 32), {"table": "customers"}),
    (0x82, stuff("AES-128 key", 16), {}),
    (0x82, stuff("one byte", 1), {}),
    (0x82, stuff("the longest", 1024), {}),
    (0x83, stuff("stands for PKCS#8", 48), {"table": "customers"}),
]
cm1 = {
    "format": "CM1",
    "note": "Messages made by make.py. Key material is for tests only. A plaintext given by its length is byte[i] = i mod 251.",
    "material": material.hex(),
    "keyId": key_id,
    "keyVersion": version,
    "tests": [message(number, *plan) for number, plan in enumerate(plans, 1)],
}

# CW1: secrets as they are stored.
wrap_key = stuff("wrap key", 32)


def wrapped(number: int, identity: dict, secret: bytes) -> dict:
    names = ("exportable", "origin", "spec", "tenant", "usage")
    head = header(b"CW1", identity["type"], identity["id"], identity["version"])
    # All of these values are ASCII, so that sorted keys without white space are RFC 8785.
    jcs = json.dumps({name: identity[name] for name in names}, sort_keys=True, separators=(",", ":")).encode()
    salt = stuff(f"wrap salt {number}", 24)
    sealed = head + chunked(wrap_key, head + jcs, salt, secret)
    return {"id": number, "identity": identity, "salt": salt.hex(), "secret": secret.hex(), "wrapped": sealed.hex()}


symmetric = {"type": 1, "id": key_id, "version": 1, "exportable": False, "origin": "CHATELAINE", "spec": "AES_256", "tenant": "default", "usage": "ENCRYPT_DECRYPT"}
house = {**symmetric, "type": 3, "spec": "audit-signing", "usage": "HOUSE"}
cw1 = {
    "format": "CW1",
    "note": "Secrets wrapped by make.py. The wrap key is for tests only.",
    "wrapKey": wrap_key.hex(),
    "tests": [
        wrapped(1, symmetric, stuff("secret 1", 32)),
        wrapped(2, {**symmetric, "version": 4294967295, "tenant": "acme.example_1"}, stuff("secret 2", 32)),
        wrapped(3, {**symmetric, "exportable": True, "origin": "EXTERNAL"}, stuff("secret 3", 32)),
        wrapped(4, house, stuff("secret 4", 32)),
        wrapped(5, {**house, "spec": "audit-pii", "version": 2}, stuff("secret 5", 64)),
        wrapped(6, {**symmetric, "origin": 'quote " and \\ and \n'}, b""),
        wrapped(7, {**symmetric, "spec": "RSA_4096"}, stuff("secret 7", 2400)),
    ],
}

# CS1: deterministic messages.
def cmac_of(key: bytes, data: bytes) -> bytes:
    mac = cmac.CMAC(algorithms.AES(key))
    mac.update(data)
    return mac.finalize()


def double(block: bytes) -> bytes:
    number = int.from_bytes(block, "big") << 1
    return ((number & ((1 << 128) - 1)) ^ (0x87 if number >> 128 else 0)).to_bytes(16, "big")


def xor(a: bytes, b: bytes) -> bytes:
    return bytes(x ^ y for x, y in zip(a, b, strict=True))


def siv(key: bytes, associated: list, plaintext: bytes) -> bytes:
    """AES-SIV, RFC 5297 sections 2.4 to 2.6."""
    first, second = key[: len(key) // 2], key[len(key) // 2 :]
    d = cmac_of(first, bytes(16))
    for data in associated:
        d = xor(double(d), cmac_of(first, data))
    if len(plaintext) >= 16:
        last = plaintext[:-16] + xor(plaintext[-16:], d)
    else:
        last = xor(double(d), (plaintext + b"\x80").ljust(16, b"\0"))
    v = cmac_of(first, last)
    counter = (int.from_bytes(v, "big") & ~(1 << 63) & ~(1 << 31)).to_bytes(16, "big")
    encryptor = Cipher(algorithms.AES(second), modes.CTR(counter)).encryptor()
    return v + encryptor.update(plaintext) + encryptor.finalize()


siv_material = stuff("siv material", 64)


def deterministic(number: int, version: int, plaintext: bytes, context: dict) -> dict:
    head, encoded = header(b"CS1", 0x01, key_id, version), encode_context(context)
    derived = HKDFExpand(hashes.SHA512(), 96, b"chatelaine/cs1\0" + head + encoded).derive(siv_material)
    sealed = head + derived[64:] + siv(derived[:64], [head, encoded], plaintext)
    return {"id": number, "keyId": key_id, "keyVersion": version, "material": siv_material.hex(), "context": context,
            "plaintext": plaintext.hex(), "ciphertext": sealed.hex()}


cs1 = {
    "format": "CS1",
    "note": "Deterministic messages made by make.py. Key material is for tests only.",
    "tests": [
        deterministic(1, 1, b"", {}),
        deterministic(2, 1, b"x", {}),
        deterministic(3, 1, counting(15), {"table": "customers"}),
        deterministic(4, 1, counting(16), {"table": "customers"}),
        deterministic(5, 4294967295, counting(17), {"table": "customers", "field": "iban"}),
        deterministic(6, 2, "grüß dich".encode(), unicode),
        deterministic(7, 3, counting(1000), {"n": "1"}),
    ],
}


# Blind indexes.
def blind_index(number: int, spec: str, length: int, field: str, value: bytes, bits: int) -> dict:
    key = stuff(f"index material {number}", length)
    name = "sha256" if spec == "HMAC_512" else "sha512"
    field_key = hmac.new(key, b"chatelaine/blind-index/v1\0" + field.encode() + b"\1", name).digest()[:32]
    whole = int.from_bytes(hmac.new(field_key, value, "sha256").digest(), "big")
    size = (bits + 7) // 8
    index = (whole >> (256 - bits) << (size * 8 - bits)).to_bytes(size, "big")
    return {"id": number, "spec": spec, "material": key.hex(), "field": field, "value": value.hex(), "bits": bits, "index": index.hex()}


blind = {
    "format": "blind index, version 1",
    "note": "Made by make.py. Key material is for tests only; values are those after normalizing.",
    "tests": [
        blind_index(1, "HMAC_256", 32, "customers.email", b"anna@example.org", 256),
        blind_index(2, "HMAC_256", 32, "customers.email", b"", 256),
        blind_index(3, "HMAC_224", 28, "größe", "grüß dich".encode(), 20),
        blind_index(4, "HMAC_384", 48, "f", counting(1000), 9),
        blind_index(5, "HMAC_512", 64, "f", b"value", 255),
        blind_index(6, "HMAC_512", 200, "f", b"value", 8),
    ],
}

for name, content in (("cm1-own.json", cm1), ("cw1.json", cw1), ("cs1.json", cs1), ("blind-index.json", blind)):
    (here / name).write_text(json.dumps(content, indent=1, ensure_ascii=True) + "\n")
