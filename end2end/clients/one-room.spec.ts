import { WITH_TCP } from "../support/clients";
import type { Wire } from "../support/wire";
import type { Client } from "./clients";
import { expect, test } from "./everyone";

test.use({ limits: WITH_TCP });

/** Each client says this many, all at once. */
const EACH = 5;
/** Said while nobody but the scribe is there. */
const MISSED = ["missed 1", "missed 2", "missed 3"];

interface Line {
  seq: number;
  text: string;
}

test("every client sees each message once, in one order, after kills too", async ({
  clients,
  garden,
  scribe,
}) => {
  scribe.send({ t: "watch", room: garden });

  await test.step("all come, and speak at once", async () => {
    await gather(clients, "hello from");
    const start = await scribe.post(garden, "all are here");
    await Promise.all(clients.map((client) => speak(client)));
    const said = () => log(scribe).filter(({ seq }) => seq > start).map(({ text }) => text);
    await expect.poll(() => said().length, { message: "all is said" }).toBe(clients.length * EACH);
    expect(new Set(said()).size, "nothing is there twice").toBe(clients.length * EACH);
    for (const client of clients) {
      await expect.poll(() => after(client, "all are here"), { message: client.name }).toEqual(said());
    }
  });

  const known = log(scribe).at(-1)!.seq;

  await test.step("all are killed, and miss something", async () => {
    await Promise.all(clients.map((client) => client.kill()));
    for (const text of MISSED) await scribe.post(garden, text);
  });

  await test.step("all come back, each to where its protocol lets it", async () => {
    await gather(clients, "back again", known);
    await scribe.post(garden, "all are back");
    await expect.poll(() => log(scribe).at(-1)!.text).toBe("all are back");
    const all = log(scribe);
    for (const client of clients) {
      await expect.poll(() => client.seen(), { message: client.name }).toContain("all are back");
      const seen = await client.seen();
      const owed = texts(all.filter(({ seq }) => seq > known));
      if (client.returns === "to where it was") {
        expect(seen, client.name).toEqual(owed);
      } else if (client.returns === "to the newest of the room") {
        expect(seen, client.name).toEqual(texts(all).slice(-seen.length));
        expect(seen.slice(-owed.length), client.name).toEqual(owed);
      } else {
        // It knows no numbers: what was said without it is lost to it, and nothing since it is back.
        expect(seen, client.name).toEqual(texts(all).slice(-seen.length));
        expect(seen.filter((text) => MISSED.includes(text)), client.name).toEqual([]);
      }
    }
  });
});

/** Everyone comes, and hears themselves: from then on nothing passes them by. */
async function gather(clients: Client[], greeting: string, after?: number): Promise<void> {
  await Promise.all(
    clients.map(async (client) => {
      await client.join(after);
      const hello = `${greeting} ${client.name}`;
      await client.say(hello);
      await expect.poll(() => client.seen(), { message: client.name }).toContain(hello);
    }),
  );
}

async function speak(client: Client): Promise<void> {
  for (let count = 1; count <= EACH; count += 1) await client.say(`${client.name} says ${count}`);
}

/** Returns the texts that the client has shown after this one. */
async function after(client: Client, text: string): Promise<string[]> {
  const seen = await client.seen();
  return seen.slice(seen.indexOf(text) + 1);
}

/** Every message of the room since the scribe came. */
function log(scribe: Wire): Line[] {
  const posted = scribe.seen.filter(({ t, what }) => t === "entry" && (what as { t: string }).t === "posted");
  return posted.map(({ seq, what }) => ({ seq: Number(seq), text: (what as { body: string }).body }));
}

function texts(lines: Line[]): string[] {
  return lines.map(({ text }) => text);
}
