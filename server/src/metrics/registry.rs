//! Where measurements are added up: in a few places, so that threads do not wait for one another.

use std::{
    collections::HashMap,
    hash::{BuildHasher, Hash, Hasher},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use hashbrown::{DefaultHashBuilder, HashTable, hash_table::Entry};
use parking_lot::Mutex;
use rand::{Rng, SeedableRng, rngs::SmallRng};

use super::names::Metric;

/// Everything measured since the start.
pub struct Registry {
    shards: [Shard; SHARDS],
    known: Mutex<Known>,
    /// Gauges that are looked at by whoever reads, since what they show changes with every request.
    followed: Mutex<Vec<(Metric, Tags, Arc<AtomicUsize>)>>,
    /// Quicker with a few short words than the standard library's, and seeded anew in each process too.
    hashing: DefaultHashBuilder,
    /// Whether timers' values are kept until they are taken; without a statsd nobody takes them.
    keeps_times: bool,
}

/// One metric with one set of tags.
#[derive(Debug, PartialEq, Eq)]
pub struct Series {
    pub metric: Metric,
    pub tags: Tags,
}

pub type Tags = Box<[Box<str>]>;

#[derive(Clone, Copy, Debug)]
pub enum Measured {
    Count(u64),
    Time(Duration),
    Gauge(f64),
}

/// What was measured of one series, all shards together.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Count(u64),
    Times(Histogram),
    Gauge(f64),
}

/// How many times lay below each of [`BOUNDS`], and beyond the last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Histogram {
    pub below: [u64; BOUNDS.len() + 1],
    pub sum_micros: u64,
}

/// Upper ends of a histogram's steps, in microseconds: from what memory answers to what a deadline ends.
pub const BOUNDS: [u64; 14] = [
    1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000, 5_000_000,
    10_000_000, 30_000_000,
];

/// Values of one timer since they were last taken: all of them, or as many as are kept, each as likely as any other. The
/// first that came are at places of their own, so whoever wants fewer takes any, not those in front.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Times {
    /// The series'.
    pub number: u32,
    pub micros: Vec<u32>,
    /// How many there were.
    pub seen: u64,
}

/// Sets of tags that one metric has at most. Further ones count together, under [`OTHER`].
pub const MOST_SERIES: usize = 256;
/// What tags beyond the most become.
const OTHER: [&str; 4] = ["other"; 4];
/// Longer tags are cut.
const LONGEST_TAG: usize = 60;
/// As many threads as work on requests on an ordinary machine.
const SHARDS: usize = 8;
/// Values of one timer that one shard keeps until they are taken, ten times a second: enough for a 99th percentile of
/// ten seconds, and not thousands of datagrams a second from a busy node.
pub const MOST_TIMES: usize = 64;

/// On cache lines of its own: a thread that counts takes nothing from its neighbours.
#[repr(align(128))]
#[derive(Default)]
struct Shard(Mutex<Slots>);

struct Slots {
    table: HashTable<Slot>,
    random: SmallRng,
}

struct Slot {
    hash: u64,
    series: Arc<Series>,
    number: u32,
    value: Value,
    times: Kept,
}

/// Values of a timer that nobody took yet.
#[derive(Default)]
struct Kept {
    micros: Vec<u32>,
    seen: u64,
}

#[derive(Default)]
struct Known {
    numbers: HashMap<Arc<Series>, u32>,
    /// By number.
    series: Vec<Arc<Series>>,
    of_metric: HashMap<Metric, usize>,
}

impl Registry {
    pub fn new(keeps_times: bool) -> Self {
        let hashing = DefaultHashBuilder::default();
        let (known, followed) = (Mutex::default(), Mutex::default());
        Self { shards: Default::default(), known, followed, hashing, keeps_times }
    }

    /// From now on the gauge shows this number, whatever that is when somebody reads.
    pub fn follow(&self, metric: Metric, tags: &[&str], number: Arc<AtomicUsize>) {
        let tags = tags.iter().map(|tag| Box::from(cut(tag))).collect();
        self.followed.lock().push((metric, tags, number));
    }

    /// Takes a measurement in: one lock that hardly anybody else wants, one look-up, no allocation.
    pub fn record(&self, metric: Metric, tags: &[&str], measured: Measured) {
        debug_assert_eq!(tags.len(), metric.tags().len(), "the tags of {metric:?} are {:?}", metric.tags());
        if tags.iter().any(|tag| tag.len() > LONGEST_TAG) {
            let cut: Vec<&str> = tags.iter().map(|tag| cut(tag)).collect();
            return self.record(metric, &cut, measured);
        }
        if !self.shard(measured).take_in(metric, tags, measured, self) {
            let other = &OTHER[..tags.len().min(OTHER.len())];
            self.shard(measured).take_in(metric, other, measured, self);
        }
    }

    /// What was measured of each series, in the order of the list and of the tags.
    pub fn values(&self) -> Vec<(Arc<Series>, Value)> {
        self.look_at_followed();
        let known = self.known.lock().series.clone();
        let mut values = vec![None::<Value>; known.len()];
        self.visit(|slot| {
            // One that came after the list was copied waits for the next look.
            if let Some(value) = values.get_mut(slot.number as usize) {
                match value {
                    Some(value) => value.add(&slot.value),
                    None => *value = Some(slot.value.clone()),
                }
            }
        });
        let mut values: Vec<_> =
            known.into_iter().zip(values).filter_map(|(series, value)| Some((series, value?))).collect();
        values.sort_by(|(one, _), (other, _)| {
            (one.metric as usize, &one.tags).cmp(&(other.metric as usize, &other.tags))
        });
        values
    }

    /// What one series came to: a counter's sum, a timer's number of values, a gauge's value.
    pub fn total(&self, metric: Metric, tags: &[&str]) -> u64 {
        self.look_at_followed();
        let mut total = 0;
        self.visit(|slot| {
            if slot.is(metric, tags) {
                total += match &slot.value {
                    Value::Count(count) => *count,
                    Value::Times(times) => times.count(),
                    Value::Gauge(value) => *value as u64,
                };
            }
        });
        total
    }

    /// The sums of all counters so far and, where wanted, the gauges, by the series' numbers.
    pub fn sums(&self, with_gauges: bool) -> (HashMap<u32, u64>, Vec<(u32, f64)>) {
        if with_gauges {
            self.look_at_followed();
        }
        let (mut counts, mut gauges) = (HashMap::<u32, u64>::new(), Vec::new());
        self.visit(|slot| match &slot.value {
            Value::Count(count) => *counts.entry(slot.number).or_default() += count,
            Value::Gauge(value) if with_gauges => gauges.push((slot.number, *value)),
            Value::Gauge(_) | Value::Times(_) => {}
        });
        (counts, gauges)
    }

    /// The timers' values since they were last taken.
    pub fn take_times(&self) -> Vec<Times> {
        let mut taken = Vec::new();
        for shard in &self.shards {
            for slot in shard.0.lock().table.iter_mut().filter(|slot| slot.times.seen > 0) {
                let Kept { micros, seen } = &mut slot.times;
                taken.push(Times { number: slot.number, micros: micros.clone(), seen: *seen });
                micros.clear();
                *seen = 0;
            }
        }
        taken
    }

    /// All series, by number.
    pub fn series_from(&self, number: usize) -> Vec<Arc<Series>> {
        self.known.lock().series.get(number..).unwrap_or_default().to_vec()
    }

    fn look_at_followed(&self) {
        for (metric, tags, number) in self.followed.lock().iter() {
            let tags: Vec<&str> = tags.iter().map(AsRef::as_ref).collect();
            self.record(*metric, &tags, Measured::Gauge(number.load(Ordering::Relaxed) as f64));
        }
    }

    fn visit(&self, mut look: impl FnMut(&Slot)) {
        for shard in &self.shards {
            shard.0.lock().table.iter().for_each(&mut look);
        }
    }

    /// A gauge says what is so now, so it has one place; everything else is added up in the thread's own.
    fn shard(&self, measured: Measured) -> &Shard {
        static THREADS: AtomicUsize = AtomicUsize::new(0);
        thread_local! {
            static OWN: usize = THREADS.fetch_add(1, Ordering::Relaxed) % SHARDS;
        }
        match measured {
            Measured::Gauge(_) => &self.shards[0],
            // A thread that is ending has none any more.
            Measured::Count(_) | Measured::Time(_) => &self.shards[OWN.try_with(|own| *own).unwrap_or(0)],
        }
    }
}

impl Shard {
    /// False: the metric has as many sets of tags as it may, and this is a further one.
    fn take_in(&self, metric: Metric, tags: &[&str], measured: Measured, registry: &Registry) -> bool {
        let hash = registry.hashing.hash_one((metric, tags));
        let mut slots = self.0.lock();
        let Slots { table, random } = &mut *slots;
        let slot = match table.entry(hash, |slot| slot.is(metric, tags), |slot| slot.hash) {
            Entry::Occupied(slot) => slot.into_mut(),
            Entry::Vacant(place) => match registry.known.lock().number_of(metric, tags) {
                Some((number, series)) => {
                    let value = Value::none(measured);
                    place.insert(Slot { hash, series, number, value, times: Kept::default() }).into_mut()
                }
                None => return false,
            },
        };
        match (&mut slot.value, measured) {
            (Value::Count(sum), Measured::Count(amount)) => *sum = sum.wrapping_add(amount),
            (Value::Gauge(value), Measured::Gauge(now)) => *value = now,
            (Value::Times(histogram), Measured::Time(took)) => {
                let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
                histogram.add(micros);
                if registry.keeps_times {
                    slot.times.add(u32::try_from(micros).unwrap_or(u32::MAX), random);
                }
            }
            // Each metric is of one kind, and `Metrics` has a function for each.
            (Value::Count(_) | Value::Gauge(_) | Value::Times(_), _) => {}
        }
        true
    }
}

impl Slot {
    fn is(&self, metric: Metric, tags: &[&str]) -> bool {
        self.series.metric == metric
            && self.series.tags.len() == tags.len()
            && self.series.tags.iter().zip(tags).all(|(own, tag)| &**own == *tag)
    }
}

impl Default for Slots {
    fn default() -> Self {
        Self { table: HashTable::new(), random: SmallRng::from_os_rng() }
    }
}

impl Kept {
    /// Every value there was has the same chance to be among those kept.
    fn add(&mut self, micros: u32, random: &mut SmallRng) {
        self.seen += 1;
        if self.micros.len() < MOST_TIMES {
            self.micros.push(micros);
            return;
        }
        let place = usize::try_from(random.random_range(0..self.seen));
        if let Some(kept) = place.ok().and_then(|place| self.micros.get_mut(place)) {
            *kept = micros;
        }
    }
}

impl Known {
    fn number_of(&mut self, metric: Metric, tags: &[&str]) -> Option<(u32, Arc<Series>)> {
        let series = Series { metric, tags: tags.iter().map(|tag| Box::from(*tag)).collect() };
        if let Some((series, number)) = self.numbers.get_key_value(&series) {
            return Some((*number, series.clone()));
        }
        let count = self.of_metric.entry(metric).or_default();
        let is_other = tags.iter().all(|tag| *tag == OTHER[0]);
        if *count >= MOST_SERIES && !is_other {
            return None;
        }
        *count += 1;
        let number = u32::try_from(self.series.len()).ok()?;
        let series = Arc::new(series);
        self.series.push(series.clone());
        self.numbers.insert(series.clone(), number);
        Some((number, series))
    }
}

impl Hash for Series {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.metric.hash(state);
        self.tags.hash(state);
    }
}

impl Value {
    fn none(measured: Measured) -> Self {
        match measured {
            Measured::Count(_) => Self::Count(0),
            Measured::Time(_) => Self::Times(Histogram::default()),
            Measured::Gauge(value) => Self::Gauge(value),
        }
    }

    fn add(&mut self, other: &Self) {
        match (self, other) {
            (Self::Count(sum), Self::Count(count)) => *sum = sum.wrapping_add(*count),
            (Self::Times(sum), Self::Times(times)) => {
                sum.below.iter_mut().zip(times.below).for_each(|(sum, count)| *sum += count);
                sum.sum_micros = sum.sum_micros.wrapping_add(times.sum_micros);
            }
            (Self::Count(_) | Self::Times(_) | Self::Gauge(_), _) => {}
        }
    }
}

impl Histogram {
    fn add(&mut self, micros: u64) {
        self.below[BOUNDS.partition_point(|bound| *bound < micros)] += 1;
        self.sum_micros = self.sum_micros.wrapping_add(micros);
    }

    pub fn count(&self) -> u64 {
        self.below.iter().sum()
    }
}

fn cut(tag: &str) -> &str {
    &tag[..tag.floor_char_boundary(LONGEST_TAG)]
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn a_followed_number_is_what_it_is_when_somebody_looks() {
        let (registry, number) = (Registry::new(true), Arc::new(AtomicUsize::new(3)));
        registry.follow(Metric::ProxyOpen, &["compute", "north"], number.clone());
        assert_eq!(registry.total(Metric::ProxyOpen, &["compute", "north"]), 3);
        number.store(5, Ordering::Relaxed);
        let values: Vec<Value> = registry.values().into_iter().map(|(_, value)| value).collect();
        assert_eq!(values, [Value::Gauge(5.0)]);
        number.store(0, Ordering::Relaxed);
        let gauges = registry.sums(true).1;
        assert_eq!(gauges.into_iter().map(|(_, value)| value).collect::<Vec<_>>(), [0.0]);
    }

    #[test]
    fn every_count_of_every_thread_is_there() {
        let registry = Registry::new(true);
        thread::scope(|scope| {
            for thread in 0..16 {
                let registry = &registry;
                scope.spawn(move || {
                    let region = if thread % 2 == 0 { "north" } else { "south" };
                    for at in 0..1_000 {
                        registry.record(Metric::JobHeld, &[], Measured::Count(1));
                        registry.record(Metric::IndexRefresh, &[region, "ok"], Measured::Count(at % 2));
                        registry.record(
                            Metric::IndexFill,
                            &[region],
                            Measured::Time(Duration::from_millis(at)),
                        );
                    }
                });
            }
        });
        assert_eq!(registry.total(Metric::JobHeld, &[]), 16_000);
        assert_eq!(registry.total(Metric::IndexRefresh, &["north", "ok"]), 4_000);
        assert_eq!(registry.total(Metric::IndexFill, &["south"]), 8_000);
        let times = registry.take_times();
        assert_eq!(times.iter().map(|times| times.seen).sum::<u64>(), 16_000);
        assert!(times.iter().all(|times| times.micros.len() == MOST_TIMES));
        assert_eq!(registry.take_times(), []);
        let names: Vec<_> = registry.values().into_iter().map(|(series, _)| series.metric.name()).collect();
        assert_eq!(names, ["index.fill", "index.fill", "index.refresh", "index.refresh", "jobs.held"]);
    }

    #[test]
    fn tags_beyond_the_most_count_together() {
        let registry = Registry::new(false);
        for at in 0..MOST_SERIES + 10 {
            registry.record(Metric::ErrorAnswered, &[&format!("code_{at}")], Measured::Count(1));
        }
        assert_eq!(registry.values().len(), MOST_SERIES + 1);
        assert_eq!(registry.total(Metric::ErrorAnswered, &["other"]), 10);
        registry.record(Metric::ErrorAnswered, &["code_1"], Measured::Count(1));
        assert_eq!(registry.total(Metric::ErrorAnswered, &["code_1"]), 2);
    }

    #[test]
    fn a_long_tag_is_cut_between_two_characters() {
        let registry = Registry::new(false);
        let long = format!("{}ü{}", "a".repeat(LONGEST_TAG - 1), "b".repeat(1_000));
        registry.record(Metric::ErrorAnswered, &[&long], Measured::Count(1));
        assert_eq!(registry.total(Metric::ErrorAnswered, &[&"a".repeat(LONGEST_TAG - 1)]), 1);
    }

    #[test]
    fn a_time_counts_below_the_bound_it_does_not_exceed() {
        let mut histogram = Histogram::default();
        for micros in [0, 1_000, 1_001, 30_000_000, 30_000_001, u64::MAX / 2] {
            histogram.add(micros);
        }
        assert_eq!((histogram.below[0], histogram.below[1]), (2, 1));
        assert_eq!((histogram.below[13], histogram.below[14]), (1, 2));
        assert_eq!(histogram.count(), 6);
    }

    #[test]
    fn few_values_are_all_kept_and_of_many_each_as_likely() {
        let registry = Registry::new(true);
        let time = |micros| {
            registry.record(Metric::SessionQuery, &[], Measured::Time(Duration::from_micros(micros)));
        };
        (0..10).for_each(time);
        assert_eq!(registry.take_times()[0].micros, (0..10).collect::<Vec<_>>());
        let mut tenths = [0_u32; 10];
        for _ in 0..500 {
            (0..1_000).for_each(time);
            let taken = registry.take_times();
            assert_eq!((taken[0].seen, taken[0].micros.len()), (1_000, MOST_TIMES));
            taken[0].micros.iter().for_each(|micros| tenths[*micros as usize / 100] += 1);
        }
        // 3,200 each, give or take 54 as a rule: seven times that is never.
        assert!(tenths.iter().all(|count| (2_820..3_580).contains(count)), "{tenths:?}");
    }

    #[test]
    fn a_gauge_says_what_came_last() {
        let registry = Registry::new(false);
        registry.record(Metric::IndexRows, &[], Measured::Gauge(5.0));
        registry.record(Metric::IndexRows, &[], Measured::Gauge(2.0));
        assert_eq!(registry.sums(true).1, [(0, 2.0)]);
        assert!(registry.sums(false).1.is_empty());
    }
}
