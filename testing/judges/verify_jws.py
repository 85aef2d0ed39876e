"""Verifies a JWS envelope of the Notary Project with jwcrypto, and writes its payload to standard output.

The key is that of the first certificate; whether to trust it is not asked here.
"""

import base64
import json
import sys

from cryptography import x509
from jwcrypto import jwk, jws

NOTARY_HEADERS = [
    "io.cncf.notary.signingScheme",
    "io.cncf.notary.signingTime",
    "io.cncf.notary.authenticSigningTime",
    "io.cncf.notary.expiry",
]


def main(path):
    with open(path, encoding="utf-8") as file:
        text = file.read()
    unprotected = json.loads(text)["header"]
    leaf = x509.load_der_x509_certificate(base64.b64decode(unprotected["x5c"][0]))
    registry = {
        name: jws.JWSEHeaderParameter(name, True, True, None) for name in NOTARY_HEADERS
    }
    token = jws.JWS(header_registry=registry)
    token.allowed_algs = ["PS256", "PS384", "PS512", "ES256", "ES384", "ES512"]
    token.deserialize(text)
    token.verify(jwk.JWK.from_pyca(leaf.public_key()))
    sys.stdout.buffer.write(token.payload)


main(sys.argv[1])
