// A person at the page, in a real browser. `node browse.mjs WHAT JSON`: prints JSON, or ends with 1 and a sentence.
//
// MODULES names the folder with playwright-core and axe-core, CHROMIUM the browser.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const load = createRequire(join(process.env.MODULES, "package.json"));
const { chromium } = load("playwright-core");
const axe = readFileSync(load.resolve("axe-core/axe.min.js"), "utf8");

// Nothing of the browser leaves the machine.
const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
const VIEWS = ["now", "plan", "schedules", "weather", "devices", "history", "log", "settings"];
const PATIENCE = 15000;

const fail = (words) => {
  throw new Error(words);
};

async function open(browser, { width = 1280, height = 900, dark = false, expected = [] } = {}) {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme: dark ? "dark" : "light" });
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE);
  page.complaints = [];
  page.on("console", (it) => {
    const isExpected = expected.some((words) => it.text().includes(words));
    if (["error", "warning"].includes(it.type()) && !isExpected) page.complaints.push(`${it.type()}: ${it.text()}`);
  });
  page.on("pageerror", (it) => page.complaints.push(`page error: ${it.message}`));
  return page;
}

const quiet = (page, where) => page.complaints.length === 0 || fail(`${where}: the browser complains: ${page.complaints.join("; ")}`);

/** It is as wide as the screen, and axe-core finds nothing serious. */
async function sound(page, where) {
  const wide = await page.evaluate(() => document.scrollingElement.scrollWidth - window.innerWidth);
  if (wide > 0) fail(`${where}: ${wide} px too wide`);
  // The policy of the page lets no script in but its own files; the browser itself may.
  const session = await page.context().newCDPSession(page);
  await session.send("Runtime.evaluate", { expression: axe });
  const { result } = await session.send("Runtime.evaluate", {
    expression: "axe.run(document, { resultTypes: ['violations'] }).then((it) => JSON.stringify(it.violations))", awaitPromise: true, returnByValue: true,
  });
  const bad = JSON.parse(result.value).filter((it) => ["serious", "critical"].includes(it.impact));
  if (bad.length > 0) fail(`${where}: ${bad.map((it) => `${it.id} (${it.help}): ${it.nodes.map((node) => node.html.slice(0, 120)).join(" | ")}`).join("; ")}`);
}

/** What is to be pressed is large enough for a thumb. */
async function thumbs(page, where) {
  const what = "main button, main select, main summary, main textarea, main input:not([type=checkbox], [type=radio], [type=file]), main .lengths label, main .switch, nav a";
  const low = await page.$$eval(what, (all) => all.filter((it) => it.offsetParent && it.getBoundingClientRect().height < 44).map((it) => it.textContent || it.id));
  if (low.length > 0) fail(`${where}: too small for a thumb: ${low.join(", ")}`);
}

/** What a browser that was never here loads, in bytes as they are on the way, and when it shows something. */
async function first(browser, url) {
  const page = await open(browser, { width: 360 });
  await page.goto(`${url}/#now`);
  await page.waitForSelector("main .card");
  const found = await page.evaluate(() => {
    const files = [...performance.getEntriesByType("resource"), ...performance.getEntriesByType("navigation")].filter((it) => !it.name.includes("/api/"));
    return { weight: files.reduce((sum, it) => sum + it.encodedBodySize, 0), painted: performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? 0 };
  });
  await page.context().close();
  return found;
}

/** The page fits, works without a mouse and for a screen reader, and the browser has nothing to say against it. */
async function views(browser, { url }) {
  for (const width of [360, 1280]) {
    for (const dark of [false, true]) {
      const page = await open(browser, { width, dark });
      for (const view of VIEWS) {
        const where = `${view}, ${width} px, ${dark ? "dark" : "light"}`;
        await page.goto(`${url}/#${view}`);
        await page.waitForSelector("main .card");
        await page.waitForTimeout(400);
        await sound(page, where);
        if (width === 360) await thumbs(page, where);
        quiet(page, where);
      }
      await page.context().close();
    }
  }
  for (const dark of [false, true]) {
    const page = await open(browser, { width: 360, dark });
    const where = `the page for phones, ${dark ? "dark" : "light"}`;
    await page.goto(`${url}/control`);
    await page.waitForSelector("main .group .act");
    await sound(page, where);
    await thumbs(page, where);
    quiet(page, where);
    await page.context().close();
  }
  const { weight, painted } = await first(browser, url);
  if (weight < 10000 || weight > 150000) fail(`the page weighs ${weight} bytes`);
  return { weight, first_paint_ms: Math.round(painted) };
}

/** A forecast whose next hours are told in quarters, and whose last ones three at once, is drawn and listed hour by hour. */
async function forecast(browser, { url }) {
  const page = await open(browser, { width: 360, height: 780 });
  const parts = [[0, 60, 0], [60, 15, 0.25], [75, 15, 0.25], [90, 15, 0.25], [105, 15, 0.25], [120, 60, 1], [180, 180, 3]];
  await page.route("**/api/weather/forecast", async (route) => {
    const house = await (await page.request.get(`${url}/api/house`)).json();
    const hour = Math.floor(Date.parse(house.at) / 3600000) * 3600000;
    const at = (minutes) => new Date(hour + minutes * 60000).toISOString().replace(".000Z", "+00:00");
    const hours = parts.map(([from, long, amount]) => ({
      time: at(from), temp_c: -1, dewpoint_c: -2, humidity_percent: 90, wind_speed: 1, precip_intensity: amount, precip_type: amount > 0 ? "snow" : null, black_ice_risk: false, raw: { end: at(from + long) },
    }));
    await route.fulfill({ json: { hours } });
  });
  await page.goto(`${url}/#plan`);
  await page.locator("main .timeline .snow").first().waitFor();
  const bars = await page.$$eval("main .scroll .timeline .snow", (all) => all.map((it) => ["width", "height"].map((name) => Number(it.getAttribute(name)))));
  const [[quarters, high], [one, same], [three, alike]] = bars;
  // 1 mm in an hour is as high as 3 mm in three, however it is told.
  if (bars.length !== 3 || Math.abs(quarters - one) > 0.5 || three < 2.8 * one || high !== same || Math.abs(same - alike) > 0.01) fail(`the snow is drawn as ${JSON.stringify(bars)}`);
  await page.locator("#legend").filter({ hasText: "snow" }).waitFor();
  await sound(page, "the plan with snow");
  quiet(page, "the forecast");
  return {};
}

/** What was: a time in which nobody looked is not one that was off, the relay is seen beside the power, and what is newest is seen first. */
async function past(browser, { url }) {
  const page = await open(browser, { width: 360, height: 780 });
  await page.route("**/api/history/samples?*", async (route) => {
    const { at } = await (await page.request.get(`${url}/api/house`)).json();
    const before = (hours) => new Date(Date.parse(at) - hours * 3600000).toISOString();
    const point = (hours, on, power) => ({ at: before(hours), step: 3600, on, power, mode: "melt" });
    await route.fulfill({ json: { points: [point(20, null, null), point(3, 0, 0), point(2, 1, 0), point(1, 1, 300)] } });
  });
  const day = (date, kwh) => ({ date, kwh, on_minutes: 60, kwh_source: "meter", cost: null });
  await page.route("**/api/history/days?*", (route) => route.fulfill({ json: { currency: null, days: [day("2026-01-01", 1), day("2026-01-02", 2)] } }));
  await page.goto(`${url}/#history`);
  await page.locator("#curve .used").waitFor({ state: "attached" });
  const count = (what) => page.locator(what).count();
  const seen = [await count("#curve .track"), await count("#curve .relay"), await count("#curve .used"), await count("main .days .used")].join();
  if (seen !== "3,2,1,2") fail(`known times, relay on, power, days: ${seen}`);
  if (!(await page.$eval("#curve", (it) => it.scrollLeft > 0 && it.scrollLeft + it.clientWidth >= it.scrollWidth - 1))) fail("what is newest is not seen");
  await sound(page, "what was");
  quiet(page, "what was");
  return {};
}

const group = (page, name) => page.locator("section.group", { has: page.getByRole("heading", { name, exact: true }) });

/** A button is pressed; the page shows what the plug reported, without being loaded again. */
async function press(browser, { url, path = "/#now", group: name, button, shows, answer, pressed }) {
  const page = await open(browser, { width: 360, height: 780, expected: ["409", "504"] });
  await page.goto(`${url}${path}`);
  const card = group(page, name);
  await card.getByRole("button", { name: button, exact: true }).click();
  if (shows) await card.locator(".head .state").first().filter({ hasText: new RegExp(`^${shows}$`) }).waitFor();
  // What the card shows already proves nothing.
  if (pressed) await card.getByRole("button", { name: button, exact: true, pressed: true }).first().waitFor();
  if (answer) await card.locator(".answer.trouble").filter({ hasText: answer }).waitFor();
  const why = await card.locator(".why").first().textContent();
  quiet(page, `${button} of ${name}`);
  return { why };
}

/** A button is held while the page has something new to show, and let go: it is pressed all the same, and the new is shown then. */
async function hold(browser, { url, path, group: name, button, other }) {
  const page = await open(browser, { width: 360, height: 780 });
  await page.goto(`${url}${path}`);
  const shows = (whose, word) => group(page, whose).locator(".head .state").first().filter({ hasText: new RegExp(`^${word}$`) }).waitFor();
  const held = group(page, name).getByRole("button", { name: button, exact: true });
  const news = await page.evaluateHandle(() => new EventSource("api/events?changes=true"));
  await held.hover();
  await page.mouse.down();
  await page.waitForTimeout(1200);
  const isTold = news.evaluate((it, whose) => new Promise((go) => it.addEventListener("change", ({ data }) => JSON.parse(data).groups?.[whose]?.state && go())), other);
  await page.request.post(`${url}/api/groups/${other}/set`, { data: { state: button, for: "1h" } });
  await isTold;
  await page.waitForTimeout(400);
  await page.mouse.up();
  await shows(name, button);
  await shows(other, button);
  quiet(page, `${button} of ${name} held`);
  return {};
}

/** An order that nobody answers is given up, and said so; here after a hundredth of the time. */
async function unanswered(browser, { url, group: name }) {
  const page = await open(browser, { width: 360, height: 780 });
  await page.addInitScript(() => {
    const usual = AbortSignal.timeout;
    AbortSignal.timeout = (after) => usual.call(AbortSignal, after / 100);
  });
  await page.route("**/set", () => {});
  await page.goto(`${url}/#now`);
  const card = group(page, name);
  const button = card.getByRole("button", { name: "ON", exact: true });
  await button.click();
  await card.locator(".answer.trouble").filter({ hasText: "does not answer" }).waitFor();
  if (await button.getAttribute("aria-disabled")) fail("what was given up cannot be asked anew");
  quiet(page, "no answer");
  return {};
}

/** Without a mouse: past the views to the house, an outlet on, and another view. */
async function keyboard(browser, { url, group: name }) {
  const page = await open(browser);
  await page.goto(`${url}/#now`);
  const card = group(page, name);
  await card.waitFor();
  const held = () => page.evaluate(() => document.activeElement.id || document.activeElement.className || document.activeElement.tagName);
  const pastTheViews = async () => {
    await page.keyboard.press("Tab");
    if ((await held()) !== "skip") fail(`the first stop is ${await held()}, not the way to the content`);
    await page.keyboard.press("Enter");
  };
  await pastTheViews();
  const button = card.getByRole("button", { name: "ON", exact: true }).first();
  const here = await button.getAttribute("id");
  let stops = 0;
  while ((await held()) !== here) {
    await page.keyboard.press("Tab");
    stops += 1;
    if (stops > 15) fail(`after ${stops} stops behind the way to the content it is not ON but ${await held()}`);
  }
  await page.keyboard.press("Enter");
  await card.locator(".head .state").first().filter({ hasText: /^ON$/ }).waitFor();
  // What was drawn anew meanwhile takes the place of the keyboard away from nobody.
  if ((await held()) !== here) fail(`the keyboard was at ON and is at ${await held()}`);
  // Nor does what comes after it by itself: the plug is asked each second.
  const why = card.locator("summary").filter({ hasText: /^Why$/ });
  await card.locator("summary").first().focus();
  await page.keyboard.press("Enter");
  await why.focus();
  const there = await why.getAttribute("id");
  await why.evaluate((it) => (it.isOld = true));
  await page.waitForFunction((id) => !document.getElementById(id).isOld, there);
  if ((await held()) !== there) fail(`the keyboard was at Why and is at ${await held()}`);
  await page.getByRole("link", { name: "Plan", exact: true }).focus();
  await page.keyboard.press("Enter");
  await page.locator("main .timeline").first().waitFor();
  await page.reload();
  await page.locator("main .timeline").first().waitFor();
  await pastTheViews();
  await page.waitForTimeout(400);
  if (!(await page.locator("main .timeline").count())) fail("the way to the content leads to another view");
  quiet(page, "without a mouse");
  return { stops };
}

/** Nobody sees the house without the secret, and whoever has it does. */
async function signIn(browser, { url, secret, wrong = "wrong", toggle, edits }) {
  const page = await open(browser, { width: 360, height: 780, expected: ["401"] });
  await page.goto(url);
  const field = page.locator("#secret");
  if (toggle) await page.getByRole("button", { name: toggle }).click();
  await field.fill(wrong);
  await page.getByRole("button", { name: "Let me in" }).click();
  await page.getByRole("alert").filter({ hasText: "Invalid" }).waitFor();
  if (await page.locator("section.group").count()) fail("the house is shown to whoever does not know the secret");
  await field.fill(secret);
  await page.getByRole("button", { name: "Let me in" }).click();
  await page.locator("section.group").first().waitFor();
  await page.reload();
  await page.locator("section.group").first().waitFor();
  if (edits) {
    await page.goto(`${url}/#settings`);
    await page.locator("main form, main fieldset, main textarea").first().waitFor();
  }
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.locator("#secret").waitFor();
  quiet(page, "signing in");
  return {};
}

/** In a frame of somebody else's page, as Home Assistant's ingress shows it. */
async function ingress(browser, { url, secret, group: name }) {
  const page = await open(browser, { expected: ["401"] });
  await page.goto(url);
  const frame = page.frameLocator("iframe");
  await frame.locator("#secret").fill(secret);
  await frame.getByRole("button", { name: "Let me in" }).click();
  const card = frame.locator("section.group", { has: frame.getByRole("heading", { name, exact: true }) });
  await card.getByRole("button", { name: "ON", exact: true }).click();
  await card.locator(".head .state").first().filter({ hasText: /^ON$/ }).waitFor();
  const cookies = await page.context().cookies();
  quiet(page, "in a frame");
  return { path: cookies.map((it) => it.path).join() };
}

const scheduled = (page, name) => page.locator("main section", { has: page.getByRole("heading", { name, exact: true }) });

/** A schedule is added, or what is there is changed. */
async function schedule(browser, { url, group: name, does }) {
  const page = await open(browser, { width: 360, height: 780, expected: ["412", "400"] });
  page.on("dialog", (it) => it.accept());
  await page.goto(`${url}/#schedules`);
  const card = scheduled(page, name);
  const saved = () => page.locator("#said").filter({ hasText: "in force" }).waitFor();
  await card.waitFor();
  if (does === "add") {
    await card.getByRole("button", { name: "Add a schedule" }).click();
    await page.fill("#edit-name", "Morning");
    await page.fill("#edit-on-value", "05:30");
    await page.fill("#edit-off-value", "07:15");
    // What it would do is shown before it is saved.
    await page.locator("#preview li").filter({ hasText: "05:30 – " }).nth(5).waitFor();
    await page.locator("#preview li").filter({ hasText: "07:15" }).first().waitFor();
    await page.click("#edit-save");
    await saved();
    await card.getByText("05:30 – 07:15").waitFor();
  } else if (does === "edit") {
    await card.getByRole("button", { name: "Edit" }).click();
    await page.fill("#edit-name", "Dawn");
    await page.fill("#edit-off-value", "08:00");
    await page.selectOption("#edit-precipitation_active", "yes");
    await page.click("#edit-save");
    await saved();
    await card.getByText("Dawn", { exact: true }).waitFor();
    await card.getByText("05:30 – 08:00, every day, if precipitation active").waitFor();
  } else if (does === "silence") {
    await card.getByRole("switch").uncheck();
    await saved();
    await card.getByText("silent").waitFor();
  } else if (does === "delete") {
    await card.getByRole("button", { name: "Delete" }).click();
    await saved();
    await card.getByText("No schedule").waitFor();
  } else if (does === "open") {
    // Somebody else changes the list now, who is told of on standard input: another one has the place of Dusk.
    const refused = async (word, at, words) => {
      await card.locator("li", { hasText: "Dusk" }).getByRole("button", { name: "Edit" }).click();
      console.log(word);
      await new Promise((go, no) => {
        process.stdin.once("data", go);
        setTimeout(() => no(new Error("nobody said that it goes on")), 60000).unref();
      });
      await page.fill("#edit-off-value", at);
      await page.click("#edit-save");
      await page.getByRole("alert").filter({ hasText: words }).waitFor();
      if ((await page.inputValue("#edit-off-value")) !== at) fail("what was typed is gone");
      await page.click("#edit-save");
      await saved();
      await card.getByText(`18:00 – ${at}`).waitFor();
    };
    await refused("open", "21:00", "have changed since, but not this one");
    // Now it is gone.
    await refused("again", "22:00", "in the list no more");
    // The end of a change of one closes no other.
    await card.locator("li", { hasText: "Dusk" }).getByRole("button", { name: "Edit" }).click();
    await card.getByRole("switch").first().uncheck();
    await card.getByText("silent").waitFor();
    await page.fill("#edit-off-value", "23:00");
    await page.click("#edit-save");
    await card.getByText("18:00 – 23:00").waitFor();
  }
  quiet(page, does);
  return {};
}

/** What is wrong with the config is shown with its place, put right, and the bridge goes on. */
async function repair(browser, { url, from, to, problem, group: name }) {
  const page = await open(browser, { width: 360, height: 780, expected: ["ERR_", "503", "400"] });
  await page.goto(url);
  await page.getByRole("heading", { name: "Setup mode" }).waitFor();
  await page.getByText(problem).first().waitFor();
  const text = await page.inputValue("#config");
  if (!text.includes(from)) fail(`the page does not show the config: ${text.slice(0, 200)}`);
  await page.fill("#config", text.replace(from, to));
  await page.click("#save");
  await group(page, name).waitFor({ timeout: 30000 });
  quiet(page, "the repair");
  return {};
}

/** The config as a form: values, what is wrong at its place, what the environment holds, secrets, new items, and what is taken out. */
async function form(browser, { url, held, secret }) {
  const page = await open(browser, { width: 360, height: 780, expected: ["400"] });
  page.on("dialog", (it) => it.accept());
  await page.goto(`${url}/#settings`);
  await page.locator("#form").waitFor();
  await page.evaluate(() => document.querySelectorAll("#form details").forEach((it) => it.setAttribute("open", "")));
  await sound(page, "the form, 360 px");
  const saved = async () => {
    await page.click("#form-save");
    const isSaved = page.getByRole("status").filter({ hasText: "Saved" }).waitFor();
    await isSaved.catch(async () => fail(`it is not saved; the page says: ${(await page.locator("#said, .trouble").allTextContents()).filter(Boolean).join("; ")}; the button: ${await page.textContent("#form-save")}`));
    await page.waitForFunction(() => document.querySelector("#form-save").textContent === "Save");
  };
  // What the environment holds is shown and left alone.
  if (await page.isEnabled(held.field)) fail("what the environment holds can be edited");
  await page.getByText(held.words).first().waitFor();
  // A secret is never shown.
  if ((await page.content()).includes(secret)) fail("the secret is on the page");
  // What is wrong is said at its place, and nothing is lost.
  await page.fill("#form-safety-max_runtime_hours", "-1");
  await page.fill("#form-safety-cooldown_minutes", "31");
  await page.click("#form-save");
  await page.locator("#form-safety-max_runtime_hours[aria-invalid=true]").waitFor();
  await page.getByText("allowed: a number above 0").waitFor();
  await page.waitForFunction(() => document.activeElement.id === "form-safety-max_runtime_hours");
  if ((await page.inputValue("#form-safety-cooldown_minutes")) !== "31") fail("what was typed is gone");
  await page.fill("#form-safety-max_runtime_hours", "5");
  await saved();
  // An item more, and away again.
  await page.fill("#form-devices-groups-garden-items-new-name", "Pond");
  await page.fill("#form-devices-groups-garden-items-new-ip_address", "192.0.2.77");
  // Whatever redraws the page takes nothing away: here a change that is refused.
  await page.fill("#form-safety-cooldown_minutes", "-1");
  await page.click("#form-save");
  await page.locator("#form-safety-cooldown_minutes[aria-invalid=true]").waitFor();
  if ((await page.inputValue("#form-devices-groups-garden-items-new-name")) !== "Pond") fail("what was typed of something new is gone");
  await page.fill("#form-safety-cooldown_minutes", "31");
  await page.click("#form-devices-groups-garden-items-new-add");
  await page.locator("#form-devices-groups-garden-items-1-name").waitFor({ state: "attached" });
  await page.locator("#form-devices-groups-garden-items-1 > summary").click();
  await page.selectOption("#form-devices-groups-garden-class", "light");
  await saved();
  // What is not saved hangs on the places of items: nothing is taken out from under it.
  await page.fill("#form-safety-cooldown_minutes", "32");
  await page.click("#form-devices-groups-garden-items-1-gone");
  await page.locator("#said.trouble").filter({ hasText: "Save what you have changed first" }).waitFor();
  if (!(await page.locator("#form-devices-groups-garden-items-1-name").count())) fail("it is taken out all the same");
  // Nor does the file of one take away what is typed for the other.
  const text = await page.inputValue("#config");
  await page.click("#save");
  await page.locator("#said.trouble").filter({ hasText: "in the form first" }).waitFor();
  await page.fill("#config", `${text}# typed\n`);
  await page.click("#form-save");
  await page.locator("#said.trouble").filter({ hasText: "Save the text below first" }).waitFor();
  if (!(await page.inputValue("#config")).endsWith("# typed\n")) fail("the text that was typed is gone");
  await page.fill("#config", text);
  await page.fill("#form-safety-cooldown_minutes", "31");
  await page.click("#form-devices-groups-garden-items-1-gone");
  await page.locator("#form-devices-groups-garden-items-1-name").waitFor({ state: "detached" });
  // As usual again.
  await page.fill("#form-safety-cooldown_minutes", "");
  await saved();
  quiet(page, "the form");
  return {};
}

/** What is typed and not saved is there when somebody comes back, is told of, is not closed over, and can be thrown away. */
async function keep(browser, { url, group: name }) {
  const page = await open(browser, { width: 360, height: 780 });
  const asked = [];
  page.on("dialog", (it) => {
    asked.push(it.type());
    // Who is asked whether to leave stays.
    (it.type() === "beforeunload" ? it.dismiss() : it.accept()).catch(() => {});
  });
  const to = (view) => page.getByRole("link", { name: view, exact: true }).first().click();
  const holds = async (field, text) => (await page.inputValue(field)) === text || fail(`${field} holds ${await page.inputValue(field)}, not ${text}`);
  const told = (words) => page.locator("#said").filter({ hasText: words }).waitFor();
  const [hours, rest, item] = ["#form-safety-max_runtime_hours", "#form-safety-cooldown_minutes", "#form-devices-groups-garden-items-new-name"];
  await page.goto(`${url}/#settings`);
  await page.locator("#form").waitFor();
  await page.evaluate(() => document.querySelectorAll("#form details").forEach((it) => it.setAttribute("open", "")));
  const text = await page.inputValue("#config");
  await page.fill(hours, "5");
  await page.fill(item, "Pond");
  await page.fill("#config", `${text}# typed\n`);
  await to("Schedules");
  await told("not saved yet");
  const card = scheduled(page, name);
  await card.getByRole("button", { name: "Add a schedule" }).click();
  await page.fill("#edit-name", "Half");
  await to("Config");
  await page.locator("#unsaved").filter({ hasText: "safety.max_runtime_hours, something new, the text" }).waitFor();
  await sound(page, "what is not saved, 360 px");
  await thumbs(page, "what is not saved");
  // Where it is, is open.
  for (const field of [hours, item]) await page.locator(field).waitFor({ state: "visible" });
  await holds(hours, "5");
  await holds(item, "Pond");
  await holds("#config", `${text}# typed\n`);
  await page.close({ runBeforeUnload: true });
  for (let tries = 0; tries < 50 && !asked.length; tries += 1) await new Promise((go) => setTimeout(go, 100));
  if (asked.join() !== "beforeunload" || page.isClosed()) fail(`a page with changes is closed without a word: ${asked}`);
  await page.click("#discard");
  await page.locator("#unsaved").waitFor({ state: "detached" });
  await page.locator(rest).waitFor({ state: "attached" });
  await holds(hours, "6");
  await holds(item, "");
  await holds("#config", text);
  // A change of the file elsewhere is in the way of none at another place.
  await page.evaluate(() => document.querySelectorAll("#form details").forEach((it) => it.setAttribute("open", "")));
  await page.fill(rest, "31");
  await to("Schedules");
  await page.getByText("typed here before is not saved yet").waitFor();
  await holds("#edit-name", "Half");
  await page.click("#edit-save");
  await card.getByText("Half", { exact: true }).waitFor();
  await to("Config");
  await page.locator("#unsaved").filter({ hasText: "cooldown_minutes" }).waitFor();
  await page.waitForFunction(() => document.querySelector("#config")?.value.includes("Half"));
  await page.waitForTimeout(400);
  await page.click("#form-save");
  await told("Saved");
  await page.locator("#unsaved").waitFor({ state: "detached" });
  await holds(rest, "31");
  quiet(page, "what is not saved");
  const isAsked = await page.evaluate(() => !window.dispatchEvent(new Event("beforeunload", { cancelable: true })));
  if (isAsked) fail("all is saved, and the page is not closed without a word");
  return {};
}

/** From nothing to a house, step by step. */
async function first_config(browser, { url, address }) {
  const page = await open(browser, { width: 360, height: 780, expected: ["ERR_", "503", "400", "409", "401"] });
  await page.goto(url);
  await page.getByRole("heading", { name: "Setup mode" }).waitFor();
  await page.locator("#setup-username").waitFor();
  await sound(page, "setup, 360 px");
  if (await page.locator("#tabs").isVisible()) fail("before the config there are views that lead nowhere");
  await page.fill("#setup-username", "someone@example.com");
  await page.fill("#setup-password", "a password");
  await page.click("#setup-account");
  await page.locator("#setup-username").waitFor({ state: "detached" });
  // A refusal takes away nothing that was typed.
  await page.fill("#setup-latitude", "46.9");
  await page.fill("#setup-longitude", "7.4");
  await page.fill("#setup-timezone", "Europe/Nowhere");
  await page.fill("#setup-name", "Walkway mat");
  await page.uncheck("#setup-melt");
  await page.click("#setup-place");
  await page.getByRole("alert").filter({ hasText: "Nowhere" }).first().waitFor();
  const typed = [await page.inputValue("#setup-latitude"), await page.inputValue("#setup-timezone"), await page.inputValue("#setup-name"), await page.isChecked("#setup-melt")].join();
  if (typed !== "46.9,Europe/Nowhere,Walkway mat,false") fail(`what was typed is gone: ${typed}`);
  await page.check("#setup-melt");
  await page.fill("#setup-timezone", "Europe/Zurich");
  await page.click("#setup-place");
  await page.locator("#setup-latitude").waitFor({ state: "detached" });
  await page.fill("#setup-ip", address);
  await page.fill("#setup-outlets", "0");
  await page.fill("#setup-group", "walkway");
  await page.click("#setup-devices");
  await page.locator("#setup-finish:enabled").click();
  await group(page, "walkway").waitFor({ timeout: 30000 });
  await page.locator("#tabs").waitFor();
  quiet(page, "the first config");
  return {};
}

/** The bridge goes and comes back. */
async function loss(browser, { url }) {
  const page = await open(browser, { width: 360, height: 780, expected: ["ERR_", "Failed to load"] });
  await page.goto(url);
  await page.locator("section.group").first().waitFor();
  console.log("open");
  await page.locator("#link.lost").filter({ hasText: "Connection lost" }).waitFor({ timeout: 45000 });
  // Also to whoever looks at the end of the page.
  await page.evaluate(() => window.scrollTo(0, document.body.scrollHeight));
  const { y } = await page.locator("#link.lost").boundingBox();
  if (y < 0) fail("whoever looks at the end of the page is not told that it shows the past");
  await sound(page, "what is of the past");
  console.log("lost");
  await page.waitForFunction(() => !document.querySelector("#link").classList.contains("lost"), null, { timeout: 40000 });
  quiet(page, "a loss");
  return {};
}

const [what, given] = process.argv.slice(2);
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: FLAGS });
try {
  const done = await { views, forecast, past, press, hold, unanswered, keyboard, signIn, ingress, schedule, repair, form, keep, first_config, loss }[what](browser, JSON.parse(given));
  console.log(JSON.stringify(done));
} catch (error) {
  console.error(`${what}: ${error.message}`);
  process.exitCode = 1;
} finally {
  await browser.close();
}
