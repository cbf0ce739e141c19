//! The functions as libssh2 calls them, and libssh2's packets by way of them, beside OpenSSL's.

#![allow(clippy::unwrap_used)]

mod c;
mod chacha20;
mod linked;
mod openssl;
mod packets;
mod poly1305;

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> =
        text.bytes().filter_map(|digit| (digit as char).to_digit(16)).map(|n| n as u8).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}
