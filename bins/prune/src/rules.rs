//! What a user says of what is to be kept.

use std::ffi::OsString;
use std::num::NonZeroU32;
use std::time::SystemTime;

use archive::{SetTime, parse_age, parse_time};
use failure::{Failure, OrFail, Status};

/// The options. Each of them keeps something; what none of them keeps goes.
#[derive(clap::Args, Debug)]
#[group(id = "rules", multiple = true)]
pub(crate) struct Rules {
    /// Delete chains whose sets are all older than TIME, an age such as 6M or a time, unless
    /// another rule keeps them
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    older_than: Option<String>,
    /// Keep the chains of the newest N full sets, and all newer sets
    #[arg(long, value_name = "N")]
    keep_full: Option<NonZeroU32>,
    /// Keep increments only for the newest N full sets
    #[arg(long, value_name = "N")]
    keep_inc_of_full: Option<NonZeroU32>,
    /// Keep the newest N states
    #[arg(long, value_name = "N")]
    keep_last: Option<NonZeroU32>,
    /// Keep the newest state of each of the last N hours with a backup
    #[arg(long, value_name = "N")]
    keep_hourly: Option<NonZeroU32>,
    /// Keep the newest state of each of the last N days with a backup
    #[arg(long, value_name = "N")]
    keep_daily: Option<NonZeroU32>,
    /// Keep the newest state of each of the last N weeks with a backup
    #[arg(long, value_name = "N")]
    keep_weekly: Option<NonZeroU32>,
    /// Keep the newest state of each of the last N months with a backup
    #[arg(long, value_name = "N")]
    keep_monthly: Option<NonZeroU32>,
    /// Keep the newest state of each of the last N years with a backup
    #[arg(long, value_name = "N")]
    keep_yearly: Option<NonZeroU32>,
    /// Keep all states that are younger than AGE, such as 14D
    #[arg(long, value_name = "AGE", allow_hyphen_values = true)]
    keep_within: Option<String>,
    /// Keep all states with the tag NAME in their seal; can be repeated
    #[arg(long, value_name = "NAME")]
    keep_tag: Vec<OsString>,
}

/// The rules, with the time that they are asked at.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Wanted {
    /// Chains that reach this time stay.
    pub(crate) since: Option<SetTime>,
    /// The chains of so many full sets stay.
    pub(crate) full: Option<usize>,
    /// The increments of so many full sets stay.
    pub(crate) inc_of_full: Option<usize>,
    /// Which states stay.
    pub(crate) states: States,
}

/// The rules for single states. What such a state builds on stays with it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct States {
    /// So many of the newest states.
    pub(crate) last: usize,
    /// The newest state of so many hours, days, weeks, months and years.
    pub(crate) hours: usize,
    pub(crate) days: usize,
    pub(crate) weeks: usize,
    pub(crate) months: usize,
    pub(crate) years: usize,
    /// All states from this time on.
    pub(crate) within: Option<SetTime>,
    /// Those with a tag.
    pub(crate) tagged: bool,
}

impl Rules {
    /// Whether no rule is given.
    pub(crate) fn are_none(&self) -> bool {
        let counts = [
            self.keep_full,
            self.keep_inc_of_full,
            self.keep_last,
            self.keep_hourly,
            self.keep_daily,
            self.keep_weekly,
            self.keep_monthly,
            self.keep_yearly,
        ];
        let times = [&self.older_than, &self.keep_within];
        self.keep_tag.is_empty()
            && counts.iter().all(Option::is_none)
            && times.iter().all(|time| time.is_none())
    }

    /// The tags whose states stay.
    pub(crate) fn tags(&self) -> &[OsString] {
        &self.keep_tag
    }

    /// The rules as they are meant now.
    pub(crate) fn at_this_time(&self) -> Result<Wanted, Failure> {
        let now = SetTime::try_from(SystemTime::now()).or_fail(Status::Failed, "the clock")?;
        let older = self.older_than.as_ref().map(|text| parse_time(text, now)).transpose();
        let within = self.keep_within.as_ref().map(|text| parse_age(text, now)).transpose();
        Ok(Wanted {
            since: older.or_fail(Status::Usage, "--older-than")?,
            full: self.keep_full.map(count),
            inc_of_full: self.keep_inc_of_full.map(count),
            states: States {
                last: self.keep_last.map_or(0, count),
                hours: self.keep_hourly.map_or(0, count),
                days: self.keep_daily.map_or(0, count),
                weeks: self.keep_weekly.map_or(0, count),
                months: self.keep_monthly.map_or(0, count),
                years: self.keep_yearly.map_or(0, count),
                within: within.or_fail(Status::Usage, "--keep-within")?,
                tagged: !self.keep_tag.is_empty(),
            },
        })
    }
}

fn count(number: NonZeroU32) -> usize {
    usize::try_from(number.get()).unwrap_or(usize::MAX)
}

impl Wanted {
    /// Whether whole chains may go, and not only increments.
    pub(crate) fn chains(&self) -> bool {
        self.since.is_some() || self.full.is_some() || self.states.are_any()
    }
}

impl States {
    /// Whether there is a rule for single states.
    pub(crate) fn are_any(&self) -> bool {
        let counts = [self.last, self.hours, self.days, self.weeks, self.months, self.years];
        self.within.is_some() || self.tagged || counts.into_iter().any(|count| count > 0)
    }
}
