import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Person } from "./support/person";
import { expect, test, UNLIMITED } from "./support/test";
import type { Frame, Wire } from "./support/wire";

test.use({ limits: UNLIMITED });

const FOLDER = fileURLToPath(new URL("../docs/pictures/", import.meta.url));

/** Authors and texts; a number replies to the message of that place. */
type Line = [who: string, text: string, answers?: number];

interface Scene {
  you: string;
  nickname: string;
  lines: Line[];
  /** Rooms, and what is unread in them. */
  rooms: Record<string, string[]>;
  types: string;
}

const ENGLISH: Scene = {
  you: "Mina Park",
  nickname: "Mina Park",
  lines: [
    ["Jonas", "Morning! The 9:10 bus to the reservoir runs again from Saturday."],
    ["Jonas", "Timetable: https://bus.example.org/lines/42"],
    ["Seoyeon", "Then let's take the long way over the ridge and swim before lunch."],
    ["Mina Park", "Count me in. I'll bring the big thermos."],
    ["Ravi", "How steep is the last bit? My knee is still sulking."],
    ["Seoyeon", "Two short climbs, and a bench after each one.\nThere is a ferry back if it complains.", 4],
    ["Mina Park", "Meeting at the gate, 8:50? Whoever is late buys the kimbap."],
    ["Jonas", "8:50. I have never been late in my life."],
    ["Seoyeon", "… in this time zone.", 7],
  ],
  rooms: {
    "Tea and bread": ["The rye is out of the oven", "Slices for everyone"],
    "Garden": [],
    "Reading circle": ["Chapter 7 is the one I meant", "No spoilers, please", "Too late", "Sunday, then?"],
    "Lost and found": [],
  },
  types: "Ravi",
};

const KOREAN: Scene = {
  you: "민아",
  nickname: "민아",
  lines: [
    ["준호", "좋은 아침이에요! 토요일부터 저수지 가는 9시 10분 버스가 다시 다닌대요."],
    ["준호", "시간표: https://bus.example.org/lines/42"],
    ["서연", "그럼 능선 길로 돌아가서 점심 전에 물놀이해요."],
    ["민아", "저도 갈게요. 큰 보온병 챙길게요."],
    ["라비", "마지막 구간 많이 가팔라요? 무릎이 아직 말을 안 들어서요."],
    ["서연", "짧은 오르막 두 번이에요. 오를 때마다 의자도 있고요.\n힘들면 나룻배 타고 돌아오면 돼요.", 4],
    ["민아", "8시 50분에 대문 앞에서 볼까요? 늦는 사람이 김밥 사기!"],
    ["준호", "8시 50분 좋아요. 저는 평생 늦은 적이 없어요."],
    ["서연", "… 이 시간대에서는요.", 7],
  ],
  rooms: {
    "차와 빵": ["호밀빵 나왔어요", "한 조각씩 드세요"],
    "텃밭": [],
    "독서 모임": ["제가 말한 건 7장이에요", "스포일러 금지!", "늦었어요", "그럼 일요일에?"],
    "분실물": [],
  },
  types: "라비",
};

/** Plays the scene before the eyes of a person who has just joined. */
async function play(scene: Scene, you: Person, wire: (name?: string) => Promise<Wire>): Promise<void> {
  const cast = new Map<string, Wire>();
  for (const [who] of scene.lines) {
    if (who !== scene.you && !cast.has(who)) cast.set(who, await wire(who));
  }
  const anyone = [...cast.values()];
  for (const [title, unread] of Object.entries(scene.rooms)) {
    const room = await anyone[0]!.open(title);
    await expect(you.room(title)).toBeAttached();
    for (const [at, text] of unread.entries()) await anyone[at % anyone.length]!.post(room, text);
  }
  const seqs: number[] = [];
  for (const [who, text, answers] of scene.lines) {
    const wire = cast.get(who);
    if (wire) {
      seqs.push(await wire.post("lobby", text, answers === undefined ? undefined : seqs[answers]));
    } else {
      await you.composer.fill(text);
      await you.composer.press("Enter");
      await you.sent(text);
      seqs.push(Number(await you.message(text).getAttribute("data-seq")));
    }
  }
  anyone.forEach((wire) => wire.send({ t: "present", room: "lobby" }));
  cast.get(scene.types)?.send({ t: "typing", room: "lobby" });
  await expect(you.page.locator(".typing")).toContainText(scene.types);
  await expect(you.page.locator(".here-count")).toContainText(String(anyone.length + 1));
  await you.composer.focus();
}

/** Lets the conversation have taken its time: a morning, instead of the second in which it was played. */
async function slowDown(person: Person): Promise<void> {
  const begun = new Date().setUTCHours(9, 41, 0, 0);
  let said = 0;
  await person.page.routeWebSocket(/\/ws$/, (page) => {
    const server = page.connectToServer();
    server.onMessage((message) => {
      const frame = JSON.parse(message.toString()) as Frame;
      if (frame.t === "entry" && frame.room === "lobby") frame.at = begun + said++ * 97_000;
      page.send(JSON.stringify(frame));
    });
  });
}

async function take(person: Person, name: string): Promise<void> {
  mkdirSync(FOLDER, { recursive: true });
  const path = `${FOLDER}${name}.png`;
  await person.page.screenshot({ path, animations: "disabled", caret: "hide" });
  try {
    execFileSync("optipng", ["-quiet", "-o4", "-strip", "all", path]);
  } catch {
    console.log("optipng is not installed: the picture stays larger than it need be");
  }
}

const wide = { viewport: { width: 1180, height: 820 }, deviceScaleFactor: 1.5, timezoneId: "UTC", path: null };

test("English, light, on a desktop", async ({ join, wire }) => {
  const mina = await join({ ...wide, name: ENGLISH.nickname, colorScheme: "light" });
  await slowDown(mina);
  await mina.visit();
  await play(ENGLISH, mina, wire);
  await take(mina, "room-en-light");
});

test("Korean, dark, on a desktop and a phone", async ({ join, wire }) => {
  const mina = await join({ ...wide, name: KOREAN.nickname, locale: "ko-KR", colorScheme: "dark" });
  await slowDown(mina);
  await mina.visit();
  await play(KOREAN, mina, wire);
  await take(mina, "room-ko-dark");
  await mina.page.setViewportSize({ width: 390, height: 844 });
  await mina.composer.blur();
  await take(mina, "phone-ko-dark");
});
