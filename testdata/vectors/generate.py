"""Makes the envelopes of this folder and their list, vectors.json.

    python3 testdata/vectors/generate.py        # needs `cryptography` and `cbor2`

Each negative vector has one fault. New keys are made by each run, so all files change.
"""

import base64
import json

import cbor2
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.x509.oid import ExtendedKeyUsageOID as Purpose

from envelopes import *

SCHEME, TIME, AUTHENTIC, EXPIRY = (NOTARY + part for part in (
    "signingScheme", "signingTime", "authenticSigningTime", "expiry"))
PLUGIN, MINIMUM = NOTARY + "verificationPlugin", NOTARY + "verificationPluginMinVersion"


def nothing(_):
    pass


def positives():
    for spec in SPECS:
        for scheme in SCHEMES:
            both(f"valid-{spec}-{scheme}", f"{spec}, scheme {SCHEMES[scheme]}", None, nothing, spec, scheme)
    both("valid-expiry", "a critical expiry after the signing time", None,
         with_header(EXPIRY, lambda envelope: envelope.time(SIGNED_AT + DAY), True))
    both("valid-metadata", "user metadata in the payload's annotations", None, with_target(annotations={"build": "<1> & 2"}))
    both("valid-agent", "a signing agent, which is not signed", None,
         lambda envelope: envelope.unsigned.update({NOTARY + "signingAgent": "vectors/1.0"}))
    both("valid-extended", "an extended attribute that is not critical", None, with_header("com.example.note", "text"))
    both("valid-extended-critical", "a critical extended attribute: its processing is the trust policy's concern", None,
         with_header("com.example.note", "text", True))
    both("valid-plugin", "a verification plugin and its least version, both critical", None,
         lambda envelope: (with_header(PLUGIN, "example", True)(envelope), with_header(MINIMUM, "1.2.3", True)(envelope)))
    alone = Party("alone", new_key("ec-256"), **LEAF)
    both("valid-self-signed", "one certificate that signs itself and no CA", None, with_chain(alone, key=alone.key))
    middle = Party("middle", new_key("ec-256"), ROOT, constraints=(x509.BasicConstraints(True, 0), True), key_usage=CA["key_usage"])
    leaf = Party("below", new_key("ec-256"), middle, **LEAF)
    both("valid-three", "an intermediate certificate with path length 0", None, with_chain(leaf, middle, ROOT, key=leaf.key))
    plain = Party("no purposes", new_key("ec-256"), ROOT, **{**LEAF, "purposes": None})
    both("valid-no-purposes", "a leaf without extKeyUsage may be used for every purpose", None, with_chain(plain, ROOT, key=plain.key))


def attributes():
    both("alg-of-another-curve", "ES384 with a key on P-256", "algorithm",
         lambda e: e.protected.update({"alg": "ES384"} if isinstance(e, Jws) else {1: -35}))
    both("alg-rsa-with-ec-key", "PS256 with a key on P-256", "algorithm",
         lambda e: e.protected.update({"alg": "PS256"} if isinstance(e, Jws) else {1: -37}))
    for bad, cose in (("none", 0), ("HS256", 5), ("RS256", -257), ("EdDSA", -8)):
        both(f"alg-{bad.lower()}", f"the algorithm {bad}, which the specification does not know", "not allowed",
             lambda e, bad=bad, cose=cose: e.protected.update({"alg": bad} if isinstance(e, Jws) else {1: cose}))
    both("alg-missing", "no algorithm", "alg", lambda e: e.protected.pop("alg" if isinstance(e, Jws) else 1))
    both("content-type-missing", "no content type", "missing", lambda e: e.protected.pop("cty" if isinstance(e, Jws) else 3))
    both("content-type-other", "the content type of something else", "content type",
         lambda e: e.protected.update({("cty" if isinstance(e, Jws) else 3): "application/json"}))
    both("crit-missing", "no list of critical attributes", "crit", lambda e: e.protected.pop("crit" if isinstance(e, Jws) else 2))
    both("crit-empty", "an empty list of critical attributes", "crit", lambda e: e.crit.clear())
    both("crit-without-scheme", "the scheme is not critical", "signingScheme",
         lambda e: (e.crit.clear(), with_header("com.example.x", "y", True)(e)))
    both("crit-names-absent", "a critical attribute that is not there", "com.example.absent", lambda e: e.crit.append("com.example.absent"))
    both("crit-twice", "the same critical attribute twice", "crit", lambda e: e.crit.append(SCHEME))
    both("crit-no-list", "a text where the list of critical attributes should be", "crit",
         lambda e: e.protected.update({("crit" if isinstance(e, Jws) else 2): SCHEME}))
    both("scheme-missing", "no signing scheme, though it is listed as critical", "signingScheme", without(SCHEME))
    both("scheme-unknown", "a scheme that nobody defined", "signingScheme", with_header(SCHEME, "notary.x509.other"))
    both("scheme-number", "a number as the scheme", "signingScheme", with_header(SCHEME, 1))
    both("time-missing", "no signing time", "signingTime", lambda e: e.protected.pop(TIME))
    both("time-text", "a signing time that is none", "signingTime", with_header(TIME, "yesterday"))
    both("authentic-time-in-ca-scheme", "an authentic signing time in the scheme notary.x509", "authenticSigningTime",
         with_header(AUTHENTIC, lambda e: e.time(SIGNED_AT), True))
    both("time-in-authority-scheme", "a signing time in the scheme of signing authorities", "signingTime",
         with_header(TIME, lambda e: e.time(SIGNED_AT)), "ec-256", "authority")
    both("authentic-time-missing", "a signing authority gives no time", "authenticSigningTime",
         lambda e: (e.protected.pop(AUTHENTIC), e.crit.remove(AUTHENTIC)), "ec-256", "authority")
    both("authentic-time-not-critical", "the authentic signing time is not critical", "authenticSigningTime",
         lambda e: e.crit.remove(AUTHENTIC), "ec-256", "authority")
    both("expiry-not-critical", "an expiry that may be overlooked", "expiry", with_header(EXPIRY, lambda e: e.time(SIGNED_AT + DAY)))
    both("expiry-text", "an expiry that is no time", "expiry", with_header(EXPIRY, "never", True))
    both("expiry-before-signing", "an expiry before the signing time", "expiry",
         with_header(EXPIRY, lambda e: e.time(SIGNED_AT - DAY), True))
    both("plugin-empty", "a verification plugin without a name", "verificationPlugin", with_header(PLUGIN, "", True))
    both("plugin-number", "a number as the verification plugin", "verificationPlugin", with_header(PLUGIN, 7, True))
    both("minimum-without-plugin", "a least version of no plugin", "verificationPlugin", with_header(MINIMUM, "1.0.0", True))
    both("minimum-no-version", "a least version that is none: refused where the plugin is looked for, not here", None,
         lambda e: (with_header(PLUGIN, "example", True)(e), with_header(MINIMUM, "new", True)(e)))


def payloads():
    both("payload-no-json", "a payload that is no JSON", "payload", with_payload(b"{"))
    both("payload-array", "an array as the payload", "payload", with_payload([]))
    both("payload-no-target", "a payload without targetArtifact", "targetArtifact", with_payload({}))
    both("payload-target-null", "null as the target", "payload", with_payload({"targetArtifact": None}))
    for member in ("mediaType", "digest", "size"):
        both(f"payload-no-{member.lower()}", f"a target without {member}", member, with_target(**{member: ...}))
    both("payload-digest-short", "a digest that is too short", "digest", with_target(digest="sha256:1f"))
    both("payload-digest-plain", "a digest without its algorithm", "digest", with_target(digest="1f" * 32))
    both("payload-size-negative", "a negative size", "payload", with_target(size=-1))
    both("payload-size-text", "a text as the size", "payload", with_target(size="528"))
    both("payload-size-fraction", "half a byte", "payload", with_target(size=528.5))
    both("payload-annotation-number", "a number as an annotation", "payload", with_target(annotations={"build": 1}))


def signatures():
    key = KEYS["ec-256"]
    both("signature-by-another-key", "the signature of another key", "does not verify", lambda e: setattr(e, "key", new_key("ec-256")))
    both("signature-of-other-bytes", "a signature over something else", "does not verify",
         lambda e: setattr(e, "signer", lambda data: sign("ec-256", data + b"!")))
    both("signature-asn1", "ECDSA in ASN.1 where r and s should follow each other", "does not verify",
         lambda e: setattr(e, "signer", lambda data: key.sign(data, ec.ECDSA(hashes.SHA256()))))
    both("signature-zero", "r and s are zero", "does not verify", lambda e: setattr(e, "signer", lambda data: bytes(64)))
    both("signature-short", "the last byte is missing", "does not verify",
         lambda e: setattr(e, "signer", lambda data: sign("ec-256", data)[:-1]))
    both("signature-empty", "no signature", "signature", lambda e: setattr(e, "signer", lambda data: b""))
    digest, rsa_key = hashes.SHA256(), KEYS["rsa-2048"]
    for vector, why, scheme in (
            ("salt-20", "PSS with a salt of 20 bytes", padding.PSS(padding.MGF1(digest), 20)),
            ("salt-0", "PSS without salt", padding.PSS(padding.MGF1(digest), 0)),
            ("mgf-sha1", "PSS with MGF1 over SHA-1", padding.PSS(padding.MGF1(hashes.SHA1()), 32)),
            ("pkcs1", "PKCS#1 v1.5 padding", padding.PKCS1v15())):
        both(f"signature-rsa-{vector}", why, "does not verify",
             lambda e, scheme=scheme: setattr(e, "signer", lambda data: rsa_key.sign(data, scheme, digest)), "rsa-2048")


def certificates():
    def leaf(vector, why, expect, key=None, spec="ec-256", **changes):
        key = key or new_key("ec-256")
        party = Party(vector, key, ROOT, **{**LEAF, **changes})
        both(f"leaf-{vector}", why, expect, with_chain(party, ROOT, key=key), spec)

    leaf("no-usage", "a leaf without keyUsage", "keyUsage", key_usage=None)
    leaf("usage-not-critical", "keyUsage is not critical", "keyUsage", key_usage=(usage("digital_signature"), False))
    leaf("usage-no-signature", "a leaf that may not sign", "digitalSignature", key_usage=(usage("content_commitment"), True))
    leaf("usage-certificates", "a leaf that may sign certificates", "keyCertSign",
         key_usage=(usage("digital_signature", "key_cert_sign"), True))
    leaf("usage-crl", "a leaf that may sign CRLs", "cRLSign", key_usage=(usage("digital_signature", "crl_sign"), True))
    leaf("usage-encipherment", "a leaf that may encipher keys", "keyEncipherment",
         key_usage=(usage("digital_signature", "key_encipherment"), True))
    leaf("is-ca", "a leaf that is a CA", "CA", constraints=(x509.BasicConstraints(True, None), True))
    leaf("purpose-server", "a leaf for servers", "extKeyUsage", purposes=(x509.ExtendedKeyUsage([Purpose.SERVER_AUTH]), False))
    for vector, purpose in (("any", Purpose.ANY_EXTENDED_KEY_USAGE), ("server-too", Purpose.SERVER_AUTH),
                            ("email-too", Purpose.EMAIL_PROTECTION), ("timestamps-too", Purpose.TIME_STAMPING),
                            ("ocsp-too", Purpose.OCSP_SIGNING)):
        leaf(f"purpose-{vector}", "a purpose beside code signing that is forbidden", "extKeyUsage",
             purposes=(x509.ExtendedKeyUsage([Purpose.CODE_SIGNING, purpose]), False))
    leaf("rsa-1024", "an RSA key of 1024 bits", "1024", key=new_key("rsa-1024"), spec="rsa-2048")
    leaf("p-192", "a key on P-192", "key", key=new_key("ec-192"))
    leaf("p-224", "a key on P-224", "key", key=new_key("ec-224"))
    leaf("expired", "a leaf that had expired when it signed", "expired", end=SIGNED_AT - DAY)
    leaf("early", "a leaf that was not valid yet when it signed", "valid", start=SIGNED_AT + DAY)
    leaf("issuer-name", "the issuer's name is another's", "issue", issuer_name=name("stranger"))
    leaf("issuer-signature", "the issuer's signature is another's", "sign", sign_with=new_key("ec-256"))

    def root(vector, why, expect, **changes):
        key = new_key("ec-256")
        above = Party(vector, key, **{**CA, **changes})
        below = Party("leaf", new_key("ec-256"), above, **LEAF)
        both(f"root-{vector}", why, expect, with_chain(below, above, key=below.key))

    root("no-constraints", "a root without basicConstraints", "basicConstraints", constraints=None)
    root("constraints-not-critical", "basicConstraints of the root are not critical", "basicConstraints",
         constraints=(x509.BasicConstraints(True, None), False))
    root("no-ca", "a root that is no CA", "CA", constraints=(x509.BasicConstraints(False, None), True))
    root("no-usage", "a root without keyUsage", "keyUsage", key_usage=None)
    root("usage-not-critical", "keyUsage of the root is not critical", "keyUsage", key_usage=(usage("key_cert_sign"), False))
    root("usage-no-certificates", "a root that may not sign certificates", "keyCertSign", key_usage=(usage("crl_sign"), True))

    short = Party("short", new_key("ec-256"), constraints=(x509.BasicConstraints(True, 0), True), key_usage=CA["key_usage"])
    middle = Party("middle", new_key("ec-256"), short, **CA)
    below = Party("below", new_key("ec-256"), middle, **LEAF)
    both("chain-path-length", "an intermediate where the root allows none", "pathLenConstraint", with_chain(below, middle, short, key=below.key))
    spec_leaf, stranger = LEAVES["ec-256"], Party("stranger", new_key("ec-256"), **CA)
    both("chain-reversed", "the root first, and the signature is its own", "CA", with_chain(ROOT, spec_leaf, key=ROOT.key))
    both("chain-without-root", "the chain does not end in a certificate that signs itself", "self", with_chain(spec_leaf))
    both("chain-stranger", "a certificate that has nothing to do with the others", "issue", with_chain(spec_leaf, stranger, ROOT))
    both("chain-empty", "no certificates", "certificate", lambda e: e.chain.clear())
    both("chain-garbage", "bytes that are no certificate", "certificate", with_chain(b"garbage", ROOT))
    both("chain-trailing", "a byte after the leaf certificate", "certificate", with_chain(spec_leaf.der + b"\0", ROOT))


def jws_encodings():
    def text(vector, why, expect, edit):
        edited(Jws, vector, why, expect, edit)

    def replaced(member, value):
        return lambda parts: {**parts, member: value(parts[member]) if callable(value) else value}

    def dropped(member):
        return lambda parts: {key: value for key, value in parts.items() if key != member}

    encode = lambda parts: json.dumps(parts).encode()
    text("no-json", "no JSON at all", "malformed", lambda parts: b"not an envelope")
    text("array", "an array", "malformed", lambda parts: b"[]")
    text("trailing", "something after the envelope", "malformed", lambda parts: encode(parts) + b"{}")
    text("cut", "the envelope ends early", "malformed", lambda parts: encode(parts)[:-10])
    for member in ("payload", "protected", "header", "signature"):
        text(f"no-{member}", f"no member {member}", member, dropped(member))
        text(f"{member}-number", f"a number as {member}", "malformed", replaced(member, 5))
    for member in ("payload", "protected", "signature"):
        text(f"{member}-padded", f"{member} in base64url with padding", member, replaced(member, lambda value: value + "=" * (-len(value) % 4 or 4)))
        text(f"{member}-base64", f"{member} in base64 with another alphabet", member, replaced(member, lambda value: "+/" + value[2:]))
    text("payload-twice", "the member payload twice", "malformed",
         lambda parts: b'{"payload":"e30",' + encode(parts)[1:])
    text("general", "the general serialisation, with a list of signatures", "malformed",
         lambda parts: {"payload": parts["payload"], "signatures": [dropped("payload")(parts)]})
    text("compact", "the compact serialisation", "malformed",
         lambda parts: ".".join(parts[member] for member in ("protected", "payload", "signature")).encode())
    change(Jws, "protected-no-json", "a protected header that is no JSON", "malformed", lambda e: setattr(e, "protected", b"x"))
    change(Jws, "protected-array", "an array as the protected header", "malformed", lambda e: setattr(e, "protected", b"[]"))
    change(Jws, "protected-twice", "the algorithm twice in the protected header", "malformed",
           lambda e: setattr(e, "protected", b'{"alg":"ES256",' + json.dumps(e.protected).encode()[1:]))
    change(Jws, "x5c-number", "a number as the chain", "malformed", lambda e: e.unsigned.update({"x5c": 1}))
    change(Jws, "x5c-base64url", "the chain is no base64", "x5c", lambda e: e.unsigned.update({"x5c": ["_-_-"]}))


def cose_encodings():
    def binary(vector, why, expect, edit):
        edited(Cose, vector, why, expect, edit)

    tagged = lambda tag, value: cbor2.dumps(cbor2.CBORTag(tag, value))
    binary("no-cbor", "no CBOR at all", "malformed", lambda parts: b"\xff")
    binary("empty", "nothing", "malformed", lambda parts: b"")
    binary("trailing", "something after the envelope", "malformed", lambda parts: tagged(18, parts) + b"\0")
    binary("cut", "the envelope ends early", "malformed", lambda parts: tagged(18, parts)[:-10])
    binary("untagged", "no tag", "malformed", lambda parts: cbor2.dumps(parts))
    binary("tag-98", "the tag of COSE_Sign, with several signatures", "malformed", lambda parts: tagged(98, parts))
    binary("three-parts", "three parts", "malformed", lambda parts: parts[:3])
    binary("five-parts", "five parts", "malformed", lambda parts: parts + [b""])
    binary("payload-detached", "a payload that is elsewhere", "payload", lambda parts: [*parts[:2], None, parts[3]])
    binary("payload-text", "a text as the payload", "payload", lambda parts: [*parts[:2], parts[2].decode(), parts[3]])
    binary("signature-text", "a text as the signature", "signature", lambda parts: [*parts[:3], "signature"])
    binary("protected-map", "a protected header that is not wrapped in bytes", "malformed", lambda parts: [cbor2.loads(parts[0]), *parts[1:]])
    binary("unprotected-array", "an array as the unprotected header", "malformed", lambda parts: [parts[0], [], *parts[2:]])
    change(Cose, "protected-empty", "an empty protected header", "missing", lambda e: setattr(e, "protected", b"\xa0"))
    change(Cose, "protected-twice", "the algorithm twice in the protected header", "malformed",
           lambda e: setattr(e, "protected", bytes([0xA0 + len(e.protected) + 1]) + b"\x01\x26" + cbor2.dumps(e.protected)[1:]))
    change(Cose, "protected-trailing", "something after the protected header", "malformed",
           lambda e: setattr(e, "protected", cbor2.dumps(e.protected) + b"\0"))
    change(Cose, "time-untagged", "a signing time without the tag for times", "signingTime",
           with_header(TIME, int(SIGNED_AT.timestamp())))
    change(Cose, "valid-time-fraction", "a signing time with a fraction of a second, which should not be and may be", None,
           with_header(TIME, cbor2.CBORTag(1, SIGNED_AT.timestamp() + 0.5)))
    change(Cose, "content-type-number", "a number as the content type", "content type", lambda e: e.protected.update({3: 50}))
    change(Cose, "x5chain-number", "a number as the chain", "x5chain", lambda e: e.unsigned.update({33: 1}))


for part in (positives, attributes, payloads, signatures, certificates, jws_encodings, cose_encodings):
    part()
lines = ",\n".join(json.dumps(vector) for vector in VECTORS)
(HERE / "vectors.json").write_text(f"[\n{lines}\n]\n")
print(len(VECTORS), "vectors")
