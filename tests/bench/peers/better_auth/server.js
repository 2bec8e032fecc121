// Better Auth as its documentation sets it up: addresses and passwords, bearer tokens, PostgreSQL. Its rate limit is off, as for the other
// services. `node server.js migrate` creates the tables; `node server.js` listens on PORT with WORKERS processes.

import cluster from "node:cluster";
import { createServer } from "node:http";
import { betterAuth } from "better-auth";
import { getMigrations } from "better-auth/db/migration";
import { toNodeHandler } from "better-auth/node";
import { bearer } from "better-auth/plugins";
import pg from "pg";

const { PORT, WORKERS, DATABASE_URL, SECRET, UPDATE_AGE } = process.env;

const options = {
  baseURL: `http://127.0.0.1:${PORT}`,
  secret: SECRET,
  database: new pg.Pool({ connectionString: DATABASE_URL }),
  emailAndPassword: { enabled: true, autoSignIn: false },
  // The age in seconds from which on a read of a session also writes it.
  session: { updateAge: Number(UPDATE_AGE ?? 86400) },
  rateLimit: { enabled: false },
  telemetry: { enabled: false },
  logger: { level: "error" },
  plugins: [bearer()],
};

if (process.argv[2] === "migrate") {
  const { runMigrations } = await getMigrations(options);
  await runMigrations();
  process.exit(0);
} else if (cluster.isPrimary) {
  for (let n = 0; n < Number(WORKERS); n += 1) cluster.fork();
} else {
  createServer(toNodeHandler(betterAuth(options))).listen(Number(PORT), "127.0.0.1");
}
