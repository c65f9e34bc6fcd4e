//! What a place was made with: a mistake in an option must not look like an empty account.

use serde::{Deserialize, Serialize};

use crate::connector::to_hex;
use crate::engine::crypto::secret::SecretKey;
use crate::error::{Error, ErrorKind, Result};
use crate::storage::{Collection, Precondition, RecordId};

use super::book::Book;
use super::options::SealedNames;
use super::siv::SivKey;

/// One record for each account.
const SEALED_PLACES: Collection<Marker> = Collection::new("sealed_places");

/// What must stay as it is.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
struct Marker {
    names: Spelling,
    /// Comes of the key that is the organization's, in hexadecimal; tells nothing of it.
    check: String,
}

#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Spelling {
    Clear,
    Sealed,
}

/// Holds the options and the key against those that the place was made with; notes them the first time.
///
/// # Errors
/// [`ErrorKind::InvalidInput`]: they are others.
pub(super) async fn check(book: &Book, names: SealedNames, key: &SecretKey) -> Result<()> {
    let key = SivKey::derive(key, b"garland/sealed-check/v1")?;
    let ours = Marker {
        names: match names {
            SealedNames::Clear => Spelling::Clear,
            SealedNames::Sealed => Spelling::Sealed,
        },
        check: to_hex(&key.seal(&[book.name.as_str().as_bytes()], &[])?),
    };
    let id = RecordId::parse(book.name.to_string())?;
    let known = match book.store().get(&SEALED_PLACES, &id).await? {
        Some(known) => known.value,
        None => match make(book, id.clone(), &ours).await {
            Err(error) if error.kind() == ErrorKind::Conflict => {
                let known = book.store().get(&SEALED_PLACES, &id).await?;
                known.ok_or(error)?.value
            }
            made => return made,
        },
    };
    let why = if known.names != ours.names {
        "the files of this account were sealed with another kind of names"
    } else if known.check != ours.check {
        "the files of this account were sealed with other keys"
    } else {
        return Ok(());
    };
    Err(Error::new(ErrorKind::InvalidInput, "sealed.open", why).with_context("name", &book.name))
}

async fn make(book: &Book, id: RecordId, marker: &Marker) -> Result<()> {
    let mut batch = book.batch();
    batch.put_with(&SEALED_PLACES, id, marker, Precondition::Absent, Vec::new())?;
    book.store().commit(batch).await.map(drop)
}
