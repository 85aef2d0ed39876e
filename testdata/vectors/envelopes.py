"""Envelopes put together by hand, with a place for each fault; generate.py says which.

Nothing of Apostille is used: JWS and COSE are put together by hand here, from the specification, so that a mistake
in the code under test is not repeated in what tests it. Unless the fault is the signature, the signature over it is right.
"""

import base64
import datetime
import json
import pathlib

import cbor2
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID as Purpose
from cryptography.x509.oid import NameOID

HERE = pathlib.Path(__file__).parent
UTC = datetime.timezone.utc
SIGNED_AT = datetime.datetime(2026, 6, 1, 12, 0, 0, tzinfo=UTC)
FROM = datetime.datetime(2026, 1, 1, tzinfo=UTC)
UNTIL = datetime.datetime(2126, 1, 1, tzinfo=UTC)
DAY = datetime.timedelta(days=1)

HASHES = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}
SPECS = {
    "rsa-2048": ("PS256", -37),
    "rsa-3072": ("PS384", -38),
    "rsa-4096": ("PS512", -39),
    "ec-256": ("ES256", -7),
    "ec-384": ("ES384", -35),
    "ec-521": ("ES512", -36),
}
PAYLOAD_TYPE = "application/vnd.cncf.notary.payload.v1+json"
NOTARY = "io.cncf.notary."
SCHEMES = {"ca": "notary.x509", "authority": "notary.x509.signingAuthority"}


# Keys and certificates


def new_key(spec):
    curves = {"192": ec.SECP192R1, "224": ec.SECP224R1, "256": ec.SECP256R1, "384": ec.SECP384R1, "521": ec.SECP521R1}
    kind, size = spec.split("-")
    if kind == "rsa":
        return rsa.generate_private_key(65537, int(size))
    if kind == "ed25519":
        return ed25519.Ed25519PrivateKey.generate()
    return ec.generate_private_key(curves[size]())


def name(common):
    parts = [(NameOID.COUNTRY_NAME, "GB"), (NameOID.STATE_OR_PROVINCE_NAME, "England"),
             (NameOID.ORGANIZATION_NAME, "Vectors"), (NameOID.COMMON_NAME, common)]
    return x509.Name([x509.NameAttribute(oid, value) for oid, value in parts])


def usage(*names):
    fields = ["digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
              "key_cert_sign", "crl_sign", "encipher_only", "decipher_only"]
    return x509.KeyUsage(**{field: field in names for field in fields})


class Party:
    """A key and its certificate. Extensions are (value, critical), or None to leave one out."""

    def __init__(self, common, key, issuer=None, *, constraints=None, key_usage=None, purposes=None,
                 start=FROM, end=UNTIL, issuer_name=None, sign_with=None, digest=hashes.SHA256()):
        self.key, self.subject = key, name(common)
        signer = issuer or self
        builder = (x509.CertificateBuilder().subject_name(self.subject)
                   .issuer_name(issuer_name or signer.subject).public_key(key.public_key())
                   .serial_number(x509.random_serial_number()).not_valid_before(start).not_valid_after(end))
        for extension in (constraints, key_usage, purposes):
            if extension is not None:
                builder = builder.add_extension(extension[0], critical=extension[1])
        self.certificate = builder.sign(sign_with or signer.key, digest)

    @property
    def der(self):
        return self.certificate.public_bytes(Encoding.DER)


CA = dict(constraints=(x509.BasicConstraints(True, None), True), key_usage=(usage("key_cert_sign", "crl_sign"), True))
LEAF = dict(constraints=(x509.BasicConstraints(False, None), True), key_usage=(usage("digital_signature"), True),
            purposes=(x509.ExtendedKeyUsage([Purpose.CODE_SIGNING]), False))

ROOT = Party("root", new_key("ec-256"), **CA)
KEYS = {spec: new_key(spec) for spec in SPECS}
LEAVES = {spec: Party(f"leaf {spec}", KEYS[spec], ROOT, **LEAF) for spec in SPECS}


# Signatures


def raw_ecdsa(key, digest, data):
    r, s = utils.decode_dss_signature(key.sign(data, ec.ECDSA(digest)))
    width = (key.curve.key_size + 7) // 8
    return r.to_bytes(width, "big") + s.to_bytes(width, "big")


def sign(spec, data, key=None):
    key = key or KEYS[spec]
    digest = HASHES[SPECS[spec][0][2:]]
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return raw_ecdsa(key, digest, data)
    return key.sign(data, padding.PSS(padding.MGF1(digest), digest.digest_size), digest)


# Envelopes as plain data, so that a fault is one assignment


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def rfc3339(time):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


def payload():
    return {"targetArtifact": {"mediaType": "application/vnd.oci.image.manifest.v1+json",
                               "digest": "sha256:" + "1f" * 32, "size": 528}}


class Envelope:
    """The parts of an envelope before they are encoded."""

    def __init__(self, spec="ec-256", scheme="ca"):
        self.spec, self.scheme = spec, scheme
        self.payload = json.dumps(payload(), separators=(",", ":")).encode()
        self.chain = [LEAVES[spec].der, ROOT.der]
        self.key = None
        self.signer = None
        self.unsigned = {}
        self.crit = [NOTARY + "signingScheme"] if scheme == "ca" else [
            NOTARY + "signingScheme", NOTARY + "authenticSigningTime"]

    def time_name(self):
        return NOTARY + ("signingTime" if self.scheme == "ca" else "authenticSigningTime")

    def signature(self, data):
        return self.signer(data) if self.signer else sign(self.spec, data, self.key)


class Jws(Envelope):
    extension = "jws"

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.protected = {"alg": SPECS[self.spec][0], "cty": PAYLOAD_TYPE, "crit": self.crit,
                          NOTARY + "signingScheme": SCHEMES[self.scheme], self.time_name(): rfc3339(SIGNED_AT)}

    def time(self, value):
        return rfc3339(value)

    def parts(self):
        protected = self.protected if isinstance(self.protected, bytes) else json.dumps(
            self.protected, separators=(",", ":")).encode()
        header = {"x5c": [base64.b64encode(der).decode() for der in self.chain], **self.unsigned}
        encoded = {"payload": b64(self.payload), "protected": b64(protected), "header": header}
        to_sign = f"{encoded['protected']}.{encoded['payload']}".encode()
        return {**encoded, "signature": b64(self.signature(to_sign))}

    def encode(self):
        return json.dumps(self.parts(), separators=(",", ":")).encode()


class Cose(Envelope):
    extension = "cose"

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.protected = {1: SPECS[self.spec][1], 2: self.crit, 3: PAYLOAD_TYPE,
                          NOTARY + "signingScheme": SCHEMES[self.scheme], self.time_name(): self.time(SIGNED_AT)}
        self.tag = 18
        self.content = None

    def time(self, value):
        return cbor2.CBORTag(1, int(value.timestamp()))

    def parts(self):
        protected = self.protected if isinstance(self.protected, bytes) else cbor2.dumps(self.protected)
        to_sign = cbor2.dumps(["Signature1", protected, b"", self.payload])
        return [protected, {33: self.chain, **self.unsigned}, self.payload, self.signature(to_sign)]

    def encode(self):
        return cbor2.dumps(cbor2.CBORTag(self.tag, self.parts()))


VECTORS = []


def add(vector, envelope, why, expect):
    """`expect` is None for a vector that verifies, else words of the error that has to come."""
    data = envelope if isinstance(envelope, bytes) else envelope.encode()
    extension = vector.split("-")[0]
    (HERE / f"{vector}.{extension}").write_bytes(data)
    VECTORS.append({"file": f"{vector}.{extension}", "why": why, "expect": expect})


def change(kind, vector, why, expect, fault, *arguments):
    envelope = kind(*arguments)
    fault(envelope)
    add(f"{kind.extension}-{vector}", envelope, why, expect)


def both(vector, why, expect, fault, *arguments):
    for kind in (Jws, Cose):
        change(kind, vector, why, expect, fault, *arguments)


def with_header(label, value, critical=False):
    def fault(envelope):
        envelope.protected[label] = value(envelope) if callable(value) else value
        if critical:
            envelope.crit.append(label)
    return fault


def without(label):
    return lambda envelope: envelope.protected.pop(label)


def with_payload(document):
    def fault(envelope):
        envelope.payload = document if isinstance(document, bytes) else json.dumps(document).encode()
    return fault


def with_target(**members):
    target = {**payload()["targetArtifact"], **members}
    return with_payload({"targetArtifact": {key: value for key, value in target.items() if value is not ...}})


def with_chain(*parties, key=None):
    def fault(envelope):
        envelope.chain = [party if isinstance(party, bytes) else party.der for party in parties]
        envelope.key = key or envelope.key
    return fault


def edited(kind, vector, why, expect, edit, *arguments):
    """A fault in what encloses the parts, made after the signature."""
    envelope = kind(*arguments)
    parts = envelope.parts()
    result = edit(parts)
    if not isinstance(result, bytes):
        result = json.dumps(result).encode() if kind is Jws else cbor2.dumps(cbor2.CBORTag(18, result))
    add(f"{kind.extension}-{vector}", result, why, expect)
