import { fileURLToPath } from "node:url";
import { expect, test } from "../support/clients";

const payload = (name: string) => fileURLToPath(new URL(`alerts/${name}.json`, import.meta.url));

const json = ["-H", "Content-Type: application/json"];
const body = (name: string) => ["--data-binary", `@${payload(name)}`];
const form = (name: string) => ["--data-urlencode", `payload@${payload(name)}`];

/** Payloads of tools, in the form that their documentation describes, and the room's view of them. */
const ALERTS: [tool: string, curl: string[], shown: string[]][] = [
  [
    "Alertmanager's own webhook",
    [...json, ...body("alertmanager")],
    [
      "[FIRING:1, RESOLVED:1] DiskWillFillIn4Hours",
      "job=node, severity=page",
      "A disk fills up",
      "firing: instance=db1:9100, mountpoint=/var",
      "/var on db1 has 4.2% left",
      "since 2026-11-28T04:20:31.581Z",
      "https://prometheus.example.org/graph?g0.expr=disk&g0.tab=1",
      "resolved: instance=db2:9100, mountpoint=/",
      "/ on db2 has 31% left",
      "from 2026-11-28T03:00:00Z to 2026-11-28T04:19:00Z",
      "https://alertmanager.example.org",
    ],
  ],
  [
    "Alertmanager's Slack receiver",
    [...json, ...body("alertmanager-slack")],
    [
      "Alertmanager: [FIRING:1] InstanceDown (api3:8080 api page) (https://alertmanager.example.org/#/alerts?receiver=madang)",
      "Instance: api3:8080",
      "For: 5m",
    ],
  ],
  [
    "Grafana",
    [...json, ...body("grafana")],
    [
      "[FIRING:1] High latency (Shop web-2)",
      "**Firing**",
      "",
      "Value: A=1.37",
      "Labels:",
      " - alertname = High latency",
      " - instance = web-2",
      "https://grafana.example.org/",
    ],
  ],
  [
    "GitHub, a push",
    [...json, "-H", "X-GitHub-Event: push", ...body("github-push")],
    [
      "[garden/tools] seoyeon pushed 1 commit to main",
      "0d1a26e Water the beans at six (Kim Seoyeon)",
      "https://github.example.org/garden/tools/compare/6113728f27ae...0d1a26e67d8f",
    ],
  ],
  [
    "GitHub, a pull request as a form",
    ["-H", "X-GitHub-Event: pull_request", ...form("github-pull-request")],
    [
      "[garden/tools] ravi opened pull request #42: A rain gauge",
      "Reads the gauge once an hour.",
      "https://github.example.org/garden/tools/pull/42",
    ],
  ],
  [
    "GitLab, a pipeline",
    [...json, "-H", "X-Gitlab-Event: Pipeline Hook", ...body("gitlab-pipeline")],
    [
      "[garden/shed] Jonas pipeline #3: failed",
      "on main",
      "failed: squeak",
      "https://gitlab.example.org/garden/shed/-/pipelines/31",
    ],
  ],
  [
    "Gitea, a push",
    [...json, "-H", "X-Gitea-Event: push", "-H", "X-GitHub-Event: push", ...body("gitea-push")],
    [
      "[choir/songs] mina pushed 1 commit to develop",
      "bffeb74 악보를 한 음 내림 (민아)",
      "https://git.example.org/choir/songs/compare/28e1879d...bffeb742",
    ],
  ],
  [
    "Uptime Kuma, in Discord's form",
    [...json, ...body("discord-embed")],
    [
      "Uptime Kuma: ❌ Your service Bakery went down. ❌",
      "Service Name: Bakery",
      "Service URL: https://bakery.example.org",
      "Time (Asia/Seoul): 2026-11-28 14:24:41",
      "Error: connect ECONNREFUSED 203.0.113.7:443",
      "2026-11-28T05:24:41.102Z",
    ],
  ],
  [
    "Sentry, Slack's blocks alone",
    [...json, ...body("sentry-slack")],
    [
      ":red_circle: *TypeError: beans is undefined (https://sentry.example.org/issues/981/)*",
      "at water (garden.js:12)",
      "State: *New*   First seen: *28 Nov*",
      "Resolve",
      "Open (https://sentry.example.org/issues/981/)",
    ],
  ],
  [
    "Jenkins, a form in Slack's form",
    form("jenkins-slack"),
    [
      "shed - #118 Failure after 2 min 3 sec (Open (https://ci.example.org/job/shed/118/))",
      "No changes.",
      "\tTest status: passed=211, failed=2, skipped=0",
    ],
  ],
  [
    "Zabbix, by curl's own type and with raw line breaks",
    body("zabbix"),
    [
      "@channel Problem: Load average is too high on db1 (https://zabbix.example.org/hosts.php?id=10084)",
      "Severity: High & rising",
      "Last value: 14.2 > 8",
      "Call the night shift (+82-2-123-4567), ask @kim in #ops",
    ],
  ],
  [
    "Healthchecks, a form of its own",
    [...json, ...body("healthchecks")],
    [
      "status: down",
      "last_ping: 2026-11-27T15:00:01+00:00",
      "name: nightly backup",
      "tags: backup db1",
      "https://health.example.org/checks/7f4a/details",
    ],
  ],
  [
    "a deployment, as a card for Teams",
    [...json, ...body("teams-card")],
    [
      "Release 2.4 was rolled back",
      "Deployment to **production**",
      "Stage: canary",
      "Errors: 17",
      "See the log (https://deploy.example.org/runs/240)",
    ],
  ],
];

test("alerts of tools in use arrive whole", async ({ curl, join, server }, info) => {
  const hook = (await server.command("webhook", "incoming", "--room", "lobby", "--name", "Alerts")).trim();
  const reader = await join({ name: "Reader" });
  for (const [tool, args] of ALERTS) {
    const answer = curl("--write-out", " %{http_code}", ...args, new URL(hook, server.url).href);
    expect(await answer.finish(), tool).toBe(0);
    expect(answer.lines, tool).toEqual(["ok 200"]);
  }
  await expect(reader.messages).toHaveCount(ALERTS.length);
  for (const [at, [tool, , shown]] of ALERTS.entries()) {
    expect(await reader.messages.nth(at).locator(".text").innerText(), tool).toBe(shown.join("\n"));
  }
  // All of them in one picture.
  const height = await reader.log.evaluate((log) => log.scrollHeight);
  await reader.page.setViewportSize({ width: 1180, height: height + 300 });
  await reader.page.screenshot({ path: info.outputPath("alerts.png") });
});
