//! Random inputs near the seeds, the same ones for the same seed of the generator.
//!
//! In: seeds, a number.
//! Out: mutated inputs.
//! Never: anything that depends on time or on the machine.

/// Bytes that mean something to one of the parsers.
const WORDS: [&[u8]; 40] = [
    b".",
    b"..",
    b"=",
    b"-",
    b"_",
    b"+",
    b"/",
    b" ",
    b"\t",
    b"\r\n",
    b"\0",
    b"\xc2\xa0",
    b"\xed\xa0\x80",
    b"\xef\xbb\xbf",
    b",",
    b";",
    b":",
    b"\"",
    b"\\",
    b"\\u0000",
    b"\\ud800",
    b"{",
    b"}",
    b"[",
    b"]",
    b"null",
    b"true",
    b"-0",
    b"1e400",
    b"18446744073709551616",
    b"Bearer ",
    b"DPoP ",
    b"\"alg\":\"none\"",
    b"\"exp\":",
    b"for=",
    b"host=",
    b"proto=https",
    b"[::1]",
    b"%2e%2e",
    b"https://",
];
const MAX_BYTES: usize = 24 * 1024;

/// Makes inputs.
pub struct Mutator {
    random: fastrand::Rng,
    seeds: Vec<Vec<u8>>,
}

impl Mutator {
    /// Inputs near these seeds. `seeds` has at least one.
    pub fn new(seeds: Vec<Vec<u8>>, seed: u64) -> Self {
        Self { random: fastrand::Rng::with_seed(seed), seeds }
    }

    /// The next input: a seed with one to four changes.
    pub fn next_input(&mut self) -> Vec<u8> {
        let mut bytes = self.any_seed();
        for _ in 0..self.random.usize(1..=4) {
            self.change(&mut bytes);
        }
        bytes.truncate(MAX_BYTES);
        bytes
    }

    fn any_seed(&mut self) -> Vec<u8> {
        self.seeds[self.random.usize(0..self.seeds.len())].clone()
    }

    /// A range within the input, short ones most often.
    fn range(&mut self, length: usize) -> std::ops::Range<usize> {
        let begin = self.random.usize(0..=length);
        let longest = if self.random.bool() { 8 } else { length };
        begin..(begin + self.random.usize(0..=longest)).min(length)
    }

    fn change(&mut self, bytes: &mut Vec<u8>) {
        let range = self.range(bytes.len());
        match self.random.u8(0..9) {
            0 if !bytes.is_empty() => {
                let at = self.random.usize(0..bytes.len());
                bytes[at] ^= 1 << self.random.u8(0..8);
            }
            1 if !bytes.is_empty() => {
                let at = self.random.usize(0..bytes.len());
                bytes[at] = self.random.u8(..);
            }
            2 => drop(bytes.drain(range)),
            3 => {
                let copy = bytes[range.clone()].to_vec();
                bytes.splice(range.start..range.start, copy);
            }
            4 => bytes.truncate(range.start),
            5 => {
                let other = self.any_seed();
                let piece = self.range(other.len());
                bytes.splice(range, other[piece].iter().copied());
            }
            6 => bytes[range].reverse(),
            7 => {
                let other = self.any_seed();
                bytes.truncate(range.start);
                bytes.extend_from_slice(&other[range.start.min(other.len())..]);
            }
            _ => {
                let word = WORDS[self.random.usize(0..WORDS.len())];
                bytes.splice(range, word.iter().copied());
            }
        }
    }
}
