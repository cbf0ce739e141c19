//! Where right files come from, other than from parity: the archive directory has the seals, and a
//! second store has all.

use std::fs::File;

use archive::{SetId, seal_name};
use failure::{Failure, OrFail, Status, shown};
use local::Folder;
use openpgp::Cert;
use store::Store;
use survey::{Sealed, Survey, of_one_file};

use crate::content::Content;
use crate::item::Item;

/// All of them.
pub(crate) struct Sources<'a> {
    pub(crate) folder: Option<&'a Folder>,
    pub(crate) other: Option<Other>,
    pub(crate) certs: &'a [Cert],
}

/// A second store.
pub(crate) struct Other {
    pub(crate) url: String,
    store: Box<dyn Store>,
    survey: Survey,
}

impl Other {
    pub(crate) fn open(
        url: &str,
        reached: &store::Options,
        certs: &[Cert],
    ) -> Result<Other, Failure> {
        let mut store = store::open(url, reached)?;
        let files = store.list()?;
        let survey = Survey::of(store.as_mut(), &files, None, certs)?;
        Ok(Other { url: url.to_owned(), store, survey })
    }

    /// The file of that name, whatever it holds.
    fn copy(&mut self, name: &str, size: Option<u64>) -> Result<Option<Content>, Failure> {
        let fits = size.is_none_or(|size| size == self.survey.size(name));
        let Some(there) = self.survey.find(name).filter(|_| fits) else { return Ok(None) };
        let copied = self.store.open(there).and_then(|mut file| Content::copied(name, &mut file));
        match copied {
            Err(failure) if of_one_file(&failure) => {
                log::info!("{failure}");
                Ok(None)
            }
            copied => copied.map(Some),
        }
    }
}

impl Sources<'_> {
    /// The content of a file, and where it is from.
    pub(crate) fn content(&mut self, item: &Item) -> Result<Option<(Content, String)>, Failure> {
        if let Some(content) = self.archived(&item.name)?.filter(|content| item.has(content)) {
            return Ok(Some((content, "the archive directory".to_owned())));
        }
        let Some(other) = &mut self.other else { return Ok(None) };
        let content = other.copy(&item.name, item.size)?.filter(|content| item.has(content));
        Ok(content.map(|content| (content, other.url.clone())))
    }

    /// The seal of a set from the second store, if it is valid.
    pub(crate) fn seal(&mut self, set: SetId) -> Result<Option<(Sealed, Content)>, Failure> {
        let name = seal_name(set.time);
        let Some(other) = &mut self.other else { return Ok(None) };
        let Some(content) = other.copy(&name, None)? else { return Ok(None) };
        valid_seal(set, content, self.certs)
    }

    /// A seal that the archive directory has.
    fn archived(&self, name: &str) -> Result<Option<Content>, Failure> {
        let Some(folder) = self.folder.filter(|_| archive::parse_seal(name).is_some()) else {
            return Ok(None);
        };
        let path = folder.path(name);
        match File::open(&path) {
            Ok(mut file) => Content::copied(name, &mut file).map(Some),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).or_fail(Status::Failed, shown(&path)),
        }
    }
}

/// The content of a seal, if it is a valid one of that set.
pub(crate) fn valid_seal(
    set: SetId,
    mut content: Content,
    certs: &[Cert],
) -> Result<Option<(Sealed, Content)>, Failure> {
    let sealed = Sealed::parse(&seal_name(set.time), &content.bytes()?, certs);
    match sealed {
        Ok(sealed) if sealed.seal.set == set => Ok(Some((sealed, content))),
        Ok(_) => Ok(None),
        Err(failure) => {
            log::info!("{failure}");
            Ok(None)
        }
    }
}
