//! New parity: for files of a set that no parity file is left for.

use std::collections::HashSet;
use std::io::Read;

use archive::{FileKind, FileName, SetId, parity_name};
use failure::{Failure, OrFail, Status};
use parity::{Group, Kind, Parity, Share};
use survey::{ParityFile, Sealed};

use crate::content::Draft;
use crate::item::Item;
use crate::place::Put;
use crate::set::SetRepair;

impl SetRepair<'_> {
    /// Makes the parity of a set, whose files are all right, complete.
    pub(crate) fn renew(
        &mut self,
        id: SetId,
        sealed: &Sealed,
        parity: &[ParityFile],
        items: &[Item],
    ) -> Result<(), Failure> {
        let right: Vec<&ParityFile> =
            parity.iter().filter(|file| file.intact && file.fits(sealed)).collect();
        let mut covered: HashSet<&str> = right.iter().flat_map(|file| names(file)).collect();
        let mut damaged: Vec<&ParityFile> =
            parity.iter().filter(|file| !file.intact || !file.fits(sealed)).collect();
        // The sizes in the last list may be those of damaged files.
        if !damaged.is_empty() || self.share.is_some() {
            self.place.store().list()?;
        }
        for file in damaged.clone() {
            let group: Vec<&Item> = in_order(items, &names(file).collect());
            let share = file.described.as_ref().map(|described| described.share);
            let Some(share) = share.filter(|_| file.fits(sealed)) else { continue };
            if names(file).all(|name| covered.contains(name)) {
                continue;
            }
            self.make(id, share, &group, Some(&file.name))?;
            covered.extend(names(file));
            damaged.retain(|other| other.name != file.name);
        }
        let told = parity.iter().filter_map(|file| file.described.as_ref());
        let told = told.map(|described| described.share).next();
        let share = self.share.or(told).or((!parity.is_empty()).then(Share::default));
        let left: HashSet<&str> = items
            .iter()
            .map(|item| item.name.as_str())
            .filter(|name| !covered.contains(name))
            .collect();
        if let Some(share) = share.filter(|_| !left.is_empty()) {
            let group = in_order(items, &left);
            self.make(id, share, &group, None)?;
        }
        for file in damaged {
            if self.place.remove(&file.name)? {
                self.out.line(&format!("{}: was damaged, and is not needed", file.name))?;
            }
        }
        Ok(())
    }

    /// Makes parity of these files, in place of that parity file.
    fn make(
        &mut self,
        id: SetId,
        share: Share,
        items: &[&Item],
        instead: Option<&str>,
    ) -> Result<(), Failure> {
        let mut group = Group::new(id, share)?;
        let mut instead = instead;
        for item in items {
            let Some(there) = item.there() else { continue };
            let mut from = self.place.open(there)?;
            let mut buffer = vec![0; 1 << 20];
            loop {
                let read = from.read(&mut buffer).or_fail(Status::Refused, there)?;
                if read == 0 {
                    break;
                }
                group.write(&buffer[..read])?;
            }
            let kind = Kind::of(&item.name);
            group.end(&item.name, parity::hash_of_hex(&item.sha256).unwrap_or_default(), kind);
            if kind == Kind::Volume && instead.is_none() && group.is_full() {
                let full = std::mem::replace(&mut group, Group::new(id, share)?);
                self.store_parity(id, &full.finish()?, instead.take())?;
            }
        }
        if group.is_empty() {
            return Ok(());
        }
        self.store_parity(id, &group.finish()?, instead)
    }

    fn store_parity(
        &mut self,
        id: SetId,
        parity: &Parity,
        instead: Option<&str>,
    ) -> Result<(), Failure> {
        let mut draft = Draft::new()?;
        parity.write_to(&mut draft)?;
        let mut content = draft.finish()?;
        let new = || (1..).map(|number| parity_name(id.time, number));
        let free = new().find(|name| !self.place.has(name)).unwrap_or_default();
        let name = instead.map_or(free, str::to_owned);
        let under = self.place.send(&name, &mut content)?;
        match self.place.put(&under, &name)? {
            Put::InPlace if instead.is_none() => self.out.line(&format!("{name}: added")),
            Put::InPlace => self.out.line(&format!("{name}: made again")),
            Put::Beside(beside) => self.out.line(&format!("{name}: made again, added as {beside}")),
        }
    }
}

fn names(file: &ParityFile) -> impl Iterator<Item = &str> {
    file.described.iter().flat_map(|described| &described.files).map(|file| file.name.as_str())
}

/// Those files in the order in which a set travels: the seal is the last but one.
fn in_order<'a>(items: &'a [Item], names: &HashSet<&str>) -> Vec<&'a Item> {
    let mut wanted: Vec<&Item> =
        items.iter().filter(|item| names.contains(item.name.as_str())).collect();
    let turn = |item: &&Item| match FileName::parse(&item.name).map(|name| name.kind) {
        Some(FileKind::Volume(number)) => (0, number),
        Some(FileKind::Manifest) => (3, 0),
        Some(_) => (1, 0),
        None => (2, 0),
    };
    wanted.sort_by_key(turn);
    wanted
}
