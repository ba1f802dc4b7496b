//! The texts that rows share: from the codes of the stream to codes of our own, the same for all regions.

use api_types::servers::{
    Flavor, Image,
    frame::{FrameError, Strings, parse_flavor, parse_image},
};

use super::{
    Column,
    dictionary::{Dictionary, Ranks},
    ragged::Ragged,
    row_view::ImageKind,
};

/// One dictionary for each kind of text.
#[derive(Default)]
pub struct Words {
    pub statuses: Dictionary,
    pub tasks: Dictionary,
    pub flavors: Flavors,
    pub images: Images,
    pub zones: Dictionary,
    pub faults: Dictionary,
    pub tags: Dictionary,
    /// Keys and values with a NUL between them.
    pub metadata: Dictionary,
    pub networks: Dictionary,
    /// Addresses that are no addresses.
    pub odd_addresses: Dictionary,
}

/// The natural order of the texts that lists are ordered by.
#[derive(Default)]
pub struct WordRanks {
    pub statuses: Ranks,
    pub tasks: Ranks,
    /// Of names.
    pub images: Ranks,
    /// Of names.
    pub flavors: Ranks,
    pub ram_sizes: Ranks,
    pub zones: Ranks,
    pub tags: Ranks,
    pub odd_addresses: Ranks,
}

/// What a text of the stream stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Status = 1,
    Task,
    Flavor,
    Image,
    Zone,
    Fault,
    Tag,
    Metadata,
    Network,
}

/// The dictionary of one region's stream.
#[derive(Default)]
pub struct Wire {
    texts: Ragged<u8>,
    /// By code less one: the kind a text was last used as, in the upper four bits, and its code among that kind.
    resolved: Vec<u32>,
}

/// Flavors by all they say; several regions may give one name to different sizes.
#[derive(Default)]
pub struct Flavors {
    texts: Dictionary,
    infos: Vec<Flavor>,
    /// By code less one: the code of the name in `names` and of the RAM in `ram_sizes`.
    parts: Vec<(u32, u32)>,
    pub names: Dictionary,
    /// MiB as decimal numbers.
    pub ram_sizes: Dictionary,
}

/// Images by id and name; several regions give one name to images of their own.
#[derive(Default)]
pub struct Images {
    texts: Dictionary,
    infos: Vec<ImageInfo>,
    /// Names; of an image without one, its id.
    pub names: Dictionary,
}

pub struct ImageInfo {
    pub kind: ImageKind,
    pub id: String,
    /// The code of its name in [`Images::names`].
    pub name: u32,
}

const CODE_BITS: u32 = 28;

impl Words {
    /// Our code for a code of the stream.
    #[inline]
    pub fn code(&mut self, wire: &mut Wire, kind: Kind, code: u32) -> Result<u32, FrameError> {
        let Some(at) = (code as usize).checked_sub(1) else { return Ok(0) };
        let Some(resolved) = wire.resolved.get(at) else {
            return Err(FrameError("a row names a text that was not sent"));
        };
        if resolved >> CODE_BITS == kind as u32 {
            return Ok(resolved & ((1 << CODE_BITS) - 1));
        }
        let code = self.intern(kind, wire.text(at));
        wire.resolved[at] = (kind as u32) << CODE_BITS | code;
        Ok(code)
    }

    fn intern(&mut self, kind: Kind, text: &str) -> u32 {
        match kind {
            Kind::Status => self.statuses.intern(text),
            Kind::Task => self.tasks.intern(text),
            Kind::Flavor => self.flavors.intern(text),
            Kind::Image => self.images.intern(text),
            Kind::Zone => self.zones.intern(text),
            Kind::Fault => self.faults.intern(text),
            Kind::Tag => self.tags.intern(text),
            Kind::Metadata => self.metadata.intern(text),
            Kind::Network => self.networks.intern(text),
        }
    }

    pub fn size_bytes(&self) -> usize {
        let dictionaries = [
            &self.statuses,
            &self.tasks,
            &self.flavors.texts,
            &self.flavors.names,
            &self.flavors.ram_sizes,
            &self.images.texts,
            &self.images.names,
            &self.zones,
            &self.faults,
            &self.tags,
            &self.metadata,
            &self.networks,
            &self.odd_addresses,
        ];
        dictionaries.into_iter().map(Dictionary::size_bytes).sum::<usize>()
            + self.flavors.infos.capacity() * size_of::<Flavor>()
            + self.images.infos.capacity() * size_of::<ImageInfo>()
    }
}

impl WordRanks {
    /// Takes in texts that are new. Ranks of others shift, but keep their order. `sorted` says which column orders
    /// the list: what only that needs is left alone otherwise.
    pub fn refresh(&mut self, words: &Words, sorted: Column) {
        self.statuses.refresh(&words.statuses);
        self.images.refresh(&words.images.names);
        self.flavors.refresh(&words.flavors.names);
        self.ram_sizes.refresh(&words.flavors.ram_sizes);
        self.zones.refresh(&words.zones);
        self.tags.refresh(&words.tags);
        match sorted {
            Column::Status => self.tasks.refresh(&words.tasks),
            Column::Addresses => self.odd_addresses.refresh(&words.odd_addresses),
            _ => {}
        }
    }
}

impl Wire {
    /// Takes in more texts. Those sent before under the same codes, and all behind them, are forgotten: the stream was
    /// resumed from before them, or starts over.
    pub fn extend(&mut self, first_code: u32, texts: Strings<'_>) -> Result<(), FrameError> {
        let known = self.resolved.len();
        let Some(first) = (first_code as usize).checked_sub(1).filter(|first| *first <= known) else {
            return Err(FrameError("texts are missing before these"));
        };
        self.texts.truncate(first);
        self.resolved.truncate(first);
        for text in texts {
            self.texts.push(text.as_bytes());
            self.resolved.push(0);
        }
        Ok(())
    }

    fn text(&self, at: usize) -> &str {
        std::str::from_utf8(self.texts.get(at)).unwrap_or_default()
    }

    /// Starts over with an empty dictionary.
    pub fn clear(&mut self) {
        self.texts.truncate(0);
        self.resolved.clear();
    }

    pub fn size_bytes(&self) -> usize {
        self.texts.size_bytes() + self.resolved.capacity() * size_of::<u32>()
    }
}

impl Flavors {
    fn intern(&mut self, text: &str) -> u32 {
        let code = self.texts.intern(text);
        if code as usize > self.infos.len() {
            let flavor = parse_flavor(text);
            self.parts
                .push((self.names.intern(&flavor.name), self.ram_sizes.intern(&flavor.ram_mib.to_string())));
            self.infos.push(flavor);
        }
        code
    }

    /// How many there are: the highest code.
    pub fn len(&self) -> usize {
        self.infos.len()
    }

    /// The flavor of a code; `None` for 0.
    #[inline]
    pub fn get(&self, code: u32) -> Option<&Flavor> {
        self.infos.get((code as usize).wrapping_sub(1))
    }

    /// The codes of its name and of its RAM.
    #[inline]
    pub fn parts(&self, code: u32) -> (u32, u32) {
        self.parts.get((code as usize).wrapping_sub(1)).copied().unwrap_or_default()
    }
}

impl Images {
    fn intern(&mut self, text: &str) -> u32 {
        let code = self.texts.intern(text);
        if code as usize > self.infos.len() {
            let info = match parse_image(text) {
                Image::Named { id, name } if !name.is_empty() => {
                    ImageInfo { kind: ImageKind::Named, id, name: self.names.intern(&name) }
                }
                Image::Named { id, .. } | Image::Unnamed { id } => {
                    ImageInfo { kind: ImageKind::Unnamed, name: self.names.intern(&id), id }
                }
                Image::Volume => ImageInfo { kind: ImageKind::Volume, id: String::new(), name: 0 },
            };
            self.infos.push(info);
        }
        code
    }

    /// How many there are: the highest code.
    pub fn len(&self) -> usize {
        self.infos.len()
    }

    /// The image of a code; `None` for 0, a volume.
    #[inline]
    pub fn get(&self, code: u32) -> Option<&ImageInfo> {
        self.infos.get((code as usize).wrapping_sub(1))
    }

    /// The code of its name; 0 for a volume.
    #[inline]
    pub fn name(&self, code: u32) -> u32 {
        self.get(code).map_or(0, |image| image.name)
    }
}
