//! The start of an address, or a network.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{Dictionary, Hits, Test};
use crate::block::{AddressCells, Ip};

/// What an address must be. Addresses are compared as numbers where that comes to the same.
pub struct IpMatcher {
    /// Ranges of addresses, both ends included.
    v4: Vec<(u32, u32)>,
    v6: Vec<(u128, u128)>,
    /// The start of an address's text beyond its first group, and the groups it says whole as `(value, mask)`.
    v6_text: Option<(String, (u128, u128))>,
    odd: Hits,
}

impl IpMatcher {
    /// Reads folded text; text that is no part of an address matches only odd addresses that start so.
    pub fn new(text: &str) -> Self {
        let odd = Hits::new(Test::StartsWith(text.to_owned()));
        if let Some((address, length)) = text.split_once('/')
            && let Ok(address) = address.parse::<IpAddr>()
        {
            return Self::network(address, length, odd);
        }
        // A whole address may be spelled in another way than addresses are shown.
        let whole = text.parse::<Ipv6Addr>().ok().map(|address| (address.to_bits(), address.to_bits()));
        let v6 = whole.into_iter().chain(v6_ranges(text)).collect();
        let v6_text = whole_groups(text).map(|groups| (text.to_owned(), groups));
        Self { v4: v4_ranges(text).unwrap_or_default(), v6, v6_text, odd }
    }

    /// A network; while its length is not typed yet, the start of an address.
    fn network(address: IpAddr, length: &str, odd: Hits) -> Self {
        if length.is_empty() {
            return Self::new(&address.to_string());
        }
        let length: Option<u32> = length.parse().ok();
        let mut matcher = Self { v4: Vec::new(), v6: Vec::new(), v6_text: None, odd };
        match (address, length) {
            (IpAddr::V4(address), Some(length @ 0..=32)) => {
                let mask = u32::MAX.checked_shl(32 - length).unwrap_or(0);
                matcher.v4.push((address.to_bits() & mask, address.to_bits() | !mask));
            }
            (IpAddr::V6(address), Some(length @ 0..=128)) => {
                let mask = u128::MAX.checked_shl(128 - length).unwrap_or(0);
                matcher.v6.push((address.to_bits() & mask, address.to_bits() | !mask));
            }
            _ => {}
        }
        matcher
    }

    pub fn refresh(&mut self, odd_addresses: &Dictionary) {
        self.odd.refresh(odd_addresses);
    }

    /// False if no row can match.
    pub fn may_match(&self) -> bool {
        !self.v4.is_empty() || !self.v6.is_empty() || self.v6_text.is_some() || self.odd.has_any
    }

    /// True if one of the addresses of a row matches.
    #[inline]
    pub fn matches(&self, addresses: &[u32]) -> bool {
        AddressCells(addresses).any(|address| match address.ip {
            Ip::V4(ip) => self.v4.iter().any(|(from, to)| (*from..=*to).contains(&ip)),
            Ip::V6(ip) => self.matches_v6(ip),
            Ip::Text(code) => self.odd.codes.contains(code),
        })
    }

    #[inline]
    fn matches_v6(&self, ip: u128) -> bool {
        self.v6.iter().any(|(from, to)| (*from..=*to).contains(&ip))
            || self.v6_text.as_ref().is_some_and(|(text, (value, mask))| {
                ip & mask == *value && V6Text::new(ip).as_bytes().starts_with(text.as_bytes())
            })
    }
}

/// The ranges of addresses whose text starts so; `None` if no text of an address does.
fn v4_ranges(text: &str) -> Option<Vec<(u32, u32)>> {
    let (mut base, mut left) = (0, 32);
    let mut octets = text.split('.').peekable();
    while let Some(octet) = octets.next() {
        left = u32::checked_sub(left, 8)?;
        let ends_open = octets.peek().is_none();
        if ends_open && octet.is_empty() && left < 24 {
            // "10.0." leaves the octet open.
            return Some(vec![(base, base | u32::MAX >> (24 - left))]);
        }
        let is_canonical = matches!(octet.len(), 1..=3)
            && octet.bytes().all(|byte| byte.is_ascii_digit())
            && (octet == "0" || !octet.starts_with('0'));
        let value: u32 =
            if is_canonical { octet.parse().ok().filter(|value| *value < 256)? } else { return None };
        if !ends_open {
            base |= value << left;
            continue;
        }
        // The digits so far, with none, one and two more behind them.
        let rest = (1u32 << left) - 1;
        let mut ranges = Vec::with_capacity(3);
        for (tens, more) in [(1, 0), (10, 9), (100, 99)] {
            let (from, to) = (value * tens, (value * tens + more).min(255));
            if from < 256 && (value > 0 || tens == 1) {
                ranges.push((base | from << left, base | to << left | rest));
            }
        }
        return Some(ranges);
    }
    None
}

/// The ranges of addresses whose first group starts with these digits, unless that is zero.
fn v6_ranges(text: &str) -> impl Iterator<Item = (u128, u128)> {
    let is_digits = matches!(text.len(), 1..=4) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let value = if is_digits && !text.starts_with('0') { u128::from_str_radix(text, 16).ok() } else { None };
    let most = 4usize.saturating_sub(text.len()) as u32;
    value.into_iter().flat_map(move |value| {
        (0..=most).map(move |more| {
            let shift = 112 + 4 * more;
            (value << shift, value << shift | u128::MAX >> (128 - shift))
        })
    })
}

/// The groups before the first gap and the last colon; `None` if no address's text starts so, or with any group.
fn whole_groups(text: &str) -> Option<(u128, u128)> {
    if text == "0" || text == ":" {
        // A first group of zero, alone or in a gap.
        return Some((0, 0xffff << 112));
    }
    let is_address = text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b':' || byte == b'.');
    let head = match text.split_once("::") {
        Some(("", _)) => "0",
        Some((head, _)) => head,
        None => text.rsplit_once(':')?.0,
    };
    let (mut value, mut mask) = (0, 0);
    for (at, group) in head.split(':').enumerate() {
        if !is_address || at > 7 || group.len() > 4 {
            return None;
        }
        let shift = 112 - 16 * at;
        value |= u128::from(u16::from_str_radix(group, 16).ok()?) << shift;
        mask |= 0xffff << shift;
    }
    Some((value, mask))
}

/// The text of an IPv6 address, made without allocating: as the standard library writes it.
struct V6Text {
    text: [u8; 45],
    len: usize,
}

impl V6Text {
    fn new(ip: u128) -> Self {
        let mut text = Self { text: [0; 45], len: 0 };
        if ip >> 32 == 0xffff {
            b"::ffff:".iter().for_each(|byte| text.push(*byte));
            let ip = Ipv4Addr::from(ip as u32).octets();
            for (at, octet) in ip.into_iter().enumerate() {
                if at > 0 {
                    text.push(b'.');
                }
                for divisor in [100, 10, 1] {
                    if octet >= divisor || divisor == 1 {
                        text.push(b'0' + octet / divisor % 10);
                    }
                }
            }
            return text;
        }
        let groups: [u16; 8] = Ipv6Addr::from(ip).segments();
        // The longest run of zeros, the first of several, if it is longer than one group.
        let (mut run, mut at) = (0..0, 0);
        while at < 8 {
            let zeros = groups[at..].iter().take_while(|group| **group == 0).count();
            if zeros > run.len().max(1) {
                run = at..at + zeros;
            }
            at += zeros.max(1);
        }
        let mut at = 0;
        while at < 8 {
            if !run.is_empty() && at == run.start {
                text.push(b':');
                text.push(b':');
                at = run.end;
                continue;
            }
            if at > 0 && at != run.end {
                text.push(b':');
            }
            for shift in [12, 8, 4, 0] {
                let digit = groups[at] >> shift;
                if digit > 0 || shift == 0 {
                    text.push(b"0123456789abcdef"[usize::from(digit & 15)]);
                }
            }
            at += 1;
        }
        text
    }

    #[inline]
    fn push(&mut self, byte: u8) {
        self.text[self.len] = byte;
        self.len += 1;
    }

    fn as_bytes(&self) -> &[u8] {
        &self.text[..self.len]
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::block::{Address, push_address};

    fn matches(typed: &str, ip: IpAddr) -> bool {
        let ip = match ip {
            IpAddr::V4(ip) => Ip::V4(ip.to_bits()),
            IpAddr::V6(ip) => Ip::V6(ip.to_bits()),
        };
        let mut words = Vec::new();
        push_address(&mut words, Address { is_floating: false, network: 0, ip });
        IpMatcher::new(typed).matches(&words)
    }

    fn v6() -> impl Strategy<Value = Ipv6Addr> {
        let group = prop_oneof![3 => Just(0u16), 1 => Just(0xffffu16), 1 => 0u16..18, 1 => any::<u16>()];
        prop::array::uniform8(group).prop_map(Ipv6Addr::from)
    }

    #[test]
    fn networks_hold_their_addresses_in_either_family() {
        let ip = |text: &str| text.parse::<IpAddr>().expect("an address");
        for (network, inside, outside) in [
            ("10.0.0.0/8", "10.255.0.1", "11.0.0.0"),
            ("10.1.2.3/8", "10.0.0.0", "9.255.255.255"),
            ("0.0.0.0/0", "255.255.255.255", "::1"),
            ("10.0.0.7/32", "10.0.0.7", "10.0.0.70"),
            ("fd00::/8", "fd12::7", "fc00::"),
            ("::/0", "::", "0.0.0.0"),
            ("fd00::7/128", "fd00::7", "fd00::70"),
            ("FD00:0::7", "fd00::7", "fd00::70"),
            ("10.0.0.7/", "10.0.0.70", "10.0.0.8"),
        ] {
            assert!(matches(network, ip(inside)), "{network} {inside}");
            assert!(!matches(network, ip(outside)), "{network} {outside}");
        }
        assert!(!matches("10.0.0.0/33", ip("10.0.0.0")));
        assert!(!matches("", ip("10.0.0.0")));
    }

    proptest! {
        #[test]
        fn an_address_matches_what_its_text_starts_with(
            bits: u32,
            length in 1usize..16,
            other in r"(0|1|10|25|255|256|01){1}(\.(0|1|10|25|255)){0,4}\.?",
        ) {
            let ip = Ipv4Addr::from(bits);
            let text = ip.to_string();
            prop_assert!(matches(&text[..length.min(text.len())], ip.into()));
            prop_assert_eq!(matches(&other, ip.into()), text.starts_with(&other));
            // The same text in addresses that are near it.
            let near: Ipv4Addr = "10.1.25.255".parse().expect("an address");
            prop_assert_eq!(matches(&other, near.into()), near.to_string().starts_with(&other));
        }

        #[test]
        fn a_long_address_matches_what_its_text_starts_with(ip in v6(), near in v6(), length in 1usize..40) {
            let text = ip.to_string();
            let ours = V6Text::new(ip.to_bits());
            prop_assert_eq!(ours.as_bytes(), text.as_bytes());
            let typed = &text[..length.min(text.len())];
            prop_assert!(matches(typed, ip.into()), "{} {}", typed, ip);
            for typed in [typed, &text[..1]] {
                let is_same = typed.parse() == Ok(near);
                prop_assert_eq!(matches(typed, near.into()), is_same || near.to_string().starts_with(typed));
            }
        }
    }
}
