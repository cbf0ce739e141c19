//! The repair of one set.

use std::collections::HashSet;

use archive::{SetId, StoredSet, parse_repaired, seal_name};
use cli::Out;
use failure::{Failure, Status};
use parity::{Description, Share};
use store::temporary_name;
use survey::{ParityFile, Sealed, Survey};

use crate::content::Content;
use crate::item::{Item, State, examine};
use crate::place::{Place, Put};
use crate::rebuild::Group;
use crate::sources::{Sources, valid_seal};

/// What it takes to repair sets.
pub(crate) struct SetRepair<'a> {
    pub(crate) place: Place,
    pub(crate) survey: Survey,
    pub(crate) sources: Sources<'a>,
    /// The share of the parity that sets without any are given.
    pub(crate) share: Option<Share>,
    pub(crate) out: Out,
}

/// A file whose content has been found, under a temporary name in the store.
struct Found {
    name: String,
    under: String,
    /// How it was found, in words.
    how: String,
}

impl SetRepair<'_> {
    /// Repairs a set. Returns how many of its files stay damaged.
    pub(crate) fn repair(&mut self, id: SetId) -> Result<u64, Failure> {
        let Some(set) = self.survey.collection.sets().find(|set| set.id == id).cloned() else {
            return Ok(0);
        };
        let parity = ParityFile::of(&set, &self.survey, self.place.store())?;
        let Some((sealed, found)) = self.sealed(&set, &parity)? else {
            return Ok(u64::from(set.seal.is_some() || !parity.is_empty()));
        };
        let mut found: Vec<Found> = found.into_iter().collect();
        let mut items: Vec<Item> = sealed.seal.files.iter().map(Item::of).collect();
        items.push(Item {
            name: seal_name(id.time),
            size: Some(sealed.size),
            sha256: sealed.sha256.clone(),
            state: State::Bad,
        });
        examine(&mut items, &self.survey, &mut self.place)?;
        self.copy(&mut items, &mut found)?;
        self.rebuild(&mut items, (&parity, &sealed), &mut found)?;
        self.put(&mut items, &found)?;
        let bad: Vec<&Item> = items.iter().filter(|item| item.is_bad()).collect();
        for item in &bad {
            let what = if self.place.has(&item.name) { "damaged" } else { "missing" };
            log::warn!("{}: {}: is {what}, and nothing rebuilds it", self.place.url(), item.name);
        }
        if bad.is_empty() {
            self.renew(id, &sealed, &parity, &items)?;
        }
        Ok(bad.len() as u64)
    }

    /// The seal of a set. If it had to be found, it is under a temporary name in the store.
    fn sealed(
        &mut self,
        set: &StoredSet,
        parity: &[ParityFile],
    ) -> Result<Option<(Sealed, Option<Found>)>, Failure> {
        if let Some(sealed) = self.survey.seal(self.place.store(), set.id)? {
            return Ok(Some((sealed.clone(), None)));
        }
        let from = self.sources.seal(set.id)?.map(|(sealed, content)| (sealed, content, None));
        let made = match from {
            Some(from) => Some(from),
            None => self.rebuilt_seal(set.id, parity)?,
        };
        let Some((sealed, mut content, parity)) = made else {
            let tells = !parity.is_empty() || set.seal.is_some();
            if tells {
                let url = self.place.url();
                log::warn!("{url}: the {}: its seal is damaged, and nothing rebuilds it", set.id);
            }
            return Ok(None);
        };
        let name = seal_name(set.id.time);
        let under = self.place.send(&name, &mut content)?;
        let how = parity.unwrap_or_else(|| self.copied());
        Ok(Some((sealed, Some(Found { name, under, how }))))
    }

    fn copied(&self) -> String {
        let url = self.sources.other.as_ref().map_or("another store", |other| &other.url);
        format!("copied from {url}")
    }

    /// The seal of a set from its parity.
    fn rebuilt_seal(
        &mut self,
        id: SetId,
        parity: &[ParityFile],
    ) -> Result<Option<(Sealed, Content, Option<String>)>, Failure> {
        let name = seal_name(id.time);
        for file in parity {
            let Some(described) = &file.described else { continue };
            let number = described.files.iter().position(|file| file.name == name);
            let Some(number) = number else { continue };
            let names = self.names_of(described);
            let there = |name: &str| names.get(name).cloned();
            let rebuilt = Group::rebuild(described, &file.name, &there, &mut self.place)
                .and_then(|group| group.content(number, &there, &mut self.place));
            let Some(content) = self.unless_damaged(rebuilt, &file.name)? else { continue };
            if let Some((sealed, content)) = valid_seal(id, content, self.sources.certs)? {
                return Ok(Some((sealed, content, Some(rebuilt_from(&file.name)))));
            }
        }
        Ok(None)
    }

    /// The names in the store of the files of a group.
    fn names_of(&self, described: &Description) -> std::collections::HashMap<String, String> {
        let name = |file: &parity::Protected| {
            Some((file.name.clone(), self.survey.find(&file.name)?.to_owned()))
        };
        described.files.iter().filter_map(name).collect()
    }

    /// What was read, or `None` after a message if too much is damaged.
    fn unless_damaged<T>(
        &self,
        read: Result<T, Failure>,
        name: &str,
    ) -> Result<Option<T>, Failure> {
        match read {
            Err(failure) if failure.status() == Status::Integrity => {
                log::warn!("{}: {name}: {}", self.place.url(), failure.beside(name));
                Ok(None)
            }
            read => read.map(Some),
        }
    }

    /// Takes what is bad from another place that has it.
    fn copy(&mut self, items: &mut [Item], found: &mut Vec<Found>) -> Result<(), Failure> {
        for item in items.iter_mut().filter(|item| item.is_bad()) {
            if let Some(known) = found.iter().find(|found| found.name == item.name) {
                item.state = State::Elsewhere(known.under.clone());
                continue;
            }
            let Some((mut content, from)) = self.sources.content(item)? else { continue };
            let under = self.place.send(&item.name, &mut content)?;
            item.state = State::Elsewhere(under.clone());
            let how = format!("copied from {from}");
            found.push(Found { name: item.name.clone(), under, how });
        }
        Ok(())
    }

    /// Rebuilds what is bad from parity.
    fn rebuild(
        &mut self,
        items: &mut [Item],
        (parity, sealed): (&[ParityFile], &Sealed),
        found: &mut Vec<Found>,
    ) -> Result<(), Failure> {
        for file in parity.iter().filter(|file| file.fits(sealed)) {
            let Some(described) = &file.described else { continue };
            let names: HashSet<&str> =
                described.files.iter().map(|file| file.name.as_str()).collect();
            let mut bad =
                items.iter().filter(|item| item.is_bad() && names.contains(item.name.as_str()));
            if bad.next().is_none() {
                continue;
            }
            let mut stored = self.names_of(described);
            stored.extend(
                items.iter().filter_map(|item| Some((item.name.clone(), item.there()?.to_owned()))),
            );
            let there = |name: &str| stored.get(name).cloned();
            let group = Group::rebuild(described, &file.name, &there, &mut self.place);
            let Some(group) = self.unless_damaged(group, &file.name)? else { continue };
            for (number, protected) in described.files.iter().enumerate() {
                let item = items.iter_mut().find(|item| item.name == protected.name);
                let Some(item) = item.filter(|item| item.is_bad()) else { continue };
                let content = group.content(number, &there, &mut self.place);
                let content = self.unless_damaged(content, &file.name)?;
                let Some(mut content) = content.filter(|content| item.has(content)) else {
                    log::info!("{}: what {} rebuilds is another file", item.name, file.name);
                    continue;
                };
                let under = self.place.send(&item.name, &mut content)?;
                item.state = State::Elsewhere(under.clone());
                let how = rebuilt_from(&file.name);
                found.push(Found { name: item.name.clone(), under, how });
            }
        }
        Ok(())
    }

    /// Puts all files into their places whose content is in the store.
    fn put(&mut self, items: &mut [Item], found: &[Found]) -> Result<(), Failure> {
        let places: HashSet<String> = items.iter().map(|item| item.name.clone()).collect();
        // What is in the place of another file makes room first.
        for item in &mut *items {
            let State::Elsewhere(there) = &item.state else { continue };
            if places.contains(there) {
                let aside = temporary_name(&item.name);
                if self.place.rename(there, &aside)? {
                    item.state = State::Elsewhere(aside);
                }
            }
        }
        for item in &mut *items {
            let State::Elsewhere(there) = item.state.clone() else { continue };
            let how = found.iter().find(|found| found.name == item.name);
            let how = how.map_or_else(|| "renamed".to_owned(), |found| found.how.clone());
            // A restore finds it there; a file in another's place may not go.
            let stays = places.contains(&there)
                || (parse_repaired(&there) == Some(&item.name)
                    && self.place.has(&item.name)
                    && !self.place.remove(&item.name)?);
            if stays {
                log::info!("{}: is {there}", item.name);
                continue;
            }
            match self.place.put(&there, &item.name)? {
                Put::InPlace => {
                    self.out.line(&format!("{}: {how}", item.name))?;
                    item.state = State::Good;
                }
                Put::Beside(beside) => {
                    self.out.line(&format!("{}: {how}, added as {beside}", item.name))?;
                    item.state = State::Elsewhere(beside);
                }
            }
        }
        Ok(())
    }
}

fn rebuilt_from(parity: &str) -> String {
    format!("rebuilt from {parity}")
}
