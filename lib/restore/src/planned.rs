//! What a tree is built by, if some of it is there already.

use failure::Failure;

use crate::plan::{Plan, WantedPaths};

/// A plan, and the paths that it wants.
pub(crate) struct Planned {
    pub(crate) plan: Plan,
    pub(crate) wanted: WantedPaths,
}

impl Planned {
    pub(crate) fn new(plan: &Plan) -> Result<Planned, Failure> {
        Ok(Planned { plan: plan.clone(), wanted: plan.wanted()? })
    }
}
