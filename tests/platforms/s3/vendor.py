"""Amazon's own library on a bucket that garland writes to and reads from.

exchange ADDRESS BUCKET NAME=HASHES…   reads what garland has written, and leaves two files for it
kept ADDRESS BUCKET KEY TYPE MTIME     looks at what is kept with a file
"""

import hashlib
import os
import sys
import tempfile

import boto3
from boto3.s3.transfer import TransferConfig
from botocore.config import Config


def content(size):
    words = ((n * 0x9E3779B97F4A7C15) % 2**64 for n in range(size // 8 + 1))
    return b"".join(word.to_bytes(8, "little") for word in words)[:size]


def exchange(s3, bucket, files):
    # The server says that it encodes its keys and does not: asked for by name, the library leaves them alone.
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, EncodingType="url")
    listed = {o["Key"]: o for page in pages for o in page["Contents"]}
    assert len(listed) == len(files), sorted(listed)
    for file in files:
        name, hashes = file.rsplit("=", 1)
        told = s3.get_object(Bucket=bucket, Key=name)
        body = told["Body"].read()
        assert told["ContentType"] == "image/jpeg", told["ContentType"]
        assert told["Metadata"]["mtime"] == "1750000000.250", told["Metadata"]
        assert listed[name]["Size"] == len(body)
        for sum in hashes.split():
            algorithm, digest = sum.split(":")
            assert hashlib.new(algorithm, body).hexdigest() == digest, (name, algorithm)
        if "-" not in told["ETag"]:
            assert told["ETag"].strip('"') == hashlib.md5(body).hexdigest()
    s3.put_object(Bucket=bucket, Key="from boto/small.bin", Body=content(3_000))
    with open("large.bin", "wb") as file:
        file.write(content((11 << 20) + 77))
    s3.upload_file(
        "large.bin", bucket, "from boto/large.bin",
        Config=TransferConfig(multipart_threshold=5 << 20, multipart_chunksize=5 << 20),
    )


def kept(s3, bucket, key, media_type, mtime):
    told = s3.head_object(Bucket=bucket, Key=key)
    assert (told["ContentType"], told["Metadata"]["mtime"]) == (media_type, mtime), told


def main(what, address, bucket, *rest):
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        s3 = boto3.client(
            "s3", endpoint_url=address, region_name="us-east-1",
            aws_access_key_id="test", aws_secret_access_key="testtest",
            config=Config(s3={"addressing_style": "path"}, retries={"max_attempts": 1}),
        )
        if what == "exchange":
            exchange(s3, bucket, rest)
        else:
            kept(s3, bucket, *rest)


main(*sys.argv[1:])
