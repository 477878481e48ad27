//! Arithmetic for forgeries: what the standard library has no numbers wide enough for.

pub fn hex(text: &str) -> Vec<u8> {
    assert_eq!(text.len() % 2, 0);
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

/// `a + b` of big-endian numbers of one length; `None` when the sum needs a byte more.
pub fn add(a: &[u8], b: &[u8]) -> Option<Vec<u8>> {
    let sum = add_wide(a, b);
    (sum.len() == a.len()).then_some(sum)
}

/// `a + b` of big-endian numbers of one length, with a byte more where it is needed.
pub fn add_wide(a: &[u8], b: &[u8]) -> Vec<u8> {
    assert_eq!(a.len(), b.len());
    let mut sum = Vec::new();
    let mut carry = 0;
    for (a, b) in a.iter().zip(b).rev() {
        let digit = u16::from(*a) + u16::from(*b) + carry;
        sum.push(digit as u8);
        carry = digit >> 8;
    }
    if carry > 0 {
        sum.push(1);
    }
    sum.reverse();
    sum
}

/// `a - b` of big-endian numbers of one length, where a is the larger.
pub fn subtract(a: &[u8], b: &[u8]) -> Vec<u8> {
    assert!(a.len() == b.len() && a >= b);
    let mut difference = Vec::new();
    let mut borrow = 0;
    for (a, b) in a.iter().zip(b).rev() {
        let digit = i16::from(*a) - i16::from(*b) - borrow;
        difference.push(digit as u8);
        borrow = i16::from(digit < 0);
    }
    difference.reverse();
    difference
}

/// The order of edwards25519's base point, 2^252 + 27742317777372353535851937790883648493, big endian.
fn ed25519_order() -> Vec<u8> {
    hex("1000000000000000000000000000000014def9dea2f79cd65812631a5cf5d3ed")
}

fn reversed(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().rev().copied().collect()
}

/// S + L, both little endian.
pub fn ed25519_plus_order(s: &[u8]) -> Vec<u8> {
    reversed(&add(&reversed(s), &ed25519_order()).unwrap())
}

/// `k * a mod L`, all little endian: by doubling and adding.
pub fn ed25519_multiply(k: &[u8], a: &[u8]) -> Vec<u8> {
    let order = ed25519_order();
    let reduced = |number: Vec<u8>| if number >= order { subtract(&number, &order) } else { number };
    let zero = vec![0; 32];
    let one = [vec![0; 31], vec![1]].concat();
    let times = |factor: &[u8], number: &[u8]| {
        let bits = factor.iter().rev().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1 == 1));
        bits.fold(zero.clone(), |sum, bit| {
            let doubled = reduced(add(&sum, &sum).unwrap());
            if bit { reduced(add(&doubled, number).unwrap()) } else { doubled }
        })
    };
    let a = times(a, &one);
    reversed(&times(k, &a))
}

#[test]
fn the_arithmetic_is_right() {
    assert_eq!(add(&[0, 255], &[0, 1]), Some(vec![1, 0]));
    assert_eq!(add(&[255], &[1]), None);
    assert_eq!(add_wide(&[255], &[1]), [1, 0]);
    assert_eq!(subtract(&[1, 0], &[0, 1]), [0, 255]);
    let number = |n: u8| [vec![n], vec![0; 31]].concat();
    assert_eq!(ed25519_multiply(&number(7), &number(9)), number(63));
    let minus_one = reversed(&subtract(&ed25519_order(), &[vec![0; 31], vec![1]].concat()));
    assert_eq!(ed25519_multiply(&minus_one, &minus_one), number(1));
}
