import { createRemoteJWKSet, jwtVerify } from "jose";

export function verifier(issuer, audience) {
  const keys = createRemoteJWKSet(new URL(`${issuer}/.well-known/jwks.json`), { cacheMaxAge: 300_000 });
  const algorithms = ["ES256", "RS256", "EdDSA"];
  const options = { issuer, audience, algorithms, typ: "at+jwt", requiredClaims: ["exp", "sub"] };
  return async (token) => (await jwtVerify(token, keys, options)).payload;
}
