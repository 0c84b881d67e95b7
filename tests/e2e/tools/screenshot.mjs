// Takes the README's screenshot: node tools/screenshot.mjs URL USER PASSWORD ADDRESS FILE

import { execFileSync } from 'node:child_process';

import { chromium } from 'playwright-core';

const [url, user, password, address, file] = process.argv.slice(2);
const browser = await chromium.launch({
  executablePath: execFileSync('sh', ['-c', 'command -v chromium'], { encoding: 'utf8' }).trim(),
  args: ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
});
const page = await browser.newPage({ viewport: { width: 1000, height: 760 } });
await page.goto(url);
await page.getByLabel('User name').fill(user);
await page.getByLabel('Password').fill(password);
await page.getByRole('button', { name: 'Log in' }).click();
await page.getByLabel('Address or message id').fill(address);
await page.keyboard.press('Enter');
await page.getByRole('region', { name: 'Answer' }).waitFor();
await page.screenshot({ path: file });
await browser.close();
