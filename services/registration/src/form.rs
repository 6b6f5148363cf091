//! Fields as they are typed, one fault a field.

use joining::{Field, FieldCode, FieldFault};
use std::str::FromStr;

/// Collects what is wrong while a form is read.
#[derive(Default)]
pub(crate) struct Reading {
    faults: Vec<FieldFault>,
}

impl Reading {
    /// A value that must be there.
    pub fn need<T: FromStr>(&mut self, field: Field, text: &str) -> Option<T> {
        if text.trim().is_empty() {
            self.faults.push(FieldFault::new(field, FieldCode::Empty));
            return None;
        }
        self.may(field, text)
    }

    /// A value that may be left out.
    pub fn may<T: FromStr>(&mut self, field: Field, text: &str) -> Option<T> {
        let text = text.trim();
        if text.is_empty() {
            return None;
        }
        let read = text.parse().ok();
        if read.is_none() {
            self.faults.push(FieldFault::new(field, FieldCode::Malformed));
        }
        read
    }

    /// Something else that is read, or not.
    pub fn took<T>(&mut self, read: Result<T, FieldFault>) -> Option<T> {
        match read {
            Ok(value) => Some(value),
            Err(fault) => {
                self.faults.push(fault);
                None
            }
        }
    }

    /// One of a list.
    pub fn one_of<T: Copy>(&mut self, field: Field, text: &str, all: &[(&str, T)]) -> Option<T> {
        let found = all.iter().find(|(name, _)| *name == text.trim()).map(|(_, value)| *value);
        if found.is_none() {
            let code = if text.trim().is_empty() { FieldCode::Empty } else { FieldCode::Unknown };
            self.faults.push(FieldFault::new(field, code));
        }
        found
    }

    /// A fault of its own.
    pub fn wrong(&mut self, field: Field, code: FieldCode) {
        self.faults.push(FieldFault::new(field, code));
    }

    /// The value if nothing was wrong. Each `None` above has left a fault behind.
    pub fn done<T>(self, value: Option<T>) -> Result<T, Vec<FieldFault>> {
        match value {
            Some(value) if self.faults.is_empty() => Ok(value),
            _ => Err(self.faults),
        }
    }
}

/// Words between commas, blanks or lines.
pub(crate) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split([',', '、', ' ', '\n', '\r', '\t', '\u{3000}']).map(str::trim).filter(|word| !word.is_empty())
}

/// Names between commas or lines; they may hold blanks.
pub(crate) fn names(text: &str) -> impl Iterator<Item = &str> {
    text.split([',', '、', '\n', '\r']).map(str::trim).filter(|name| !name.is_empty())
}
