// The console in a real browser: log-in, the box with the focus, the answer card, the timeline with each
// event's JSON, the captured mail. Nothing a mail contains runs or loads anything.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';

import { SendEmailCommand, SESv2Client } from '@aws-sdk/client-sesv2';
import { chromium } from 'playwright-core';

import { Server } from '../lib/server.mjs';

const HOSTILE = '<img src=x onerror="document.title=\'pwned\'"><script>document.title="pwned"</script>';
let server;
let browser;
let page;
let beacon;
let beaconHits = 0;
const foreign = [];

before(async () => {
  beacon = createServer((request, response) => { beaconHits += 1; response.end(); });
  await new Promise((resolve) => beacon.listen(0, '127.0.0.1', resolve));
  server = await Server.start();
  const ses = new SESv2Client(server.aws);
  const send = (to, subject, html) => ses.send(new SendEmailCommand({
    FromEmailAddress: 'Example <a@example.com>', Destination: { ToAddresses: [to] },
    Content: { Simple: { Subject: { Data: subject }, Body: { Text: { Data: 'Plain words' }, Html: { Data: html } } } },
  }));
  await send('alice@somewhere.example', `Reset your password ${HOSTILE}`,
    `<p>Hello</p>${HOSTILE}<img src="http://127.0.0.1:${beacon.address().port}/beacon.gif">`);
  await send('bounce@simulator.amazonses.com', 'Will bounce', '<p>x</p>');
  await server.events('@mail.destination:alice@somewhere.example', 2);
  await server.events('@eventType:Bounce', 1);
  const executablePath = execFileSync('sh', ['-c', 'command -v chromium'], { encoding: 'utf8' }).trim();
  browser = await chromium.launch({
    executablePath,
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
  });
  const context = await browser.newContext({ viewport: { width: 1000, height: 900 } });
  page = await context.newPage();
  // A request that the policy blocks is announced but fails; one that leaves finishes.
  page.on('requestfinished', (request) => {
    if (!request.url().startsWith(server.url) && !request.url().startsWith('data:')) foreign.push(request.url());
  });
  page.on('pageerror', (error) => foreign.push(`error: ${error.message}`));
});
after(async () => {
  await browser?.close();
  beacon.close();
  await server.stop();
});

test('a wrong password is refused, the right one opens the box with the focus', async () => {
  await page.goto(server.url);
  await page.getByLabel('User name').fill(server.credentials.admin.user);
  await page.getByLabel('Password').fill('certainly wrong');
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.getByRole('alert').filter({ hasText: 'wrong' }).waitFor();
  await page.getByLabel('Password').fill(server.credentials.admin.password);
  await page.getByRole('button', { name: 'Log in' }).click();
  const box = page.getByLabel('Address or message id');
  await box.waitFor();
  assert.ok(await box.evaluate((element) => element === document.activeElement));
});

test('a pasted address gives the card and the timeline with JSON', async () => {
  await page.getByLabel('Address or message id').fill('  Alice@Somewhere.example ');
  await page.keyboard.press('Enter');
  const card = page.getByRole('region', { name: 'Answer' });
  await card.getByText('Captured on this machine; it never left for somewhere.example').first().waitFor();
  await page.locator('ol.timeline li').nth(1).waitFor();
  await page.getByRole('button', { name: 'Show JSON' }).first().click();
  await page.locator('pre').filter({ hasText: '"eventType"' }).waitFor();
  assert.notEqual(await page.title(), 'pwned');
});

test('a short link of a saved view shows its rows, columns and facets', async () => {
  await page.goto(`${server.url}/v/password-resets`);
  const view = page.getByRole('region', { name: 'View' });
  await view.getByRole('heading', { name: 'Password resets' }).waitFor();
  await view.getByRole('region', { name: '@eventType' }).getByText('Send').waitFor();
  await page.locator('.rows tbody tr').filter({ hasText: 'Reset your password' }).first().waitFor();
  await page.locator('.rows thead').getByText('@eventType').waitFor();
  assert.notEqual(await page.title(), 'pwned');
  await page.goto(`${server.url}/#/answer/alice%40somewhere.example`);
  await page.getByRole('region', { name: 'Answer' }).waitFor();
});

test('the captured mail is shown without running or loading what it contains', async () => {
  await page.getByRole('link', { name: 'Read the captured mail' }).first().click();
  await page.locator('pre').filter({ hasText: 'Plain words' }).waitFor();
  await page.getByRole('button', { name: 'Show the HTML' }).click();
  await page.frameLocator('iframe.mail-body').getByText('Hello').waitFor();
  assert.notEqual(await page.title(), 'pwned');
  assert.deepEqual(foreign, []);
  assert.equal(beaconHits, 0);
});

test("a refused mail shows the receiving server's own words", async () => {
  await page.goto(`${server.url}/#/answer/bounce%40simulator.amazonses.com`);
  const card = page.getByRole('region', { name: 'Answer' });
  await card.locator('code.words').filter({ hasText: '550' }).waitFor();
});

test('nobody mailed: the answer says so and offers the nearest address', async () => {
  await page.goto(`${server.url}/#/answer/alcie%40somewhere.example`);
  await page.getByRole('link', { name: 'alice@somewhere.example' }).waitFor();
});

test('without a session nothing can be read', async () => {
  for (const path of ['/api/v2/postglass/answer?address=alice@somewhere.example', '/api/v2/postglass/captured', '/api/v2/postglass/keys']) {
    const response = await fetch(server.url + path);
    assert.ok([401, 403].includes(response.status), `${path}: ${response.status}`);
  }
});
