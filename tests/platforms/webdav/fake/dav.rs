//! Files over WebDAV.

use jiff::Timestamp;

use super::tree::{File, Node, parent};
use super::{Answer, Asked, Cloud, USER};

pub(crate) const PREFIX: &str = "/remote.php/dav/files/ada";

const XML: &str = "application/xml; charset=utf-8";
const NOT_FOUND: &str = r"Sabre\DAV\Exception\NotFound";
const CONFLICT: &str = r"Sabre\DAV\Exception\Conflict";
const FAILED: &str = r"Sabre\DAV\Exception\PreconditionFailed";

fn etag(node: &Node) -> String {
    format!("\"{:032x}\"", node.etag)
}

fn encode(path: &str) -> String {
    let parts = path.split('/');
    let parts = parts.map(|part| {
        percent_encoding::utf8_percent_encode(part, percent_encoding::NON_ALPHANUMERIC).to_string()
    });
    parts.collect::<Vec<_>>().join("/")
}

impl Cloud {
    pub(super) fn files(&mut self, asked: &Asked, path: &str) -> Answer {
        if path.contains('\\') || path.bytes().any(|byte| byte < 0x20) {
            let class = r"OCA\DAV\Connector\Sabre\Exception\InvalidPath";
            return Answer::exception(400, class);
        }
        if !self.conditions_hold(asked, path) {
            return Answer::exception(412, FAILED);
        }
        match asked.method.as_str() {
            "PROPFIND" => self.propfind(asked, path),
            "GET" => self.get(asked, path),
            "PUT" => self.put_file(asked, path),
            "MKCOL" => self.mkcol(path),
            "MOVE" | "COPY" => self.move_file(asked, path),
            "DELETE" => self.delete(path),
            "PROPPATCH" => self.proppatch(asked, path),
            _ => Answer::exception(501, r"Sabre\DAV\Exception\NotImplemented"),
        }
    }

    /// `If-Match`, `If-None-Match` and tagged lists of `If`.
    pub(super) fn conditions_hold(&self, asked: &Asked, path: &str) -> bool {
        let node = self.tree.nodes.get(path);
        if let Some(wanted) = asked.header("if-match")
            && !node.is_some_and(|node| wanted == "*" || wanted == etag(node))
        {
            return false;
        }
        if asked.method != "GET" && asked.header("if-none-match") == Some("*") && node.is_some() {
            return false;
        }
        let mut rest = asked.header("if").unwrap_or_default();
        while let Some((_, after)) = rest.split_once('<') {
            let (url, after) = after.split_once('>').unwrap();
            let (wanted, after) = after.split_once("([").unwrap().1.split_once("])").unwrap();
            let at = url.split_once(PREFIX).map(|(_, path)| super::decode(path));
            let node = at.and_then(|at| self.tree.nodes.get(&at));
            if node.is_none_or(|node| etag(node) != wanted) {
                return false;
            }
            rest = after;
        }
        true
    }

    /// `infinity` is answered as `1`, without a word.
    fn propfind(&self, asked: &Asked, path: &str) -> Answer {
        let Some(node) = self.tree.nodes.get(path) else {
            return Answer::exception(404, NOT_FOUND);
        };
        let mut all = vec![(path, node)];
        if asked.header("depth") != Some("0") && node.file.is_none() {
            let nodes = self.tree.nodes.iter();
            let inside = nodes.filter(|(at, _)| !at.is_empty() && parent(at) == path);
            all.extend(inside.map(|(at, node)| (at.as_str(), node)));
        }
        let room = self.quota.map_or(-3, |most| {
            i64::try_from(most.saturating_sub(self.tree.used())).unwrap()
        });
        let responses: String = all
            .into_iter()
            .map(|(at, node)| response(at, node, room))
            .collect();
        let body = format!(
            r#"<?xml version="1.0"?><d:multistatus xmlns:d="DAV:" xmlns:s="http://sabredav.org/ns" xmlns:oc="http://owncloud.org/ns">{responses}</d:multistatus>"#
        );
        Answer::new(207).body(XML, body)
    }

    fn get(&self, asked: &Asked, path: &str) -> Answer {
        let Some(node) = self.tree.nodes.get(path) else {
            return Answer::exception(404, NOT_FOUND);
        };
        let Some(file) = &node.file else {
            return Answer::exception(501, r"Sabre\DAV\Exception\NotImplemented");
        };
        let size = file.content.len();
        let answer = |status| {
            Answer::new(status)
                .header("etag", etag(node))
                .header("oc-etag", etag(node))
                .header("last-modified", http_date(file.modified))
        };
        let Some(range) = asked.header("range") else {
            return answer(200).body(&file.media_type, file.content.clone());
        };
        let (first, last) = range
            .strip_prefix("bytes=")
            .unwrap()
            .split_once('-')
            .unwrap();
        let first: usize = first.parse().unwrap();
        let last = last.parse().map_or(size, |last: usize| last + 1).min(size);
        if first >= size {
            return Answer::exception(416, r"Sabre\DAV\Exception\RequestedRangeNotSatisfiable");
        }
        answer(206)
            .header(
                "content-range",
                format!("bytes {first}-{}/{size}", last - 1),
            )
            .body(&file.media_type, file.content.slice(first..last))
    }

    fn put_file(&mut self, asked: &Asked, path: &str) -> Answer {
        if self.tree.is_folder(path) || !self.tree.has_room_above(path) {
            return Answer::exception(409, CONFLICT);
        }
        let old = self.tree.file(path).map_or(0, |file| file.content.len());
        if self.is_full(asked.body.len().saturating_sub(old)) {
            return Answer::exception(507, r"Sabre\DAV\Exception\InsufficientStorage");
        }
        self.write(asked, path, asked.body.clone())
    }

    pub(super) fn is_full(&self, more: usize) -> bool {
        self.quota
            .is_some_and(|most| self.tree.used() + more > most)
    }

    /// Writes a file with what the headers say of it.
    pub(super) fn write(
        &mut self,
        asked: &Asked,
        path: &str,
        content: axum::body::Bytes,
    ) -> Answer {
        let is_new = self.tree.file(path).is_none();
        let time = asked.header("x-oc-mtime");
        let file = File {
            content,
            modified: time.map_or(1_780_000_000, |text| text.parse().unwrap()),
            checksum: asked.header("oc-checksum").map(str::to_owned),
            media_type: "image/jpeg".to_owned(),
        };
        let node = self.tree.put(path, Some(file));
        let answer = Answer::new(if is_new { 201 } else { 204 })
            .header("etag", etag(node))
            .header("oc-etag", etag(node))
            .header("oc-fileid", format!("{:08}ocabc", node.id));
        match time {
            Some(_) => answer.header("x-oc-mtime", "accepted"),
            None => answer,
        }
    }

    fn mkcol(&mut self, path: &str) -> Answer {
        if self.tree.nodes.contains_key(path) {
            return Answer::exception(405, r"Sabre\DAV\Exception\MethodNotAllowed");
        }
        if !self.tree.has_room_above(path) {
            return Answer::exception(409, CONFLICT);
        }
        self.tree.put(path, None);
        Answer::new(201)
    }

    /// Whether a destination can be written to: its status if not.
    pub(super) fn bars(&self, asked: &Asked, to: &str) -> Option<Answer> {
        if !self.tree.has_room_above(to) {
            return Some(Answer::exception(409, CONFLICT));
        }
        let keeps = asked.header("overwrite") == Some("F");
        (keeps && self.tree.nodes.contains_key(to)).then(|| Answer::exception(412, FAILED))
    }

    fn move_file(&mut self, asked: &Asked, path: &str) -> Answer {
        let Some(to) = asked.destination() else {
            return Answer::exception(400, r"Sabre\DAV\Exception\BadRequest");
        };
        if !self.tree.nodes.contains_key(path) {
            return Answer::exception(404, NOT_FOUND);
        }
        if path == to {
            return Answer::exception(403, r"Sabre\DAV\Exception\Forbidden");
        }
        if let Some(barred) = self.bars(asked, &to) {
            return barred;
        }
        let status = if self.tree.nodes.contains_key(&to) {
            204
        } else {
            201
        };
        self.tree.shift(path, &to, asked.method == "COPY");
        Answer::new(status)
    }

    fn delete(&mut self, path: &str) -> Answer {
        if !self.tree.nodes.contains_key(path) {
            return Answer::exception(404, NOT_FOUND);
        }
        self.tree.remove(path);
        self.shares.retain(|share| share.path != path);
        Answer::new(204)
    }

    /// Takes `lastmodified` alone.
    fn proppatch(&mut self, asked: &Asked, path: &str) -> Answer {
        let text = std::str::from_utf8(&asked.body).unwrap();
        let time = text.split_once("<d:lastmodified>").unwrap().1;
        let time = time.split_once('<').unwrap().0.parse().unwrap();
        let Some(file) = self
            .tree
            .nodes
            .get_mut(path)
            .and_then(|node| node.file.as_mut())
        else {
            return Answer::exception(404, NOT_FOUND);
        };
        file.modified = time;
        Answer::new(207).body(
            XML,
            r#"<?xml version="1.0"?><d:multistatus xmlns:d="DAV:"/>"#,
        )
    }
}

fn response(path: &str, node: &Node, room: i64) -> String {
    let slash = if node.file.is_none() && !path.is_empty() {
        "/"
    } else {
        ""
    };
    let href = format!("/remote.php/dav/files/{USER}/{}{slash}", encode(path));
    let common = format!(
        "<d:getetag>&quot;{:032x}&quot;</d:getetag><oc:fileid>{}</oc:fileid>",
        node.etag, node.id
    );
    let (found, missing) = match &node.file {
        None => (
            format!(
                "<d:resourcetype><d:collection/></d:resourcetype><d:quota-available-bytes>{room}</d:quota-available-bytes>"
            ),
            "<d:getcontentlength/><d:getcontenttype/><oc:checksums/>".to_owned(),
        ),
        Some(file) => {
            let sums = file.checksum.as_ref().map(|sums| {
                format!("<oc:checksums><oc:checksum>{sums}</oc:checksum></oc:checksums>")
            });
            let found = format!(
                "<d:resourcetype/><d:getcontentlength>{}</d:getcontentlength><d:getlastmodified>{}</d:getlastmodified><d:getcontenttype>{}</d:getcontenttype>{}",
                file.content.len(),
                http_date(file.modified),
                file.media_type,
                sums.as_deref().unwrap_or_default(),
            );
            (
                found,
                if sums.is_none() {
                    "<oc:checksums/>".to_owned()
                } else {
                    String::new()
                },
            )
        }
    };
    format!(
        "<d:response><d:href>{href}</d:href><d:propstat><d:prop>{common}{found}</d:prop><d:status>HTTP/1.1 200 OK</d:status></d:propstat><d:propstat><d:prop>{missing}</d:prop><d:status>HTTP/1.1 404 Not Found</d:status></d:propstat></d:response>"
    )
}

fn http_date(seconds: i64) -> String {
    let moment = Timestamp::from_second(seconds).unwrap();
    moment.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}
