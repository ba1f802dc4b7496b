//! What can be done to some servers together: to how many of them, and why not to the others. Values in, values out.

use std::collections::HashMap;

use api_types::{
    projects::RegionServices,
    servers::action::{ActionKind, Impossible, ServerNow},
};

use super::{catalog, texts};
use crate::{features::servers::acting::Target, jobs::texts::impossible};

/// Servers by what decides: five thousand are of a few kinds.
pub struct Tally<'t> {
    kinds: Vec<(ServerNow<'t>, usize)>,
    total: usize,
    regions: Vec<&'t str>,
}

/// Whether an action is offered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Offer {
    /// To so many of them.
    To(usize),
    /// Why to none: one sentence.
    No(String),
}

impl<'t> Tally<'t> {
    pub fn of(servers: &'t [Target]) -> Self {
        let mut places = HashMap::new();
        let mut kinds: Vec<(ServerNow<'t>, usize)> = Vec::new();
        let mut regions = Vec::new();
        for server in servers {
            let now = server.now();
            let place = *places.entry((now.status, now.task_state, now.is_locked)).or_insert_with(|| {
                kinds.push((now, 0));
                kinds.len() - 1
            });
            kinds[place].1 += 1;
            if !regions.contains(&server.region.as_str()) {
                regions.push(server.region.as_str());
            }
        }
        Self { kinds, total: servers.len(), regions }
    }

    /// Whether this can be done, and to how many. `services` is what the regions have, where that is known.
    pub fn offer(&self, kind: ActionKind, services: Option<&[RegionServices]>) -> Offer {
        if self.total == 0 {
            return Offer::No(texts::NONE_CHOSEN.to_owned());
        }
        if self.total > 1 && catalog::is_for_one(kind) {
            return Offer::No(texts::ONE_AT_A_TIME.to_owned());
        }
        if self.regions.len() > 1 && catalog::is_of_one_region(kind) {
            return Offer::No(texts::ONE_REGION.to_owned());
        }
        if let Some(region) = self.region_without(kind, services) {
            return Offer::No(texts::no_service(region));
        }
        match self.possible(kind) {
            0 => Offer::No(self.why_none(kind)),
            possible => Offer::To(possible),
        }
    }

    /// To how many of them it can be done.
    pub fn possible(&self, kind: ActionKind) -> usize {
        self.kinds.iter().filter(|(now, _)| kind.check(*now).is_ok()).map(|(_, count)| count).sum()
    }

    /// Why it cannot be done to the others, and to how many, the most first.
    pub fn left_out(&self, kind: ActionKind) -> Vec<(Impossible, usize)> {
        let mut reasons: Vec<(Impossible, usize)> = Vec::new();
        for (now, count) in &self.kinds {
            let Err(because) = kind.check(*now) else { continue };
            match reasons.iter_mut().find(|(other, _)| *other == because) {
                Some((_, sum)) => *sum += count,
                None => reasons.push((because, *count)),
            }
        }
        reasons.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        reasons
    }

    fn why_none(&self, kind: ActionKind) -> String {
        match self.left_out(kind).as_slice() {
            [(because, _)] if self.total == 1 => impossible(because),
            [(because, _)] => texts::of_all(&impossible(because)),
            [(because, count), ..] => texts::of_some(*count, &impossible(because)),
            [] => String::new(),
        }
    }

    fn region_without(&self, kind: ActionKind, services: Option<&[RegionServices]>) -> Option<&'t str> {
        let service = catalog::service(kind)?.key();
        let is_without = |region: &&&str| {
            let known = services?.iter().find(|known| known.region.as_str() == **region)?;
            (!known.services.iter().any(|name| name == service)).then_some(())
        };
        self.regions.iter().find(|region| is_without(region).is_some()).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(status: &str, is_locked: bool) -> Target {
        Target {
            region: "RegionOne".parse().expect("a region"),
            id: "73c344c2-0b77-4253-873f-aa4d3c5c0ed4".parse().expect("an id"),
            name: "web".to_owned(),
            status: status.to_owned(),
            task: None,
            is_locked,
        }
    }

    #[test]
    fn of_many_servers_it_is_said_how_many_can() {
        let servers = [target("SHUTOFF", false), target("SHUTOFF", false), target("ACTIVE", false)];
        let tally = Tally::of(&servers);
        assert_eq!(tally.offer(ActionKind::Start, None), Offer::To(2));
        assert_eq!(tally.offer(ActionKind::Delete, None), Offer::To(3));
        let left_out = tally.left_out(ActionKind::Start);
        assert!(
            matches!(left_out.as_slice(), [(Impossible::Status { status, .. }, 1)] if status == "ACTIVE")
        );
    }

    #[test]
    fn what_none_can_do_says_why() {
        let one = [target("ACTIVE", true)];
        let Offer::No(why) = Tally::of(&one).offer(ActionKind::Delete, None) else { panic!("it is locked") };
        assert_eq!(why, "It is locked; unlock it first.");
        let Offer::No(why) = Tally::of(&[]).offer(ActionKind::Start, None) else { panic!("there is none") };
        assert_eq!(why, texts::NONE_CHOSEN);
        let two = [target("ACTIVE", false), target("ACTIVE", false)];
        let tally = Tally::of(&two);
        assert_eq!(tally.offer(ActionKind::AttachVolume, None), Offer::No(texts::ONE_AT_A_TIME.to_owned()));
        assert!(matches!(tally.offer(ActionKind::Start, None), Offer::No(why) if why.contains("active")));
    }

    #[test]
    fn what_is_chosen_from_one_region_is_for_servers_of_one() {
        let elsewhere = Target { region: "RegionTwo".parse().expect("a region"), ..target("ACTIVE", false) };
        let servers = [target("ACTIVE", false), elsewhere];
        let tally = Tally::of(&servers);
        assert_eq!(tally.offer(ActionKind::Resize, None), Offer::No(texts::ONE_REGION.to_owned()));
        assert_eq!(tally.offer(ActionKind::Stop, None), Offer::To(2));
    }

    #[test]
    fn a_region_without_the_service_offers_nothing_of_it() {
        let services = |names: &[&str]| {
            let services = names.iter().map(|name| (*name).to_owned()).collect();
            vec![RegionServices { region: "RegionOne".parse().expect("a region"), services }]
        };
        let one = [target("ACTIVE", false)];
        let tally = Tally::of(&one);
        let without = services(&["compute", "image"]);
        let offer = tally.offer(ActionKind::AttachVolume, Some(&without));
        assert!(matches!(offer, Offer::No(why) if why.contains("RegionOne")));
        let with = services(&["compute", "block-storage"]);
        assert_eq!(tally.offer(ActionKind::AttachVolume, Some(&with)), Offer::To(1));
        assert_eq!(tally.offer(ActionKind::Stop, Some(&without)), Offer::To(1));
    }
}
