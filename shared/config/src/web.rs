//! Settings that name hosts: origins, URLs, and patterns of hosts (RFC 3986, 3; RFC 6454, 6.2; RFC 1123, 2.1).

use std::fmt::Write as _;
use std::net::{Ipv4Addr, Ipv6Addr};

/// An absolute http or https URL, in its parts.
struct Parts<'a> {
    is_https: bool,
    host: &'a str,
    port: Option<u16>,
    /// What follows the authority.
    rest: &'a str,
}

impl<'a> Parts<'a> {
    fn of(url: &'a str) -> Option<Self> {
        let (scheme, rest) = url.split_once("://")?;
        let is_https = scheme.eq_ignore_ascii_case("https");
        let (authority, rest) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        let after_brackets = if authority.starts_with('[') { authority.find(']')? } else { 0 };
        let end = authority[after_brackets..].find(':').map_or(authority.len(), |colon| after_brackets + colon);
        let (host, port) = authority.split_at(end);
        let port = if port.is_empty() { None } else { Some(port_of(&port[1..])?) };
        let known = (is_https || scheme.eq_ignore_ascii_case("http")) && is_host(host);
        known.then_some(Self { is_https, host, port, rest })
    }

    /// The origin as browsers serialise it.
    fn origin(&self) -> String {
        let (scheme, default) = if self.is_https { ("https", 443) } else { ("http", 80) };
        let host = in_brackets(self.host).map_or_else(|| self.host.to_ascii_lowercase(), |ip| format!("[{ip}]"));
        let mut origin = format!("{scheme}://{host}");
        if let Some(port) = self.port.filter(|port| *port != default) {
            // Writing to a string does not fail.
            let _ = write!(origin, ":{port}");
        }
        origin
    }

    fn is_loopback(&self) -> bool {
        let host = self.host.to_ascii_lowercase();
        let by_name = host == "localhost" || host.ends_with(".localhost");
        by_name
            || host.parse().is_ok_and(|ip: Ipv4Addr| ip.is_loopback())
            || in_brackets(&host).is_some_and(|ip| ip.is_loopback())
    }
}

fn port_of(text: &str) -> Option<u16> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|port| digits && *port > 0)
}

fn in_brackets(host: &str) -> Option<Ipv6Addr> {
    host.strip_prefix('[')?.strip_suffix(']')?.parse().ok()
}

fn is_host(text: &str) -> bool {
    is_name(text) || text.parse::<Ipv4Addr>().is_ok() || in_brackets(text).is_some()
}

/// A host name. Its last label is not a number, because that would be an address.
fn is_name(text: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let last = text.rsplit('.').next().unwrap_or_default();
    text.len() <= 253 && text.split('.').all(label) && !last.bytes().all(|byte| byte.is_ascii_digit())
}

/// The entries of a list, each of which must be `right`; `wrong` is what an error says of the others.
fn all(value: &str, right: fn(&str) -> bool, wrong: &str) -> Result<Vec<String>, String> {
    let entries = super::read::list(value)?;
    let bad: Vec<_> = (1..).zip(&entries).filter(|(_, entry)| !right(entry)).map(|(at, _)| at.to_string()).collect();
    if bad.is_empty() { Ok(entries) } else { Err(format!("entry {} {wrong}", bad.join(", "))) }
}

/// Origins as browsers send them.
pub(super) fn origins(value: &str) -> Result<Vec<String>, String> {
    let right = |entry: &str| Parts::of(entry).is_some_and(|url| url.origin() == entry);
    let wrong = "is no origin such as https://shop.example or http://localhost:3000: scheme, host and port alone, \
                 in lower case, without a path, a slash at the end or the scheme's own port";
    all(value, right, wrong)
}

/// Hosts that requests may name, in lower case.
pub(super) fn hosts(value: &str) -> Result<Vec<String>, String> {
    let right = |entry: &str| match entry.strip_prefix("*.") {
        Some(suffix) => is_name(suffix),
        None => entry == "*" || is_name(entry) || entry.parse::<Ipv4Addr>().is_ok(),
    };
    let wrong = "is no host such as api.example.com, *.example.com or *: without a scheme, a port or a path";
    all(&value.to_ascii_lowercase(), right, wrong)
}

/// A URL that paths can be appended to, without a trailing slash.
pub(super) fn url(value: &str) -> Result<String, String> {
    let plain = value.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&byte));
    let right = |url: &Parts<'_>| plain && !url.rest.contains(['?', '#']);
    Parts::of(value).filter(right).map(|_| value.trim_end_matches('/').to_owned()).ok_or_else(|| {
        "is no URL such as https://shop.example/app: http or https and a host, without a user, a query, a fragment \
         or spaces"
            .to_owned()
    })
}

/// Whether others on the network can read what is sent to a URL; not if it is on this machine.
pub(super) fn is_open(url: &str) -> bool {
    Parts::of(url).is_some_and(|url| !url.is_https && !url.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(read: fn(&str) -> Result<Vec<String>, String>, values: &[&str], words: &str) {
        for value in values {
            let why = read(value).expect_err(value);
            assert!(why.contains(words), "{value}: {why}");
        }
    }

    #[test]
    fn an_origin_is_what_a_browser_sends() {
        let good =
            "https://shop.example, http://localhost:3000,https://a.b-c.example:8443,http://[::1]:3000,http://10.0.0.1";
        let entries = origins(good).unwrap();
        assert_eq!((entries.len(), entries[1].as_str()), (5, "http://localhost:3000"));
        let bad = [
            "*",
            "null",
            "shop.example",
            "//shop.example",
            "https://",
            "https://*.shop.example",
            "https://shop.example/",
            "https://shop.example/app",
            "https://shop.example?",
            "https://shop.example#x",
            "https://SHOP.example",
            "HTTPS://shop.example",
            "https://shop.example:443",
            "http://shop.example:80",
            "https://shop.example:",
            "https://shop.example:0",
            "https://shop.example:08443",
            "https://shop.example:+443",
            "https://shop.example:65536",
            "https://ann@shop.example",
            "https://shop_example",
            "https://-shop.example",
            "https://shop..example",
            "https://shop.example.",
            "https://b\u{fc}cher.example",
            "https://1.2.3",
            "https://256.0.0.1",
            "http://[::1",
            "http://[0:0:0:0:0:0:0:1]",
            "http://::1",
            "https://shop .example",
            "ftp://shop.example",
            "file://",
        ];
        refused(origins, &bad, "is no origin such as https://shop.example");
        assert_eq!(origins(" , "), Err("is empty".to_owned()));
    }

    #[test]
    fn wrong_entries_are_told_by_their_place_and_not_by_their_value() {
        let why = origins("https://shop.example,*,http://localhost:3000,https://shop.example/").unwrap_err();
        assert!(why.starts_with("entry 2, 4 is no origin"), "{why}");
        assert!(hosts("evil.example:80,*").unwrap_err().starts_with("entry 1 is no host"));
    }

    #[test]
    fn a_host_is_a_name_an_address_a_suffix_or_all() {
        assert_eq!(
            hosts("API.Example.com, *.Example.com,localhost,127.0.0.1,*").unwrap()[..2],
            ["api.example.com", "*.example.com"]
        );
        let long = format!("{}.example", "a".repeat(64));
        let bad = [
            "*evil",
            "*.",
            "*.*.example",
            "api.*.example",
            "**",
            "https://api.example",
            "api.example:8000",
            "api.example/",
            "api.example.",
            ".example",
            "api_1.example",
            "b\u{fc}cher.example",
            "a b",
            "[::1]",
            "1.2.3",
            "*.1",
            &long,
        ];
        refused(hosts, &bad, "is no host such as api.example.com");
    }

    #[test]
    fn a_url_leads_to_a_host_and_perhaps_a_path() {
        for (value, expected) in [
            ("https://shop.example/", "https://shop.example"),
            ("http://localhost:3000", "http://localhost:3000"),
            ("https://Shop.example/app/%C3%A4//", "https://Shop.example/app/%C3%A4"),
            ("http://[::1]:3000/a:b@c", "http://[::1]:3000/a:b@c"),
        ] {
            assert_eq!(url(value), Ok(expected.to_owned()));
        }
        for bad in [
            "shop.example",
            "/app",
            "https:///app",
            "ftp://shop.example",
            "javascript://shop.example",
            "https://shop.example?x=1",
            "https://shop.example/#/app",
            "https://ann:secret@shop.example",
            "https://shop.example/a b",
            "https://shop.example/a\nb",
            "https://shop.example/\"><b>",
            "https://shop.example/b\u{fc}cher",
            "https://shop.example\\evil.example",
            "https://shop.example:port",
            "https://b\u{fc}cher.example",
            "",
        ] {
            assert!(url(bad).is_err_and(|why| why.starts_with("is no URL such as")), "{bad:?}");
        }
    }

    #[test]
    fn what_leaves_this_machine_in_clear_is_open() {
        for (url, open) in [
            ("http://shop.example", true),
            ("http://10.0.0.1", true),
            ("http://[fe80::1]", true),
            ("http://localhost.example", true),
            ("https://shop.example", false),
            ("http://localhost:3000", false),
            ("http://App.LocalHost", false),
            ("http://127.1.2.3", false),
            ("http://[::1]:3000", false),
        ] {
            assert_eq!(is_open(url), open, "{url}");
        }
    }
}
