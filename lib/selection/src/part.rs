//! The part of a backup that a restore asks for: a path, several paths, or what patterns select.

use archive::TreePath;
use failure::{Failure, OrFail, Status};
use stream::RestoreRequest;

use crate::{Builder, Pattern, Reach, Rules, Spelling, Subject, Verdict};

/// A part of a backup.
#[derive(Debug)]
pub struct Part {
    path: TreePath,
    /// Several paths in index order, none of which is below another.
    paths: Vec<TreePath>,
    rules: Rules,
    reach: Reach,
    /// The directories above the last entry, and whether each is left out.
    above: Vec<(TreePath, bool)>,
}

/// What becomes of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// It is restored.
    Restore,
    /// It is a directory, and restored if something below it is.
    Enter,
    /// It is not restored.
    LeaveOut,
}

impl Part {
    /// The part that a stream is asked for.
    ///
    /// # Errors
    /// A path or a pattern that is none.
    pub fn of(request: &RestoreRequest) -> Result<Part, Failure> {
        let parse =
            |path: &[u8]| TreePath::parse(path).or_fail(Status::Integrity, "standard input");
        let path = parse(request.path.as_deref().unwrap_or_default())?;
        let paths: Result<Vec<_>, _> = request.paths.iter().map(|path| parse(path)).collect();
        let paths = outermost(paths?);
        let patterns: Vec<Pattern> = request.patterns.iter().map(Pattern::from).collect();
        let reach = Reach::new(path.clone(), &paths, &patterns);
        let rules = Builder::of_patterns(Spelling::of_backup(), patterns)?;
        Ok(Part { path, paths, rules, reach, above: Vec::new() })
    }

    /// The one path that is restored as the root of a tree; the root for several paths and for all.
    pub fn path(&self) -> &TreePath {
        &self.path
    }

    /// Several paths that are restored below the root.
    pub fn paths(&self) -> &[TreePath] {
        &self.paths
    }

    /// Where something of it may be.
    pub fn reach(&self) -> &Reach {
        &self.reach
    }

    /// Whether some of what is at or below its path may be left out.
    pub fn is_filtered(&self) -> bool {
        !self.paths.is_empty() || !self.rules.is_empty()
    }

    /// Decides about an entry at or below its path.
    ///
    /// # Errors
    /// A regular expression that goes astray.
    pub fn choose(&mut self, path: &TreePath, is_directory: bool) -> Result<Choice, Failure> {
        if path.is_root() || !self.is_filtered() {
            return Ok(Choice::Restore);
        }
        let by_paths = self.by_paths(path, is_directory);
        if by_paths == Choice::LeaveOut || self.rules.is_empty() {
            return Ok(by_paths);
        }
        if self.is_left_out_above(path)? {
            return Ok(Choice::LeaveOut);
        }
        Ok(match (by_paths, self.by_rules(path, is_directory)?) {
            (Choice::Enter, Choice::Restore) => Choice::Enter,
            (_, by_rules) => by_rules,
        })
    }

    fn by_paths(&self, path: &TreePath, is_directory: bool) -> Choice {
        if self.paths.is_empty() {
            return Choice::Restore;
        }
        let next = self.paths.partition_point(|wanted| wanted <= path);
        if next > 0 && path.starts_with(&self.paths[next - 1]) {
            return Choice::Restore;
        }
        let leads = self.paths.get(next).is_some_and(|wanted| wanted.starts_with(path));
        if leads && is_directory { Choice::Enter } else { Choice::LeaveOut }
    }

    fn by_rules(&self, path: &TreePath, is_directory: bool) -> Result<Choice, Failure> {
        let verdict = self.rules.judge(&Subject::of_backup(path, is_directory));
        Ok(match verdict.map_err(|why| Failure::new(Status::Failed, why))? {
            Verdict::Include(_) => Choice::Restore,
            Verdict::Enter => Choice::Enter,
            Verdict::Exclude(_) => Choice::LeaveOut,
        })
    }

    /// Whether a directory above an entry is left out, with all that is below it.
    fn is_left_out_above(&mut self, path: &TreePath) -> Result<bool, Failure> {
        while self.above.pop_if(|(top, _)| path == top || !path.starts_with(top)).is_some() {}
        let (mut top, mut is_out) =
            self.above.last().map_or((TreePath::root(), false), |(top, out)| (top.clone(), *out));
        let parent = path.parent().unwrap_or_default();
        let below = parent.strip_prefix(&top).unwrap_or_default();
        for name in below.components() {
            top = top.child(name);
            is_out = is_out || self.by_rules(&top, true)? == Choice::LeaveOut;
            self.above.push((top.clone(), is_out));
        }
        Ok(is_out)
    }
}

/// Those paths that are not below others, in index order.
fn outermost(mut paths: Vec<TreePath>) -> Vec<TreePath> {
    paths.sort_unstable();
    paths.dedup_by(|path, before| path.starts_with(before));
    paths
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(paths: &[&str], patterns: &[(bool, &str)]) -> Part {
        let paths = paths.iter().map(|path| path.as_bytes().to_vec()).collect();
        let patterns = patterns.iter().map(|(include, text)| stream::Pattern {
            include: *include,
            regexp: text.contains('$'),
            text: text.as_bytes().to_vec(),
        });
        let patterns = patterns.collect();
        Part::of(&RestoreRequest { paths, patterns, ..RestoreRequest::default() }).unwrap()
    }

    fn chosen(part: &mut Part, path: &str) -> Choice {
        let is_directory = path.ends_with('/');
        part.choose(&TreePath::parse(path.as_bytes()).unwrap(), is_directory).unwrap()
    }

    #[test]
    fn several_paths_are_restored_with_the_directories_above_them() {
        let mut part = part(&["a/b", "c", "c/d", "a/b"], &[]);
        assert_eq!(part.paths().len(), 2);
        for (path, expected) in [
            ("", Choice::Restore),
            ("a/", Choice::Enter),
            ("a", Choice::LeaveOut),
            ("a/a", Choice::LeaveOut),
            ("a/b", Choice::Restore),
            ("a/b/x", Choice::Restore),
            ("a/bc", Choice::LeaveOut),
            ("b/", Choice::LeaveOut),
            ("c/d/e", Choice::Restore),
            ("d", Choice::LeaveOut),
        ] {
            assert_eq!(chosen(&mut part, path), expected, "{path}");
        }
    }

    #[test]
    fn what_is_below_a_directory_that_a_pattern_leaves_out_is_left_out() {
        let mut part = part(&[], &[(true, "d/x/y"), (false, "[de]$")]);
        for (path, expected) in [
            ("d/", Choice::Enter),
            ("d/w/", Choice::Restore),
            ("d/x/", Choice::Enter),
            ("d/x/y", Choice::Restore),
            ("e/", Choice::LeaveOut),
            ("e/x/", Choice::LeaveOut),
            ("e/x/z", Choice::LeaveOut),
            ("f/e/x", Choice::LeaveOut),
            ("f/z", Choice::Restore),
        ] {
            assert_eq!(chosen(&mut part, path), expected, "{path}");
        }
    }

    #[test]
    fn patterns_and_paths_both_have_to_agree() {
        let mut part = part(&["a/b", "c"], &[(false, "c/x"), (false, "a/b/y")]);
        for (path, expected) in [
            ("a/", Choice::Enter),
            ("a/b/x", Choice::Restore),
            ("a/b/y", Choice::LeaveOut),
            ("c/x/z", Choice::LeaveOut),
            ("z", Choice::LeaveOut),
        ] {
            assert_eq!(chosen(&mut part, path), expected, "{path}");
        }
    }
}
