//! What a page says that came instead of JSON: of Glance, which words its refusals so, or of some gateway.

use std::time::Duration;

use super::endpoint::Endpoint;

/// Longest page that is read.
pub const LONGEST: usize = 64 << 10;
/// What comes later is not waited for: the status says enough.
pub const LATEST: Duration = Duration::from_secs(5);

/// The words of a page, as one line of plain text: without its head, its marks and the line in which a gateway names
/// itself, and without the places of the service.
pub fn words(page: &[u8], endpoint: &Endpoint) -> String {
    let page = String::from_utf8_lossy(page);
    let body = ["<body", "<html"].iter().find_map(|mark| page.split_once(mark).map(|(_, body)| body));
    let mut words = String::new();
    let mut rest = body.map_or(&*page, |body| body.split_once('>').map_or("", |(_, body)| body));
    if body.is_some() {
        while let Some((text, mark)) = rest.split_once('<') {
            words.push_str(text);
            words.push(' ');
            // Apache's signature, with its host and port.
            let end = if mark.starts_with("address") { "</address>" } else { ">" };
            rest = mark.split_once(end).map_or("", |(_, rest)| rest);
        }
    }
    words.push_str(rest);
    let mut words = words.split_whitespace().collect::<Vec<_>>().join(" ");
    for host in endpoint.hosts() {
        words = words.replace(host, "…");
    }
    words.chars().take(LONGEST_WORDS).collect()
}

/// More helps nobody.
const LONGEST_WORDS: usize = 600;

#[cfg(test)]
mod tests {
    use super::*;

    fn said(page: &str) -> String {
        let endpoint = Endpoint::of_addresses("/api/cloud/One/image", &["http://glance.internal:9292/v2"]);
        words(page.as_bytes(), &endpoint)
    }

    #[test]
    fn a_page_is_told_in_its_words_and_without_the_name_of_its_host() {
        let glance = "<html>\n <head>\n  <title>404 Not Found</title>\n </head>\n <body>\n  <h1>404 Not Found</h1>\n  \
            No image found with ID 1<br /><br />\n\n\n </body>\n</html>";
        assert_eq!(said(glance), "404 Not Found No image found with ID 1");
        let apache = "<!DOCTYPE HTML><html><head><title>503</title></head><body><h1>Service Unavailable</h1>\
            <p>No backend.</p><hr><address>Apache/2.4 (Debian) Server at other.internal Port 80</address></body></html>";
        assert_eq!(said(apache), "Service Unavailable No backend.");
        assert_eq!(said("upstream http://glance.internal:9292 is gone"), "upstream http://…:9292 is gone");
        assert_eq!(said("<html><script>alert(1)</script></html>"), "alert(1)");
        assert_eq!(said("<html"), "");
        assert_eq!(said(&"x".repeat(5_000)).len(), 600);
    }
}
