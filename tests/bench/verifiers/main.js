// Reads tokens, one a line, and says of each what an example makes of it: `node main.js EXAMPLE ISSUER AUDIENCE`.
import { createInterface } from "node:readline";
import { SimpleJwksCache } from "aws-jwt-verify/jwk";

const [example, issuer, audience] = process.argv.slice(2);
const { verifier } = await import(`./${example}_example.js`);
// aws-jwt-verify fetches over HTTPS only, so that this machine's HTTP needs a fetcher of its own.
const fetcher = { fetch: async (uri) => (await fetch(uri)).arrayBuffer() };
const verify = verifier(issuer, audience, { jwksCache: new SimpleJwksCache({ fetcher }) });
for await (const token of createInterface({ input: process.stdin })) {
  console.log(await verify(token).then(({ sub }) => `accepted ${sub}`, ({ name, message }) => `refused ${name}: ${message}`));
}
