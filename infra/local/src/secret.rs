//! Secrets: generated as CloudFormation generates them, then kept in the data folder.

use std::fs;
use std::path::Path;

use serde_json::{Map, Value};
use user_core::id::random_below;

use crate::Fault;
use crate::template::Secret;

const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// The secret `id`: the one in `folder`, or a new one, which is written there first.
///
/// # Errors
/// When the file cannot be read or written, or the template's own part is no JSON object.
pub fn open(folder: Option<&Path>, id: &str, secret: &Secret) -> Result<String, Fault> {
    let file = folder.map(|folder| folder.join(format!("{id}.json")));
    if let Some(file) = file.as_ref().filter(|file| file.exists()) {
        return Ok(fs::read_to_string(file)?);
    }
    let wish = &secret.generate_secret_string;
    let mut value: Map<String, Value> = serde_json::from_str(&wish.secret_string_template)?;
    value.insert(wish.generate_string_key.clone(), Value::String(password(wish.password_length)));
    let text = Value::Object(value).to_string();
    if let Some(file) = file {
        // Renamed when whole, so that a crash leaves no half of a key.
        let part = file.with_extension("part");
        fs::write(&part, &text)?;
        fs::rename(part, file)?;
    }
    Ok(text)
}

fn password(length: usize) -> String {
    let letter =
        || ALPHABET.get(usize::try_from(random_below(ALPHABET.len() as u64)).unwrap_or(0)).copied().unwrap_or(b'A');
    (0..length).map(|_| char::from(letter())).collect()
}
