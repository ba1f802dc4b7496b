//! The columnar store that takes the frames of the stream.

use api_types::{
    Region, ServerId,
    servers::{
        RegionState,
        frame::{Frame, FrameError},
    },
};

use super::{RowIndex, RowView};

/// The servers of all regions.
#[derive(Default)]
pub struct Rows {
    regions: Vec<RegionInfo>,
    position: Option<String>,
}

/// A region of the stream.
#[derive(Clone, Debug)]
pub struct RegionInfo {
    pub name: Region,
    /// What the stream said of it last.
    pub state: Option<RegionState>,
    /// Its rows here.
    pub rows: usize,
}

/// What a frame did.
#[derive(Clone, Debug, PartialEq)]
pub enum Applied {
    /// The regions are known; a second one on the same stream keeps the rows of the regions that are still there.
    Hello,
    /// So many rows are new or different; those sent again unchanged do not count.
    Rows { changed: usize },
    /// So many rows are gone.
    Gone { gone: usize },
    /// The state of the region at this place changed; rows not sent again since its reset are gone.
    Region { region: usize, gone: usize },
    /// A region starts over; its rows stay until it is complete again.
    Reset { region: usize },
    /// There is a new position to resume from.
    Position,
    /// Everything known at the start of the stream was sent.
    CaughtUp,
    /// Nothing to do: a dictionary, a sign of life.
    Nothing,
    /// The stream ends because the session did, or may no longer see the project.
    Ended { code: String, message: String },
}

impl Rows {
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes one frame of the stream.
    ///
    /// Errors: a frame that contradicts itself or names a code or region it never introduced; the stream is lost
    /// then and a new one starts over.
    pub fn apply(&mut self, frame: Frame<'_>) -> Result<Applied, FrameError> {
        let _ = frame;
        Ok(Applied::Nothing)
    }

    /// How many servers there are, without those gone.
    pub fn len(&self) -> usize {
        0
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn row(&self, index: RowIndex) -> RowView<'_> {
        RowView::new(self, index)
    }

    /// The row of a server, gone ones included while they are shown.
    pub fn find(&self, id: &ServerId) -> Option<RowIndex> {
        let _ = id;
        None
    }

    /// The regions in the stream's order.
    pub fn regions(&self) -> &[RegionInfo] {
        &self.regions
    }

    /// Where the stream can be resumed.
    pub fn position(&self) -> Option<&str> {
        self.position.as_deref()
    }

    /// Rises when the row's content changed.
    pub fn version(&self, index: RowIndex) -> u32 {
        let _ = index;
        0
    }

    /// Bytes held, for benchmarks.
    pub fn size_bytes(&self) -> usize {
        0
    }
}
