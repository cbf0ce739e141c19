//! Parity files that a hostile store has made: they cost little, and change nothing.

use std::fs;
use std::os::unix::fs::FileExt;

use tests::damage::flip;

use super::{Protected, burst};

/// The most memory that the repair may take, in KiB.
const MEMORY: u64 = 120 << 10;

impl Protected {
    /// Repairs with a limit on memory and on files. It may fail, but only as it should.
    #[track_caller]
    fn withstands(&self, case: &str) {
        let limits = format!("ulimit -v {}; ulimit -f 2000000", MEMORY * 8);
        let script = format!("{limits}; timeout 60 moo-repair file://$PWD/store");
        let run = self.sandbox.sh(&script);
        assert!([0, 5].contains(&run.status), "{case}: {}: {}", run.status, run.err());
    }
}

#[test]
fn wrong_parity_files_spoil_no_file_and_cost_little() {
    let store = Protected::new("20");
    let volume = store.file("vol1.");
    let right = fs::read(&volume).unwrap();
    let parity = store.file("parity.1");
    let whole = fs::read(&parity).unwrap();
    let magic = &whole[..16];
    let with_numbers = |numbers: &[u32]| {
        let mut bytes = whole.clone();
        for (place, number) in bytes[16..].chunks_exact_mut(4).zip(numbers) {
            place.copy_from_slice(&number.to_le_bytes());
        }
        bytes
    };
    let cases: [(&str, Vec<u8>); 8] = [
        ("empty", Vec::new()),
        ("noise", (0..3_000_000u32).map(|n| (n.wrapping_mul(n) >> 9) as u8).collect()),
        ("false starts", magic.repeat(200_000)),
        ("a huge length", with_numbers(&[1, u32::MAX])),
        ("huge numbers", with_numbers(&[1, 70_000, u32::MAX, u32::MAX, u32::MAX])),
        ("another version", with_numbers(&[2])),
        ("cut", whole[..whole.len() / 3].to_vec()),
        ("twice", [&whole[..], &whole[..]].concat()),
    ];
    for (case, bytes) in &cases {
        fs::write(&parity, bytes).unwrap();
        flip(&volume, 5_000);
        let damaged = fs::read(&volume).unwrap();
        store.withstands(case);
        let now = fs::read(&volume).unwrap();
        assert!(now == right || now == damaged, "{case}: the volume is neither");
        fs::write(&volume, &right).unwrap();
    }
    // A file that has no end.
    let file = fs::File::options().write(true).open(&parity).unwrap();
    file.set_len(1 << 42).unwrap();
    file.write_all_at(magic, (1 << 42) - 100).unwrap();
    flip(&volume, 5_000);
    store.withstands("endless");
    // Each byte of the description matters.
    fs::write(&volume, &right).unwrap();
    for at in (0..400).step_by(7) {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x55;
        fs::write(&parity, bytes).unwrap();
        store.repair().succeeds();
        assert!(fs::read(&volume).unwrap() == right);
        store.reset();
    }
}

#[test]
fn parity_of_another_set_or_of_other_files_is_of_no_account() {
    let store = Protected::new("20");
    let sandbox = &store.sandbox;
    sandbox.sh("sleep 1.1; printf more > src/more").silent();
    store.moo().backup("full").silent();
    // The parity files change places.
    sandbox.sh("set -- store/*.parity.1; mv $1 x; mv $2 $1; mv x $2").silent();
    for path in store.files().iter().filter(|path| path.to_string_lossy().contains("vol1.")) {
        burst(path, 100, 100);
    }
    let run = store.repair().fails_with(5);
    assert_eq!(
        run.err().matches("is damaged, and nothing rebuilds it").count(),
        2,
        "{}",
        run.err()
    );
}
