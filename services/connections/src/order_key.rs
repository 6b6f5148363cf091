//! The key the center signs orders with (X1, G1).

use files::{Defect, Wanted};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair};
use rustls_pki_types::{PrivatePkcs8KeyDer, pem::PemObject};
use wire::link::SignedOrder;
use wire::{Order, order_signed_bytes};

/// An ECDSA P-256 key.
pub struct OrderKey {
    pair: EcdsaKeyPair,
    random: SystemRandom,
}

impl OrderKey {
    /// From PKCS#8 PEM.
    ///
    /// # Errors
    /// [`Defect`] if there is none, or one of another kind.
    pub fn from_pem(pem: &[u8]) -> Result<Self, Defect> {
        let der = PrivatePkcs8KeyDer::from_pem_slice(pem).map_err(|e| Defect::pem(Wanted::PrivateKey, e))?;
        let random = SystemRandom::new();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, der.secret_pkcs8_der(), &random)
            .map_err(|e| Defect::NotP256 { said: e.to_string() })?;
        Ok(Self { pair, random })
    }

    /// The public key gates check orders with: an uncompressed point on P-256, 65 octets.
    pub fn public_point(&self) -> &[u8] {
        use ring::signature::KeyPair;
        self.pair.public_key().as_ref()
    }

    /// The order as a gate receives it; nothing if the system has no randomness to sign with.
    pub(crate) fn sign(&self, order: &Order) -> Option<SignedOrder> {
        let payload = order.encode();
        let signature = self.pair.sign(&self.random, &order_signed_bytes(&payload)).ok()?;
        Some(SignedOrder { payload, signature: signature.as_ref().to_vec() })
    }
}

#[cfg(test)]
impl OrderKey {
    /// As a gate does it.
    pub(crate) fn verify(&self, signed: &SignedOrder) {
        use ring::signature::KeyPair;
        let key = pki::PublicKey::EcP256(self.pair.public_key().as_ref().to_vec());
        pki::verify_detached(&key, &order_signed_bytes(&signed.payload), &signed.signature).unwrap();
    }
}
