//! Uploads in blocks.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use roxmltree::Node;
use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::connector::kit::HttpRequest;
use crate::connector::{HashAlgorithm, Hashes, UploadRequest};
use crate::error::{Error, ErrorKind, Result};
use crate::platforms::objects::{Guard, Object, read_xml, text_of};

use super::container::{ANY, Container, guarded, kept, md5_of};
use super::model::lacks;

/// An upload as its token has it. Blocks have names of this upload's own, so that two uploads to one path do not mix.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct AzureUpload {
    /// What the names of its blocks begin with.
    name: String,
    /// The sizes of its blocks, in their order.
    sizes: Vec<u64>,
}

impl AzureUpload {
    pub(super) fn new(now: Timestamp, chance: u64) -> Self {
        Self {
            name: format!("garland-{:012x}-{chance:016x}", now.as_millis().max(0)),
            sizes: Vec::new(),
        }
    }

    fn size(&self) -> u64 {
        self.sizes
            .iter()
            .fold(0, |sum, size| sum.saturating_add(*size))
    }

    /// The name of a block, of one length for all.
    fn block(&self, index: usize) -> String {
        STANDARD.encode(format!("{}-{index:05}", self.name))
    }

    /// The list that an upload ends with.
    fn to_xml(&self) -> String {
        let mut xml = String::from("<?xml version=\"1.0\" encoding=\"utf-8\"?><BlockList>");
        for index in 0..self.sizes.len() {
            xml.push_str(&format!("<Uncommitted>{}</Uncommitted>", self.block(index)));
        }
        xml.push_str("</BlockList>");
        xml
    }
}

impl Container {
    pub(super) async fn send_block(
        &self,
        key: &str,
        upload: &mut AzureUpload,
        at: u64,
        chunk: Bytes,
    ) -> Result<()> {
        if at != upload.size() {
            return Err(lost().with_context("offset", upload.size()));
        }
        let size = chunk.len() as u64;
        let call = HttpRequest::put(self.at(key))
            .query("comp", "block")
            .query("blockid", upload.block(upload.sizes.len()))
            .header("content-md5", md5_of(&chunk).await?)
            .body(ANY, chunk);
        self.api.call("azure.block", call).await?;
        upload.sizes.push(size);
        Ok(())
    }

    /// Asks which blocks are there. None are when the file has appeared, or after a week.
    pub(super) async fn find_blocks(&self, key: &str, upload: &mut AzureUpload) -> Result<u64> {
        let call = HttpRequest::get(self.at(key))
            .query("comp", "blocklist")
            .query("blocklisttype", "uncommitted");
        let answer = self.api.call_for("azure.blocks", call, &[404]).await?;
        let listed = if answer.status() == 404 {
            Vec::new()
        } else {
            read_xml(&answer.bytes().await?, uncommitted)?
        };
        let sent = upload.sizes.len();
        upload.sizes.clear();
        while let Some((_, size)) = {
            let name = upload.block(upload.sizes.len());
            listed.iter().find(|(listed, _)| *listed == name)
        } {
            upload.sizes.push(*size);
        }
        if sent > upload.sizes.len() {
            return Err(lost());
        }
        Ok(upload.size())
    }

    pub(super) async fn join_blocks(
        &self,
        key: &str,
        guard: &Guard,
        request: &UploadRequest,
        upload: &AzureUpload,
        computed: &Hashes,
    ) -> Result<Object> {
        let call = HttpRequest::put(self.at(key)).query("comp", "blocklist");
        let now = self.api.clock().now();
        let md5 = computed.get(HashAlgorithm::Md5);
        let call = kept(guarded(call, guard), request, now, md5);
        let call = call.body("application/xml", upload.to_xml());
        let answer = self.api.call("azure.complete", call).await?;
        let etag = answer.header("etag").ok_or_else(|| lacks("ETag"))?;
        self.written(key, etag, upload.size()).await
    }
}

/// Names and sizes of blocks that are not part of a blob yet.
fn uncommitted(root: Node<'_, '_>) -> Option<Vec<(String, u64)>> {
    if root.tag_name().name() != "BlockList" {
        return None;
    }
    let blocks = root.descendants().filter(|node| {
        let parent = node.parent().map(|parent| parent.tag_name().name());
        node.tag_name().name() == "Block" && parent == Some("UncommittedBlocks")
    });
    blocks
        .map(|block| {
            let size = text_of(block, "Size")?.parse().ok()?;
            Some((text_of(block, "Name")?.to_owned(), size))
        })
        .collect()
}

fn lost() -> Error {
    let message = "the platform no longer has what was sent";
    Error::new(ErrorKind::Expired, "azure.block", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_blocks_that_are_not_committed_count() {
        let list = "\u{feff}<BlockList><CommittedBlocks><Block><Name>a</Name><Size>1</Size></Block></CommittedBlocks>\
            <UncommittedBlocks><Block><Name>b</Name><Size>2</Size></Block></UncommittedBlocks></BlockList>";
        let blocks = read_xml(list.as_bytes(), uncommitted).unwrap();
        assert_eq!(blocks, [("b".to_owned(), 2)]);
    }
}
