//! Reads a JWK Set and then tokens, one a line, and says of each whether it is accepted: `verifiers jsonwebtoken|http|rest ISSUER AUDIENCE`.

#[path = "../../../../../infra/local/src/authorizer.rs"]
mod authorizer;
mod example;

use std::error::Error;
use std::io::stdin;
use std::time::{SystemTime, UNIX_EPOCH};

use authorizer::{Api, Settings, authorize};
use serde_json::Value;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [by, issuer, audience] = arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] else {
        return Err("three arguments, please".into());
    };
    let mut lines = stdin().lines();
    let keys: Value = serde_json::from_str(&lines.next().ok_or("no keys")??)?;
    let set = serde_json::from_value(keys.clone())?;
    for token in lines {
        let token = token?;
        let answer = match by {
            "jsonwebtoken" => example::claims(&token, &set, issuer, audience)
                .map(|claims| claims.sub)
                .map_err(|error| format!("{error:?}")),
            api => {
                let api = if api == "http" { Api::Http } else { Api::Rest };
                let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs().try_into()?;
                let settings = Settings { api, issuer, audience: &[audience] };
                authorize(&token, &keys, &settings, now, &["account"])
                    .map(|claims| claims["sub"].to_string())
                    .map_err(|refusal| format!("{refusal:?}"))
            }
        };
        match answer {
            Ok(sub) => println!("accepted {sub}"),
            Err(why) => println!("refused {why}"),
        }
    }
    Ok(())
}
