//! What the table can show, column by column.

/// A column of the servers table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Column {
    Status,
    Name,
    Tags,
    Addresses,
    Region,
    Flavor,
    Image,
    Created,
    Vcpus,
    Ram,
    Disk,
    Zone,
    Updated,
    Id,
}

impl Column {
    /// Every column, in the order the menu offers them.
    pub const ALL: [Self; 14] = [
        Self::Status,
        Self::Name,
        Self::Tags,
        Self::Addresses,
        Self::Region,
        Self::Flavor,
        Self::Image,
        Self::Created,
        Self::Vcpus,
        Self::Ram,
        Self::Disk,
        Self::Zone,
        Self::Updated,
        Self::Id,
    ];

    /// What a first visit shows.
    pub const DEFAULT: [Self; 8] = [
        Self::Status,
        Self::Name,
        Self::Tags,
        Self::Addresses,
        Self::Region,
        Self::Flavor,
        Self::Image,
        Self::Created,
    ];

    /// Its name in URLs, exports and `data-column`.
    pub fn key(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Name => "name",
            Self::Tags => "tags",
            Self::Addresses => "addresses",
            Self::Region => "region",
            Self::Flavor => "flavor",
            Self::Image => "image",
            Self::Created => "created",
            Self::Vcpus => "vcpus",
            Self::Ram => "ram",
            Self::Disk => "disk",
            Self::Zone => "zone",
            Self::Updated => "updated",
            Self::Id => "id",
        }
    }

    /// The column a [`key`](Self::key) names.
    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|column| column.key() == key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_column_is_found_by_its_own_key() {
        for column in Column::ALL {
            assert_eq!(Column::from_key(column.key()), Some(column));
        }
        assert_eq!(Column::from_key("Status"), None);
    }
}
