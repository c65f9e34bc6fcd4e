"""Google's own library on a bucket that garland writes to and reads from.

ADDRESS BUCKET NAME=HASHES…   reads what garland has written, and leaves two files for it
"""

import base64
import hashlib
import sys

from google.auth.credentials import AnonymousCredentials
from google.cloud import storage


def content(size):
    words = ((n * 0x9E3779B97F4A7C15) % 2**64 for n in range(size // 8 + 1))
    return b"".join(word.to_bytes(8, "little") for word in words)[:size]


def main(address, bucket, *files):
    client = storage.Client(
        project="test", credentials=AnonymousCredentials(), client_options={"api_endpoint": address}
    )
    bucket = client.bucket(bucket)
    listed = {blob.name: blob for blob in client.list_blobs(bucket)}
    assert len(listed) == len(files), sorted(listed)
    for file in files:
        name, hashes = file.rsplit("=", 1)
        told = listed[name]
        body = told.download_as_bytes()
        assert told.size == len(body)
        assert told.content_type == "image/jpeg", told.content_type
        assert told.metadata["mtime"] == "2025-06-15T15:06:40.250Z", told.metadata
        for sum in hashes.split():
            algorithm, digest = sum.split(":")
            assert hashlib.new(algorithm, body).hexdigest() == digest, (name, algorithm)
        assert base64.b64decode(told.md5_hash) == hashlib.md5(body).digest(), name
    bucket.blob("from google/small.bin").upload_from_string(content(3_000), "video/mp4", if_generation_match=0)
    large = bucket.blob("from google/large.bin", chunk_size=256 << 10)
    large.upload_from_string(content(700_000), "video/mp4")


main(*sys.argv[1:])
