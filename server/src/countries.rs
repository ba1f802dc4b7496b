//! Which country an address belongs to, from a file in MaxMind's format (MMDB) that the operator provides.

use std::{fmt, fs, net::IpAddr};

use maxminddb::{Reader, path};

/// A database of addresses, held in memory. It is read once, at the start.
pub struct Countries(Reader<Vec<u8>>);

/// Longest file that is read: MaxMind's own of countries has 9 MB, that of cities 60.
const LARGEST_FILE: u64 = 512 << 20;

impl Countries {
    /// Reads the file.
    ///
    /// Errors: what is wrong with it, as the rest of a sentence.
    pub fn open(path: &str) -> Result<Self, String> {
        let length = fs::metadata(path).map_err(|error| format!("cannot be read: {error}"))?.len();
        if length > LARGEST_FILE {
            return Err(format!("is larger than {LARGEST_FILE} bytes"));
        }
        let bytes = fs::read(path).map_err(|error| format!("cannot be read: {error}"))?;
        Reader::from_source(bytes).map(Self).map_err(|error| format!("is no database of addresses: {error}"))
    }

    /// The country of an address as two letters (ISO 3166-1); `None` where the database does not know it.
    pub fn of(&self, address: IpAddr) -> Option<String> {
        let code: Option<String> =
            self.0.lookup(address).ok()?.decode_path(&path!["country", "iso_code"]).ok()?;
        code.filter(|code| code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_uppercase()))
    }
}

impl fmt::Debug for Countries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Countries").field(&self.0.metadata().database_type).finish()
    }
}

#[cfg(test)]
pub mod tests {
    use std::io::Write;

    use ipnet::Ipv4Net;
    use tempfile::NamedTempFile;

    use super::*;

    /// A database in which these networks are in these countries.
    pub fn database(networks: &[(&str, &str)]) -> NamedTempFile {
        let mut file = NamedTempFile::new().expect("a file");
        file.write_all(&encode(networks)).expect("written");
        file
    }

    #[test]
    fn an_address_is_in_the_country_of_its_network_or_in_none_that_is_known() {
        let file =
            database(&[("192.0.2.0/24", "DE"), ("198.51.100.128/25", "NZ"), ("203.0.113.0/24", "de<")]);
        let countries = Countries::open(file.path().to_str().expect("a path")).expect("a database");
        let of = |address: &str| countries.of(address.parse().expect("an address"));
        assert_eq!(of("192.0.2.255").as_deref(), Some("DE"));
        assert_eq!(of("198.51.100.200").as_deref(), Some("NZ"));
        assert_eq!(of("198.51.100.1"), None);
        assert_eq!(of("203.0.113.5"), None, "what is no country is none");
        assert_eq!(of("2001:db8::1"), None, "a database of IPv4 knows no IPv6");
    }

    #[test]
    fn a_file_that_is_no_database_is_refused_with_a_reason() {
        let mut file = NamedTempFile::new().expect("a file");
        file.write_all(b"\xab\xcd\xefMaxMind.com and nothing else").expect("written");
        let refusal = |path: &str| Countries::open(path).expect_err("refused");
        assert!(refusal(file.path().to_str().expect("a path")).contains("no database of addresses"));
        assert!(refusal("/nowhere/countries.mmdb").contains("cannot be read"));
    }

    /// MaxMind's format (MMDB 2.0) with records of 24 bits: a binary tree of the networks' bits, then the values.
    fn encode(networks: &[(&str, &str)]) -> Vec<u8> {
        enum End {
            Nothing,
            Node(usize),
            Value(usize),
        }
        let mut nodes: Vec<[End; 2]> = vec![[End::Nothing, End::Nothing]];
        let mut values = Vec::new();
        for (network, code) in networks {
            let network: Ipv4Net = network.parse().expect("a network");
            let bits = u32::from(network.network());
            let bit = |at: u8| usize::from(bits >> (31 - at) & 1 == 1);
            let mut node = 0;
            for at in 0..network.prefix_len() - 1 {
                node = match nodes[node][bit(at)] {
                    End::Node(next) => next,
                    _ => {
                        nodes.push([End::Nothing, End::Nothing]);
                        let next = nodes.len() - 1;
                        nodes[node][bit(at)] = End::Node(next);
                        next
                    }
                };
            }
            nodes[node][bit(network.prefix_len() - 1)] = End::Value(values.len());
            values.extend(map(&[("country", map(&[("iso_code", text(code))]))]));
        }
        let count = nodes.len();
        let record = |end: &End| match end {
            End::Nothing => count,
            End::Node(node) => *node,
            End::Value(at) => count + 16 + at,
        };
        let tree = nodes.iter().flatten().flat_map(|end| record(end).to_be_bytes()[5..].to_vec());
        let metadata = map(&[
            ("binary_format_major_version", number(2)),
            ("binary_format_minor_version", number(0)),
            ("build_epoch", vec![0x00, 0x02]),
            ("database_type", text("Test-Country")),
            ("description", map(&[])),
            ("ip_version", number(4)),
            ("languages", vec![0x00, 0x04]),
            ("node_count", [vec![0xc4], u32::try_from(count).expect("few").to_be_bytes().to_vec()].concat()),
            ("record_size", number(24)),
        ]);
        tree.chain([0; 16]).chain(values).chain(*b"\xab\xcd\xefMaxMind.com").chain(metadata).collect()
    }

    fn text(text: &str) -> Vec<u8> {
        [&[0x40 | u8::try_from(text.len()).expect("short")], text.as_bytes()].concat()
    }

    fn number(number: u8) -> Vec<u8> {
        vec![0xa1, number]
    }

    fn map(entries: &[(&str, Vec<u8>)]) -> Vec<u8> {
        let mut bytes = vec![0xe0 | u8::try_from(entries.len()).expect("few")];
        entries.iter().for_each(|(key, value)| bytes.extend([text(key), value.clone()].concat()));
        bytes
    }
}
