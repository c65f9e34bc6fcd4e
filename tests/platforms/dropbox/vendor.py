"""Drives the fake by Dropbox's own client: `vendor.py http://127.0.0.1:<port> <token>`.

The client speaks TLS only, so that a forwarder of its own stands before the fake.
"""

import os
import socket
import ssl
import sys
import tempfile
import threading
from datetime import datetime
from urllib.parse import urlsplit

import trustme


def main(address, token):
    # Roots and proxies of the machine would go before those given here.
    for name in ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"]:
        os.environ.pop(name, None)
    os.environ["NO_PROXY"] = "*"
    authority = trustme.CA()
    port = forward(urlsplit(address), authority)
    for kind in ["API", "API_CONTENT", "API_NOTIFY"]:
        os.environ[f"DROPBOX_{kind}_HOST"] = f"localhost:{port}"
    with tempfile.TemporaryDirectory() as folder:
        roots = os.path.join(folder, "roots.pem")
        authority.cert_pem.write_to_path(roots)
        import dropbox

        with dropbox.Dropbox(token, ca_certs=roots, max_retries_on_error=0) as dbx:
            assert dbx.users_get_current_account().name.display_name == "Anna Doe"
            start = dbx.files_list_folder_get_latest_cursor("", recursive=True).cursor
            writing(dropbox, dbx)
            large(dropbox, dbx)
            listing(dropbox, dbx)
            moving(dropbox, dbx)
            sharing(dropbox, dbx)
            changed(dropbox, dbx, start)


def writing(dropbox, dbx):
    files = dropbox.files
    when = datetime(2025, 6, 15, 15, 6, 40)
    made = dbx.files_upload(b"first", "/Day/\u00e4 \U0001f48d.jpg", client_modified=when)
    assert (made.size, made.client_modified, made.path_display) == (5, when, "/Day/\u00e4 \U0001f48d.jpg"), made
    again = dbx.files_upload(b"first", "/Day/\u00e4 \U0001f48d.jpg")
    assert again.rev == made.rev, "the same bytes are no conflict, unless it is strict"
    error = refused(lambda: dbx.files_upload(b"first", made.path_lower, strict_conflict=True))
    assert error.is_path() and error.get_path().reason.get_conflict().is_file(), error
    newer = dbx.files_upload(b"newer", made.path_lower, mode=files.WriteMode.update(made.rev), strict_conflict=True)
    assert newer.id == made.id and newer.rev != made.rev, newer
    late = lambda: dbx.files_upload(b"late", made.path_lower, mode=files.WriteMode.update(made.rev), strict_conflict=True)
    assert refused(late).get_path().reason.get_conflict().is_file()
    dbx.files_upload(b"whatever", made.path_lower, mode=files.WriteMode.overwrite)
    error = refused(lambda: dbx.files_upload(b"x", made.path_lower + "/below"))
    assert error.get_path().reason.get_conflict().is_file_ancestor(), error
    error = refused(lambda: dbx.files_upload(b"x", "/Day", mode=files.WriteMode.overwrite))
    assert error.get_path().reason.get_conflict().is_folder(), error
    about, answer = dbx.files_download("/day/\u00c4 \U0001f48d.JPG")
    assert answer.content == b"whatever" and about.id == made.id, about
    assert refused(lambda: dbx.files_download("/nothing")).get_path().is_not_found()
    assert refused(lambda: dbx.files_get_metadata("/nothing")).get_path().is_not_found()


def large(dropbox, dbx):
    files = dropbox.files
    content = os.urandom(10_000)
    id = dbx.files_upload_session_start(content[:4_000]).session_id
    cursor = files.UploadSessionCursor(id, 4_000)
    dbx.files_upload_session_append_v2(content[4_000:8_000], cursor)
    error = refused(lambda: dbx.files_upload_session_append_v2(content[4_000:8_000], cursor))
    assert error.get_incorrect_offset().correct_offset == 8_000, error
    cursor = files.UploadSessionCursor(id, 8_000)
    commit = files.CommitInfo("/Day/large.bin")
    made = dbx.files_upload_session_finish(content[8_000:], cursor, commit)
    assert made.size == 10_000 and dbx.files_download("/Day/large.bin")[1].content == content
    error = refused(lambda: dbx.files_upload_session_finish(b"", cursor, commit))
    assert error.get_lookup_failed().is_not_found(), error
    id = dbx.files_upload_session_start(b"x", close=True).session_id
    cursor = files.UploadSessionCursor(id, 1)
    assert refused(lambda: dbx.files_upload_session_append_v2(b"", cursor)).is_closed()
    dbx.files_upload_session_finish(b"", cursor, files.CommitInfo("/Day/closed.bin"))


def listing(dropbox, dbx):
    page = dbx.files_list_folder("", recursive=True, limit=2)
    found = list(page.entries)
    while page.has_more:
        page = dbx.files_list_folder_continue(page.cursor)
        found += page.entries
    names = [(entry.path_display, isinstance(entry, dropbox.files.FolderMetadata)) for entry in found]
    expected = [("/Day", True), ("/Day/closed.bin", False), ("/Day/large.bin", False), ("/Day/\u00e4 \U0001f48d.jpg", False)]
    assert sorted(names) == sorted(expected), names
    assert refused(lambda: dbx.files_list_folder("/nothing")).get_path().is_not_found()


def moving(dropbox, dbx):
    before = dbx.files_get_metadata("/Day/closed.bin")
    moved = dbx.files_move_v2("/Day/closed.bin", "/Night/moved.bin").metadata
    assert moved.id == before.id and moved.path_display == "/Night/moved.bin", moved
    copied = dbx.files_copy_v2("/Night/moved.bin", "/Night/copy.bin").metadata
    assert copied.id != moved.id and copied.content_hash == moved.content_hash, copied
    error = refused(lambda: dbx.files_move_v2("/Night/copy.bin", "/Night/moved.bin"))
    assert error.get_to().get_conflict().is_file(), error
    error = refused(lambda: dbx.files_move_v2("/Night/copy.bin", "/Night/COPY.bin"))
    assert error.get_to().get_conflict().is_file(), error
    wrong = lambda: dbx.files_delete_v2("/Night/copy.bin", parent_rev=moved.rev)
    assert refused(wrong).get_path_write().get_conflict().is_file()
    dbx.files_delete_v2("/Night/copy.bin", parent_rev=copied.rev)
    assert refused(lambda: dbx.files_delete_v2("/Night/copy.bin")).get_path_lookup().is_not_found()


def sharing(dropbox, dbx):
    path = "/Night/moved.bin"
    settings = dropbox.sharing.SharedLinkSettings(audience=dropbox.sharing.LinkAudience.public)
    made = dbx.sharing_create_shared_link_with_settings(path, settings)
    assert made.link_permissions.effective_audience.is_public(), made
    error = refused(lambda: dbx.sharing_create_shared_link_with_settings(path, settings))
    assert error.get_shared_link_already_exists().get_metadata().url == made.url, error
    links = dbx.sharing_list_shared_links(path, direct_only=True).links
    assert [link.url for link in links] == [made.url], links
    dbx.sharing_revoke_shared_link(made.url)
    assert refused(lambda: dbx.sharing_revoke_shared_link(made.url)).is_shared_link_not_found()


def changed(dropbox, dbx, start):
    dbx.files_delete_v2("/Night")
    # The wait takes no token, which the client leaves out by itself.
    assert dbx.files_list_folder_longpoll(start).changes
    told, cursor, more = {}, start, True
    while more:
        page = dbx.files_list_folder_continue(cursor)
        told.update({entry.path_lower: type(entry).__name__ for entry in page.entries})
        cursor, more = page.cursor, page.has_more
    assert told["/night"] == "DeletedMetadata" and told["/day/large.bin"] == "FileMetadata", told
    assert not dbx.files_list_folder_longpoll(cursor).changes
    assert dbx.files_list_folder_continue(cursor).entries == []


def refused(call):
    from dropbox.exceptions import ApiError

    try:
        call()
    except ApiError as error:
        return error.error
    raise AssertionError("this should have been refused")


def forward(address, authority):
    """Takes TLS on a free port, and passes on what is in it."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(context)
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        while True:
            plain, _ = listener.accept()
            threading.Thread(target=one, args=(plain,), daemon=True).start()

    def one(plain):
        try:
            near = context.wrap_socket(plain, server_side=True)
        except (ssl.SSLError, OSError):
            return
        far = socket.create_connection((address.hostname, address.port))
        back = threading.Thread(target=pump, args=(far, near), daemon=True)
        back.start()
        pump(near, far)
        back.join()

    def pump(source, sink):
        try:
            while data := source.recv(65_536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    threading.Thread(target=serve, daemon=True).start()
    return listener.getsockname()[1]


main(*sys.argv[1:])
