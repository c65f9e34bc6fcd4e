"""Drives the fake of Google Drive by Google's own client: python vendor.py ADDRESS TOKEN."""

import hashlib
import io
import sys

from google.oauth2.credentials import Credentials
from googleapiclient.discovery import build
from googleapiclient.errors import HttpError
from googleapiclient.http import MediaIoBaseDownload, MediaIoBaseUpload

KIB = 1024
FOLDER = "application/vnd.google-apps.folder"


def main(address, token):
    drive = build(
        "drive", "v3",
        credentials=Credentials(token),
        client_options={"api_endpoint": address + "/drive/v3/"},
        static_discovery=True, cache_discovery=False,
    )
    # The client takes uploads' host from its own document, so it is set here.
    drive._rootDesc["rootUrl"] = address + "/"
    start = drive.changes().getStartPageToken().execute()["startPageToken"]
    folder = drive.files().create(body={"name": "day", "mimeType": FOLDER}, fields="id").execute()["id"]

    small = upload(drive, {"name": "small.jpg", "parents": [folder]}, b"small", resumable=False)
    assert small["md5Checksum"] == hashlib.md5(b"small").hexdigest(), small
    assert small["parents"] == [folder], small

    large = bytes(range(256)) * 4 * 700
    made = resumed(drive, {"name": "large.mov", "parents": [folder]}, large)
    assert made["sha256Checksum"] == hashlib.sha256(large).hexdigest(), made
    assert made["size"] == str(len(large)), made
    assert download(drive, made["id"], 300 * KIB) == large

    same_id(drive, folder)
    listing(drive, folder)
    moving(drive, folder, small["id"])
    sharing(drive, made["id"])
    changed(drive, start, folder, made["id"])
    refused(drive)
    print("the client of Google is content")


def upload(drive, body, content, resumable):
    media = MediaIoBaseUpload(io.BytesIO(content), "image/jpeg", chunksize=256 * KIB, resumable=resumable)
    call = drive.files().create(
        body=body, media_body=media, fields="id,size,parents,md5Checksum,sha256Checksum"
    )
    return call.execute()


def resumed(drive, body, content):
    """Uploads in chunks; after the first the client forgets how far it is, and has to ask."""
    media = MediaIoBaseUpload(io.BytesIO(content), "video/mp4", chunksize=256 * KIB, resumable=True)
    call = drive.files().create(body=body, media_body=media, fields="id,size,sha256Checksum")
    status, answer = call.next_chunk()
    assert answer is None and status.resumable_progress == 256 * KIB, status
    call.resumable_progress = 0
    call._in_error_state = True
    while answer is None:
        status, answer = call.next_chunk()
    return answer


def download(drive, id, chunk):
    into = io.BytesIO()
    media = MediaIoBaseDownload(into, drive.files().get_media(fileId=id), chunksize=chunk)
    done = False
    while not done:
        _, done = media.next_chunk()
    return into.getvalue()


def same_id(drive, folder):
    """An id that was made beforehand makes one file."""
    [id] = drive.files().generateIds(count=1, type="files").execute()["ids"]
    body = {"id": id, "name": "once.jpg", "parents": [folder]}
    upload(drive, body, b"once", resumable=False)
    assert status(lambda: upload(drive, body, b"once", resumable=False)) == (409, "fileIdInUse")


def listing(drive, folder):
    query = f"'{folder}' in parents and trashed = false"
    names, call = [], drive.files().list(q=query, pageSize=2, fields="nextPageToken,files(id,name)")
    while call is not None:
        page = call.execute()
        names += [file["name"] for file in page["files"]]
        call = drive.files().list_next(call, page)
    assert sorted(names) == ["large.mov", "once.jpg", "small.jpg"], names
    found = drive.files().list(q=f"name = 'LARGE.mov' and '{folder}' in parents").execute()
    assert [file["name"] for file in found["files"]] == ["large.mov"], found


def moving(drive, folder, id):
    other = drive.files().create(body={"name": "other", "mimeType": FOLDER}).execute()["id"]
    moved = drive.files().update(
        fileId=id, addParents=other, removeParents=folder, body={"name": "moved.jpg"}, fields="name,parents"
    ).execute()
    assert moved == {"name": "moved.jpg", "parents": [other]}, moved
    copied = drive.files().copy(fileId=id, body={"name": "copy.jpg"}, fields="id,size").execute()
    assert copied["size"] == "5" and copied["id"] != id, copied
    drive.files().update(fileId=copied["id"], body={"trashed": True}).execute()
    media = MediaIoBaseUpload(io.BytesIO(b"newer"), "image/jpeg", resumable=True)
    newer = drive.files().update(fileId=id, media_body=media, fields="md5Checksum").execute()
    assert newer["md5Checksum"] == hashlib.md5(b"newer").hexdigest(), newer


def sharing(drive, id):
    given = drive.permissions().create(fileId=id, body={"type": "anyone", "role": "reader"}).execute()
    types = [one["type"] for one in drive.permissions().list(fileId=id).execute()["permissions"]]
    assert sorted(types) == ["anyone", "user"], types
    drive.permissions().delete(fileId=id, permissionId=given["id"]).execute()
    again = lambda: drive.permissions().delete(fileId=id, permissionId=given["id"]).execute()
    assert status(again)[0] == 404


def changed(drive, start, folder, id):
    drive.files().delete(fileId=id).execute()
    told, call = {}, drive.changes().list(pageToken=start, pageSize=2)
    while call is not None:
        page = call.execute()
        told.update({change["fileId"]: change["removed"] for change in page["changes"]})
        call = drive.changes().list_next(call, page)
    assert told[id] is True and told[folder] is False, told
    token = page["newStartPageToken"]
    assert drive.changes().list(pageToken=token).execute()["changes"] == []
    channel = {"id": "one", "type": "web_hook", "address": "https://studio.example/", "token": "secret"}
    made = drive.changes().watch(pageToken=token, body=channel).execute()
    assert int(made["expiration"]) > 0, made
    assert status(lambda: drive.changes().watch(pageToken=token, body=channel).execute()) == (400, "channelIdNotUnique")
    drive.channels().stop(body={"id": "one", "resourceId": made["resourceId"]}).execute()


def refused(drive):
    assert status(lambda: drive.files().get(fileId="1nothing").execute()) == (404, "notFound")
    assert status(lambda: drive.files().list(q="nonsense").execute())[0] == 400


def status(call):
    try:
        call()
    except HttpError as error:
        return error.resp.status, error.error_details[0]["reason"]
    raise AssertionError("this should have been refused")


main(*sys.argv[1:])
