//! Making signatures: the sums of a file's blocks, by which a delta finds them again.

use std::io::Read;

use failure::{Failure, OrFail, Status};

use crate::block::{block_length, lanes};
use crate::strong::Hash;
use crate::sums::Head;
use crate::weak::Kind;
use crate::window::Window;

/// Reads content to its end and returns its signature. `size` is about how many bytes come, and
/// `which` is named in errors.
pub fn sign(which: &str, content: impl Read, size: u64, hash: Hash) -> Result<Vec<u8>, Failure> {
    let head = Head { weak: Kind::Rollsum, hash, block: block_length(size), strong: kept(hash) };
    let mut signature = Vec::new();
    head.write(&mut signature);
    let mut window = Window::new(content);
    loop {
        let most = lanes(head.block) * head.block;
        window.fill(most).or_fail(Status::Failed, which)?;
        let length = window.bytes().len().min(most);
        if length == 0 {
            return Ok(signature);
        }
        add(&head, &window.bytes()[..length], &mut signature);
        window.pass(length);
    }
}

/// How many bytes of a strong sum are kept: of BLAKE2 enough that nobody makes two blocks that have
/// the same, of MD4 what duplicity keeps. More would not compress, and weigh in every set.
fn kept(hash: Hash) -> usize {
    match hash {
        Hash::Blake2 => 16,
        Hash::Md4 => 8,
    }
}

/// Adds the sums of whole blocks, or of the last ones.
fn add(head: &Head, content: &[u8], signature: &mut Vec<u8>) {
    let blocks = || content.chunks(head.block);
    for (block, strong) in blocks().zip(head.hash.sums(blocks())) {
        signature.extend(head.weak.sum(block).to_be_bytes());
        signature.extend(&strong[..head.strong]);
    }
}
