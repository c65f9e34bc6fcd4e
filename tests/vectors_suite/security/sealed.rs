//! Known answers of the sealed-file format and of wrap records (`spec/sealed-file.md`).

use garland::connector::{ContentHasher, HashAlgorithm};
use garland::crypto::{
    ChunkSize, Entropy, KekId, Pass, Purpose, SealContext, SealKey, SecretKey, WrapRecord,
};
use serde_json::Value;

use super::primitives::{CIPHERS, hex};

/// Gives the bytes that the answers were made with.
#[derive(Debug)]
struct Known(Vec<u8>);

impl Entropy for Known {
    fn fill(&self, bytes: &mut [u8]) -> garland::Result<()> {
        bytes.copy_from_slice(&self.0);
        Ok(())
    }
}

pub(crate) fn sealed_file(list: &str) -> Result<(), String> {
    let list: Value = serde_json::from_str(list).map_err(|error| error.to_string())?;
    let context = context(&list).map_err(|error| error.to_string())?;
    if context.as_bytes() != hex(&list, "context_hex")? {
        return Err(format!("another context: {context:?}"));
    }
    wrapped(&list, &context)?;
    let files = list["files"].as_array().ok_or("no files")?;
    if files.is_empty() {
        return Err("no files".to_owned());
    }
    let (key, salt) = (secret(&list, "dek")?, Known(hex(&list, "salt")?));
    for &backend in CIPHERS {
        let key = SealKey::new(key.clone(), context.clone()).with_backend(backend);
        for file in files {
            for workers in [1, 3] {
                let pass = Pass::new().with_workers(workers);
                file_as_known(&key, &salt, &pass, file)
                    .map_err(|error| format!("{backend:?}, {workers} workers, {file}: {error}"))?;
            }
        }
    }
    Ok(())
}

fn file_as_known(key: &SealKey, salt: &Known, pass: &Pass, file: &Value) -> Result<(), String> {
    let said = |error: garland::Error| format!("{error:?}");
    let count = |field: &str| file[field].as_u64().ok_or(format!("no `{field}`"));
    let length = usize::try_from(count("plaintext_len")?).map_err(|error| error.to_string())?;
    let plain: Vec<u8> = sha256(b"garland")
        .into_iter()
        .cycle()
        .take(length)
        .collect();

    let mut sealed = Vec::new();
    let mut sealer = key.seal(ChunkSize::default(), salt).map_err(said)?;
    sealer.update(&plain, &mut sealed).map_err(said)?;
    let layout = sealer.finish(&mut sealed).map_err(said)?;
    if layout.sealed_length() != count("sealed_len")?
        || sealed.len() as u64 != layout.sealed_length()
    {
        return Err(format!("{} bytes, {layout:?}", sealed.len()));
    }
    if sealed.get(..72) != Some(&hex(file, "sealed_first_72_hex")?) {
        return Err("another header".to_owned());
    }
    if sha256(&sealed) != hex(file, "sealed_sha256")? {
        return Err("other chunks".to_owned());
    }

    let (mut again, mut opened) = (Vec::new(), Vec::new());
    key.seal_all(pass, salt, plain.as_slice(), &mut again)
        .map_err(said)?;
    key.open_all(pass, sealed.as_slice(), &mut opened)
        .map_err(said)?;
    if again != sealed || opened != plain {
        return Err("not the same in one pass".to_owned());
    }
    Ok(())
}

fn wrapped(list: &Value, context: &SealContext) -> Result<(), String> {
    let said = |error: garland::Error| format!("{error:?}");
    let (kek, key) = (secret(list, "kek")?, secret(list, "dek")?);
    let id: [u8; 16] = hex(list, "kek_id")?
        .try_into()
        .map_err(|_| "an id has 16 bytes")?;
    let salt = Known(hex(list, "wrap_salt")?);
    let record = WrapRecord::wrap(KekId::new(id), &kek, context, &key, &salt).map_err(said)?;
    if record.as_bytes().as_slice() != hex(list, "wrap_record_hex")? {
        return Err("another wrap record".to_owned());
    }
    if !record.unwrap(&kek, context).map_err(said)?.is(&key) {
        return Err("the record holds another key".to_owned());
    }
    Ok(())
}

fn context(list: &Value) -> garland::Result<SealContext> {
    let field = |at: usize| list["context"][at].as_str().unwrap_or_default();
    let purpose = [
        Purpose::Body,
        Purpose::Thumb,
        Purpose::Message,
        Purpose::Export,
    ]
    .into_iter()
    .find(|purpose| purpose.as_str() == field(3))
    .unwrap_or(Purpose::Body);
    SealContext::new(&field(0).parse()?, field(1), field(2), purpose)
}

fn secret(list: &Value, field: &str) -> Result<SecretKey, String> {
    let bytes = hex(list, field)?;
    SecretKey::from_bytes(&bytes).map_err(|error| format!("{error:?} in `{field}`"))
}

fn sha256(bytes: &[u8]) -> Vec<u8> {
    let mut hasher = ContentHasher::new([HashAlgorithm::Sha256]);
    hasher.update(bytes);
    let hashes = hasher.finish();
    hashes
        .get(HashAlgorithm::Sha256)
        .unwrap_or_default()
        .to_vec()
}
