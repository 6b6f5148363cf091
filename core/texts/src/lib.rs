//! Every text a person meets, in Japanese and English.
