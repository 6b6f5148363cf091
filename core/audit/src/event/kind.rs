//! Rows of the catalogue.

/// A field of an event, as documents show it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    /// Its name in the canonical text.
    pub name: &'static str,
    /// What it says.
    pub meaning: &'static str,
    /// Its Rust type.
    pub shape: &'static str,
}

/// A row of the catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind {
    /// Stable code; also the tag in the canonical text.
    pub code: &'static str,
    /// Fluent key of its text.
    pub key: &'static str,
    /// When it is written.
    pub meaning: &'static str,
    /// Its fields.
    pub fields: &'static [Field],
}

impl Kind {
    /// Does it hold personal data (G13: kept by the center alone)?
    pub fn personal(&self) -> bool {
        self.fields.iter().any(|f| f.shape.replace(' ', "").contains("Person"))
    }
}
