//! Fields of a header, and where their bits stand.

/// Why a list of fields is no layout.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LayoutError {
    /// A field has no bits, or more than 128.
    #[error("field {0} must be 1 to 128 bits wide")]
    Width(&'static str),
    /// All fields together are wider than a diagram can be.
    #[error("the fields have {0} bits together; the limit is {max}", max = Layout::MAX_BITS)]
    TooWide(usize),
    /// The same name twice.
    #[error("field {0} stands twice")]
    Twice(&'static str),
}

/// A field of a [`Layout`], by its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Field(pub(crate) u16);

/// The fields of a packet in the order in which sets are decided. Fields that tell most sets apart belong first; fields
/// that wide sets speak of belong before those that only narrow sets name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    pub(crate) fields: Vec<Place>,
    pub(crate) bits: u16,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub name: &'static str,
    pub start: u16,
    pub width: u16,
}

/// One packet: a value for each field of a layout, in its order.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Packet(pub Vec<u128>);

impl Packet {
    /// The value of a field; 0 for a field the packet's layout does not have.
    pub fn get(&self, field: Field) -> u128 {
        self.0.get(usize::from(field.0)).copied().unwrap_or(0)
    }
}

impl Layout {
    /// Most bits of all fields together.
    pub const MAX_BITS: usize = 4096;

    /// Names and widths in bits, in order.
    ///
    /// # Errors
    /// [`LayoutError`] if a width is 0 or over 128, a name stands twice, or all is too wide.
    pub fn new(fields: &[(&'static str, u16)]) -> Result<Self, LayoutError> {
        let mut places: Vec<Place> = Vec::with_capacity(fields.len());
        let mut start = 0usize;
        for &(name, width) in fields {
            if !(1..=128).contains(&width) {
                return Err(LayoutError::Width(name));
            }
            if places.iter().any(|p| p.name == name) {
                return Err(LayoutError::Twice(name));
            }
            places.push(Place { name, start: start as u16, width });
            start += usize::from(width);
            if start > Self::MAX_BITS {
                return Err(LayoutError::TooWide(fields.iter().map(|f| usize::from(f.1)).sum()));
            }
        }
        Ok(Self { fields: places, bits: start as u16 })
    }

    /// The field of this name.
    pub fn field(&self, name: &str) -> Option<Field> {
        self.fields.iter().position(|p| p.name == name).map(|n| Field(n as u16))
    }

    /// The n-th field.
    #[inline]
    pub fn nth(&self, n: usize) -> Option<Field> {
        (n < self.fields.len()).then_some(Field(n as u16))
    }

    /// All fields, in order, with name and width.
    pub fn fields(&self) -> impl Iterator<Item = (Field, &'static str, u16)> + '_ {
        self.fields.iter().enumerate().map(|(n, p)| (Field(n as u16), p.name, p.width))
    }

    /// Bits of all fields together.
    pub fn bits(&self) -> u16 {
        self.bits
    }

    pub(crate) fn place(&self, field: Field) -> Place {
        self.fields[usize::from(field.0)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layout_refuses_what_it_cannot_hold() {
        assert_eq!(Layout::new(&[("a", 0)]), Err(LayoutError::Width("a")));
        assert_eq!(Layout::new(&[("a", 129)]), Err(LayoutError::Width("a")));
        assert_eq!(Layout::new(&[("a", 1), ("a", 2)]), Err(LayoutError::Twice("a")));
        assert!(matches!(Layout::new(&[("a", 128); 1]), Ok(l) if l.bits() == 128));
        let names: Vec<&'static str> = (0..40).map(|n| &*Box::leak(format!("f{n}").into_boxed_str())).collect();
        let wide: Vec<_> = names.iter().map(|n| (*n, 128)).collect();
        assert_eq!(Layout::new(&wide), Err(LayoutError::TooWide(40 * 128)));
    }
}
