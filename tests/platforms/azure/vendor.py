"""Microsoft's own library on a container that garland writes to and reads from.

make ADDRESS ACCOUNT KEY CONTAINER
exchange ADDRESS ACCOUNT KEY CONTAINER NAME=HASHES…   reads what garland has written, and leaves two files for it
"""

import hashlib
import sys

from azure.storage.blob import BlobServiceClient, ContentSettings


def content(size):
    words = ((n * 0x9E3779B97F4A7C15) % 2**64 for n in range(size // 8 + 1))
    return b"".join(word.to_bytes(8, "little") for word in words)[:size]


def exchange(container, files):
    listed = {blob.name: blob for blob in container.list_blobs(include=["metadata"])}
    assert len(listed) == len(files), sorted(listed)
    for file in files:
        name, hashes = file.rsplit("=", 1)
        told = listed[name]
        body = container.download_blob(name).readall()
        assert told.size == len(body)
        assert told.content_settings.content_type == "image/jpeg", told.content_settings
        assert told.metadata["mtime"] == "2025-06-15T15:06:40.250Z", told.metadata
        for sum in hashes.split():
            algorithm, digest = sum.split(":")
            assert hashlib.new(algorithm, body).hexdigest() == digest, (name, algorithm)
            if algorithm == "md5":
                assert bytes(told.content_settings.content_md5).hex() == digest, name
    container.upload_blob("from azure/small.bin", content(3_000))
    small = content(9 << 20)
    settings = ContentSettings(content_type="video/mp4")
    blob = container.get_blob_client("from azure/large.bin")
    blob.upload_blob(small, max_concurrency=2, content_settings=settings)


def main(what, address, account, key, container, *rest):
    service = BlobServiceClient(
        f"{address}/{account}", credential={"account_name": account, "account_key": key}, max_single_put_size=4 << 20
    )
    if what == "make":
        service.create_container(container)
    else:
        exchange(service.get_container_client(container), rest)


main(*sys.argv[1:])
