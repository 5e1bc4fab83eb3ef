// MADANG_TOKEN=… node ticker.mjs [server] [room]: 20 prices a second, each once and in order, until it is stopped.
// A message that the server could not be sent in time is sent as soon as it can be.
import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";

const [server = "http://127.0.0.1:3000", room = "lobby"] = process.argv.slice(2);
const EVERY_MS = 50;

/** Posts one message; what is repeated after a failure carries the same key, so that it is there once. */
async function post(body) {
  const key = randomBytes(16).toString("hex");
  for (;;) {
    const answer = await fetch(`${server}/api/rooms/${room}/messages`, {
      method: "POST",
      headers: {
        authorization: `Bearer ${process.env.MADANG_TOKEN}`,
        "content-type": "application/json",
        "idempotency-key": key,
      },
      body: JSON.stringify({ body }),
    }).catch((error) => console.error(`not reached: ${error.message}`));
    if (answer?.ok) return;
    const problem = await answer?.json().catch(() => undefined);
    if (problem && answer.status < 500 && answer.status !== 429) throw new Error(JSON.stringify(problem));
    await sleep(problem?.retry_after_ms ?? 1000);
  }
}

let price = 100;
let next = Date.now();
for (let count = 1; ; count += 1) {
  price = Math.max(1, price + Math.random() - 0.5);
  await post(`${count}: MDG ${price.toFixed(2)}`);
  next += EVERY_MS;
  await sleep(next - Date.now());
}
