//! The merger for sidecars.

use std::cmp::Reverse;

use bytes::Bytes;

use crate::connector::FilePath;
use crate::engine::sync::merge::{MergeInput, Merger};
use crate::error::{Error, ErrorKind, Result};

use super::{read, rules, write};

/// Merges XMP sidecars: the ratings, keywords and titles that photo tools keep beside a picture.
///
/// The version modified later is the newer one; where two were modified at the same time, or one does
/// not say when, it is the one that comes first.
///
/// - **Keywords** and every other unordered list (`rdf:Bag`) are united, without duplicates, those of
///   the newer version first. So a keyword is never lost, and one that only one person took away
///   comes back.
/// - **Texts in several languages** (`rdf:Alt`) are merged language by language; for each, the newer
///   version that has it wins.
/// - **Simple values, ordered lists and structures** are taken whole from the newer version that has
///   them. What only one version has stays.
/// - **Develop settings** (`crs`, `darktable`) are taken all together from the newer version that has
///   any, so that no look comes out that nobody made.
/// - `xmp:MetadataDate` becomes the latest.
///
/// If the result says what one version says already, it is that version, byte for byte. Otherwise it is
/// written anew, with the same namespaces; comments and padding are not kept.
///
/// Refused, with an error of kind [`ErrorKind::InvalidInput`]: what is not XMP, is not well formed, is
/// not in UTF-8 or has a DTD (so no entity is ever expanded), a property that is there twice, and RDF that
/// XMP does not use. [`ErrorKind::LimitExceeded`]: elements in more than 64 levels, tags with more than
/// 1,024 attributes, more than 50,000 nodes.
///
/// # Example
///
/// ```
/// use garland::connector::FileVersion;
/// use garland::sync::{MergeInput, Merger, XmpMerger};
/// use garland::Timestamp;
///
/// let sidecar = |replica: &str, moment, keyword: &str, rating| {
///     let text = format!(
///         r#"<x:xmpmeta xmlns:x="adobe:ns:meta/">
///         <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
///         <rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/"
///           xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:Rating="{rating}">
///         <dc:subject><rdf:Bag><rdf:li>{keyword}</rdf:li></rdf:Bag></dc:subject>
///         </rdf:Description></rdf:RDF></x:xmpmeta>"#
///     );
///     let version = FileVersion::new(text.len() as u64).with_modified(Timestamp::from_millis(moment));
///     MergeInput::new(replica, version, text.into())
/// };
/// let inputs = [sidecar("laptop", 1_000, "rings", 3), sidecar("studio", 2_000, "vows", 5)];
/// let merged = XmpMerger::new().merge(&"IMG_1.xmp".parse()?, &inputs)?;
/// let text = String::from_utf8_lossy(&merged);
/// assert!(text.contains("<rdf:li>vows</rdf:li>") && text.contains("<rdf:li>rings</rdf:li>"));
/// assert!(text.contains("<xmp:Rating>5</xmp:Rating>"));
/// # Ok::<(), garland::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct XmpMerger;

impl XmpMerger {
    /// Makes the merger.
    #[must_use]
    pub fn new() -> Self {
        Self
    }
}

impl Merger for XmpMerger {
    fn merge(&self, path: &FilePath, inputs: &[MergeInput]) -> Result<Bytes> {
        let mut ranked: Vec<&MergeInput> = inputs.iter().collect();
        if inputs.iter().all(|input| input.version.modified.is_some()) {
            // The sort is stable, so that those of one time stay in their order.
            ranked.sort_by_key(|input| Reverse(input.version.modified));
        }
        let mut packets = Vec::new();
        for input in &ranked {
            let packet = read::read(&input.content).map_err(|error| {
                error
                    .with_context("path", path)
                    .with_context("replica", &input.replica)
            })?;
            packets.push(packet);
        }
        let merged = rules::merge(&packets).ok_or_else(|| {
            Error::new(
                ErrorKind::InvalidInput,
                "xmp.merge",
                "there is nothing to merge",
            )
            .with_context("path", path)
        })?;
        let same = ranked
            .iter()
            .zip(&packets)
            .find(|(_, packet)| packet.says_the_same(&merged));
        Ok(match same {
            Some((input, _)) => input.content.clone(),
            None => write::write(&merged).into(),
        })
    }
}
