//! The two buffers between JavaScript and the module: arguments in, one answer out.
//!
//! In: lengths and bytes that JavaScript wrote.
//! Out: texts; an answer.
//! Never: an argument that is read beyond its length, a text that is not UTF-8.

use std::cell::RefCell;

use oidc_spa_native_engine::parts::Arguments;

thread_local! {
    static INPUT: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    static OUTPUT: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// A larger buffer is given back after a call.
const KEPT_BYTES: usize = 64 * 1024;

/// Bytes of one length.
const LENGTH_BYTES: usize = size_of::<i32>();

/// What was wrong with the arguments of a call. JavaScript wrote them, so it is a mistake of this library.
#[derive(Debug)]
pub(crate) struct Malformed(pub &'static str);

/// Makes room for this many bytes, and says where.
pub(crate) fn reserve(bytes: u32) -> *const u8 {
    INPUT.with_borrow_mut(|input| {
        // What is there of an earlier call need not be cleared: JavaScript writes over it.
        input.resize(bytes as usize, 0);
        input.as_ptr()
    })
}

/// What JavaScript wrote since [`reserve`].
pub(crate) fn take() -> Vec<u8> {
    INPUT.take()
}

/// Puts an answer where JavaScript reads it, and says how long it is.
pub(crate) fn give(answer: String) -> u32 {
    let bytes = answer.into_bytes();
    let length = bytes.len();
    OUTPUT.set(bytes);
    u32::try_from(length).unwrap_or(0)
}

/// Where the last answer is.
pub(crate) fn answer_at() -> *const u8 {
    OUTPUT.with_borrow(|output| output.as_ptr())
}

/// The arguments of one call: numbers that came as such, then fields.
pub(crate) struct Fields {
    bytes: Vec<u8>,
    /// How many fields there are, and the number of the next one.
    count: usize,
    next: usize,
    /// Where the bytes of the next field begin.
    at: usize,
    /// For lists of arguments that begin with a number, or hold a flag.
    pub number: u32,
    pub flag: bool,
}

impl Fields {
    /// The fields that JavaScript wrote.
    pub(crate) fn take(count: u32) -> Self {
        let count = count as usize;
        let at = count.saturating_mul(LENGTH_BYTES);
        Self { bytes: take(), count, next: 0, at, number: 0, flag: false }
    }

    /// Gives the buffer back, so that the next call need not make one.
    pub(crate) fn give_back(self) {
        if self.bytes.capacity() <= KEPT_BYTES {
            INPUT.set(self.bytes);
        }
    }

    /// The next field; `None` if it is null or left out.
    pub(crate) fn bytes_of_next(&mut self) -> Result<Option<&[u8]>, Malformed> {
        let index = self.next;
        if index >= self.count {
            return Ok(None);
        }
        self.next += 1;
        let begin = index.saturating_mul(LENGTH_BYTES);
        let length = self.bytes.get(begin..).and_then(|rest| rest.first_chunk());
        let length = i32::from_le_bytes(*length.ok_or(Malformed("there are fewer fields than lengths"))?);
        let Ok(length) = usize::try_from(length) else { return Ok(None) };
        let (begin, end) = (self.at, self.at.saturating_add(length));
        self.at = end;
        self.bytes.get(begin..end).map(Some).ok_or(Malformed("a field is longer than the input"))
    }

    pub(crate) fn text_or_null(&mut self) -> Result<Option<String>, Malformed> {
        let Some(bytes) = self.bytes_of_next()? else { return Ok(None) };
        let text = std::str::from_utf8(bytes).map_err(|_| Malformed("a text is not UTF-8"))?;
        Ok(Some(text.to_owned()))
    }

    pub(crate) fn required(&mut self) -> Result<String, Malformed> {
        self.text_or_null()?.ok_or(Malformed("a text is missing"))
    }
}

impl Arguments for Fields {
    type Error = Malformed;

    fn number(&mut self) -> Result<u32, Malformed> {
        Ok(self.number)
    }

    fn flag(&mut self) -> Result<bool, Malformed> {
        Ok(self.flag)
    }

    fn text(&mut self) -> Result<String, Malformed> {
        self.required()
    }

    fn optional_text(&mut self) -> Result<Option<String>, Malformed> {
        self.text_or_null()
    }

    fn bytes(&mut self) -> Result<Option<Vec<u8>>, Malformed> {
        Ok(self.bytes_of_next()?.map(<[u8]>::to_vec))
    }
}
