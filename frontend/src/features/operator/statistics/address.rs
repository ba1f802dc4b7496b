//! What is looked at, as the page's address says it.

use api_types::operator::statistics::{PERCENTILES, RANGES, USUAL_PERCENTILE, USUAL_RANGE};

use crate::router::value_of;

const PATH: &str = "/operator/statistics";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Seconds back from now.
    pub last: u32,
    /// Of latencies.
    pub percentile: u8,
}

impl Asked {
    /// Reads what stands after the address's `?`; what is not offered is the usual.
    pub fn read(search: &str) -> Self {
        let number = |name| value_of(search, name).and_then(|value| value.parse::<u32>().ok());
        let last = number("last").filter(|last| RANGES.iter().any(|(range, _)| range == last));
        let percentile = number("percentile").and_then(|number| u8::try_from(number).ok());
        Self {
            last: last.unwrap_or(USUAL_RANGE),
            percentile: percentile
                .filter(|percentile| PERCENTILES.contains(percentile))
                .unwrap_or(USUAL_PERCENTILE),
        }
    }

    /// The page's address; what is usual is not said.
    pub fn href(self) -> String {
        let last = (self.last != USUAL_RANGE).then(|| format!("last={}", self.last));
        let percentile =
            (self.percentile != USUAL_PERCENTILE).then(|| format!("percentile={}", self.percentile));
        let search: Vec<String> = last.into_iter().chain(percentile).collect();
        if search.is_empty() { PATH.to_owned() } else { format!("{PATH}?{}", search.join("&")) }
    }

    /// Seconds of one step of the graphs.
    pub fn step(self) -> u32 {
        RANGES.iter().find(|(range, _)| *range == self.last).map_or(60, |(_, step)| *step)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_says_what_is_looked_at_and_nothing_usual() {
        let usual = Asked { last: 3_600, percentile: 95 };
        assert_eq!((Asked::read(""), usual.href().as_str()), (usual, "/operator/statistics"));
        let other = Asked { last: 604_800, percentile: 99 };
        assert_eq!(other.href(), "/operator/statistics?last=604800&percentile=99");
        assert_eq!(Asked::read("last=604800&percentile=99"), other);
        assert_eq!(Asked::read("last=7&percentile=351&x"), usual);
        assert_eq!(other.step(), 7_200);
    }
}
