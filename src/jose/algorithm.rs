//! The signature algorithms that this library knows (RFC 7518 section 3.1, RFC 8037, RFC 9864; ML-DSA of FIPS 204).
//!
//! In: an `alg` value.
//! Out: `Algorithm`.
//! Never: `none` and `HS*`, which have no variant here, so that no code can choose them.

use std::fmt;

/// An asymmetric signature algorithm of JOSE.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[allow(missing_docs)]
pub enum Algorithm {
    RS256,
    RS384,
    RS512,
    PS256,
    PS384,
    PS512,
    ES256,
    ES384,
    ES512,
    EdDSA,
    Ed25519,
    MlDsa44,
    MlDsa65,
    MlDsa87,
}

impl Algorithm {
    /// The algorithms that are accepted by default, in the order in which challenges name them.
    pub const ALL: [Self; 11] = [
        Self::RS256,
        Self::RS384,
        Self::RS512,
        Self::PS256,
        Self::PS384,
        Self::PS512,
        Self::ES256,
        Self::ES384,
        Self::ES512,
        Self::EdDSA,
        Self::Ed25519,
    ];

    /// The algorithms that are safe against quantum computers, with their names for JOSE (draft-ietf-cose-dilithium).
    /// They are accepted only if a policy names them.
    pub(crate) const POST_QUANTUM: [Self; 3] = [Self::MlDsa44, Self::MlDsa65, Self::MlDsa87];

    /// Every algorithm that is known.
    pub fn known() -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().chain(Self::POST_QUANTUM)
    }

    /// The `alg` value.
    pub const fn name(self) -> &'static str {
        match self {
            Self::RS256 => "RS256",
            Self::RS384 => "RS384",
            Self::RS512 => "RS512",
            Self::PS256 => "PS256",
            Self::PS384 => "PS384",
            Self::PS512 => "PS512",
            Self::ES256 => "ES256",
            Self::ES384 => "ES384",
            Self::ES512 => "ES512",
            Self::EdDSA => "EdDSA",
            Self::Ed25519 => "Ed25519",
            Self::MlDsa44 => "ML-DSA-44",
            Self::MlDsa65 => "ML-DSA-65",
            Self::MlDsa87 => "ML-DSA-87",
        }
    }

    /// The algorithm of this name; case matters (RFC 7515 section 4.1.1).
    pub fn from_name(name: &str) -> Option<Self> {
        Self::known().find(|algorithm| algorithm.name() == name)
    }

    /// Length of a signature in bytes, if it is the same for each key (RFC 7518 section 3.4, RFC 8032 section 5.1.6,
    /// FIPS 204 section 4). `None`: that of the key's modulus (RFC 8017 sections 8.1.2 and 8.2.2).
    pub(crate) const fn signature_bytes(self) -> Option<usize> {
        match self.key_type() {
            KeyType::Rsa => None,
            KeyType::P256 | KeyType::Ed25519 => Some(64),
            KeyType::P384 => Some(96),
            KeyType::P521 => Some(132),
            KeyType::MlDsa44 => Some(2420),
            KeyType::MlDsa65 => Some(3309),
            KeyType::MlDsa87 => Some(4627),
        }
    }

    pub(crate) const fn key_type(self) -> KeyType {
        match self {
            Self::RS256 | Self::RS384 | Self::RS512 | Self::PS256 | Self::PS384 | Self::PS512 => KeyType::Rsa,
            Self::ES256 => KeyType::P256,
            Self::ES384 => KeyType::P384,
            Self::ES512 => KeyType::P521,
            Self::EdDSA | Self::Ed25519 => KeyType::Ed25519,
            Self::MlDsa44 => KeyType::MlDsa44,
            Self::MlDsa65 => KeyType::MlDsa65,
            Self::MlDsa87 => KeyType::MlDsa87,
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The type of a key: its `kty` and `crv` together, and for `AKP` its `alg`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyType {
    Rsa,
    P256,
    P384,
    P521,
    Ed25519,
    MlDsa44,
    MlDsa65,
    MlDsa87,
}

/// A set of algorithms, as a policy allows them. Never empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AlgorithmSet(u16);

impl AlgorithmSet {
    /// Every algorithm of [`Algorithm::ALL`].
    pub const fn all() -> Self {
        let mut bits = 0;
        let mut i = 0;
        while i < Algorithm::ALL.len() {
            bits |= 1 << i;
            i += 1;
        }
        Self(bits)
    }

    /// The set of these algorithms; `None` when the list is empty.
    pub fn of(algorithms: &[Algorithm]) -> Option<Self> {
        let bits = algorithms.iter().fold(0, |bits, algorithm| bits | 1 << (*algorithm as u16));
        (bits != 0).then_some(Self(bits))
    }

    /// Whether the algorithm is in the set.
    pub const fn contains(self, algorithm: Algorithm) -> bool {
        self.0 & (1 << (algorithm as u16)) != 0
    }

    /// Their names, as a message lists them.
    pub(crate) fn names(self) -> String {
        self.iter().map(Algorithm::name).collect::<Vec<_>>().join(", ")
    }

    /// The algorithms in the set.
    pub fn iter(self) -> impl Iterator<Item = Algorithm> {
        Algorithm::known().filter(move |algorithm| self.contains(*algorithm))
    }
}
