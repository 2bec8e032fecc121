//! Sets of words that may grow: a kind of message, a state, a role. During a deployment, and after a rollback, this release reads items of
//! the next one. It carries and shows a word that it does not know like any other, but gives it no meaning.

use std::fmt;

/// A word that this release does not know. Like all words of these sets, it has at most 31 bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Word {
    bytes: [u8; 31],
    length: u8,
}

impl Word {
    /// The word; `None` when it is too long.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let mut bytes = [0; 31];
        bytes.get_mut(..text.len())?.copy_from_slice(text.as_bytes());
        Some(Self { bytes, length: u8::try_from(text.len()).ok()? })
    }

    /// The word as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        let bytes = self.bytes.get(..usize::from(self.length)).unwrap_or_default();
        std::str::from_utf8(bytes).unwrap_or_default()
    }
}

impl fmt::Debug for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}

/// An enum whose variants are words: in items, in tokens and wherever people see them.
macro_rules! words {
    ($(#[$about:meta])* $name:ident { $($(#[$variant:meta])* $known:ident = $word:literal,)+ }) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name {
            $($(#[$variant])* $known,)+
            /// A word of a later release.
            Other($crate::words::Word),
        }

        impl $name {
            /// All words that this release knows.
            pub const ALL: &[Self] = &[$(Self::$known),+];

            /// The variant of this word, if this release knows it.
            #[must_use]
            pub fn known(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|known| known.as_str() == word)
            }

            /// The word.
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$known => $word,)+
                    Self::Other(word) => word.as_str(),
                }
            }

            /// Whether this release knows the word.
            #[must_use]
            pub fn is_known(self) -> bool {
                !matches!(self, Self::Other(_))
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                let other = || $crate::words::Word::new(&text).map(Self::Other);
                Self::known(&text).or_else(other).ok_or_else(|| serde::de::Error::custom("a word has more than 31 bytes"))
            }
        }
    };
}

pub(crate) use words;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::user::Role;

    #[test]
    fn a_word_of_a_later_release_is_carried_as_it_is() {
        let read = |json: &str| serde_json::from_str::<Role>(json);
        let auditor = read(r#""auditor""#).unwrap();
        assert!(!auditor.is_known() && auditor != read(r#""owner""#).unwrap());
        assert_eq!((serde_json::to_string(&auditor).unwrap().as_str(), auditor.as_str()), (r#""auditor""#, "auditor"));
        assert_eq!(read(r#""admin""#).unwrap(), Role::Admin);
        assert!(read(&format!("\"{}\"", "x".repeat(31))).is_ok() && read(&format!("\"{}\"", "x".repeat(32))).is_err());
        assert_eq!(Word::new("\u{e4}dmin").map(|word| word.as_str().to_owned()).as_deref(), Some("\u{e4}dmin"));
    }
}
