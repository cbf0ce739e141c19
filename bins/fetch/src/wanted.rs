//! Single volumes that are asked for by their sets and numbers.

use archive::{SetTime, StoredSet};
use failure::{Failure, Status};
use stream::{RestoreRequest, VolumeRef};

/// A volume of a set, or only its seal and manifest.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WantedFile {
    set: SetTime,
    number: Option<u64>,
}

/// Reads `SET:N` or `SET`.
pub(crate) fn parse(text: &str) -> Result<WantedFile, String> {
    let (set, number) = match text.split_once(':') {
        Some((set, number)) => (set, Some(number)),
        None => (text, None),
    };
    let set = SetTime::parse_name(set).map_err(|error| error.to_string())?;
    let number = number.map(str::parse).transpose();
    let number = number.map_err(|_| "the number of a volume is not a whole number".to_owned())?;
    Ok(WantedFile { set, number })
}

/// What moo-match needs: volumes, and the seals and manifests of all sets of the state.
pub(crate) fn of_request(needed: &RestoreRequest) -> Vec<WantedFile> {
    let sets = needed.sets.iter().map(|set| WantedFile { set: set.time, number: None });
    let volumes = needed.volumes.iter().flatten();
    let volumes = volumes.map(|volume| WantedFile { set: volume.set, number: Some(volume.number) });
    sets.chain(volumes).collect()
}

/// The volumes among what is wanted; none where whole states are.
pub(crate) fn volumes(wanted: &[WantedFile]) -> Option<Vec<VolumeRef>> {
    let volume = |file: &WantedFile| Some(VolumeRef { set: file.set, number: file.number? });
    (!wanted.is_empty()).then(|| wanted.iter().filter_map(volume).collect())
}

/// The sets of a state that are wanted.
pub(crate) fn sets(
    url: &str,
    wanted: &[WantedFile],
    mut sets: Vec<StoredSet>,
) -> Result<Vec<StoredSet>, Failure> {
    if wanted.is_empty() {
        return Ok(sets);
    }
    let is_there = |time: SetTime| sets.iter().any(|set| set.id.time == time);
    if let Some(missing) = wanted.iter().find(|file| !is_there(file.set)) {
        let why = format!("the state has no set of {}", missing.set);
        return Err(Failure::of(Status::Integrity, url, why));
    }
    sets.retain(|set| wanted.iter().any(|file| file.set == set.id.time));
    Ok(sets)
}

/// The names of the wanted volumes of a set, in their order.
pub(crate) fn names(
    url: &str,
    wanted: &[WantedFile],
    set: &StoredSet,
) -> Result<Vec<String>, Failure> {
    let of_set = wanted.iter().filter(|file| file.set == set.id.time);
    let mut numbers: Vec<u64> = of_set.filter_map(|file| file.number).collect();
    numbers.sort_unstable();
    numbers.dedup();
    let name = |number: u64| {
        set.volumes.get(&number).cloned().ok_or_else(|| {
            let why = format!("volume {number} of the {} is missing", set.id);
            Failure::of(Status::Integrity, url, why)
        })
    };
    numbers.into_iter().map(name).collect()
}
