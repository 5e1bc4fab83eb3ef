import { expect, test as base } from "@playwright/test";
import { Gate } from "../support/gate";
import { Server } from "../support/server";
import { Wire } from "../support/wire";
import type { Browser, Wishes } from "./browser";
import { firefox } from "./firefox";
import { Someone } from "./someone";
import { webkit } from "./webkit";

const test = base.extend<{
  server: Server;
  gate: Gate;
  join: (wishes?: Wishes & { through?: Gate }) => Promise<Someone & { errors: string[] }>;
}>({
  server: async ({}, use) => {
    const server = await Server.start();
    await use(server);
    await server.remove();
  },
  gate: async ({ server }, use) => {
    const gate = await Gate.before(server);
    await use(gate);
    await gate.remove();
  },
  join: async ({ server }, use, info) => {
    const start = info.project.name === "webkit" ? webkit : firefox;
    const browsers: Browser[] = [];
    await use(async ({ through, ...wishes } = {}) => {
      const browser = await start(wishes);
      browsers.push(browser);
      return Object.assign(new Someone(browser.tab, (through ?? server).url), { errors: browser.errors });
    });
    await Promise.all(browsers.map((browser) => browser.close()));
  },
});

test("a room is read and written, in Korean too, and edited", async ({ join, server }) => {
  const ben = await Wire.join(server.url, "Ben");
  await ben.post("lobby", "hello");
  const ada = await join();
  await ada.visit();
  await ada.reads(["hello"]);
  await ada.say("안녕하세요, 마당");
  await ben.post("lobby", "welcome");
  await ada.reads(["hello", "안녕하세요, 마당", "welcome"]);
  await ada.click(".message.mine .more");
  await ada.shows(`document.querySelector(".message.mine .tools") !== null`, true);
  await ada.click('.message.mine .tool[aria-label="Edit"]');
  await ada.shows(`document.querySelector(".edit-text")?.value`, "안녕하세요, 마당");
  await ada.tab.type(".edit-text", "!");
  await ada.tab.enter(".edit-text");
  await ada.reads(["hello", "안녕하세요, 마당!", "welcome"]);
  await ada.visit();
  await ada.reads(["hello", "안녕하세요, 마당!", "welcome"]);
  expect(ada.errors).toEqual([]);
  ben.end();
});

test("a draft outlives a reload, and tabs show the same", async ({ join }) => {
  const ada = await join();
  await ada.visit();
  await ada.tab.type("#composer-text", "begun");
  await ada.visit();
  await ada.shows(`document.querySelector("#composer-text").value`, "begun");
  await ada.tab.enter("#composer-text");
  await ada.reads(["begun"]);
  const other = new Someone(await ada.tab.another(), ada.base);
  await other.visit();
  await other.reads(["begun"]);
  await other.say("from the other tab");
  await ada.reads(["begun", "from the other tab"]);
  expect(ada.errors).toEqual([]);
});

test("a client that was cut off reconnects without loss", async ({ join, server }) => {
  const ada = await join();
  await ada.visit();
  await server.kill();
  await ada.shows(`document.querySelector(".connection").dataset.connected`, "false");
  await ada.tab.type("#composer-text", "meanwhile");
  await ada.tab.enter("#composer-text");
  await server.start();
  await ada.connected();
  await ada.reads(["meanwhile"]);
});

for (const transport of ["eventsource", "poll"]) {
  test(`by ${transport} all arrives where WebSockets are refused`, async ({ gate, join, server }) => {
    gate.refuseSockets();
    if (transport === "poll") gate.bufferStreams();
    const ada = await join({ through: gate });
    await ada.tab.goto(`${ada.base}/r/lobby`);
    await ada.connected(transport);
    const ben = await Wire.join(server.url, "Ben");
    await ada.say("from Ada");
    await ada.reads(["from Ada"]);
    await ben.post("lobby", "from Ben");
    await ada.reads(["from Ada", "from Ben"]);
    ben.end();
  });
}

test("without its script the page works by its forms", async ({ join, server }) => {
  const ada = await join();
  await ada.tab.goto(`${ada.base}/healthz`);
  await ada.tab.goto(`${ada.base}/r/lobby`);
  await ada.alive();
  // A form's request does not depend on the script: the element's own method is not the page's handler.
  await ada.tab.run(`void (document.querySelector("#composer-text").value = "by a form",
    HTMLFormElement.prototype.submit.call(document.querySelector("form.composer")))`);
  const ben = await Wire.join(server.url, "Ben");
  await ada.reads(["by a form"]);
  ben.end();
});

for (const dark of [false, true]) {
  test(`a ${dark ? "dark" : "light"} system has ${dark ? "dark" : "light"} colours, on a phone's width too`, async ({ join }) => {
    const ada = await join({ dark });
    await ada.tab.size(390, 844);
    await ada.visit();
    const colour = `getComputedStyle(document.documentElement).backgroundColor.match(/\\d+/g).map(Number)[0] < 128`;
    await ada.shows(colour, dark);
    await ada.shows(`document.documentElement.scrollWidth <= innerWidth`, true);
    expect(ada.errors).toEqual([]);
  });
}
