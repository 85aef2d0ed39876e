#!/usr/bin/env python3
"""A plugin that keeps every rule that needs no key, or breaks exactly one: BROKEN names it.

It declares a verification capability only as far as the rules on malformed requests need a command;
it never signs anything.
"""

import json
import os
import sys

BROKEN = os.environ.get("BROKEN", "")


def fail(code, message):
    json.dump({"errorCode": code, "errorMessage": message}, sys.stderr)
    sys.exit(1)


def metadata():
    answer = {
        "name": "mutant",
        "description": "A plugin for tests of the harness",
        "version": "1.2.3",
        "url": "https://example.com/mutant",
        "supportedContractVersions": ["1.0"],
        "capabilities": ["SIGNATURE_GENERATOR.RAW"],
    }
    changes = {
        "NP-PK-004": {"name": "somebody-else"},
        "NP-MD-061": {"url": ""},
        "NP-MD-062": {"supportedContractVersions": ["1.0", "1.1"]},
        "NP-MD-064": {"supportedContractVersions": ["2.0"]},
        "NP-MD-065": {"capabilities": ["SIGNATURE_GENERATOR.RAW", 7]},
        "NP-MD-067": {"version": "v1.2"},
        "NP-MD-069": {"description": "run %d" % os.getpid()},
    }
    answer.update(changes.get(BROKEN, {}))
    return answer


def main():
    command = sys.argv[1] if len(sys.argv) == 2 else ""
    if command not in ("get-plugin-metadata", "describe-key", "generate-signature"):
        if BROKEN == "NP-PD-030":
            print("usage: notation-mutant COMMAND")
        fail("VALIDATION_ERROR", "unknown command")
    if BROKEN == "NP-PD-036":
        text = sys.stdin.readline()
    else:
        text = sys.stdin.read()
    if not text.strip():
        fail("ERROR" if BROKEN == "NP-PD-033" else "VALIDATION_ERROR", "no request")
    try:
        request = json.loads(text)
    except ValueError as error:
        fail("ERROR" if BROKEN == "NP-PD-034" else "VALIDATION_ERROR", str(error))
    if BROKEN == "NP-PD-040" and set(request) - {"pluginConfig", "contractVersion", "keyId"}:
        fail("VALIDATION_ERROR", "unknown attribute")
    if command == "get-plugin-metadata":
        if BROKEN == "NP-PD-021":
            print("starting up")
        json.dump(metadata(), sys.stdout)
    else:
        fail("VALIDATION_ERROR", "this plugin has no keys")


main()
