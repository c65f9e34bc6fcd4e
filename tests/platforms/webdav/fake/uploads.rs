//! Chunked uploads: version 2, which says where the file is to be with every call, and version 1, which does so at the end.

use axum::body::Bytes;

use super::{Answer, Asked, Cloud, Upload};

pub(crate) const PREFIX: &str = "/remote.php/dav/uploads/ada";

/// Chunks but the last are of 5 MB to 5 GB.
const LEAST: usize = 5_000_000;

const NOT_FOUND: &str = r"Sabre\DAV\Exception\NotFound";
const BAD: &str = r"Sabre\DAV\Exception\BadRequest";

impl Cloud {
    pub(super) fn chunks(&mut self, asked: &Asked, path: &str) -> Answer {
        let (id, name) = path.split_once('/').unwrap_or((path, ""));
        let destination = asked.destination();
        if asked.method == "MKCOL" {
            if self.uploads.contains_key(id) {
                return Answer::exception(405, r"Sabre\DAV\Exception\MethodNotAllowed");
            }
            let upload = Upload {
                destination,
                ..Upload::default()
            };
            self.uploads.insert(id.to_owned(), upload);
            return Answer::new(201);
        }
        let Some(upload) = self.uploads.get_mut(id) else {
            return Answer::exception(404, NOT_FOUND);
        };
        let is_second = upload.destination.is_some();
        let needs_place = matches!(asked.method.as_str(), "PUT" | "MOVE");
        if needs_place && is_second && upload.destination != destination {
            return Answer::exception(400, BAD);
        }
        match (asked.method.as_str(), name) {
            ("PUT", name) => {
                let number = name.parse::<u32>().ok();
                if is_second && !number.is_some_and(|number| (1..=10_000).contains(&number)) {
                    return Answer::exception(400, BAD);
                }
                upload.parts.insert(name.to_owned(), asked.body.clone());
                Answer::new(201)
            }
            ("PROPFIND", "") => listing(id, upload),
            ("DELETE", "") => {
                self.uploads.remove(id);
                Answer::new(204)
            }
            ("MOVE", ".file") => match destination {
                Some(to) => self.assemble(asked, id, &to),
                None => Answer::exception(400, BAD),
            },
            _ => Answer::exception(404, NOT_FOUND),
        }
    }

    fn assemble(&mut self, asked: &Asked, id: &str, to: &str) -> Answer {
        if !self.conditions_hold(asked, to) {
            return Answer::exception(412, r"Sabre\DAV\Exception\PreconditionFailed");
        }
        let parts = &self.uploads[id].parts;
        let total: usize = parts.values().map(Bytes::len).sum();
        let told = asked
            .header("oc-total-length")
            .and_then(|text| text.parse().ok());
        let short = self.uploads[id].destination.is_some()
            && parts.values().rev().skip(1).any(|part| part.len() < LEAST);
        if told.is_some_and(|told: usize| told != total) || short {
            return Answer::exception(400, BAD);
        }
        if let Some(barred) = self.bars(asked, to) {
            return barred;
        }
        if self.is_full(total) {
            return Answer::exception(507, r"Sabre\DAV\Exception\InsufficientStorage");
        }
        let parts: Vec<Bytes> = parts.values().cloned().collect();
        let answer = self.write(asked, to, parts.concat().into());
        self.uploads.remove(id);
        answer
    }
}

fn listing(id: &str, upload: &Upload) -> Answer {
    let base = format!("{PREFIX}/{id}/");
    let parts = upload.parts.iter().map(|(number, part)| {
        format!(
            "<d:response><d:href>{base}{number}</d:href><d:propstat><d:prop><d:getcontentlength>{}</d:getcontentlength><d:resourcetype/></d:prop><d:status>HTTP/1.1 200 OK</d:status></d:propstat></d:response>",
            part.len()
        )
    });
    let parts: String = parts.collect();
    let body = format!(
        r#"<?xml version="1.0"?><d:multistatus xmlns:d="DAV:"><d:response><d:href>{base}</d:href><d:propstat><d:prop><d:resourcetype><d:collection/></d:resourcetype></d:prop><d:status>HTTP/1.1 200 OK</d:status></d:propstat></d:response><d:response><d:href>{base}.file</d:href><d:propstat><d:prop><d:resourcetype/></d:prop><d:status>HTTP/1.1 200 OK</d:status></d:propstat></d:response>{parts}</d:multistatus>"#
    );
    Answer::new(207).body("application/xml; charset=utf-8", body)
}
