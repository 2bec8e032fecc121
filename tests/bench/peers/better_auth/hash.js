// Prints the cost of one password verification by itself: wall and CPU milliseconds, as JSON.

import { hashPassword, verifyPassword } from "better-auth/crypto";

const ROUNDS = 12;
const password = "Flat-Wh1te-please";
const hash = await hashPassword(password);
const [wall, cpu] = [performance.now(), process.cpuUsage()];
for (let n = 0; n < ROUNDS; n += 1) {
  if (!(await verifyPassword({ hash, password }))) throw new Error("the password does not match");
}
const spent = process.cpuUsage(cpu);
const each = { wall_ms: (performance.now() - wall) / ROUNDS, cpu_ms: (spent.user + spent.system) / 1000 / ROUNDS };
console.log(JSON.stringify(each));
