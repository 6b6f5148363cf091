//! The person's card through PKCS#11.
