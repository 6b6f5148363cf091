//! The nouns of Sekisho and their typed ids.
