#!/usr/bin/env bash
# The tour against a deployment: infra/smoke.sh https://api.example.com
# Takes the origin, or the stack's output ApiUrl. Exits with 1 at the first difference, and prints the expected and the actual value.
# Needs curl. Steps that need no mailbox always run. The others run when emails can be read: from the inbox of `cargo local`, or with
# SMOKE_MAILBOX_COMMAND, which gets an address as its argument and prints the token of the last email to it, or nothing.
#
#   SMOKE_EMAIL_DOMAIN=simulator.amazonses.com   the domain of the account's address; SES delivers to success+...@ there and nobody reads it
#   SMOKE_MAILBOX_COMMAND=                        see above
#   SMOKE_ORIGIN=http://localhost:3000            one of CORS_ORIGINS
#   SMOKE_SIGNUP_ENUMERATION=reveal               as the stack's SIGNUP_ENUMERATION
#   SMOKE_ADMIN_TOKEN=                            an administrator's access token, to remove the account if its owner cannot
#   SMOKE_READ_ONLY=                              1: creates no account
set -euo pipefail

url=${1:-}
case $url in
    http://?* | https://?*) ;;
    *) printf 'usage: infra/smoke.sh URL\n' >&2; exit 2 ;;
esac
url=${url%/}
url=${url%/api/v1}
api=$url/api/v1
origin=${SMOKE_ORIGIN:-http://localhost:3000}
random=$(od -An -N8 -tx1 /dev/urandom | tr -d ' \n')
email=success+$random@${SMOKE_EMAIL_DOMAIN:-simulator.amazonses.com}
password=Sm0ke-$(od -An -N12 -tx1 /dev/urandom | tr -d ' \n')
wrong_password=Wr0ng-$password
work=$(mktemp -d)
account=none # none, unverified, verified
passed=0
step=start

# One request: call METHOD PATH [curl arguments]. Sets status, $work/head and $work/body. Waits as long as a rate limit requires.
call() {
    local method=$1 path=$2 wait try
    shift 2
    case $path in /.well-known/* | /_local/* | /openapi.json) path=$url$path ;; *) path=$api$path ;; esac
    for try in 1 2 3; do
        status=$(curl -sS --max-time 30 -o "$work/body" -D "$work/head" -w '%{http_code}' -X "$method" "$@" "$path") || {
            printf 'not ok  %s\n  expected: an answer of %s %s\n  seen:     none\n' "$step" "$method" "$path" >&2
            exit 1
        }
        if [ "$status" != 429 ] || [ "$try" = 3 ]; then return; fi
        wait=$(header retry-after)
        printf '        (rate limit: %s s)\n' "${wait:-60}"
        sleep "${wait:-60}"
    done
}

post() { call POST "$1" -H 'content-type: application/json' -d "$2" "${@:3}"; }
bearer() { printf 'authorization: Bearer %s' "$access"; }
header() { tr -d '\r' <"$work/head" | awk -v name="$1" 'BEGIN { FS = ": *" } tolower($1) == name { sub(/^[^:]*: */, ""); print; exit }'; }
field() { grep -o "\"$1\":\"[^\"]*\"" "$work/body" | head -n 1 | cut -d '"' -f 4 || true; }
seen() { sed -E 's/eyJ[A-Za-z0-9_.-]+/(token)/g' "$work/body" | head -c 1000; }

fail() {
    printf 'not ok  %s\n  expected: %s\n  seen:     %s\n' "$step" "$1" "$2" >&2
    exit 1
}

expect_status() { [ "$status" = "$1" ] || fail "status $1" "status $status $(seen)"; }
expect_body() { grep -q -F -- "$1" "$work/body" || fail "a body with $1" "$(seen)"; }
expect_header() { # NAME PATTERN
    local value
    value=$(header "$1")
    # shellcheck disable=SC2254 # It is used as a pattern.
    case $value in $2) ;; *) fail "header $1: $2" "${value:-none}" ;; esac
}
expect_problem() { # STATUS CODE
    expect_status "$1"
    expect_header content-type 'application/problem+json*'
    expect_body "\"type\":\"/problems/$2\""
}

begin() { step=$1; }
ok() { passed=$((passed + 1)); printf 'ok      %s\n' "$step"; }

finish() {
    local code=$?
    trap - EXIT
    if [ "$account" != none ]; then clean_up || true; fi
    rm -rf "$work"
    if [ "$code" = 0 ]; then printf '%s steps, all as expected: %s\n' "$passed" "$url"; fi
    exit "$code"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# Calls run in a subshell, so that a failure there does not end the script.
clean_up() {
    step='clean-up'
    if [ "$account" = verified ] && (
        post /auth/login "{\"email\":\"$email\",\"password\":\"$password\"}"
        access=$(field access_token)
        call DELETE /users/me -H 'content-type: application/json' -H "$(bearer)" -d "{\"password\":\"$password\"}"
        [ "$status" = 204 ]
    ); then
        printf 'removed %s\n' "$email"
        return
    fi
    if [ -n "${SMOKE_ADMIN_TOKEN:-}" ] && (
        access=$SMOKE_ADMIN_TOKEN
        call GET /users -G --data-urlencode "email=$email" -H "$(bearer)"
        id=$(field id)
        [ -n "$id" ] && call DELETE "/users/$id" -H "$(bearer)" && [ "$status" = 204 ]
    ); then
        printf 'removed %s\n' "$email"
        return
    fi
    if [ "$account" = verified ]; then
        printf 'left: the account %s; an administrator can remove it\n' "$email"
    else
        printf 'left: the unverified account %s; it is gone after UNVERIFIED_USER_TTL_SECONDS (48 hours)\n' "$email"
    fi
}

# Prints the token of the last email to the account, if there is one and it can be read.
read_token() {
    if [ "$local_inbox" = yes ]; then
        call GET /_local/mail -G --data-urlencode "to=$email"
        field token
    else
        "$SMOKE_MAILBOX_COMMAND" "$email" || true
    fi
}

# Calls that need no sign-in.

begin 'GET /health'
call GET /health
expect_status 200
expect_body '"status":"healthy"'
expect_header x-request-id '?*'
request_id=$(header apigw-requestid)
if [ -n "$request_id" ]; then expect_header x-request-id "$request_id"; fi
expect_header x-content-type-options nosniff
expect_header strict-transport-security 'max-age=*'
expect_header referrer-policy no-referrer
expect_header cache-control no-store
expect_header content-security-policy "default-src 'none'*"
# `sam local start-api` treats a path with a trailing slash as the path without it, and answers preflight requests in its own way.
case $(header server) in Werkzeug*) sam_local=yes ;; *) sam_local=no ;; esac
ok

begin 'GET /health/full: every part is healthy'
call GET /health/full
expect_status 200
for part in database cache email signing_keys cleanup; do expect_body "\"$part\":{"; done
ok

begin 'GET /.well-known/jwks.json'
call GET /.well-known/jwks.json
expect_status 200
expect_body '"keys":['
expect_header cache-control 'public, max-age=*'
ok

begin 'GET /.well-known/openid-configuration leads to the keys'
call GET /.well-known/openid-configuration
expect_status 200
expect_body "\"jwks_uri\":\"$url/.well-known/jwks.json\""
ok

begin 'GET /openapi.json'
call GET /openapi.json
expect_status 200
expect_body '"openapi": "3.1'
ok

begin 'a path without a route is 404'
call GET /nowhere
expect_problem 404 not-found
ok

begin 'a method that a path does not have is 405'
call DELETE /auth/login
expect_problem 405 method-not-allowed
expect_header allow 'OPTIONS, POST'
ok

begin 'HEAD /health'
call HEAD /health --head
expect_status 200
expect_header content-type 'application/json'
ok

if [ $sam_local = no ]; then
    begin 'a path with a slash at its end is sent on'
    call GET '/health/?from=smoke'
    expect_status 308
    expect_header location '/api/v1/health?from=smoke'
    ok

    begin 'a preflight of a known origin'
    call OPTIONS /users/me -H "origin: $origin" -H 'access-control-request-method: PATCH' -H 'access-control-request-headers: authorization,content-type'
    expect_status 204
    if [ "$(header access-control-allow-origin)" != '*' ]; then expect_header access-control-allow-origin "$origin"; fi
    expect_header access-control-allow-methods '*PATCH*'
    ok

    begin 'a preflight of an unknown origin'
    call OPTIONS /users/me -H 'origin: https://elsewhere.invalid' -H 'access-control-request-method: PATCH'
    case $(header access-control-allow-origin) in '' | '*') ;; *) fail 'no access-control-allow-origin' "$(header access-control-allow-origin)" ;; esac
    ok
fi

begin 'GET /users/me without a token is 401, and counted'
call GET /users/me
expect_problem 401 unauthenticated
# REST APIs of API Gateway use another name for this header.
if [ -z "$(header x-amzn-remapped-www-authenticate)" ]; then expect_header www-authenticate 'Bearer*'; fi
expect_header ratelimit-policy '"general";q=*;w=60'
expect_header ratelimit '"general";r=*;t=*'
ok

begin 'a refresh token that is none is 401'
post /auth/refresh '{"refresh_token":"garbage"}'
expect_problem 401 invalid-refresh-token
ok

begin 'a body that is no JSON is 400'
post /auth/login '{'
expect_problem 400 malformed
ok

begin 'a field that nobody knows is 422'
post /auth/signup "{\"email\":\"$email\",\"password\":\"$password\",\"role\":\"admin\"}"
expect_problem 422 unknown-field
expect_body '"field":"role"'
ok

if [ -n "${SMOKE_READ_ONLY:-}" ]; then exit 0; fi

# An account, up to the step that needs its email.

local_inbox=no
begin 'the inbox'
call GET /_local/mail
if [ "$status" = 200 ]; then local_inbox=yes; fi

begin 'POST /auth/signup'
post /auth/signup "{\"email\":\"$email\",\"password\":\"$password\",\"first_name\":\"Smoke\"}"
expect_status 201
account=unverified
if grep -q 'You can sign in' "$work/body"; then account=verified; fi # EMAIL_VERIFICATION_ENABLED=false
ok

begin 'a second sign-up with the address'
post /auth/signup "{\"email\":\"$email\",\"password\":\"$password\"}"
case ${SMOKE_SIGNUP_ENUMERATION:-reveal} in
    private) expect_status 201 ;;
    *) expect_problem 409 email-taken ;;
esac
ok

begin 'a wrong password is 401'
post /auth/login "{\"email\":\"$email\",\"password\":\"$wrong_password\"}"
expect_problem 401 invalid-credentials
expect_header ratelimit-policy '"auth";q=*;w=60'
ok

if [ "$account" = unverified ]; then
    begin 'a login before the verification is 403'
    post /auth/login "{\"email\":\"$email\",\"password\":\"$password\"}"
    expect_problem 403 email-not-verified
    ok

    if [ "$local_inbox" = no ] && [ -z "${SMOKE_MAILBOX_COMMAND:-}" ]; then
        printf 'skipped all that needs the email: SMOKE_MAILBOX_COMMAND is not set\n'
        exit 0
    fi

    begin 'the email comes'
    token=
    for _ in $(seq 30); do
        token=$(read_token)
        if [ -n "$token" ]; then break; fi
        sleep 2
    done
    [ -n "$token" ] || fail 'an email within a minute' none
    ok

    begin 'POST /auth/verify'
    post /auth/verify "{\"token\":\"$token\"}"
    expect_status 200
    account=verified
    ok

    begin 'the token of that email is valid once'
    post /auth/verify "{\"token\":\"$token\"}"
    expect_problem 400 invalid-token
    ok
fi

# Signed in.

begin 'POST /auth/login'
post /auth/login "{\"email\":\"$email\",\"password\":\"$password\"}"
expect_status 200
expect_body '"token_type":"bearer"'
access=$(field access_token)
refresh=$(field refresh_token)
ok

begin 'GET /users/me'
call GET /users/me -H "$(bearer)"
expect_status 200
expect_body "\"email\":\"$email\""
expect_body '"role":"user"'
expect_header etag '?*'
ok

begin 'POST /auth/refresh'
post /auth/refresh "{\"refresh_token\":\"$refresh\"}"
expect_status 200
cp "$work/body" "$work/pair"
ok

begin 'the same refresh token again, at once, gets the same pair'
post /auth/refresh "{\"refresh_token\":\"$refresh\"}"
expect_status 200
cmp -s "$work/body" "$work/pair" || fail 'the pair of before' 'another one'
access=$(field access_token)
refresh=$(field refresh_token)
ok

begin 'PATCH /users/me'
call PATCH /users/me -H 'content-type: application/json' -H "$(bearer)" -d '{"last_name":"Test"}'
expect_status 200
expect_body '"last_name":"Test"'
ok

begin 'GET /users/me/sessions'
call GET /users/me/sessions -H "$(bearer)"
expect_status 200
expect_body '"current":true'
ok

begin 'GET /users is for administrators'
call GET /users -H "$(bearer)"
expect_problem 403 forbidden
ok

begin 'POST /auth/logout'
post /auth/logout "{\"refresh_token\":\"$refresh\"}"
expect_status 204
ok

begin 'GET /users/me after the sign-out is 401'
call GET /users/me -H "$(bearer)"
expect_problem 401 unauthenticated
ok

begin 'DELETE /users/me'
post /auth/login "{\"email\":\"$email\",\"password\":\"$password\"}"
expect_status 200
access=$(field access_token)
call DELETE /users/me -H 'content-type: application/json' -H "$(bearer)" -d "{\"password\":\"$password\"}"
expect_status 204
account=none
ok
