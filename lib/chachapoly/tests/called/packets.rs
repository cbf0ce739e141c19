//! libssh2's packets, which it encrypts by way of our functions: had it others in mind, or declared
//! them differently, they would not be what OpenSSH's PROTOCOL.chacha20poly1305 says.

use proptest::prelude::*;

use crate::c::{HEAD, Packets, TAG};
use crate::openssl;

/// A packet as that document has it: its length under one key, its text from block 1 under the
/// other, and a tag over both under what block 0 begins with.
fn expected(key: &[u8; 64], number: u64, packet: &[u8]) -> Vec<u8> {
    let (main, head): ([u8; 32], [u8; 32]) =
        (key[..32].try_into().unwrap(), key[32..].try_into().unwrap());
    let nonce = number.to_be_bytes();
    let (length, text) = packet.split_at(HEAD);
    let mut made = openssl::chacha20(&head, &nonce, 0, length);
    made.extend(openssl::chacha20(&main, &nonce, 1, text));
    let once = openssl::chacha20(&main, &nonce, 0, &[0; 32]);
    made.extend(openssl::poly1305(&once.try_into().unwrap(), &made));
    made
}

fn keys() -> impl Strategy<Value = [u8; 64]> {
    any::<([u8; 32], [u8; 32])>().prop_map(|(main, head)| [main, head].concat().try_into().unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn libssh2_makes_and_reads_packets_as_openssh_specifies_them(
        key in keys(),
        number in any::<u32>(),
        packet in prop::collection::vec(any::<u8>(), HEAD..40_000),
        spoilt in any::<prop::sample::Index>(),
    ) {
        let number = u64::from(number);
        let mut made = [packet.as_slice(), &[0; TAG]].concat();
        Packets::new(&key).encrypt(number, &mut made);
        prop_assert_eq!(&made, &expected(&key, number, &packet));

        let mut other = Packets::new(&key);
        let length = other.length(number, &made).to_be_bytes();
        prop_assert_eq!(&length, &packet[..HEAD]);
        let mut read = vec![0; made.len()];
        prop_assert!(other.decrypt(number, &made, &mut read));
        prop_assert_eq!(&read[..packet.len()], &packet);

        made[spoilt.index(read.len())] ^= 1;
        prop_assert!(!other.decrypt(number, &made, &mut read));
    }
}
