//! Poly1305.

use proptest::prelude::*;

use crate::c::poly1305;
use crate::{hex, openssl};

/// RFC 8439, 2.5.2.
#[test]
fn the_example_of_rfc_8439_gets_the_tag_printed_there() {
    let key = hex("85d6be7857556d337f4452fe42d506a80103808afb0db2fd4abff6af4149f51b");
    let tag = poly1305(&key.try_into().unwrap(), b"Cryptographic Forum Research Group");
    assert_eq!(tag.as_slice(), hex("a8061dc1305136c6c22b8baf0c0127a9"));
}

/// RFC 8439, A.3, test vectors 7 to 11: sums at the edges of 2^130 - 5 and of 2^128.
#[test]
fn sums_that_wrap_get_the_tags_of_rfc_8439() {
    let ones = "ffffffffffffffffffffffffffffffff";
    let fb = "fbfefefefefefefefefefefefefefefe";
    let one_of = |n: &str| format!("{n}000000000000000000000000000000");
    let cases = [
        ("01", format!("{ones}f0ffffffffffffffffffffffffffffff{}", one_of("11")), one_of("05")),
        ("01", format!("{ones}{fb}01010101010101010101010101010101"), one_of("00")),
        (
            "02",
            "fdffffffffffffffffffffffffffffff".to_owned(),
            "faffffffffffffffffffffffffffffff".to_owned(),
        ),
    ];
    for (r, text, tag) in cases {
        let key = hex(&format!("{}{}", one_of(r), one_of("00")));
        assert_eq!(poly1305(&key.try_into().unwrap(), &hex(&text)).as_slice(), hex(&tag), "{text}");
    }
}

#[test]
fn every_length_up_to_some_parallel_blocks_gets_openssls_tag() {
    let key: [u8; 32] = std::array::from_fn(|n| (n * 37 + 11) as u8);
    let text: Vec<u8> = (0..700_usize).map(|n| (n * 29) as u8).collect();
    for len in 0..=text.len() {
        let text = &text[..len];
        assert_eq!(poly1305(&key, text).as_slice(), openssl::poly1305(&key, text), "{len} bytes");
    }
}

/// Bytes that are likely to carry, and any.
fn texts() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![Just(0xff), Just(0), any::<u8>()];
    prop::collection::vec(byte, 0..5000)
}

proptest! {
    #[test]
    fn any_text_gets_openssls_tag(key: [u8; 32], text in texts()) {
        let (tag, expected) = (poly1305(&key, &text), openssl::poly1305(&key, &text));
        prop_assert_eq!(tag.as_slice(), expected);
    }

    #[test]
    fn a_key_of_ones_gets_openssls_tag_too(text in texts()) {
        let (tag, expected) = (poly1305(&[0xff; 32], &text), openssl::poly1305(&[0xff; 32], &text));
        prop_assert_eq!(tag.as_slice(), expected);
    }
}
