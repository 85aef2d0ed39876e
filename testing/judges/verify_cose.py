"""Verifies a COSE_Sign1 envelope of the Notary Project with cwt, and writes its payload to standard output.

The key is that of the first certificate; whether to trust it is not asked here.
"""

import sys

import cbor2
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cwt import COSE, COSEKey

X5CHAIN = 33
ALGORITHM = 1
NAMES = {-7: "ES256", -35: "ES384", -36: "ES512", -37: "PS256", -38: "PS384", -39: "PS512"}


def main(path):
    with open(path, "rb") as file:
        envelope = file.read()
    protected, unprotected, _, _ = cbor2.loads(envelope).value
    chain = unprotected[X5CHAIN]
    leaf = chain if isinstance(chain, bytes) else chain[0]
    public_key = x509.load_der_x509_certificate(leaf).public_key()
    pem = public_key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    algorithm = NAMES[cbor2.loads(protected)[ALGORITHM]]
    key = COSEKey.from_pem(pem, alg=algorithm)
    sys.stdout.buffer.write(COSE.new(verify_kid=False).decode(envelope, key))


main(sys.argv[1])
