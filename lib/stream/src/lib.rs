//! The streams that flow between the programs: trees, files and receipts.
//!
//! All are POSIX pax tars. The first member is `begin.json`, the last one `end.json` or
//! `failed.json`: see moobacker-stream(5).
//!
//! # Glossary
//!
//! One word, one thing, in code, messages and pages. moobacker(7) has the same list.
//!
//! - **source**: The directory or file that is backed up.
//! - **store**: The place where backups are kept: a directory, an SFTP server or an rclone
//!   remote. duplicity calls it target or back end.
//! - **archive directory**: A local cache of the plain manifests and signature files of one
//!   store. Increments need it; restores do not. It is duplicity's --archive-dir.
//! - **set**: One full backup or one increment: one or more volumes, a signature file, a manifest
//!   and a seal. duplicity calls it a backup set, restic a snapshot.
//! - **full set**: A set that holds the whole source.
//! - **increment**: A set that holds what has changed since the set before it.
//! - **chain**: A full set and its increments, in order.
//! - **volume**: A file of a set that holds content and metadata: an encrypted tar of about 64
//!   MiB before compression.
//! - **signature file**: A file of a set that holds librsync signatures and metadata. The next
//!   increment is compared with it.
//! - **manifest**: A file of a set that lists its volumes, with the path range and hash of each
//!   one.
//! - **draft**: A manifest that lacks the hashes of the encrypted volumes, as moo-pack writes it.
//! - **seal**: The list of checksums of one set's files, usually signed. moobacker adds it to
//!   duplicity's format.
//! - **parity file**: A file of a set from which damaged files of the set can be rebuilt, without
//!   any key.
//! - **group**: Up to 64 volumes of a set, in their order, that have a parity file in common.
//! - **shard**: A part of a group: any damaged shards are rebuilt from as many recovery shards.
//! - **identity**: A random number that names a backup. The seals of all its sets contain it.
//! - **certificate**: A public OpenPGP key. It encrypts, or it verifies signatures.
//! - **secret key**: The private half of a certificate. It decrypts, or it signs.
//! - **recipient**: A certificate, or a passphrase, that a set is encrypted to.
//! - **recovery kit**: A file with everything that a restore needs after the loss of the machine,
//!   the locked secret key included.
//! - **stage**: One program of a pipe.
//! - **tree stream**: A tar of entries of the source, from moo-scan through moo-sign and
//!   moo-delta to moo-pack.
//! - **file stream**: A tar of files of a store, from moo-pack to moo-upload, or from moo-fetch
//!   to moo-patch.
//! - **end mark**: The last member of a stream, end.json or failed.json. A stream without it has
//!   been cut.
//! - **piece**: A part of a file's content: a member of at most 64 KiB. A longer file is a row of
//!   numbered pieces.
//! - **receipt**: A member in JSON that moo-upload writes for each file that has arrived at the
//!   store.
//! - **journal**: A file of the archive directory in which moo-pack or moo-commit records a
//!   volume as soon as it is done. The next run resumes from it.
//! - **note**: A few bytes of memory in which a stage tells moo-run what to report when a run is
//!   interrupted.
//! - **leftover**: A file that an interrupted run has left in the store or in the archive
//!   directory.

mod attributes;
mod control;
mod files;
mod gather;
mod input;
pub mod member;
mod outlet;
mod output;
mod pax;
pub mod pipe;
mod receipts;
mod tar_reader;
mod tar_writer;
mod text;
mod tree;

pub use attributes::Attributes;
pub use control::{
    Begin, End, Failed, Job, NewestSeal, Pattern, Receipt, RestoreRequest, Resume, SetHeader,
    SetRef, SetType, StreamKind, Totals, VERSION, VolumeRef,
};
pub use files::{FileWriter, FilesInput, Scope};
pub use input::{Input, Item};
pub use member::{Annotations, Member, Timestamp};
pub use outlet::Outlet;
pub use output::{Output, deliver};
pub use receipts::ReceiptsInput;
pub use tar_reader::{Next, TarError, TarReader};
pub use tar_writer::TarWriter;
pub use tree::{Content, Entry, TreeInput, write_content};
