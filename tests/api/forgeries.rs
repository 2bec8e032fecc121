//! Forged access tokens. Most of them are signed with the real key, so that only the tested check refuses them. All get the same answer.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use user_core::signing::mac;

use crate::formats::last::NEW_IN_ACCESS;
use crate::support::{Member, TestApp};

/// What an attacker may have: a valid token, and the key that signed it.
pub(crate) struct Forge {
    key: Vec<u8>,
    header: Value,
    claims: Value,
    token: String,
}

impl Forge {
    pub(crate) async fn new(app: &TestApp, member: &Member) -> Self {
        let keys = app.store().read_keys().await.unwrap();
        let part = |at: usize| {
            let part = member.access.split('.').nth(at).unwrap();
            serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
        };
        Self {
            key: keys.iter().next().unwrap().derive("access").unwrap(),
            header: part(0),
            claims: part(1),
            token: member.access.clone(),
        }
    }

    fn sign(&self, header: &str, claims: &str) -> String {
        let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(mac(&self.key, message.as_bytes())))
    }

    fn with_header(&self, name: &str, value: Value) -> String {
        self.sign(&changed(&self.header, name, value).to_string(), &self.claims.to_string())
    }

    pub(crate) fn with_claim(&self, name: &str, value: Value) -> String {
        self.sign(&self.header.to_string(), &changed(&self.claims, name, value).to_string())
    }

    pub(crate) fn without(&self, names: &[&str]) -> String {
        let claims = names.iter().fold(self.claims.clone(), |claims, name| changed(&claims, name, Value::Null));
        self.sign(&self.header.to_string(), &claims.to_string())
    }

    fn parts(&self) -> [&str; 3] {
        let parts: Vec<_> = self.token.split('.').collect();
        parts.try_into().unwrap()
    }
}

/// `object` with one member changed; `Null` removes it.
fn changed(object: &Value, name: &str, value: Value) -> Value {
    let mut object = object.as_object().unwrap().clone();
    object.remove(name);
    if !value.is_null() {
        object.insert(name.to_owned(), value);
    }
    Value::Object(object)
}

fn headers(forge: &Forge) -> Vec<String> {
    let mut forged = Vec::new();
    for alg in
        ["none", "None", "NONE", "nOnE", "HS384", "HS512", "RS256", "PS256", "ES256", "ES384", "EdDSA", "hs256", ""]
    {
        forged.push(forge.with_header("alg", json!(alg)));
    }
    for kid in [
        json!(null),
        json!(""),
        json!("unknown"),
        json!("../../dev/null"),
        json!("' OR 1=1 --"),
        json!(1),
        json!(["initial"]),
    ] {
        forged.push(forge.with_header("kid", kid));
    }
    for typ in [
        json!(null),
        json!("JWT"),
        json!("AT+JWT"),
        json!("refresh+jwt"),
        json!("verify+jwt"),
        json!("application/at+jwt"),
    ] {
        forged.push(forge.with_header("typ", typ));
    }
    let jwk = json!({ "kty": "oct", "k": "AAAA", "alg": "HS256" });
    let extra = [
        ("crit", json!(["exp"])),
        ("crit", json!([])),
        ("jku", json!("https://evil.example/jwks.json")),
        ("x5u", json!("https://evil.example/cert.pem")),
        ("x5c", json!(["AAAA"])),
        ("x5t", json!("AAAA")),
        ("jwk", jwk),
        ("cty", json!("JWT")),
        ("zip", json!("DEF")),
        ("enc", json!("A256GCM")),
        ("b64", json!(false)),
        ("note", json!("x")),
    ];
    forged.extend(extra.map(|(name, value)| forge.with_header(name, value)));
    forged
}

fn claims(forge: &Forge) -> Vec<String> {
    let now = forge.claims["iat"].as_i64().unwrap();
    // Without those that the last release did not write, a token is one of the last release.
    let needed = forge.claims.as_object().unwrap().keys().filter(|name| !NEW_IN_ACCESS.contains(&name.as_str()));
    let mut forged: Vec<_> = needed.map(|name| forge.with_claim(name, json!(null))).collect();
    let values = [
        ("iss", json!("evil")),
        ("aud", json!("evil")),
        ("aud", forge.claims["iss"].clone()),
        ("aud", json!([forge.claims["aud"], "https://orders.example"])),
        ("aud", json!(["coffee-shop-api#refresh"])),
        ("type", json!("refresh")),
        ("type", json!("Access")),
        ("sub", json!("nobody")),
        ("sub", json!("")),
        ("sub", json!(1)),
        ("sid", json!("nothing")),
        ("exp", json!(now)),
        ("exp", json!(now - 1)),
        ("exp", json!(-1)),
        ("exp", json!(1.5e9)),
        ("exp", json!(f64::from(u32::MAX) + 0.5)),
        ("exp", json!(u64::MAX)),
        ("exp", json!(i64::MAX)),
        ("exp", json!("4000000000")),
        ("iat", json!(now + 3_600)),
        ("nbf", json!(now + 3_600)),
        ("nbf", json!("soon")),
        ("nbf", json!([now])),
        ("nbf", json!(1.5e20)),
        ("client_id", json!(["first-party"])),
        ("scope", json!(["account"])),
        ("auth_time", json!("now")),
        ("amr", json!("pwd")),
    ];
    forged.extend(values.map(|(name, value)| forge.with_claim(name, value)));
    let (header, claims) = (forge.header.to_string(), forge.claims.to_string());
    let twice = claims.replacen('{', "{\"role\":\"admin\",", 1);
    forged.extend(
        [twice.as_str(), "", "{}", "[]", "null", "\"text\"", &format!("{claims} x")]
            .map(|claims| forge.sign(&header, claims)),
    );
    forged
}

fn encodings(forge: &Forge) -> Vec<String> {
    let token = &forge.token;
    let [header, claims, signature] = forge.parts();
    let bytes = URL_SAFE_NO_PAD.decode(signature).unwrap();
    // The last of 43 characters has two unused bits: another value of these bits is another spelling of the same signature.
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let last = alphabet.find(signature.chars().last().unwrap()).unwrap();
    let respelt = format!("{}{}", &signature[..42], &alphabet[(last ^ 1)..=(last ^ 1)]);
    let mut flipped = bytes.clone();
    flipped[0] ^= 1;
    let with = |signature: &str| format!("{header}.{claims}.{signature}");
    vec![
        String::new(),
        ".".to_owned(),
        "..".to_owned(),
        "a.b.c".to_owned(),
        "x".repeat(100_000),
        with(""),
        format!("{header}.{claims}"),
        format!("{header}..{signature}"),
        format!(".{claims}.{signature}"),
        format!("{header}.{signature}.{claims}"),
        with(&format!("{signature}.{signature}")),
        with(&respelt),
        with(&URL_SAFE.encode(&bytes)),
        with(&format!("{}+/", &STANDARD.encode(&bytes)[..41])),
        with(&URL_SAFE_NO_PAD.encode(&flipped)),
        with(&URL_SAFE_NO_PAD.encode(&bytes[..31])),
        with(&signature.to_lowercase()),
        with(&signature[..20]),
        format!("{token}%00"),
        format!("{{\"protected\":\"{header}\",\"payload\":\"{claims}\",\"signature\":\"{signature}\"}}"),
    ]
}

#[tokio::test]
async fn no_forged_token_opens_the_api_and_all_get_one_answer() {
    let app = TestApp::open();
    let ann = app.member("ann@example.com").await;
    let forge = Forge::new(&app, &ann).await;
    let honest = forge.sign(&forge.header.to_string(), &forge.claims.to_string());
    assert_eq!(app.me(&honest).await, 200, "the forge has the real key");
    let other = TestApp::open().member("ann@example.com").await;
    let mut forged = [headers(&forge), claims(&forge), encodings(&forge)].concat();
    forged.extend([ann.refresh.clone(), other.access]);
    assert_eq!(forged.len(), 104, "none is lost on the way");
    let mut bodies = Vec::new();
    for token in &forged {
        let mut answer = app.get("/users/me").bearer(token).send().await;
        assert_eq!(answer.problem(), (401, "unauthenticated"), "{}", &token[..token.len().min(400)]);
        answer.json["request_id"] = json!(null);
        bodies.push(answer.json);
    }
    assert!(bodies.windows(2).all(|pair| pair[0] == pair[1]), "one body for all");
}
