//! One value, one text: JSON in the shape of RFC 8785, without floating point.

use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// Why a value has no canonical text. A fault of the program: audit values hold neither.
#[derive(Debug, thiserror::Error)]
pub enum CanonicalError {
    /// Floating point has more than one good spelling.
    #[error("audit values hold no floating point, found {0}: record an integer with its unit instead")]
    Float(String),
    /// Not JSON, e.g. a map whose keys are no texts.
    #[error("not expressible as JSON: {0}")]
    NotJson(#[from] serde_json::Error),
}

/// The canonical JSON text: no white space, object keys in byte order, shortest escapes (RFC 8785 §3.2), integers
/// written in full. RFC 8785 would round integers beyond 2^53; nothing is rounded here.
///
/// # Errors
/// [`CanonicalError`] for floating point and for what JSON cannot say.
pub fn canonical(value: &impl Serialize) -> Result<String, CanonicalError> {
    let mut out = String::with_capacity(256);
    write(&serde_json::to_value(value)?, &mut out)?;
    Ok(out)
}

fn write(value: &Value, out: &mut String) -> Result<(), CanonicalError> {
    match value {
        Value::Null | Value::Bool(_) => out.push_str(&value.to_string()),
        Value::Number(number) if number.is_f64() => return Err(CanonicalError::Float(number.to_string())),
        Value::Number(number) => out.push_str(&number.to_string()),
        // serde_json writes exactly the escapes of RFC 8785 §3.2.2.2.
        Value::String(text) => out.push_str(&serde_json::to_string(text)?),
        Value::Array(items) => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                write(item, out)?;
            }
            out.push(']');
        }
        Value::Object(fields) => {
            // Sorted here and not left to the map type, which a feature of another crate can change.
            let sorted: BTreeMap<&String, &Value> = fields.iter().collect();
            out.push('{');
            for (i, (key, item)) in sorted.into_iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                out.push_str(&serde_json::to_string(key)?);
                out.push(':');
                write(item, out)?;
            }
            out.push('}');
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn keys_in_byte_order_escapes_shortest_integers_in_full() {
        let value = json!({"b": [1, -2, u64::MAX], "a": {"é": "青葉\n\u{1}\"/", "z": null, "B": true}});
        assert_eq!(
            canonical(&value).unwrap(),
            r#"{"a":{"B":true,"z":null,"é":"青葉\n\u0001\"/"},"b":[1,-2,18446744073709551615]}"#
        );
    }

    #[test]
    fn floating_point_is_refused() {
        assert!(matches!(canonical(&json!({"a": [0.5]})), Err(CanonicalError::Float(_))));
    }

    proptest! {
        #[test]
        fn reading_it_back_and_writing_it_again_gives_the_same_bytes(
            map in proptest::collection::btree_map(".*", any::<i64>(), 0..8), text in ".*"
        ) {
            let once = canonical(&json!({"m": map, "t": text})).unwrap();
            let again = canonical(&serde_json::from_str::<Value>(&once).unwrap()).unwrap();
            prop_assert_eq!(once, again);
        }
    }
}
