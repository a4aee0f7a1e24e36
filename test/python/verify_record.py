"""Verifies a record with a library of the in-toto project: verify_record.py RECORD PUBLIC_KEY. Prints its statement."""

import json
import sys

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from securesystemslib.dsse import Envelope
from securesystemslib.signer import SSlibKey

record_file, key_file = sys.argv[1:]
with open(record_file, encoding="utf-8") as file:
    record = json.load(file)
with open(key_file, "rb") as file:
    public_key = load_pem_public_key(file.read())

# `from_dict` takes the parts out of the dictionary.
keyid = record["signatures"][0]["keyid"]
envelope = Envelope.from_dict(record)
# The library takes RSA keys to be for PSS unless told otherwise.
scheme = "rsa-pkcs1v15-sha256" if isinstance(public_key, RSAPublicKey) else None
key = SSlibKey.from_crypto(public_key, keyid=keyid, scheme=scheme)
accepted = envelope.verify([key], 1)
print(json.dumps({"keys": list(accepted), "statement": json.loads(envelope.payload)}))
