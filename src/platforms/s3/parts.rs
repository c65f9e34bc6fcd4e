//! Uploads in parts.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use roxmltree::Node;
use serde::{Deserialize, Serialize};
use tokio::task::spawn_blocking;

use crate::connector::kit::HttpRequest;
use crate::connector::{ContentHasher, HashAlgorithm, Hashes, UploadRequest};
use crate::error::{Error, ErrorKind, Result};
use crate::platforms::objects::{Guard, Object, read_xml, text_of};

use super::bucket::{ANY, S3Bucket, guarded, kept, proof_of};
use super::config::S3Checksum;
use super::error::{code, verdict};
use super::model::{ListedPart, escape, lacks, parts, proof};

/// An upload as its token has it.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct S3Upload {
    id: String,
    /// In their order, from the first.
    parts: Vec<SentPart>,
}

#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
struct SentPart {
    size: u64,
    etag: String,
    /// As `x-amz-checksum-…` had it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    checksum: Option<String>,
}

impl S3Upload {
    pub(super) fn new(id: String) -> Self {
        Self {
            id,
            parts: Vec::new(),
        }
    }

    pub(super) fn push(&mut self, size: u64, etag: String) {
        self.parts.push(SentPart {
            size,
            etag,
            checksum: None,
        });
    }

    fn size(&self) -> u64 {
        let sizes = self.parts.iter().map(|part| part.size);
        sizes.fold(0, u64::saturating_add)
    }

    /// The parts that the server has, from the first on without a gap. One that it lists without its `ETag` is only known
    /// if its answer was.
    fn keep(&mut self, listed: Vec<ListedPart>) {
        let known = std::mem::take(&mut self.parts);
        for (number, part) in (1..).zip(listed) {
            let index = usize::try_from(number - 1).unwrap_or(usize::MAX);
            let own = known.get(index).filter(|own| own.size == part.size);
            let etag = part.etag.or_else(|| own.map(|own| own.etag.clone()));
            let Some(etag) = etag.filter(|_| part.number == number) else {
                return;
            };
            let own = own.filter(|own| own.etag == etag);
            self.parts.push(SentPart {
                size: part.size,
                checksum: own.and_then(|own| own.checksum.clone()),
                etag,
            });
        }
    }

    /// The list that an upload ends with.
    fn to_xml(&self, checksum: S3Checksum) -> String {
        let element = match checksum {
            S3Checksum::Signature => None,
            S3Checksum::Sha256 => Some("ChecksumSHA256"),
            S3Checksum::Crc64Nvme => Some("ChecksumCRC64NVME"),
        };
        let mut xml = String::from(
            "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">",
        );
        for (number, part) in (1_u32..).zip(&self.parts) {
            xml.push_str("<Part>");
            if let Some((name, text)) = element.zip(part.checksum.as_deref()) {
                xml.push_str(&format!("<{name}>{}</{name}>", escape(text)));
            }
            let etag = escape(&format!("\"{}\"", part.etag));
            xml.push_str(&format!(
                "<ETag>{etag}</ETag><PartNumber>{number}</PartNumber></Part>"
            ));
        }
        xml.push_str("</CompleteMultipartUpload>");
        xml
    }
}

impl S3Bucket {
    pub(super) async fn begin_parts(&self, key: &str, request: &UploadRequest) -> Result<S3Upload> {
        let media_type = request.media_type.as_deref().unwrap_or(ANY);
        let call = HttpRequest::post(self.at(key)).header("content-type", media_type);
        self.begin_with(kept(call, request)).await
    }

    /// Begins an upload with the headers that `call` has already.
    pub(super) async fn begin_with(&self, call: HttpRequest) -> Result<S3Upload> {
        let mut call = call.query("uploads", "");
        if let Some((name, _)) = self.options.checksum.algorithm() {
            call = call.header("x-amz-checksum-algorithm", name.to_uppercase());
        }
        if self.options.checksum == S3Checksum::Crc64Nvme {
            call = call.header("x-amz-checksum-type", "FULL_OBJECT");
        }
        let answer = self.api.call("s3.begin", call).await?;
        let body = answer.bytes().await?;
        let id = read_xml(&body, |root| text_of(root, "UploadId").map(str::to_owned))?;
        Ok(S3Upload::new(id))
    }

    pub(super) async fn send_part(
        &self,
        key: &str,
        upload: &mut S3Upload,
        at: u64,
        chunk: Bytes,
    ) -> Result<()> {
        if at != upload.size() {
            let message = "the platform no longer has what was sent";
            return Err(Error::new(ErrorKind::Expired, "s3.part", message)
                .with_context("offset", upload.size()));
        }
        let size = chunk.len() as u64;
        let number = upload.parts.len().saturating_add(1);
        let mut call = self
            .upload_call("PUT", key, upload)
            .query("partNumber", number.to_string());
        let checksum = self.checksum_of(&chunk, None).await?;
        if let Some((name, digest)) = &checksum {
            call = call.header(format!("x-amz-checksum-{name}"), digest);
        }
        let answer = self.api.call("s3.part", call.body(ANY, chunk)).await?;
        let etag = answer.header("etag").ok_or_else(|| lacks("ETag"))?;
        upload.parts.push(SentPart {
            size,
            etag: etag.trim_matches('"').to_owned(),
            checksum: checksum.map(|(_, digest)| digest),
        });
        Ok(())
    }

    pub(super) async fn find_parts(&self, key: &str, upload: &mut S3Upload) -> Result<u64> {
        let mut listed = Vec::new();
        let mut after: Option<String> = None;
        loop {
            let mut call = self
                .upload_call("GET", key, upload)
                .query("max-parts", "1000");
            if let Some(after) = &after {
                call = call.query("part-number-marker", after);
            }
            let body = self.api.call("s3.parts", call).await?.bytes().await?;
            let (page, next) = read_xml(&body, parts)?;
            listed.extend(page);
            if next.is_none() || next == after {
                break;
            }
            after = next;
        }
        listed.sort_unstable_by_key(|part| part.number);
        upload.keep(listed);
        Ok(upload.size())
    }

    pub(super) async fn join_parts(
        &self,
        key: &str,
        guard: &Guard,
        upload: &S3Upload,
        computed: &Hashes,
    ) -> Result<Object> {
        let mut call = guarded(self.upload_call("POST", key, upload), guard);
        let whole = computed.get(HashAlgorithm::Crc64Nvme);
        if let Some(whole) = whole.filter(|_| self.options.checksum == S3Checksum::Crc64Nvme) {
            call = call
                .header("x-amz-checksum-crc64nvme", STANDARD.encode(whole))
                .header("x-amz-checksum-type", "FULL_OBJECT");
        }
        let call = call.body("application/xml", upload.to_xml(self.options.checksum));
        let answer = self.api.call("s3.complete", call).await?;
        let by_header = proof_of(&answer);
        let body = answer.bytes().await?;
        let (etag, by_body) =
            read_xml(&body, joined)?.map_err(|code| refused_late("s3.complete", &code))?;
        let mut object = self.telling.object(upload.size(), &etag, None);
        object.proof = by_body.or(&by_header);
        self.written(key, object).await
    }

    pub(super) async fn drop_parts(&self, key: &str, upload: &S3Upload) -> Result<()> {
        let call = self.upload_call("DELETE", key, upload);
        self.api.call_for("s3.abort", call, &[404]).await.map(drop)
    }

    /// A call about an upload.
    pub(super) fn upload_call(&self, method: &str, key: &str, upload: &S3Upload) -> HttpRequest {
        HttpRequest::new(method, self.at(key)).query("uploadId", &upload.id)
    }

    /// The checksum that goes along with a body: as it was computed where the file was read, or computed here.
    pub(super) async fn checksum_of(
        &self,
        content: &Bytes,
        computed: Option<&Hashes>,
    ) -> Result<Option<(&'static str, String)>> {
        let Some((name, algorithm)) = self.options.checksum.algorithm() else {
            return Ok(None);
        };
        if let Some(digest) = computed.and_then(|computed| computed.get(algorithm)) {
            return Ok(Some((name, STANDARD.encode(digest))));
        }
        let content = content.clone();
        let task = spawn_blocking(move || {
            let mut hasher = ContentHasher::new([algorithm]);
            hasher.update(&content);
            hasher.finish()
        });
        let hashes = task.await.map_err(|cause| {
            let message = "the checksum of the body was not computed";
            Error::new(ErrorKind::Unexpected, "s3.put", message).with_source(cause)
        })?;
        let digest = hashes.get(algorithm);
        Ok(digest.map(|digest| (name, STANDARD.encode(digest))))
    }
}

/// The end of an upload, or the code of an error that came after a good status.
fn joined(root: Node<'_, '_>) -> Option<std::result::Result<(String, Hashes), String>> {
    if let Some(code) = code(root) {
        return Some(Err(code));
    }
    let is_composite = text_of(root, "ChecksumType") == Some("COMPOSITE");
    let told = |name: &str| text_of(root, &format!("Checksum{}", name.to_uppercase()));
    let etag = text_of(root, "ETag")?.to_owned();
    Some(Ok((etag, proof(told, is_composite))))
}

/// A refusal that came after a good status, because the work was long.
pub(super) fn refused_late(operation: &'static str, code: &str) -> Error {
    let verdict = verdict(code, 200);
    let message = "the platform began the work and then gave it up";
    Error::new(verdict.kind, operation, verdict.message.unwrap_or(message))
        .with_context("platform", "s3")
        .with_context("reason", code.chars().take(120).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(number: u64, size: u64, etag: Option<&str>) -> ListedPart {
        ListedPart {
            number,
            size,
            etag: etag.map(str::to_owned),
        }
    }

    #[test]
    fn only_parts_without_a_gap_are_gone_on_from() {
        let mut upload = S3Upload::new("id".to_owned());
        upload.keep(vec![listed(1, 5, Some("a")), listed(3, 5, Some("c"))]);
        assert_eq!(upload.size(), 5);
        upload.keep(vec![listed(2, 5, Some("b"))]);
        assert_eq!(upload.size(), 0);
    }

    #[test]
    fn a_part_whose_answer_was_lost_is_known_only_by_its_etag() {
        let mut upload = S3Upload::new("id".to_owned());
        upload.push(5, "a".to_owned());
        upload.keep(vec![listed(1, 5, None), listed(2, 5, None)]);
        assert_eq!(upload.size(), 5);
        upload.keep(vec![listed(1, 5, None), listed(2, 5, Some("b"))]);
        assert_eq!(upload.size(), 10);
        assert!(
            upload
                .to_xml(S3Checksum::Signature)
                .contains("&quot;b&quot;")
        );
    }

    #[test]
    fn an_error_behind_a_good_status_is_one() {
        let read = |xml: &str| read_xml(xml.as_bytes(), joined).unwrap();
        let late = read("<Error><Code>InternalError</Code></Error>").unwrap_err();
        assert_eq!(
            refused_late("s3.complete", &late).kind(),
            ErrorKind::Unavailable
        );
        let done = "<R><ETag>\"e-2\"</ETag><ChecksumCRC64NVME>AAAAAAAAAAA=</ChecksumCRC64NVME></R>";
        let (etag, hashes) = read(done).unwrap();
        assert_eq!(etag, "\"e-2\"");
        assert!(hashes.get(HashAlgorithm::Crc64Nvme).is_some());
    }
}
