import { JwtVerifier } from "aws-jwt-verify";
import { JwtInvalidClaimError } from "aws-jwt-verify/error";

export function verifier(issuer, audience, properties) {
  const customJwtCheck = ({ header, payload }) => {
    if (header.typ !== "at+jwt") throw new JwtInvalidClaimError("not an access token");
    if (!payload.exp) throw new JwtInvalidClaimError("a token without an end");
  };
  const verifier = JwtVerifier.create({ issuer, audience, customJwtCheck }, properties);
  // Without this it would fetch the keys only when a token names one that it does not know.
  setInterval(() => verifier.cacheJwks({ keys: [] }), 300_000).unref();
  return (token) => verifier.verify(token);
}
