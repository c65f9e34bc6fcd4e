"""Drives the fake Nextcloud with rclone's own backend: upload in chunks, list, read, move, delete."""

import json
import os
import subprocess
import sys
import tempfile

address, user, password = sys.argv[1:4]
rclone = os.path.join(os.path.dirname(sys.executable), "rclone")


def run(*arguments):
    environment = dict(
        os.environ,
        RCLONE_CONFIG="/dev/null",
        RCLONE_CONFIG_NC_TYPE="webdav",
        RCLONE_CONFIG_NC_URL=f"{address}/remote.php/dav/files/{user}",
        RCLONE_CONFIG_NC_VENDOR="nextcloud",
        RCLONE_CONFIG_NC_USER=user,
        RCLONE_CONFIG_NC_PASS=secret,
    )
    command = [rclone, "--retries", "1", "--low-level-retries", "1", *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, f"{arguments}: {done.stdout}{done.stderr}"
    return done.stdout


secret = subprocess.run(
    [rclone, "obscure", password], capture_output=True, text=True, check=True
).stdout.strip()

with tempfile.TemporaryDirectory() as folder:
    large = os.path.join(folder, "large.bin")
    content = bytes(n % 251 for n in range(12_000_000))
    with open(large, "wb") as file:
        file.write(content)
    os.utime(large, (1_700_000_000, 1_700_000_000))
    small = os.path.join(folder, "small.jpg")
    with open(small, "wb") as file:
        file.write(b"picture")
    run("copyto", "--webdav-nextcloud-chunk-size", "5M", large, "nc:day/large.bin")
    run("copyto", small, "nc:day/small.jpg")
    listed = json.loads(run("lsjson", "--hash", "-R", "nc:"))
    files = {entry["Path"]: entry for entry in listed if not entry["IsDir"]}
    assert set(files) == {"day/large.bin", "day/small.jpg"}, files
    assert files["day/large.bin"]["Size"] == len(content)
    back = os.path.join(folder, "back.bin")
    run("copyto", "nc:day/large.bin", back)
    with open(back, "rb") as file:
        assert file.read() == content
    run("moveto", "nc:day/large.bin", "nc:day/moved.bin")
    run("deletefile", "nc:day/small.jpg")
