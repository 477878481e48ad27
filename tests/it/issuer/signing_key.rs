//! Private keys: they publish their JWK and sign.

use std::path::Path;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    self, EcdsaKeyPair, Ed25519KeyPair, KeyPair, PqdsaKeyPair, RsaEncoding, RsaKeyPair,
};
use oidc_spa_native::jose::algorithm::Algorithm;
use oidc_spa_native::jose::base64url_encode;
use oidc_spa_native::jose::json::Object;
use oidc_spa_native::jose::jwk::{Jwk, Spelling};

/// A private key, with the members of its public JWK.
pub struct SigningKey {
    private: Private,
    members: String,
}

enum Private {
    Rsa(Box<RsaKeyPair>),
    Ec(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
    MlDsa(PqdsaKeyPair),
}

impl SigningKey {
    /// An RSA key of 2048 bits. It is kept under its name in the build's folder for temporary files, since making one
    /// takes as long as all else that a test does, and each test may have a process of its own.
    pub fn rsa(name: &str) -> Self {
        let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.pkcs8"));
        let kept = std::fs::read(&file).ok().and_then(|bytes| RsaKeyPair::from_pkcs8(&bytes).ok());
        let pair = kept.unwrap_or_else(|| {
            let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
            // Of several processes that make it at once, one has the last word; each of them uses its own.
            let own = file.with_extension(std::process::id().to_string());
            std::fs::write(&own, AsDer::<Pkcs8V1Der<'_>>::as_der(&pair).unwrap().as_ref()).unwrap();
            std::fs::rename(own, file).unwrap();
            pair
        });
        let n = base64url_encode(pair.public_key().modulus().big_endian_without_leading_zero());
        let e = base64url_encode(pair.public_key().exponent().big_endian_without_leading_zero());
        let members = format!(r#""kty":"RSA","n":"{n}","e":"{e}""#);
        Self { private: Private::Rsa(Box::new(pair)), members }
    }

    /// A key of the curve that the algorithm uses.
    pub fn ec(algorithm: Algorithm) -> Self {
        let (curve, signing) = match algorithm {
            Algorithm::ES256 => ("P-256", &signature::ECDSA_P256_SHA256_FIXED_SIGNING),
            Algorithm::ES384 => ("P-384", &signature::ECDSA_P384_SHA384_FIXED_SIGNING),
            Algorithm::ES512 => ("P-521", &signature::ECDSA_P521_SHA512_FIXED_SIGNING),
            other => panic!("{other} has no curve"),
        };
        let pair = EcdsaKeyPair::generate(signing).unwrap();
        let (x, y) = {
            let point = &pair.public_key().as_ref()[1..];
            let (x, y) = point.split_at(point.len() / 2);
            (base64url_encode(x), base64url_encode(y))
        };
        let members = format!(r#""kty":"EC","crv":"{curve}","x":"{x}","y":"{y}""#);
        Self { private: Private::Ec(pair), members }
    }

    pub fn ed25519() -> Self {
        let pair = Ed25519KeyPair::generate().unwrap();
        let x = base64url_encode(pair.public_key().as_ref());
        Self { private: Private::Ed25519(pair), members: format!(r#""kty":"OKP","crv":"Ed25519","x":"{x}""#) }
    }

    pub fn ml_dsa(algorithm: Algorithm) -> Self {
        let signing = match algorithm {
            Algorithm::MlDsa44 => &signature::ML_DSA_44_SIGNING,
            Algorithm::MlDsa65 => &signature::ML_DSA_65_SIGNING,
            Algorithm::MlDsa87 => &signature::ML_DSA_87_SIGNING,
            other => panic!("{other} is no ML-DSA"),
        };
        let pair = PqdsaKeyPair::generate(signing).unwrap();
        let public = base64url_encode(pair.public_key().as_ref());
        Self {
            private: Private::MlDsa(pair),
            members: format!(r#""kty":"AKP","alg":"{algorithm}","pub":"{public}""#),
        }
    }

    /// The public JWK; `extra` is the text of further members.
    pub fn jwk(&self, extra: &str) -> String {
        let comma = if extra.is_empty() { "" } else { "," };
        format!("{{{}{comma}{extra}}}", self.members)
    }

    /// The text of one public member, such as `n`.
    pub fn member(&self, name: &str) -> String {
        let text = self.jwk("");
        Object::parse(text.as_bytes()).unwrap().get(name).unwrap().as_str().unwrap().to_owned()
    }

    pub fn thumbprint(&self) -> String {
        let text = self.jwk("");
        let jwk = Jwk::parse(&Object::parse(text.as_bytes()).unwrap(), Spelling::Canonical).unwrap();
        jwk.thumbprint().as_str().to_owned()
    }

    pub fn sign(&self, algorithm: Algorithm, message: &[u8]) -> Vec<u8> {
        let rng = SystemRandom::new();
        match &self.private {
            Private::Ec(pair) => pair.sign(&rng, message).unwrap().as_ref().to_vec(),
            Private::Ed25519(pair) => pair.sign(message).as_ref().to_vec(),
            Private::MlDsa(pair) => {
                let mut signature = vec![0; pair.algorithm().signature_len()];
                pair.sign(message, &mut signature).unwrap();
                signature
            }
            Private::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(rsa_encoding(algorithm), &rng, message, &mut signature).unwrap();
                signature
            }
        }
    }
}

fn rsa_encoding(algorithm: Algorithm) -> &'static dyn RsaEncoding {
    match algorithm {
        Algorithm::RS256 => &signature::RSA_PKCS1_SHA256,
        Algorithm::RS384 => &signature::RSA_PKCS1_SHA384,
        Algorithm::RS512 => &signature::RSA_PKCS1_SHA512,
        Algorithm::PS256 => &signature::RSA_PSS_SHA256,
        Algorithm::PS384 => &signature::RSA_PSS_SHA384,
        Algorithm::PS512 => &signature::RSA_PSS_SHA512,
        other => panic!("{other} is not of RSA"),
    }
}
