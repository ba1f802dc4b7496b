//! What an hour costs, as operators write it on their flavors.

/// An amount of money an hour.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Price {
    /// In millionths of the currency's unit.
    micros: u64,
    currency: String,
}

impl Price {
    /// The extra spec of a flavor that says it: `0.0125 EUR`, or `0.0125` alone.
    pub const EXTRA_SPEC: &'static str = "meridian:hourly_price";
    /// As clouds bill it: a year's hours by twelve.
    const HOURS_A_MONTH: u64 = 730;

    pub fn parse(text: &str) -> Option<Self> {
        let mut words = text.split_whitespace();
        let (first, second) = (words.next()?, words.next());
        let (amount, currency) = match (micros(first), second) {
            (Some(amount), currency) => (amount, currency.unwrap_or_default()),
            (None, Some(amount)) => (micros(amount)?, first),
            (None, None) => return None,
        };
        words.next().is_none().then(|| Self { micros: amount, currency: currency.to_owned() })
    }

    pub fn micros(&self) -> u64 {
        self.micros
    }

    /// The price of so many.
    pub fn times(&self, count: usize) -> Self {
        Self { micros: self.micros.saturating_mul(count as u64), currency: self.currency.clone() }
    }

    /// "0.0125 EUR"
    pub fn hourly(&self) -> String {
        self.told(self.micros, 4)
    }

    /// "9.13 EUR"
    pub fn monthly(&self) -> String {
        self.told(self.micros.saturating_mul(Self::HOURS_A_MONTH), 2)
    }

    /// Rounded to so many places, of which two always stand.
    fn told(&self, micros: u64, places: u32) -> String {
        let unit = 10_u64.pow(6 - places);
        let rounded = micros.saturating_add(unit / 2) / unit;
        let whole = 10_u64.pow(places);
        let mut text = format!("{}.{:0width$}", rounded / whole, rounded % whole, width = places as usize);
        while text.ends_with('0') && text.split('.').next_back().is_some_and(|rest| rest.len() > 2) {
            text.pop();
        }
        if self.currency.is_empty() { text } else { format!("{text} {}", self.currency) }
    }
}

/// `0.0125` in millionths; further places are dropped.
fn micros(text: &str) -> Option<u64> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || whole.len() > 9 || !is_number(whole) || !is_number(part) {
        return None;
    }
    let part: String = part.chars().chain("000000".chars()).take(6).collect();
    Some(whole.parse::<u64>().ok()? * 1_000_000 + part.parse::<u64>().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_is_read_with_its_currency_on_either_side() {
        let price = Price::parse("0.0125 EUR").expect("a price");
        assert_eq!(price.hourly(), "0.0125 EUR");
        assert_eq!(price.monthly(), "9.13 EUR");
        assert_eq!(price.times(4).hourly(), "0.05 EUR");
        assert_eq!(Price::parse("EUR 1").map(|price| price.hourly()).as_deref(), Some("1.00 EUR"));
        assert_eq!(Price::parse("2").map(|price| price.monthly()).as_deref(), Some("1460.00"));
    }

    #[test]
    fn what_is_no_price_is_none() {
        for text in ["", "free", "-1 EUR", "1 EUR a", "0,5 EUR", ".5", "99999999999"] {
            assert_eq!(Price::parse(text), None, "{text}");
        }
    }
}
