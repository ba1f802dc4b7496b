use std::{cmp::Reverse, collections::BinaryHeap, collections::HashMap};

use rand::{Rng, SeedableRng, rngs::StdRng};

use super::*;

/// A Nova with some API workers, as slow as the recorded one, in simulated milliseconds.
struct Nova {
    /// Newest first.
    servers: Vec<ServerId>,
    by_id: Vec<ServerId>,
    workers: usize,
    sorts_by_id: bool,
    has_light_list: bool,
    counts: bool,
    /// No page larger than this comes in time.
    patience: u32,
    calls: Vec<Step>,
}

/// What a fill came to.
struct Filled {
    plan: FillPlan,
    /// When the first rows were there.
    first_ms: f64,
    complete_ms: f64,
    /// Rows computed in detail.
    detail_rows: usize,
}

const BASE_MS: f64 = 60.0;
const DETAIL_MS: f64 = 6.0;
const LIGHT_MS: f64 = 2.3;

impl Nova {
    fn with(servers: usize, workers: usize) -> Self {
        let mut random = StdRng::seed_from_u64(servers as u64);
        let servers: Vec<ServerId> = (0..servers).map(|_| ServerId(random.random())).collect();
        let mut by_id = servers.clone();
        by_id.sort();
        Self {
            servers,
            by_id,
            workers,
            sorts_by_id: true,
            has_light_list: true,
            counts: true,
            patience: u32::MAX,
            calls: Vec::new(),
        }
    }

    fn page(&self, list: &[ServerId], marker: Option<ServerId>, limit: u32) -> Outcome {
        let start = match marker {
            Some(marker) => match list.iter().position(|id| *id == marker) {
                Some(place) => place + 1,
                None => return Outcome::Refused,
            },
            None => 0,
        };
        let end = (start + limit.min(1000) as usize).min(list.len());
        Outcome::Page { ids: list[start..end].to_vec(), has_next: end - start == limit as usize }
    }

    fn answer(&mut self, step: Step) -> (Outcome, f64) {
        self.calls.push(step);
        let (outcome, row_ms) = match step {
            Step::Count => (Outcome::Count(self.counts.then_some(self.servers.len() as u32)), 0.0),
            Step::Light { .. } if !self.has_light_list => (Outcome::Refused, 0.0),
            Step::Light { marker, limit } => (self.page(&self.servers, marker, limit), LIGHT_MS),
            Step::Walk { .. } if !self.sorts_by_id => (Outcome::Refused, 0.0),
            Step::First { limit } | Step::Walk { limit, .. } | Step::Follow { limit, .. }
                if limit > self.patience =>
            {
                (Outcome::TooMuch, 0.0)
            }
            Step::Walk { side: Side::Up, marker, limit, .. } => {
                (self.page(&self.by_id, marker, limit), DETAIL_MS)
            }
            Step::Walk { side: Side::Down, marker, limit, .. } => {
                let descending: Vec<ServerId> = self.by_id.iter().rev().copied().collect();
                (self.page(&descending, marker, limit), DETAIL_MS)
            }
            Step::First { limit } => (self.page(&self.servers, None, limit), DETAIL_MS),
            Step::Follow { marker, limit } => (self.page(&self.servers, marker, limit), DETAIL_MS),
        };
        let rows = if let Outcome::Page { ids, .. } = &outcome { ids.len() } else { 0 };
        (outcome, BASE_MS + row_ms * rows as f64)
    }

    /// Runs a fill to its end; `between` may change the servers after each call.
    fn fill(&mut self, cap: usize, mut between: impl FnMut(&mut Self, usize)) -> Filled {
        let mut plan = FillPlan::new(cap);
        let mut free_at = BinaryHeap::from(vec![Reverse(0u64); self.workers]);
        let mut under_way: Vec<(f64, Step, Outcome)> = Vec::new();
        let (mut now, mut first_ms, mut detail_rows, mut ended) = (0.0, f64::MAX, 0, 0);
        while !plan.is_complete() {
            while under_way.len() < cap
                && let Some(step) = plan.next_step()
            {
                let Reverse(free) = free_at.pop().expect("workers");
                let (outcome, takes) = self.answer(step);
                let ends = (free as f64 / 1000.0).max(now) + takes;
                free_at.push(Reverse((ends * 1000.0) as u64));
                under_way.push((ends, step, outcome));
                assert!(self.calls.len() < 10_000, "the fill does not end");
            }
            let soonest = (0..under_way.len())
                .min_by(|a, b| under_way[*a].0.total_cmp(&under_way[*b].0))
                .expect("a plan that waits has something to wait for");
            let (ends, step, outcome) = under_way.swap_remove(soonest);
            now = ends;
            if let (Outcome::Page { ids, .. }, false) = (&outcome, matches!(step, Step::Light { .. })) {
                detail_rows += ids.len();
                first_ms = if ids.is_empty() { first_ms } else { first_ms.min(now) };
            }
            plan.done(step, outcome).expect("a fill that goes on");
            ended += 1;
            between(self, ended);
        }
        Filled { plan, first_ms, complete_ms: now, detail_rows }
    }

    fn fill_quietly(&mut self, cap: usize) -> Filled {
        self.fill(cap, |_, _| {})
    }

    fn is_all_seen(&self, filled: &Filled) -> bool {
        self.by_id.iter().all(|id| filled.plan.seen().contains(id))
    }
}

#[test]
fn every_server_is_seen_whatever_their_number_and_the_number_of_calls_side_by_side() {
    for servers in [0, 1, 39, 40, 41, 60, 79, 80, 81, 100, 500, 999, 1000, 1001, 3_333] {
        for cap in [1, 2, 4, 16] {
            let mut nova = Nova::with(servers, 2);
            let filled = nova.fill_quietly(cap);
            assert!(nova.is_all_seen(&filled), "{servers} servers, {cap} calls");
        }
    }
}

#[test]
fn a_full_region_is_complete_within_1_3_times_of_what_its_busy_workers_need() {
    for (servers, workers) in [(2_500, 2), (2_500, 4), (5_000, 4), (5_000, 8), (10_000, 8), (33_334, 8)] {
        let mut ratios: Vec<f64> = (0..10)
            .map(|seed| {
                let mut nova = Nova::with(servers + seed, workers);
                let filled = nova.fill_quietly(workers);
                assert!(nova.is_all_seen(&filled));
                assert!(filled.first_ms < 310.0, "first rows after {}", filled.first_ms);
                let twice = filled.detail_rows as f64 / servers as f64 - 1.0;
                assert!(twice < 0.06, "{twice:.3} of the rows came twice");
                // The workers' time for the rows alone, without what each call costs.
                filled.complete_ms * workers as f64 / (DETAIL_MS * (servers + seed) as f64)
            })
            .collect();
        ratios.sort_by(f64::total_cmp);
        println!("{servers} servers, {workers} workers: median {:.3}, worst {:.3}", ratios[5], ratios[9]);
        assert!(ratios[5] < 1.2 && ratios[9] < 1.3, "{servers} servers, {workers} workers: {ratios:.3?}");
    }
}

#[test]
fn a_small_project_takes_three_calls() {
    let mut nova = Nova::with(10, 4);
    nova.fill_quietly(4);
    let light = Step::Light { marker: None, limit: LIGHT_ROWS };
    assert_eq!(nova.calls, [Step::First { limit: FIRST_ROWS }, light, Step::Count]);
}

#[test]
fn the_markers_of_the_walks_are_from_the_light_list_and_from_the_pages_before() {
    let mut nova = Nova::with(5_000, 4);
    nova.fill_quietly(4);
    let light = nova.calls.iter().filter(|step| matches!(step, Step::Light { .. })).count();
    assert_eq!(light, 2, "two short pages of the light list are enough");
    let walks: Vec<(Side, Option<ServerId>)> = nova
        .calls
        .iter()
        .filter_map(
            |step| if let Step::Walk { side, marker, .. } = step { Some((*side, *marker)) } else { None },
        )
        .collect();
    let starts = |side| walks.iter().filter(|walk| **walk == (side, None)).count();
    assert_eq!((starts(Side::Up), starts(Side::Down)), (1, 1), "two begin at the two ends");
    let is_from_light = |marker: &ServerId| nova.servers[..200].contains(marker);
    assert!(walks.iter().filter_map(|(_, marker)| *marker).filter(is_from_light).count() >= 2);
    assert!(walks.len() > 10 && nova.calls.len() < 40, "{} calls", nova.calls.len());
}

#[test]
fn without_sorting_by_id_or_without_a_light_list_the_plain_walk_sees_all() {
    for servers in [41, 500, 2_500] {
        let mut nova = Nova { sorts_by_id: false, ..Nova::with(servers, 4) };
        let filled = nova.fill_quietly(4);
        assert!(nova.is_all_seen(&filled), "{servers}");

        let mut nova = Nova { has_light_list: false, ..Nova::with(servers, 4) };
        let filled = nova.fill_quietly(4);
        assert!(nova.is_all_seen(&filled), "{servers}");

        let mut nova = Nova { has_light_list: false, counts: false, ..Nova::with(servers, 4) };
        let filled = nova.fill_quietly(4);
        assert!(nova.is_all_seen(&filled), "{servers}");
        assert_eq!(filled.detail_rows, servers, "it goes on where the first page ended");
        assert!(!nova.calls.iter().any(|step| matches!(step, Step::Walk { .. })));
    }
}

#[test]
fn an_upstream_that_ignores_the_order_asked_for_is_noticed() {
    let mut nova = Nova::with(2_500, 4);
    nova.by_id = nova.servers.clone();
    let filled = nova.fill_quietly(4);
    assert!(nova.is_all_seen(&filled));
    assert!(nova.calls.iter().any(|step| matches!(step, Step::Follow { marker: None, .. })));
}

#[test]
fn without_a_count_the_walks_find_out_by_themselves() {
    let mut nova = Nova { counts: false, ..Nova::with(5_000, 4) };
    let filled = nova.fill_quietly(4);
    assert!(nova.is_all_seen(&filled));
    assert!(filled.complete_ms < 5_000.0 * DETAIL_MS / 4.0 * 1.3, "{}", filled.complete_ms);
    assert_eq!(filled.plan.expected(), None);
}

#[test]
fn ids_that_are_not_spread_evenly_cost_time_but_no_server() {
    let mut nova = Nova::with(3_000, 4);
    for (number, id) in nova.servers.iter_mut().enumerate() {
        // All begin alike, as ids made from the time do.
        id.0[..6].copy_from_slice(&[1, 0x8f, 0, 0, (number >> 8) as u8, number as u8]);
    }
    nova.by_id = nova.servers.clone();
    nova.by_id.sort();
    let filled = nova.fill_quietly(4);
    assert!(nova.is_all_seen(&filled));
    assert!(nova.calls.len() < 100, "{} calls", nova.calls.len());
}

#[test]
fn servers_that_go_while_it_runs_take_their_markers_with_them_and_nothing_else() {
    for cap in [1, 4] {
        let mut nova = Nova::with(2_500, 4);
        let mut random = StdRng::seed_from_u64(5);
        let filled = nova.fill(cap, |nova, _| {
            for _ in 0..25 {
                let gone = nova.servers.swap_remove(random.random_range(0..nova.servers.len()));
                nova.by_id.retain(|id| *id != gone);
            }
        });
        assert!(nova.is_all_seen(&filled), "{cap}");
    }
}

#[test]
fn every_marker_may_be_gone_at_once() {
    let mut nova = Nova::with(3_000, 4);
    let light: Vec<ServerId> = nova.servers[..LIGHT_ROWS as usize].to_vec();
    let filled = nova.fill(4, |nova, ended| {
        if ended == 2 {
            nova.servers.retain(|id| !light.contains(id));
            nova.by_id.retain(|id| !light.contains(id));
        }
    });
    assert!(nova.is_all_seen(&filled));
}

#[test]
fn pages_shrink_until_they_come_in_time() {
    for patience in [10, 35, 120] {
        let mut nova = Nova { patience, ..Nova::with(1_500, 4) };
        let filled = nova.fill_quietly(4);
        assert!(nova.is_all_seen(&filled), "{patience}");

        let mut nova = Nova { patience, has_light_list: false, ..Nova::with(1_500, 4) };
        let filled = nova.fill_quietly(4);
        assert!(nova.is_all_seen(&filled), "{patience} one by one");
    }
    let mut plan = FillPlan::new(4);
    let step = plan.next_step().expect("the first page");
    assert_eq!(plan.done(step, Outcome::Refused), Err(Stuck));
}

#[test]
fn what_was_given_back_is_asked_again() {
    let mut nova = Nova::with(1_500, 4);
    let mut plan = FillPlan::new(4);
    let mut asked: HashMap<String, u32> = HashMap::new();
    let mut open = Vec::new();
    while !plan.is_complete() {
        while open.len() < 4
            && let Some(step) = plan.next_step()
        {
            open.push(step);
        }
        let step = open.remove(0);
        let times = asked.entry(format!("{step:?}")).or_default();
        *times += 1;
        if *times == 1 {
            plan.give_back(step);
            continue;
        }
        let (outcome, _) = nova.answer(step);
        plan.done(step, outcome).expect("a fill that goes on");
    }
    assert!(nova.by_id.iter().all(|id| plan.seen().contains(id)));
}

#[test]
fn the_number_expected_is_told_as_soon_as_something_says_it() {
    let mut plan = FillPlan::new(4);
    let steps: Vec<Step> = std::iter::from_fn(|| plan.next_step()).collect();
    assert!(steps.contains(&Step::Count));
    plan.done(Step::Count, Outcome::Count(Some(2_000))).expect("a fill that goes on");
    assert_eq!(plan.expected(), Some(2_000));
}
