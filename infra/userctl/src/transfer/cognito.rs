//! Users of Cognito, as `aws cognito-idp list-users` prints them: one JSON document, read user by user. It has no hashes.

use std::io::BufRead;

use serde::Deserialize;
use serde_json::Value;
use template::Fault;
use user_core::error::Refusal;
use user_web::json::Unique;

use super::read::{Line, Lines, unreadable};
use super::row::Row;

/// The length of the longest user object, in bytes.
const MAX_BYTES: usize = 1 << 20;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct CognitoUser {
    #[serde(default)]
    attributes: Vec<Attribute>,
    enabled: Option<bool>,
    user_status: Option<String>,
    user_create_date: Option<Value>,
    user_last_modified_date: Option<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Attribute {
    name: String,
    #[serde(default)]
    value: String,
}

/// The rows of a file.
#[must_use]
pub fn rows(reader: Box<dyn BufRead>) -> Lines {
    Box::new(Objects { reader, number: 1, open: 0, before: 0 }.map(|object| {
        let (number, bytes) = object?;
        let read = serde_json::from_slice(&bytes).and_then(|Unique(user)| serde_json::from_value::<CognitoUser>(user));
        Ok(Line { number, row: read.map_err(|error| unreadable(&error)).and_then(row) })
    }))
}

fn row(user: CognitoUser) -> Result<Row, Refusal> {
    if user.user_status.as_deref() == Some("EXTERNAL_PROVIDER") {
        return Err(Refusal::new("external-provider", "the account was made by another provider"));
    }
    let attribute = |name: &str| user.attributes.iter().find(|one| one.name == name).map(|one| one.value.clone());
    let time = |value: Option<Value>| match value {
        Some(Value::String(text)) => Some(text),
        Some(Value::Number(number)) => Some(number.to_string()),
        _ => None,
    };
    Ok(Row {
        id: attribute("sub").unwrap_or_default(),
        email: attribute("email").unwrap_or_default(),
        first_name: attribute("given_name"),
        last_name: attribute("family_name"),
        is_verified: attribute("email_verified").is_some_and(|is| is.eq_ignore_ascii_case("true")),
        is_active: user.enabled.unwrap_or(true),
        created_at: time(user.user_create_date),
        updated_at: time(user.user_last_modified_date),
        ..Row::default()
    })
}

/// The objects in the arrays of a document, each with the line on which it begins. Several documents may follow each other.
struct Objects {
    reader: Box<dyn BufRead>,
    number: u64,
    /// How many brackets and braces outside of users are open.
    open: i64,
    /// The last byte that is not white space.
    before: u8,
}

impl Objects {
    /// The next object in an array, from its opening to its closing brace.
    fn read(&mut self) -> Result<Option<(u64, Vec<u8>)>, Fault> {
        let (mut object, mut depth, mut begin) = (Vec::new(), 0_u32, 0);
        let (mut quoted, mut escaped) = (false, false);
        loop {
            let Some(byte) = self.byte()? else {
                let whole = depth == 0 && self.open == 0;
                return if whole { Ok(None) } else { Err("the file ends before its document does".into()) };
            };
            if depth > 0 {
                object.push(byte);
                if object.len() > MAX_BYTES {
                    return Err(format!("the user in line {begin} is longer than {MAX_BYTES} bytes").into());
                }
            }
            match byte {
                _ if escaped => escaped = false,
                b'\\' if quoted => escaped = true,
                b'"' => quoted = !quoted,
                _ if quoted => {}
                b'{' if depth > 0 => depth += 1,
                // Only in an array: after its bracket or a comma.
                b'{' if self.before == b'[' || self.before == b',' => {
                    object.push(byte);
                    (depth, begin) = (1, self.number);
                }
                b'}' if depth > 0 => {
                    depth -= 1;
                    if depth == 0 {
                        return Ok(Some((begin, object)));
                    }
                }
                b'{' | b'[' if depth == 0 => self.open += 1,
                b'}' | b']' if depth == 0 => self.open -= 1,
                _ => {}
            }
            if !byte.is_ascii_whitespace() {
                self.before = byte;
            }
        }
    }

    fn byte(&mut self) -> Result<Option<u8>, Fault> {
        let byte = self.reader.fill_buf()?.first().copied();
        if byte.is_some() {
            self.reader.consume(1);
        }
        self.number += u64::from(byte == Some(b'\n'));
        Ok(byte)
    }
}

impl Iterator for Objects {
    type Item = Result<(u64, Vec<u8>), Fault>;

    fn next(&mut self) -> Option<Self::Item> {
        self.read().transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_are_read_one_by_one_out_of_one_document() {
        let document = r#"{ "Users": [
            { "Username": "a", "Attributes": [{ "Name": "sub", "Value": "1" }, { "Name": "email", "Value": "a}@b.cc" }],
              "UserCreateDate": 1795420800.5, "Enabled": false, "UserStatus": "CONFIRMED" },
            { "Attributes": [], "UserStatus": "EXTERNAL_PROVIDER" }, { "Attributes": 1 },
            { "Username": "b", "Username": "c", "Attributes": [] }
        ] }"#;
        let found: Vec<_> = rows(Box::new(document.as_bytes())).map(|line| line.map_err(|_| ()).unwrap()).collect();
        let codes: Vec<_> =
            found.iter().map(|line| (line.number, line.row.as_ref().map_or_else(|e| e.code, |_| ""))).collect();
        assert_eq!(codes, [(2, ""), (4, "external-provider"), (4, "unreadable"), (5, "unreadable")]);
        let first = found[0].row.as_ref().map_err(|_| ()).unwrap();
        assert_eq!(
            (first.email.as_str(), first.created_at.as_deref(), first.is_active),
            ("a}@b.cc", Some("1795420800.5"), false)
        );
    }
}
