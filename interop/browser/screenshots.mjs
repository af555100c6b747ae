// The pictures of the README, of a running `heattrax demo`: MODULES=… CHROMIUM=… node screenshots.mjs http://127.0.0.1:4328 docs/images

import { createRequire } from "node:module";

const { chromium } = createRequire(`${process.env.MODULES}/`)("playwright-core");
const [url, folder] = process.argv.slice(2);
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ["--no-sandbox", "--disable-gpu"] });
for (const [name, view, width, height, colorScheme] of [["now", "now", 360, 780, "light"], ["plan", "plan", 1100, 560, "dark"]]) {
  const page = await (await browser.newContext({ viewport: { width, height }, colorScheme })).newPage();
  await page.goto(`${url}/#${view}`);
  await page.waitForSelector("main .card");
  await page.waitForTimeout(1500);
  await page.screenshot({ path: `${folder}/${name}.png` });
}
await browser.close();
