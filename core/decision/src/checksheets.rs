//! Does each side pass its checksheet (G12)? Asked of two legal entities only: within one, a path needs no agreement either.

use checksheet::{Verdict, judge};
use model::{Section, Site};
use texts::{Arg, Reason};

use crate::Cause;
use crate::case::Case;
use crate::checks::{Found, Place, Stop};

impl Case<'_> {
    /// Items 1-1-1 to 1-1-3 of both sheets: each is met if the other side's sheet passes.
    pub(crate) fn checksheets(&self, origin: &Place<'_>, destination: &Place<'_>) -> Found<()> {
        let sides = [(origin.site, Section::InHouseLan), (destination.site, Section::Peer)];
        let reasons: Vec<Reason> = sides.iter().filter_map(|(site, section)| self.checksheet(site, *section)).collect();
        if reasons.is_empty() { Ok(()) } else { Err(Stop::Reasons(reasons)) }
    }

    fn checksheet(&self, site: &Site, section: Section) -> Option<Reason> {
        let who = [("site", Arg::text(&site.id)), ("party", self.institution(&site.institution))];
        match judge(self.network, &site.id) {
            Verdict::Passes => None,
            Verdict::Missing | Verdict::OtherModel(_) => Some(self.reason_in(section, Cause::ChecksheetMissing, who)),
            Verdict::Lacks(items) => {
                let items = ("items", Arg::List(items.iter().map(Arg::text).collect()));
                Some(self.reason_in(section, Cause::ChecksheetFails, who.into_iter().chain([items])))
            }
        }
    }
}
