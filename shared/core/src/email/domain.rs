//! Domains of addresses: their A-label, and whether it is what was typed.

use unicode_normalization::UnicodeNormalization;

/// A domain as an A-label in lower case; `None` when it cannot be one (UTS #46, 4.2, with `UseSTD3ASCIIRules`, `CheckHyphens` and
/// `VerifyDnsLength`).
pub(super) fn ascii(domain: &str) -> Option<String> {
    idna::domain_to_ascii_strict(domain).ok()
}

/// Whether parsers of host addresses take a label in lower case for a number (WHATWG URL, 3.5, "ends in a number").
pub(super) fn is_number(label: &str) -> bool {
    match label.strip_prefix("0x") {
        Some(digits) => digits.bytes().all(|byte| byte.is_ascii_hexdigit()),
        None => label.bytes().all(|byte| byte.is_ascii_digit()),
    }
}

/// Whether the mapping of UTS #46, which gives `ascii`, changes a domain by no more than letter case. A letter with its marks is the same
/// text as the composed letter; a character that NFC replaces by another one, such as the Kelvin sign, is not.
pub(super) fn is_unmapped(domain: &str, ascii: &str) -> bool {
    let lower = |text: &str| text.chars().flat_map(char::to_lowercase).nfc().collect::<String>();
    let (typed, mapped) = (lower(domain), lower(&idna::domain_to_unicode(ascii).0));
    let mut mapped = ascii.split('.').zip(mapped.split('.'));
    domain.chars().all(|c| std::iter::once(c).nfc().eq([c]))
        && typed.split('.').all(|typed| mapped.next().is_some_and(|(ascii, label)| typed == ascii || typed == label))
        && mapped.next().is_none()
}

#[cfg(test)]
mod tests {
    use crate::email::Email;

    #[test]
    fn an_address_is_taken_anew_as_its_domain_is_written_in_any_script_and_case() {
        for (good, mailbox) in [
            ("Ann@Example.COM", "Ann@example.com"),
            ("o'neil+a=b@example.com", "o'neil+a=b@example.com"),
            ("a@B\u{00DC}cher.Example", "a@xn--bcher-kva.example"),
            ("a@bu\u{0308}cher.example", "a@xn--bcher-kva.example"),
            ("a@XN--Bcher-KVA.example", "a@xn--bcher-kva.example"),
            ("a@xn--bcher-kva.b\u{00FC}cher.example", "a@xn--bcher-kva.xn--bcher-kva.example"),
            ("a@stra\u{00DF}e.example", "a@xn--strae-oqa.example"),
            ("a@\u{039F}\u{0394}\u{039F}\u{03A3}.example", "a@xn--pxavbq.example"),
            ("a@\u{0130}.example", "a@xn--i-9bb.example"),
            ("a@\u{4F8B}\u{3048}.\u{30C6}\u{30B9}\u{30C8}", "a@xn--r8jz45g.xn--zckzah"),
            ("a@\u{13CC}\u{13CF}.example", "a@xn--fbeg.example"),
            ("a@\u{AB9C}\u{AB9F}.example", "a@xn--fbeg.example"),
            ("a@123.4th.example", "a@123.4th.example"),
            ("a@\u{939}\u{93F}\u{928}\u{94D}\u{926}\u{940}.example", "a@xn--j2bd4cyah0f.example"),
            ("a@\u{E17}\u{E35}\u{E48}.example", "a@xn--o3c4dtc.example"),
            ("a@\u{646}\u{627}\u{645}\u{647}\u{200C}\u{627}\u{6CC}.example", "a@xn--mgba3gch31f060k.example"),
        ] {
            let email = Email::parse(good).map_err(|refusal| refusal.detail);
            assert_eq!(email.map(|email| email.mailbox().as_str().to_owned()), Ok(mailbox.to_owned()), "{good}");
        }
    }

    #[test]
    fn a_domain_that_stands_for_another_one_is_refused_anew_and_found() {
        for mapped in [
            "a@\u{FF45}xample.com",
            "a@\u{24D4}xample.com",
            "a@of\u{FB01}ce.example",
            "a@exam\u{00AD}ple.com",
            "a@exam\u{200B}ple.com",
            "a@example\u{3002}com",
            "a@example\u{FF0E}com",
            "a@example\u{FF61}com",
            "a@\u{212A}elvin.example",
            "a@\u{212B}ngstrom.example",
            "a@hou\u{017F}e.example",
            "a@x\u{00B2}.example",
            "a@\u{01C6}.example",
        ] {
            let code = Email::parse(mapped).map(|_| ()).map_err(|refusal| refusal.code);
            assert_eq!((code, Email::known(mapped).is_ok()), (Err("invalid-email"), true), "{mapped:?}");
        }
    }
}
