//! Attacks on the JOSE layer, through the corridor: every token is signed anew with the right key unless the case is about
//! the signature, and every refusal stands beside a twin that is granted. The names carry the ids of the catalogue.

mod algorithms;
mod base64;
mod header;
mod ml_dsa;
mod second_opinion;
mod signatures;
