//! The format of a signature: big-endian words for magic, block length and strong length, then
//! for each block its weak sum and as much of its strong sum.

use crate::strong::Hash;
use crate::weak::Kind;

const HEADER: usize = 12;
const WEAK: usize = 4;
/// The longest block that librsync loads.
const LONGEST: u64 = 1 << 31;

/// The kinds of sums that a magic number stands for.
const MAGICS: [(u32, Kind, Hash); 4] = [
    (0x7273_0136, Kind::Rollsum, Hash::Md4),
    (0x7273_0137, Kind::Rollsum, Hash::Blake2),
    (0x7273_0146, Kind::RabinKarp, Hash::Md4),
    (0x7273_0147, Kind::RabinKarp, Hash::Blake2),
];

/// What the head of a signature says.
#[derive(Clone, Copy)]
pub(crate) struct Head {
    pub(crate) weak: Kind,
    pub(crate) hash: Hash,
    /// The length of a block in bytes.
    pub(crate) block: usize,
    /// How many bytes of a strong sum are kept.
    pub(crate) strong: usize,
}

impl Head {
    /// None where it is none that we know.
    fn read(header: &[u8]) -> Option<Head> {
        let word = |at: usize| Some(u32::from_be_bytes(header.get(at..at + 4)?.try_into().ok()?));
        let (magic, block, strong) = (word(0)?, word(4)?, word(8)? as usize);
        let (_, weak, hash) = *MAGICS.iter().find(|(known, ..)| *known == magic)?;
        let fits =
            (1..=LONGEST).contains(&u64::from(block)) && (1..=hash.length()).contains(&strong);
        fits.then_some(Head { weak, hash, block: block as usize, strong })
    }

    pub(crate) fn write(&self, signature: &mut Vec<u8>) {
        let known = MAGICS.iter().find(|(_, weak, hash)| (*weak, *hash) == (self.weak, self.hash));
        let magic = known.map_or(0, |(magic, ..)| *magic);
        for word in [magic, self.block as u32, self.strong as u32] {
            signature.extend(word.to_be_bytes());
        }
    }
}

/// The sums of a signature.
pub(crate) struct Sums<'a> {
    pub(crate) head: Head,
    sums: &'a [u8],
}

impl<'a> Sums<'a> {
    /// None where it is no signature that we know.
    pub(crate) fn read(signature: &'a [u8]) -> Option<Sums<'a>> {
        let head = Head::read(signature)?;
        let sums = signature.get(HEADER..)?;
        let whole = sums.len().is_multiple_of(WEAK + head.strong);
        // An index numbers blocks in 32 bits.
        (whole && u32::try_from(sums.len()).is_ok()).then_some(Sums { head, sums })
    }

    pub(crate) fn count(&self) -> usize {
        self.sums.len() / (WEAK + self.head.strong)
    }

    /// The sums of a block, if there is such a block.
    pub(crate) fn get(&self, block: usize) -> Option<(u32, &'a [u8])> {
        let length = WEAK + self.head.strong;
        let start = block.checked_mul(length)?;
        let (weak, strong) = self.sums.get(start..start + length)?.split_first_chunk()?;
        Some((u32::from_be_bytes(*weak), strong))
    }

    /// The strong sum of a block that there is.
    pub(crate) fn strong(&self, block: usize) -> &'a [u8] {
        self.get(block).map_or(&[], |(_, strong)| strong)
    }

    pub(crate) fn weak_is(&self, block: usize, weak: u32) -> bool {
        self.get(block).is_some_and(|(known, _)| known == weak)
    }
}

/// The bounds of the size of the file that a signature was made of, from the number of its
/// blocks; none where it is no signature that we know.
pub fn file_size(header: &[u8], length: u64) -> Option<std::ops::RangeInclusive<u64>> {
    let head = Head::read(header)?;
    let sums = length.checked_sub(HEADER as u64)?;
    let sum = (WEAK + head.strong) as u64;
    if sums % sum != 0 {
        return None;
    }
    let block = head.block as u64;
    let most = (sums / sum).checked_mul(block)?;
    let least = most.checked_sub(block).map_or(0, |least| least + 1);
    Some(least..=most)
}
