//! Random numbers, and what a person has.

use serde_json::Value;

/// Random numbers that are the same in every run (xorshift).
pub(super) struct Chance(pub(super) u64);

impl Chance {
    pub(super) fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % bound as u64).unwrap()
    }

    pub(super) fn of<'a, T>(&mut self, some: &'a [T]) -> Option<&'a T> {
        if some.is_empty() { None } else { some.get(self.below(some.len())) }
    }
}

/// What a person has besides mailboxes.
#[derive(Default, Clone)]
pub(super) struct Holdings {
    pub(super) passwords: Vec<String>,
    pub(super) access: Vec<String>,
    pub(super) refresh: Vec<String>,
}

impl Holdings {
    pub(super) fn take(&mut self, pair: &Value) {
        if let (Some(access), Some(refresh)) = (pair["access_token"].as_str(), pair["refresh_token"].as_str()) {
            self.access.push(access.to_owned());
            self.refresh.push(refresh.to_owned());
        }
    }

    /// The newest are worth most, so the oldest are dropped.
    pub(super) fn forget(&mut self) {
        for some in [&mut self.passwords, &mut self.access, &mut self.refresh] {
            let spare = some.len().saturating_sub(6);
            some.drain(..spare);
        }
    }
}
