//! The parts that apply to every call: the error model, rate limits, headers, and authentication.

use serde_json::{Map, Value, json};
use user_web::problem::document::Known;

const DESCRIPTION: &str = "\
Sign-up, verification, sign-in with access and refresh tokens, roles and the administration of users.

Requests and responses are JSON in `snake_case`; times are RFC 3339 in UTC; ids are opaque.

## Errors

Every error is a problem document (RFC 9457, `application/problem+json`) with a stable `type` such as `/problems/email-taken`. The answer
to an invalid body or query names all wrong fields at once in `errors`. A field that a call does not have is refused (`unknown-field`) and
never ignored; so is a repeated one (`malformed` in a body, `repeated` in a query). A path that does not exist is 404 (`not-found`). A
method that a path does not have is 405 (`method-not-allowed`) with `Allow`. `request_id`, also in the header `x-request-id`, identifies
the request in the logs.

## Paths

A path with a trailing slash is redirected (308) to the path without it. `HEAD` is answered wherever `GET` needs no sign-in, as `GET`
without the body.

## Rate limits

Limits count calls per minute, across all instances. A signed-in user's calls are counted by user, all others by source (an IPv4 address,
an IPv6 /64). Calls that take a password or send mail have a lower limit, by source, for sign-in also by account, and by user for whoever is
signed in. Calls on other users' records have a limit of their own. `RateLimit-Policy` and `RateLimit` (IETF
draft-ietf-httpapi-ratelimit-headers) report the caller's state; 429 has `Retry-After`.

## Tokens

An access token is sent in `Authorization: Bearer`. It is valid for minutes, and stops working at once when its session ends: by sign-out, a
changed password, or the account's end. A refresh token is valid once.";

/// The document without paths, schemas and responses.
pub(super) fn document() -> Value {
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "User management",
            "version": env!("CARGO_PKG_VERSION"),
            "description": DESCRIPTION,
            "license": { "name": "MIT", "identifier": "MIT" },
        },
        "servers": [{ "url": "/", "description": "The deployment that this document comes from" }],
        "tags": tags(),
        "components": { "headers": headers(), "securitySchemes": security_schemes() },
    })
}

fn tags() -> Value {
    let tags = [
        ("Registration", "From sign-up to a proven address"),
        ("Sessions", "Sign in, stay signed in, sign out"),
        ("Passwords", "Forgotten and changed ones"),
        ("Addresses", "A new address, and the way back"),
        ("Me", "The signed-in user"),
        ("Users", "The administration of users"),
        ("Health", "Whether the service lives, and whether what it needs does"),
        ("Discovery", "What other services need to check access tokens"),
        ("Metrics", "For Prometheus"),
    ];
    tags.into_iter().map(|(name, description)| json!({ "name": name, "description": description })).collect()
}

fn headers() -> Value {
    let header = |description: &str, example: &str| json!({ "description": description, "schema": { "type": "string" }, "example": example });
    let mut id = header("The request's name in the logs", "k3v9x2m7q1w8z5t4");
    id["required"] = json!(true);
    let seconds =
        json!({ "description": "Seconds to wait", "schema": { "type": "integer", "minimum": 0 }, "example": 12 });
    json!({
        "x-request-id": id,
        "RateLimit": header("The scarcest limit that the request was counted by: what is left, and until when", "\"general\";r=99;t=60"),
        "RateLimit-Policy": header("That limit: requests in a window of seconds", "\"general\";q=100;w=60"),
        "Retry-After": seconds,
        "WWW-Authenticate": header("What is missing (RFC 6750, 3)", "Bearer"),
    })
}

fn security_schemes() -> Value {
    json!({
        "bearer": {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "The `access_token` of a pair",
        },
        "password": {
            "type": "oauth2",
            "description": "Address and password, for the \"Authorize\" button",
            "flows": { "password": { "tokenUrl": "/api/v1/auth/login", "refreshUrl": "/api/v1/auth/refresh", "scopes": {} } },
        },
        "metrics": {
            "type": "http",
            "scheme": "bearer",
            "description": "The token of the stack's metrics secret",
        },
    })
}

/// The response of one status with these problems, and its name among the components.
pub(super) fn refusal(problems: &[Known]) -> (String, Value) {
    let codes: Vec<_> = problems.iter().map(|problem| problem.code).collect();
    let types: Vec<_> = codes.iter().map(|code| format!("/problems/{code}")).collect();
    let lines: Vec<_> = problems.iter().map(|problem| format!("- `{}`: {}", problem.code, problem.detail)).collect();
    let schema = json!({
        "allOf": [{ "$ref": "#/components/schemas/Problem" }],
        "properties": { "type": { "type": "string", "enum": types } },
    });
    let examples: Map<String, Value> =
        problems.iter().map(|problem| (problem.code.to_owned(), json!({ "value": example(problem) }))).collect();
    let headers: Map<String, Value> = headers_of(&codes)
        .into_iter()
        .map(|name| (name.to_owned(), json!({ "$ref": format!("#/components/headers/{name}") })))
        .collect();
    let answer = json!({
        "description": lines.join("\n"),
        "headers": headers,
        "content": { "application/problem+json": { "schema": schema, "examples": examples } },
    });
    (codes.join("."), answer)
}

fn headers_of(codes: &[&str]) -> Vec<&'static str> {
    let has = |code: &str| codes.contains(&code);
    let more = [
        ("Retry-After", has("throttled") || has("busy") || has("unavailable")),
        ("RateLimit", has("throttled")),
        ("RateLimit-Policy", has("throttled")),
        ("WWW-Authenticate", has("unauthenticated")),
        ("x-request-id", true),
    ];
    more.into_iter().filter_map(|(name, there)| there.then_some(name)).collect()
}

fn example(problem: &Known) -> Value {
    let Known { status, code, title, detail } = problem;
    let mut example = json!({
        "type": format!("/problems/{code}"),
        "title": title,
        "status": status,
        "detail": detail,
        "request_id": "k3v9x2m7q1w8z5t4",
    });
    match *code {
        "invalid" => {
            let why =
                "15 characters of any kind are needed, or 8 with upper case, lower case, a digit and a special one";
            example["errors"] = json!([{ "field": "password", "code": "too-short", "detail": why }]);
        }
        "unknown-field" => {
            let error = json!({ "field": "role", "code": "unknown-field", "detail": "this call has no such field" });
            example["errors"] = json!([error]);
        }
        _ => {}
    }
    example
}
