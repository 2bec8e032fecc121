//! JSON in which no object has a key twice. Readers differ in which of two values they take (RFC 8259, 4), so the one that checks a value
//! and the one that uses it could see different ones.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// The error for a repeated key; it does not contain the key.
pub const TWICE: &str = "a key is there twice";

/// A value whose objects have each key once, at any depth. Others cannot be read. Keys are compared after escapes are decoded.
#[derive(Debug)]
pub struct Unique(pub Value);

impl<'de> Deserialize<'de> for Unique {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader).map(Self)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, is: bool) -> Result<Value, E> {
        Ok(Value::Bool(is))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(number.into())
    }

    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
        Ok(Number::from_f64(number).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::String(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        Ok(Value::String(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(Unique(item)) = items.next_element()? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(key) = members.next_key::<String>()? {
            let Unique(value) = members.next_value()?;
            if object.insert(key, value).is_some() {
                return Err(A::Error::custom(TWICE));
            }
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<Value> {
        serde_json::from_str(text).ok().map(|Unique(value)| value)
    }

    #[test]
    fn a_value_is_read_as_by_anybody_else() {
        for text in [
            r#"{"a":{"a":[{"a":1},{"a":-1}]},"b":1.5,"c":18446744073709551615,"d":null,"e":"\u0065\n","f":[true,false,[],{}]}"#,
            "1e300",
            "-0.0",
            "\"\"",
            "null",
        ] {
            assert_eq!(read(text), serde_json::from_str(text).ok(), "{text}");
        }
        for text in
            ["", "{", "{\"a\":}", "[1,]", "1 2", "\"\\ud800\"", "1e999", &"[".repeat(200), &"{\"a\":".repeat(200)]
        {
            assert_eq!((read(text), serde_json::from_str::<Value>(text).ok()), (None, None), "{text}");
        }
    }

    #[test]
    fn a_key_that_is_there_twice_is_refused_at_any_depth_and_in_any_spelling() {
        for text in [
            r#"{"a":1,"a":1}"#,
            r#"{"a":1,"b":2,"\u0061":3}"#,
            r#"{"":1,"":1}"#,
            r#"[[{"b":{"a":1,"a":null}}]]"#,
            r#"{"a":{"b":[{"c":1,"c":2}]}}"#,
            "{\"\u{e9}\":1,\"\\u00e9\":2}",
            r#"{"\ud83d\ude00":1,"😀":2}"#,
        ] {
            assert_eq!(read(text), None, "{text}");
        }
        assert!(read(r#"{"a":1,"A":1,"\u0061 ":1}"#).is_some(), "these are three");
    }
}
