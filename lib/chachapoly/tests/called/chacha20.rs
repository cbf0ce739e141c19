//! ChaCha20.

use proptest::prelude::*;

use crate::c::ChaCha20;
use crate::{hex, openssl};

/// RFC 8439, 2.4.2. Its nonce has 96 bits, of which the first 32 are the upper half of ours' block.
#[test]
fn the_example_of_rfc_8439_encrypts_as_printed_there() {
    let key: [u8; 32] = std::array::from_fn(|n| n as u8);
    let nonce = [0, 0, 0, 0x4a, 0, 0, 0, 0];
    let mut text = b"Ladies and Gentlemen of the class of '99: If I could offer you only one \
        tip for the future, sunscreen would be it."
        .to_vec();
    ChaCha20::new(&key, &nonce, Some(1)).apply_in_place(&mut text);
    let printed = hex("6e2e359a2568f98041ba0728dd0d6981e97e7aec1d4360c20a27afccfd9fae0b
        f91b65c5524733ab8f593dabcd62b3571639d624e65152ab8f530c359f0861d8
        07ca0dbf500d6a6156a38e088a22b65e52bc514d16ccf806818ce91ab7793736
        5af90bbf74a35be6b40b8eedf2785e42874d");
    assert_eq!(text, printed);
}

/// RFC 8439, A.1, test vector 1.
#[test]
fn a_key_of_zeros_gives_the_keystream_of_rfc_8439() {
    let mut stream = [0; 64];
    ChaCha20::new(&[0; 32], &[0; 8], None).apply_in_place(&mut stream);
    let printed = hex("76b8e0ada0f13d90405d6ae55386bd28bdd219b8a08ded1aa836efcc8b770dc7
        da41597c5157488d7724e03fb8d84a376a43b8f41518a11cc387b669b2ee6586");
    assert_eq!(stream.as_slice(), printed);
}

#[test]
fn every_length_up_to_some_parallel_blocks_is_encrypted_as_openssl_does_in_place_or_not() {
    let (key, nonce) = ([7; 32], [9; 8]);
    let text: Vec<u8> = (0..1400_usize).map(|n| (n * 31) as u8).collect();
    for len in 0..=text.len() {
        let (text, expected) = (&text[..len], openssl::chacha20(&key, &nonce, 0, &text[..len]));
        let (mut there, mut here) = (vec![0; len], text.to_vec());
        ChaCha20::new(&key, &nonce, None).apply(text, &mut there);
        ChaCha20::new(&key, &nonce, Some(0)).apply_in_place(&mut here);
        assert_eq!((&there, &here), (&expected, &expected), "{len} bytes");
    }
}

/// Numbers of blocks, with those where a half or the whole of one overflows.
fn blocks() -> impl Strategy<Value = u64> {
    let before = |end: u64| (0..40_u64).prop_map(move |n| end.wrapping_sub(n));
    prop_oneof![any::<u64>(), 0..3_u64, before(1 << 32), before(5 << 32), before(0)]
}

proptest! {
    #[test]
    fn whatever_the_block_openssl_encrypts_the_same(
        key: [u8; 32],
        nonce: [u8; 8],
        block in blocks(),
        text in prop::collection::vec(any::<u8>(), 0..5000),
    ) {
        let mut cipher = ChaCha20::new(&key, &nonce, Some(block));
        let mut there = vec![0; text.len()];
        cipher.apply(&text, &mut there);
        prop_assert_eq!(there, openssl::chacha20(&key, &nonce, block, &text));
        prop_assert_eq!(cipher.next_block(), block.wrapping_add(text.len().div_ceil(64) as u64));
    }

    /// Each call starts with a block of its own, as in Bernstein's code.
    #[test]
    fn a_call_goes_on_with_the_block_after_the_last_one_that_was_begun(
        key: [u8; 32],
        nonce: [u8; 8],
        block in blocks(),
        parts in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..700), 1..6),
    ) {
        let mut cipher = ChaCha20::new(&key, &nonce, Some(block));
        let mut next = block;
        for mut part in parts {
            let expected = openssl::chacha20(&key, &nonce, next, &part);
            next = next.wrapping_add(part.len().div_ceil(64) as u64);
            cipher.apply_to_nothing();
            cipher.apply_in_place(&mut part);
            prop_assert_eq!(part, expected);
            prop_assert_eq!(cipher.next_block(), next);
        }
    }
}
