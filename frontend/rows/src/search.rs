//! Conditions made ready to run over blocks of rows.

mod ids;
mod ips;

use std::ops::Range;

use memchr::memmem::Finder;

use super::{
    Rows,
    bits::{Bits, BlockBits},
    block::Block,
    dictionary::Dictionary,
    query::{AmountField, Condition, Term, TextField, TimeField},
    words::Words,
};
use ids::IdPrefix;
use ips::IpMatcher;

/// The conditions of a query; all must match.
#[derive(Default)]
pub struct Search {
    conditions: Vec<(bool, Matcher)>,
}

/// One condition. What it asks of shared texts is answered once per text, so that a row is only looked up.
enum Matcher {
    /// None at all: nothing matches.
    Nothing,
    Word(Box<WordMatcher>),
    Name(Box<Finder<'static>>),
    NoName,
    Id(IdPrefix),
    Ip(IpMatcher),
    NoIp,
    Tag(Hits),
    NoTag,
    Metadata(Hits),
    NoMetadata,
    Status {
        statuses: Hits,
        tasks: Hits,
    },
    NoStatus,
    Region(String),
    Image(Hits),
    NoImage,
    Flavor(Hits),
    NoFlavor,
    Zone(Hits),
    NoZone,
    Amount {
        field: AmountField,
        from: u32,
        to: u32,
    },
    Time {
        field: TimeField,
        from: u32,
        to: u32,
    },
}

/// A word that is looked for everywhere.
struct WordMatcher {
    name: Finder<'static>,
    id: Option<IdPrefix>,
    ip: IpMatcher,
    tags: Hits,
    metadata: Hits,
}

/// The codes of a dictionary whose texts match.
struct Hits {
    test: Test,
    codes: Bits,
    has_any: bool,
    /// Texts that were looked at.
    known: usize,
}

/// What is asked of a text.
enum Test {
    /// One of these.
    Contains(Vec<Finder<'static>>),
    /// Without regard to what separates words: `shut off`, `SHUTOFF`.
    ContainsSpelled(String),
    StartsWith(String),
}

impl Search {
    pub fn new(terms: &[Term]) -> Self {
        let compile = |term: &Term| (term.is_negated, Matcher::new(&term.condition));
        Self { conditions: terms.iter().map(compile).collect() }
    }

    /// True when every row matches.
    pub fn is_empty(&self) -> bool {
        self.conditions.is_empty()
    }

    /// Looks at texts that are new in the dictionaries; to be called before [`Self::run`] after rows came.
    pub fn refresh(&mut self, words: &Words) {
        for (_, matcher) in &mut self.conditions {
            matcher.refresh(words);
        }
    }

    /// Which of the rows at `places` match all conditions; others are undefined.
    pub fn run(&self, rows: &Rows, block: &Block, places: Range<usize>) -> BlockBits {
        let mut matching = BlockBits::ALL;
        for (is_negated, matcher) in &self.conditions {
            let found = matcher.run(rows, block, places.clone());
            matching.keep(&found, *is_negated);
        }
        matching
    }
}

impl Matcher {
    fn new(condition: &Condition) -> Self {
        match condition {
            Condition::Word(word) => Self::Word(Box::new(WordMatcher::new(word))),
            Condition::Text { field, text } if text.is_empty() => match field {
                TextField::Name => Self::NoName,
                TextField::Ip => Self::NoIp,
                TextField::Tag => Self::NoTag,
                TextField::Meta => Self::NoMetadata,
                TextField::Status => Self::NoStatus,
                TextField::Image => Self::NoImage,
                TextField::Flavor => Self::NoFlavor,
                TextField::Zone => Self::NoZone,
                TextField::Id | TextField::Region => Self::Nothing,
            },
            Condition::Text { field, text } => match field {
                TextField::Name => Self::Name(Box::new(finder(text))),
                TextField::Id => IdPrefix::parse(text).map_or(Self::Nothing, Self::Id),
                TextField::Ip => Self::Ip(IpMatcher::new(text)),
                TextField::Tag => Self::Tag(Hits::new(Test::contains(text))),
                TextField::Meta => Self::Metadata(Hits::new(Test::metadata(text))),
                TextField::Status => Self::Status {
                    statuses: Hits::new(Test::ContainsSpelled(spelled(text.as_bytes()))),
                    tasks: Hits::new(Test::ContainsSpelled(spelled(text.as_bytes()))),
                },
                TextField::Region => Self::Region(text.clone()),
                TextField::Image => Self::Image(Hits::new(Test::contains(text))),
                TextField::Flavor => Self::Flavor(Hits::new(Test::contains(text))),
                TextField::Zone => Self::Zone(Hits::new(Test::contains(text))),
            },
            Condition::Amount { field, from, to } => Self::Amount { field: *field, from: *from, to: *to },
            Condition::Time { field, from, to } => Self::Time { field: *field, from: *from, to: *to },
        }
    }

    fn refresh(&mut self, words: &Words) {
        match self {
            Self::Word(word) => {
                word.tags.refresh(&words.tags);
                word.metadata.refresh(&words.metadata);
                word.ip.refresh(&words.odd_addresses);
            }
            Self::Ip(ip) => ip.refresh(&words.odd_addresses),
            Self::Tag(tags) => tags.refresh(&words.tags),
            Self::Metadata(metadata) => metadata.refresh(&words.metadata),
            Self::Status { statuses, tasks } => {
                statuses.refresh(&words.statuses);
                tasks.refresh(&words.tasks);
            }
            Self::Image(names) => names.refresh(&words.images.names),
            Self::Flavor(names) => names.refresh(&words.flavors.names),
            Self::Zone(zones) => zones.refresh(&words.zones),
            _ => {}
        }
    }

    fn run(&self, rows: &Rows, block: &Block, places: Range<usize>) -> BlockBits {
        let mut found = BlockBits::NONE;
        let words = rows.words();
        match self {
            Self::Nothing => {}
            Self::Word(word) => word.run(block, places, &mut found),
            Self::Name(name) => block.names.scan(name, places, |at| found.insert(at)),
            Self::NoName => found.insert_where(places, |at| block.names.folded(at).is_empty()),
            Self::Id(id) => found.insert_where(places, |at| id.matches(&block.ids[at])),
            Self::Ip(ip) => found.insert_where(places, |at| ip.matches(block.addresses.get(at))),
            Self::NoIp => found.insert_where(places, |at| block.addresses.get(at).is_empty()),
            Self::Tag(tags) => found.insert_where(places, |at| tags.has(block.tags.get(at))),
            Self::NoTag => found.insert_where(places, |at| block.tags.get(at).is_empty()),
            Self::Metadata(pairs) => found.insert_where(places, |at| pairs.has(block.metadata.get(at))),
            Self::NoMetadata => found.insert_where(places, |at| block.metadata.get(at).is_empty()),
            Self::Status { statuses, tasks } => found.insert_where(places, |at| {
                statuses.codes.contains(block.statuses[at]) || tasks.codes.contains(block.tasks[at])
            }),
            Self::NoStatus => found.insert_where(places, |at| block.statuses[at] == 0),
            Self::Region(text) => {
                let regions: Vec<_> = rows
                    .all_regions()
                    .iter()
                    .map(|region| region.name.as_str().to_ascii_lowercase().contains(text.as_str()))
                    .collect();
                found.insert_where(places, |at| regions[usize::from(block.regions[at])]);
            }
            Self::Image(names) => {
                found.insert_where(places, |at| names.codes.contains(words.images.name(block.images[at])));
            }
            Self::NoImage => found.insert_where(places, |at| words.images.name(block.images[at]) == 0),
            Self::Flavor(names) => found
                .insert_where(places, |at| names.codes.contains(words.flavors.parts(block.flavors[at]).0)),
            Self::NoFlavor => {
                found.insert_where(places, |at| words.flavors.parts(block.flavors[at]).0 == 0);
            }
            Self::Zone(zones) => found.insert_where(places, |at| zones.codes.contains(block.zones[at])),
            Self::NoZone => found.insert_where(places, |at| block.zones[at] == 0),
            Self::Amount { field, from, to } => found.insert_where(places, |at| {
                words.flavors.get(block.flavors[at]).is_some_and(|flavor| {
                    let amount = match field {
                        AmountField::Ram => flavor.ram_mib,
                        AmountField::Vcpus => flavor.vcpus,
                        AmountField::Disk => flavor.disk_gib,
                    };
                    (*from..=*to).contains(&amount)
                })
            }),
            Self::Time { field, from, to } => {
                let times = match field {
                    TimeField::Created => &block.created,
                    TimeField::Updated => &block.updated,
                };
                found.insert_where(places, |at| (*from..=*to).contains(&times[at]));
            }
        }
        found
    }
}

impl WordMatcher {
    fn new(word: &str) -> Self {
        Self {
            name: finder(word),
            id: IdPrefix::parse(word).filter(IdPrefix::is_telling),
            ip: IpMatcher::new(word),
            tags: Hits::new(Test::contains(word)),
            metadata: Hits::new(Test::metadata(word)),
        }
    }

    fn run(&self, block: &Block, places: Range<usize>, found: &mut BlockBits) {
        block.names.scan(&self.name, places.clone(), |at| found.insert(at));
        if self.tags.has_any {
            found.insert_where(places.clone(), |at| self.tags.has(block.tags.get(at)));
        }
        if self.metadata.has_any {
            found.insert_where(places.clone(), |at| self.metadata.has(block.metadata.get(at)));
        }
        if let Some(id) = &self.id {
            found.insert_where(places.clone(), |at| id.matches(&block.ids[at]));
        }
        if self.ip.may_match() {
            found.insert_where(places, |at| self.ip.matches(block.addresses.get(at)));
        }
    }
}

impl Hits {
    fn new(test: Test) -> Self {
        Self { test, codes: Bits::default(), has_any: false, known: 0 }
    }

    fn refresh(&mut self, dictionary: &Dictionary) {
        let places = self.known..dictionary.len();
        if places.is_empty() {
            return;
        }
        self.known = places.end;
        let mut hit = |place: usize| {
            self.codes.insert(place as u32 + 1);
            self.has_any = true;
        };
        match &self.test {
            Test::Contains(finders) => {
                finders.iter().for_each(|finder| dictionary.texts().scan(finder, places.clone(), &mut hit));
            }
            Test::ContainsSpelled(text) => places
                .filter(|place| spelled(dictionary.texts().folded(*place)).contains(text.as_str()))
                .for_each(hit),
            Test::StartsWith(text) => places
                .filter(|place| dictionary.texts().folded(*place).starts_with(text.as_bytes()))
                .for_each(hit),
        }
    }

    #[inline]
    fn has(&self, codes: &[u32]) -> bool {
        codes.iter().any(|code| self.codes.contains(*code))
    }
}

impl Test {
    fn contains(text: &str) -> Self {
        Self::Contains(vec![finder(text)])
    }

    /// Key, value, or `key=value`, which dictionaries have with a NUL between.
    fn metadata(text: &str) -> Self {
        let pair = text.split_once('=').map(|(key, value)| finder(&format!("{key}\0{value}")));
        Self::Contains([finder(text)].into_iter().chain(pair).collect())
    }
}

fn finder(text: &str) -> Finder<'static> {
    Finder::new(text).into_owned()
}

/// A folded text without what separates its words.
fn spelled(folded: &[u8]) -> String {
    let text = std::str::from_utf8(folded).unwrap_or_default();
    text.chars().filter(|letter| !matches!(letter, '_' | ' ' | '-' | ',')).collect()
}
