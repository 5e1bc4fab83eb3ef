import { expect, holds, test, token } from "../support/clients";

interface Posted {
  seq: number;
  repeat: boolean;
}

interface Entry {
  seq: number;
  what: { t: string; body?: string };
}

test.describe("where bots may be quick", () => {
  test.use({ limits: "--post-rate 40" });

  test("the ticker's prices arrive once, in order, across a restart", async ({ run, server, wire }) => {
    const market = await (await wire("Scribe")).open("Market");
    const secret = await token(server, market);
    const prices = async () => {
      const headers = { authorization: `Bearer ${secret}` };
      const answer = await fetch(`${server.url}/api/rooms/${market}/entries?after=1&limit=200`, { headers });
      return ((await answer.json()) as { entries: Entry[] }).entries;
    };
    const count = async () => (await prices()).length;

    const ticker = run("ticker/ticker.mjs", [server.url, market], { MADANG_TOKEN: secret });
    await expect.poll(count).toBeGreaterThan(20);
    await server.kill();
    await server.start();
    const known = await count();
    await expect.poll(count).toBeGreaterThan(known + 20);
    await ticker.kill();

    const entries = await prices();
    expect(entries.map(({ seq }) => seq)).toEqual(entries.map((_, at) => at + 2));
    const bodies = entries.map(({ what }) => what.body);
    for (const body of bodies) expect(body).toMatch(/^\d+: MDG \d+\.\d\d$/);
    // Each price is numbered by the ticker: what it tried again is there once, and nothing is left out.
    expect(bodies.map((body) => Number(body!.split(":")[0]))).toEqual(bodies.map((_, at) => at + 1));
    expect(ticker.lines).toEqual([]);
  });
});

test("the curl examples post, read, follow, call a hook and upgrade", async ({ run, server }) => {
  const secret = await token(server, "lobby");
  const hook = (await server.command("webhook", "incoming", "--room", "lobby", "--name", "Alerts")).trim();
  const script = run("curl/room.sh", [server.url, "lobby"], {
    MADANG_TOKEN: secret,
    MADANG_HOOK: new URL(hook, server.url).href,
  });
  expect(await script.finish(), script.stderr).toBe(0);
  const said = script.lines.join("\n");
  const posts = script.lines.filter((line) => line.includes('"repeat":')).map((line) => JSON.parse(line) as Posted);
  expect(posts.map(({ repeat }) => repeat)).toEqual([false, true]);
  expect(posts[1].seq).toBe(posts[0].seq);
  expect(said.match(/"body":"Hello from curl"/g), "in the entries and in the stream, once in each").toHaveLength(2);
  expect(script.lines).toContain("ok");
  expect(said).toMatch(/^HTTP\/1\.1 101 /m);
  expect(said).toMatch(/^sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=\s*$/im);
});

test("curl reads problem details of every refusal, and nothing is posted", async ({ curl, server, wire }) => {
  const secret = await token(server, "lobby");
  const post = `${server.url}/api/rooms/lobby/messages`;
  const bearer = ["-H", `Authorization: Bearer ${secret}`];
  const json = (body: string) => ["-H", "Content-Type: application/json", "-d", body];
  const cases: [string, string[], number, string][] = [
    ["no token", [...json('{"body":"x"}'), post], 401, "login_required"],
    ["a token that nobody has", ["-H", "Authorization: Bearer mdg_0", ...json('{"body":"x"}'), post], 401, "unknown_login"],
    ["a room that is not there", [...bearer, ...json('{"body":"x"}'), `${server.url}/api/rooms/nowhere/messages`], 404, "unknown_room"],
    ["no JSON", [...bearer, ...json("{"), post], 400, "bad_request"],
    ["no body", [...bearer, ...json("{}"), post], 422, "bad_body"],
    ["no text", [...bearer, ...json('{"body":" "}'), post], 422, "empty"],
    ["too much text", [...bearer, ...json(`{"body":"${"x".repeat(8001)}"}`), post], 422, "too_long"],
    ["a form", [...bearer, "-d", "body=x", post], 415, "unsupported_media_type"],
    ["a number that is ahead of the room", [...bearer, `${server.url}/api/rooms/lobby/entries?after=999`], 409, "unusable_cursor"],
    ["a webhook that nobody has", [...json('{"text":"x"}'), `${server.url}/hooks/mdh_0`], 404, "not_found"],
  ];
  for (const [what, args, status, code] of cases) {
    const answer = curl("--write-out", "\n%{http_code} %{content_type}", ...args);
    await answer.finish();
    expect(answer.lines.at(-1), what).toBe(`${status} application/problem+json`);
    const problem = JSON.parse(answer.lines.slice(0, -1).join("\n")) as Record<string, unknown>;
    expect(problem, what).toMatchObject({ status, code, title: expect.any(String), detail: expect.any(String) });
  }
  await holds(wire, []);
});

test("curl resumes from a number, by pages and by stream", async ({ curl, server, wire }) => {
  const scribe = await wire("Scribe");
  const known = await scribe.post("lobby", "known");
  await scribe.postAll("lobby", ["missed", "missed too"]);
  const bearer = ["-H", `Authorization: Bearer ${await token(server, "lobby")}`];
  const lobby = `${server.url}/api/rooms/lobby`;

  const page = curl(...bearer, `${lobby}/entries?after=${known}`);
  await page.finish();
  const { entries } = JSON.parse(page.lines.join("")) as { entries: Entry[] };
  expect(entries.map(({ what }) => what.body)).toEqual(["missed", "missed too"]);

  const stream = curl("--no-buffer", ...bearer, "-H", `Last-Event-ID: ${known}`, `${lobby}/stream`);
  await stream.says('"body":"missed too"');
  await scribe.post("lobby", "just now");
  await stream.says('"body":"just now"');
  const events = stream.lines.filter((line) => line.startsWith("data: ")).map((line) => JSON.parse(line.slice(6)) as Entry);
  expect(events.map(({ what }) => what.body)).toEqual(["missed", "missed too", "just now"]);
  expect(events.map(({ seq }) => seq)).toEqual([known + 1, known + 2, known + 3]);
});
