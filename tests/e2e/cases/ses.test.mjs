// SES as unmodified clients see it: the AWS SDK for JavaScript v3 (v1 and v2) over the operations of
// templates, suppression, identities and the account, good and bad input; and what comes of it, in events.

import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { after, before, test } from 'node:test';

import * as v1 from '@aws-sdk/client-ses';
import * as v2 from '@aws-sdk/client-sesv2';

import { ScriptedRelay } from '../lib/relay-peers.mjs';
import { Server } from '../lib/server.mjs';
import { eventually } from '../lib/wait.mjs';

let server;
let ses;
let sesv2;

before(async () => {
  server = await Server.start();
  ses = new v1.SESClient(server.aws);
  sesv2 = new v2.SESv2Client(server.aws);
});
after(() => server.stop());

const one = (name, input = {}) => ses.send(new v1[`${name}Command`](input));
const two = (name, input = {}) => sesv2.send(new v2[`${name}Command`](input));
const refused = (call, name, message) => assert.rejects(call, (error) => {
  assert.equal(error.name, name);
  if (message) assert.match(error.message, message);
  return true;
});

test('templates by API v1', async () => {
  const Template = { TemplateName: 'one', SubjectPart: 'For {{name}}', TextPart: 'Hi {{name}}' };
  await one('CreateTemplate', { Template });
  await refused(one('CreateTemplate', { Template }), 'AlreadyExistsException', /already exists/);
  await refused(one('CreateTemplate', { Template: { ...Template, TemplateName: 'bad', TextPart: '{{#if x}}' } }), 'InvalidTemplateException');
  assert.deepEqual((await one('GetTemplate', { TemplateName: 'one' })).Template, Template);
  await one('UpdateTemplate', { Template: { ...Template, HtmlPart: '<p>{{name}}</p>' } });
  await refused(one('UpdateTemplate', { Template: { ...Template, TemplateName: 'none' } }), 'TemplateDoesNotExistException');
  const { TemplatesMetadata } = await one('ListTemplates', { MaxItems: 10 });
  assert.deepEqual(TemplatesMetadata.map((t) => t.Name), ['one']);
  assert.ok(TemplatesMetadata[0].CreatedTimestamp instanceof Date);

  const render = (data) => one('TestRenderTemplate', { TemplateName: 'one', TemplateData: data });
  assert.match((await render('{"name":"Ann"}')).RenderedTemplate, /Subject: For Ann\r?\n/);
  await refused(render('{}'), 'MissingRenderingAttributeException', /Attribute 'name' is not present/);
  await refused(render('{'), 'InvalidRenderingParameterException');

  const mail = { Source: 'a@example.com', Template: 'one', Destination: { ToAddresses: ['success@simulator.amazonses.com'] } };
  assert.match((await one('SendTemplatedEmail', { ...mail, TemplateData: '{"name":"Ann"}' })).MessageId, /-000000$/);
  assert.match((await one('SendTemplatedEmail', { ...mail, TemplateData: '{}' })).MessageId, /-000000$/);
  await refused(one('SendTemplatedEmail', { ...mail, Template: 'none', TemplateData: '{}' }), 'TemplateDoesNotExistException');
  const { Status } = await one('SendBulkTemplatedEmail', {
    Source: 'a@example.com', Template: 'one', DefaultTemplateData: '{"name":"you"}',
    Destinations: [
      { Destination: { ToAddresses: ['success@simulator.amazonses.com'] }, ReplacementTemplateData: '{"name":"Ann"}' },
      { Destination: { ToAddresses: ['nobody'] } },
    ],
  });
  assert.deepEqual(Status.map((s) => s.Status), ['Success', 'InvalidParameterValue']);
  await one('DeleteTemplate', { TemplateName: 'one' });
  await refused(one('GetTemplate', { TemplateName: 'one' }), 'TemplateDoesNotExistException');
});

test('templates by API v2', async () => {
  const TemplateContent = { Subject: 'For {{name}}', Html: '<p>{{#each l}}{{this}}{{/each}}{{name}}</p>' };
  await two('CreateEmailTemplate', { TemplateName: 'two', TemplateContent, Tags: [{ Key: 'k', Value: 'v' }] });
  await refused(two('CreateEmailTemplate', { TemplateName: 'two', TemplateContent }), 'AlreadyExistsException');
  assert.deepEqual((await two('GetEmailTemplate', { TemplateName: 'two' })).TemplateContent, TemplateContent);
  assert.deepEqual((await two('ListEmailTemplates')).TemplatesMetadata.map((t) => t.TemplateName), ['two']);
  await two('UpdateEmailTemplate', { TemplateName: 'two', TemplateContent: { ...TemplateContent, Text: '{{name}}' } });
  assert.match((await two('TestRenderEmailTemplate', { TemplateName: 'two', TemplateData: '{"name":"Bob","l":[1,2]}' })).RenderedTemplate, /<p>12Bob<\/p>/);
  await refused(two('TestRenderEmailTemplate', { TemplateName: 'two', TemplateData: '{}' }), 'BadRequestException');
  const send = (Template) => two('SendEmail', {
    FromEmailAddress: 'a@example.com', Destination: { ToAddresses: ['success@simulator.amazonses.com'] }, Content: { Template },
  });
  assert.ok((await send({ TemplateName: 'two', TemplateData: '{"name":"Ann"}' })).MessageId);
  assert.ok((await send({ TemplateContent: { Subject: '{{s}}', Text: 't' }, TemplateData: '{"s":"S"}' })).MessageId);
  await refused(send({ TemplateName: 'none' }), 'NotFoundException');
  const { BulkEmailEntryResults } = await two('SendBulkEmail', {
    FromEmailAddress: 'a@example.com',
    DefaultContent: { Template: { TemplateName: 'two', TemplateData: '{"name":"you"}' } },
    BulkEmailEntries: [
      { Destination: { ToAddresses: ['success@simulator.amazonses.com'] } },
      { Destination: { ToAddresses: ['nobody'] } },
    ],
  });
  assert.deepEqual(BulkEmailEntryResults.map((r) => r.Status), ['SUCCESS', 'INVALID_PARAMETER']);
  await two('DeleteEmailTemplate', { TemplateName: 'two' });
  await refused(two('DeleteEmailTemplate', { TemplateName: 'two' }), 'NotFoundException');
});

test('the suppression list', async () => {
  const EmailAddress = 'gone@example.net';
  await two('PutSuppressedDestination', { EmailAddress, Reason: 'BOUNCE' });
  await refused(two('PutSuppressedDestination', { EmailAddress, Reason: 'NONE' }), 'BadRequestException');
  const { SuppressedDestination } = await two('GetSuppressedDestination', { EmailAddress });
  assert.equal(SuppressedDestination.Reason, 'BOUNCE');
  assert.ok(SuppressedDestination.LastUpdateTime instanceof Date);
  const list = (input) => two('ListSuppressedDestinations', input).then((r) => r.SuppressedDestinationSummaries.length);
  assert.equal(await list({ Reasons: ['BOUNCE'], StartDate: new Date(0), EndDate: new Date(Date.now() + 60_000) }), 1);
  assert.equal(await list({ Reasons: ['COMPLAINT'] }), 0);
  await two('PutAccountSuppressionAttributes', { SuppressedReasons: ['COMPLAINT'] });
  assert.deepEqual((await two('GetAccount')).SuppressionAttributes.SuppressedReasons, ['COMPLAINT']);
  await two('PutAccountSuppressionAttributes', { SuppressedReasons: ['BOUNCE', 'COMPLAINT'] });
  await two('DeleteSuppressedDestination', { EmailAddress });
  await refused(two('GetSuppressedDestination', { EmailAddress }), 'NotFoundException', /does not exist on your suppression list/);
});

test('identities by API v1', async () => {
  const Identity = 'one.example.com';
  const Identities = [Identity];
  assert.ok((await one('VerifyDomainIdentity', { Domain: Identity })).VerificationToken);
  assert.equal((await one('VerifyDomainDkim', { Domain: Identity })).DkimTokens.length, 3);
  const dkim = (await one('GetIdentityDkimAttributes', { Identities })).DkimAttributes[Identity];
  assert.equal(dkim.DkimEnabled, true);
  await one('SetIdentityDkimEnabled', { Identity, DkimEnabled: false });
  await one('SetIdentityMailFromDomain', { Identity, MailFromDomain: `m.${Identity}`, BehaviorOnMXFailure: 'RejectMessage' });
  assert.deepEqual((await one('GetIdentityMailFromDomainAttributes', { Identities })).MailFromDomainAttributes[Identity],
    { MailFromDomain: `m.${Identity}`, MailFromDomainStatus: 'Pending', BehaviorOnMXFailure: 'RejectMessage' });
  await refused(one('SetIdentityMailFromDomain', { Identity, MailFromDomain: 'other.example' }), 'InvalidParameterValue');
  const SnsTopic = `arn:aws:sns:${server.region}:123456789012:none`;
  await refused(one('SetIdentityNotificationTopic', { Identity, NotificationType: 'Bounce', SnsTopic }), 'InvalidParameterValue');
  await one('SetIdentityHeadersInNotificationsEnabled', { Identity, NotificationType: 'Bounce', Enabled: true });
  const told = (await one('GetIdentityNotificationAttributes', { Identities })).NotificationAttributes[Identity];
  assert.equal(told.HeadersInBounceNotificationsEnabled, true);
  assert.equal(told.ForwardingEnabled, true);
  const Policy = '{"Version":"2012-10-17","Statement":[]}';
  await one('PutIdentityPolicy', { Identity, PolicyName: 'p', Policy });
  assert.deepEqual((await one('ListIdentityPolicies', { Identity })).PolicyNames, ['p']);
  assert.deepEqual((await one('GetIdentityPolicies', { Identity, PolicyNames: ['p'] })).Policies, { p: Policy });
  await refused(one('PutIdentityPolicy', { Identity, PolicyName: 'q', Policy: 'no' }), 'InvalidPolicyException');
  await one('DeleteIdentityPolicy', { Identity, PolicyName: 'p' });
  await one('VerifyEmailIdentity', { EmailAddress: 'x@one.example.com' });
  assert.deepEqual((await one('ListVerifiedEmailAddresses')).VerifiedEmailAddresses, ['x@one.example.com']);
  assert.ok((await one('ListIdentities', { IdentityType: 'Domain' })).Identities.includes(Identity));
  await one('DeleteIdentity', { Identity });
});

test('identities by API v2', async () => {
  const EmailIdentity = 'two.example.com';
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const made = await two('CreateEmailIdentity', { EmailIdentity, Tags: [{ Key: 'k', Value: 'v' }] });
  assert.equal(made.IdentityType, 'DOMAIN');
  assert.equal(made.DkimAttributes.Tokens.length, 3);
  await refused(two('CreateEmailIdentity', { EmailIdentity }), 'AlreadyExistsException');
  await two('PutEmailIdentityDkimAttributes', { EmailIdentity, SigningEnabled: false });
  assert.deepEqual((await two('PutEmailIdentityDkimSigningAttributes', {
    EmailIdentity, SigningAttributesOrigin: 'EXTERNAL',
    SigningAttributes: { DomainSigningSelector: 's', DomainSigningPrivateKey: privateKey.export({ type: 'pkcs8', format: 'der' }).toString('base64') },
  })).DkimTokens, ['s']);
  await two('PutEmailIdentityMailFromAttributes', { EmailIdentity, MailFromDomain: `m.${EmailIdentity}` });
  await two('PutEmailIdentityFeedbackAttributes', { EmailIdentity, EmailForwardingEnabled: false });
  const Policy = '{"Statement":[]}';
  await two('CreateEmailIdentityPolicy', { EmailIdentity, PolicyName: 'p', Policy });
  await two('UpdateEmailIdentityPolicy', { EmailIdentity, PolicyName: 'p', Policy });
  await refused(two('UpdateEmailIdentityPolicy', { EmailIdentity, PolicyName: 'q', Policy }), 'NotFoundException');
  assert.deepEqual((await two('GetEmailIdentityPolicies', { EmailIdentity })).Policies, { p: Policy });
  const got = await two('GetEmailIdentity', { EmailIdentity });
  assert.equal(got.MailFromAttributes.MailFromDomain, `m.${EmailIdentity}`);
  assert.equal(got.DkimAttributes.SigningAttributesOrigin, 'EXTERNAL');
  assert.equal(got.FeedbackForwardingStatus, false);
  await two('DeleteEmailIdentityPolicy', { EmailIdentity, PolicyName: 'p' });
  assert.ok((await two('ListEmailIdentities', { PageSize: 10 })).EmailIdentities.some((i) => i.IdentityName === EmailIdentity));
  await two('DeleteEmailIdentity', { EmailIdentity });
  await refused(two('GetEmailIdentity', { EmailIdentity }), 'NotFoundException');
});

test('the account', async () => {
  await two('PutAccountDetails', { MailType: 'TRANSACTIONAL', WebsiteURL: 'https://a.example' });
  await two('PutAccountVdmAttributes', { VdmAttributes: { VdmEnabled: 'DISABLED' } });
  const account = await two('GetAccount');
  assert.equal(account.Details.MailType, 'TRANSACTIONAL');
  assert.equal(account.VdmAttributes.VdmEnabled, 'DISABLED');
  await refused(two('PutAccountDetails', { MailType: 'OTHER', WebsiteURL: 'x' }), 'BadRequestException');
  await refused(two('ListContactLists'), 'UnknownOperationException');
  await refused(one('ListReceiptRuleSets'), 'InvalidAction');
});

test('quota and rate', async () => {
  const small = await Server.start({ set: { 'mail.max_24_hour_send': 2 } });
  try {
    const limited = new v1.SESClient({ ...small.aws, maxAttempts: 1 });
    const send = (to) => limited.send(new v1.SendEmailCommand({
      Source: 'a@example.com', Destination: { ToAddresses: [to] }, Message: { Subject: { Data: 's' }, Body: { Text: { Data: 't' } } },
    }));
    assert.equal((await limited.send(new v1.GetSendQuotaCommand({}))).Max24HourSend, 2);
    await send('a@example.net');
    await send('b@example.net');
    await refused(send('c@example.net'), 'Throttling', /Daily message quota exceeded/);
    await send('success@simulator.amazonses.com');
  } finally {
    await small.stop();
  }
});

const TYPES = ['SEND', 'REJECT', 'BOUNCE', 'COMPLAINT', 'DELIVERY', 'OPEN', 'CLICK', 'RENDERING_FAILURE', 'DELIVERY_DELAY'];
const makeSet = async (client, ConfigurationSetName, more = {}) => {
  await client.send(new v2.CreateConfigurationSetCommand({ ConfigurationSetName, ...more }));
  await client.send(new v2.CreateConfigurationSetEventDestinationCommand({
    ConfigurationSetName, EventDestinationName: 'all',
    EventDestination: { Enabled: true, MatchingEventTypes: TYPES, SnsDestination: { TopicArn: 'arn:aws:sns:us-east-1:000000000000:mail-events' } },
  }));
};
const simple = (to, html, ConfigurationSetName) => ({
  FromEmailAddress: 'a@example.com', Destination: { ToAddresses: [to] }, ConfigurationSetName,
  Content: { Simple: { Subject: { Data: 's' }, Body: { Html: { Data: html } } } },
});
const typesOf = (events) => events.map((e) => e.attributes.attributes.eventType).sort();

test('what cannot be rendered is found as a Rendering Failure', async () => {
  await makeSet(sesv2, 'events');
  const { MessageId } = await two('SendEmail', {
    FromEmailAddress: 'a@example.com', Destination: { ToAddresses: ['b@example.net'] }, ConfigurationSetName: 'events',
    Content: { Template: { TemplateContent: { Subject: '{{missing}}', Text: 't' }, TemplateData: '{}' } },
  });
  const [event] = await server.events(`@mail.messageId:${MessageId}`);
  assert.equal(event.attributes.attributes.eventType, 'Rendering Failure');
  assert.match(event.attributes.attributes.failure.errorMessage, /Attribute 'missing' is not present/);
});

test('a hard bounce of the relay suppresses; tracked links have the set\'s domain, machines are marked', async () => {
  const relay = await ScriptedRelay.start({
    rcpt: (address) => (address.startsWith('gone') ? [550, '5.1.1 No such user here'] : undefined),
  });
  const relaying = await Server.start({
    set: { 'mail.mode': 'relay', 'relay.host': '127.0.0.1', 'relay.port': relay.port },
  });
  try {
    const client = new v2.SESv2Client(relaying.aws);
    const send = async (to) => (await client.send(new v2.SendEmailCommand(
      simple(to, '<a href="http://a.example/x">x</a>', 'own-domain')))).MessageId;
    await makeSet(client, 'own-domain', { TrackingOptions: { CustomRedirectDomain: 'click.shop.example', HttpsPolicy: 'REQUIRE' } });

    const bounced = await send('gone@example.net');
    assert.deepEqual(typesOf(await relaying.events(`@mail.messageId:${bounced}`, 2)), ['Bounce', 'Send']);
    const { SuppressedDestination } = await client.send(new v2.GetSuppressedDestinationCommand({ EmailAddress: 'gone@example.net' }));
    assert.equal(SuppressedDestination.Attributes.MessageId, bounced);
    const suppressed = await send('gone@example.net');
    const told = await relaying.events(`@mail.messageId:${suppressed}`, 2);
    assert.deepEqual(typesOf(told), ['Bounce', 'Send']);
    const { bounce } = told.map((e) => e.attributes.attributes).find((e) => e.bounce);
    assert.equal(bounce.bounceSubType, 'OnAccountSuppressionList');
    assert.equal(relay.attempts.get('gone@example.net'), 1);

    const id = await send('ann@example.net');
    const raw = await eventually('the mail is relayed', () => relay.takenFor('ann@example.net')[0]?.raw);
    const [, path] = /href="https:\/\/click\.shop\.example(\/t\/L0\/[^"]+)"/.exec(raw);
    const answer = await fetch(relaying.url + path, { headers: { 'user-agent': 'Mozilla/5.0' }, redirect: 'manual' });
    assert.equal(answer.status, 302);
    assert.equal(answer.headers.get('location'), 'http://a.example/x');
    const [click] = await relaying.events(`@mail.messageId:${id} @eventType:Click`);
    assert.deepEqual(click.attributes.attributes.mail.tags['postglass-machine'], ['proxy']);
  } finally {
    await relaying.stop();
    await relay.stop();
  }
});
