// Roles and sessions by clients nobody here wrote: the AWS SDK and the aws command line.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';

import {
  AttachRolePolicyCommand, CreatePolicyCommand, CreateRoleCommand, DeletePolicyCommand, DeleteRoleCommand,
  DeleteRolePolicyCommand, DetachRolePolicyCommand, GetRoleCommand, GetRolePolicyCommand, GetUserCommand, IAMClient,
  ListAttachedRolePoliciesCommand, ListRolePoliciesCommand, PutRolePolicyCommand,
} from '@aws-sdk/client-iam';
import { SendEmailCommand, SESClient } from '@aws-sdk/client-ses';
import { ListTopicsCommand, SNSClient } from '@aws-sdk/client-sns';
import { AssumeRoleCommand, GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';

import { BINARY, Server } from '../lib/server.mjs';

const run = promisify(execFile);
let server;
let iam;
let sts;
let me;

before(async () => {
  server = await Server.start();
  iam = new IAMClient(server.aws);
  sts = new STSClient(server.aws);
  me = await sts.send(new GetCallerIdentityCommand({}));
});
after(() => server.stop());

const trust = () => JSON.stringify({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Principal: { AWS: `arn:aws:iam::${me.Account}:root` }, Action: 'sts:AssumeRole' }],
});
const policy = (...actions) => JSON.stringify({
  Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: actions, Resource: '*' }],
});
const mail = new SendEmailCommand({
  Source: 'a@example.com', Destination: { ToAddresses: ['success@simulator.amazonses.com'] },
  Message: { Subject: { Data: 's' }, Body: { Text: { Data: 'b' } } },
});

test('a role with policies, from creation to deletion', async () => {
  const { Role } = await iam.send(new CreateRoleCommand({ RoleName: 'life', AssumeRolePolicyDocument: trust(), Tags: [{ Key: 'a', Value: 'b' }] }));
  assert.equal(Role.Arn, `arn:aws:iam::${me.Account}:role/life`);
  assert.equal(decodeURIComponent(Role.AssumeRolePolicyDocument), trust());
  await iam.send(new PutRolePolicyCommand({ RoleName: 'life', PolicyName: 'p', PolicyDocument: policy('ses:*') }));
  const inline = await iam.send(new GetRolePolicyCommand({ RoleName: 'life', PolicyName: 'p' }));
  assert.equal(decodeURIComponent(inline.PolicyDocument), policy('ses:*'));
  const { Policy } = await iam.send(new CreatePolicyCommand({ PolicyName: 'own', PolicyDocument: policy('sns:*') }));
  for (const PolicyArn of [Policy.Arn, 'arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole']) {
    await iam.send(new AttachRolePolicyCommand({ RoleName: 'life', PolicyArn }));
  }
  assert.equal((await iam.send(new ListAttachedRolePoliciesCommand({ RoleName: 'life' }))).AttachedPolicies.length, 2);
  assert.deepEqual((await iam.send(new ListRolePoliciesCommand({ RoleName: 'life' }))).PolicyNames, ['p']);
  await assert.rejects(iam.send(new DeleteRoleCommand({ RoleName: 'life' })), { name: 'DeleteConflictException' });
  await assert.rejects(iam.send(new DeletePolicyCommand({ PolicyArn: Policy.Arn })), { name: 'DeleteConflictException' });
  for (const PolicyArn of [Policy.Arn, 'arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole']) {
    await iam.send(new DetachRolePolicyCommand({ RoleName: 'life', PolicyArn }));
  }
  await iam.send(new DeleteRolePolicyCommand({ RoleName: 'life', PolicyName: 'p' }));
  await iam.send(new DeleteRoleCommand({ RoleName: 'life' }));
  await iam.send(new DeletePolicyCommand({ PolicyArn: Policy.Arn }));
  await assert.rejects(iam.send(new GetRoleCommand({ RoleName: 'life' })), { name: 'NoSuchEntityException' });
  await assert.rejects(iam.send(new CreateRoleCommand({ RoleName: 'bad', AssumeRolePolicyDocument: '{}' })), { name: 'MalformedPolicyDocumentException' });
});

test('credentials of a session may what the role may', async () => {
  const { Role } = await iam.send(new CreateRoleCommand({ RoleName: 'sender', AssumeRolePolicyDocument: trust() }));
  await iam.send(new PutRolePolicyCommand({ RoleName: 'sender', PolicyName: 'p', PolicyDocument: policy('ses:SendEmail') }));
  const { Credentials, AssumedRoleUser } = await sts.send(new AssumeRoleCommand({ RoleArn: Role.Arn, RoleSessionName: 'job' }));
  assert.ok(Credentials.Expiration > new Date());
  const as = {
    ...server.aws,
    credentials: {
      accessKeyId: Credentials.AccessKeyId, secretAccessKey: Credentials.SecretAccessKey, sessionToken: Credentials.SessionToken,
    },
  };
  const identity = await new STSClient(as).send(new GetCallerIdentityCommand({}));
  assert.equal(identity.Arn, AssumedRoleUser.Arn);
  assert.equal(identity.UserId, AssumedRoleUser.AssumedRoleId);
  assert.ok((await new SESClient(as).send(mail)).MessageId);
  await assert.rejects(new SNSClient(as).send(new ListTopicsCommand({})), { name: 'AuthorizationErrorException' });
  const forged = { ...as, credentials: { ...as.credentials, sessionToken: `${Credentials.SessionToken.slice(0, -8)}AAAAAAA=` } };
  await assert.rejects(new SESClient(forged).send(mail), { name: /InvalidClientTokenId/ });
  await iam.send(new DeleteRolePolicyCommand({ RoleName: 'sender', PolicyName: 'p' }));
  await assert.rejects(new SESClient(as).send(mail), { name: /AccessDenied/ });
  await assert.rejects(sts.send(new AssumeRoleCommand({ RoleArn: `${Role.Arn}x`, RoleSessionName: 'job' })), { name: /AccessDenied/ });
});

test('a key of the command line may what it was given, until it is revoked', async () => {
  const { stdout } = await run(BINARY, ['keys', 'create', 'aws', '--name', 'mailer', '--action', 'ses:SendEmail', '--json', '--data', server.data]);
  const key = JSON.parse(stdout);
  const credentials = { accessKeyId: key.access_key_id, secretAccessKey: key.secret_access_key };
  const ses = new SESClient({ ...server.aws, credentials });
  assert.ok((await ses.send(mail)).MessageId);
  await assert.rejects(new SNSClient({ ...server.aws, credentials }).send(new ListTopicsCommand({})), { name: 'AuthorizationErrorException' });
  assert.equal((await iam.send(new GetUserCommand({ UserName: 'mailer' }))).User.UserName, 'mailer');
  await run(BINARY, ['keys', 'revoke', key.access_key_id, '--data', server.data]);
  await assert.rejects(ses.send(mail), { name: /InvalidClientTokenId/ });
});

test('the aws command line', async () => {
  const aws = async (...args) => JSON.parse((await run('aws', ['--endpoint-url', server.url, '--region', server.region, '--output', 'json', ...args], {
    env: {
      PATH: process.env.PATH, HOME: process.env.HOME,
      AWS_ACCESS_KEY_ID: server.credentials.aws.access_key_id, AWS_SECRET_ACCESS_KEY: server.credentials.aws.secret_access_key,
    },
  })).stdout);
  const { Role } = await aws('iam', 'create-role', '--role-name', 'cli', '--assume-role-policy-document', trust());
  const shown = await aws('iam', 'get-role', '--role-name', 'cli');
  assert.deepEqual(shown.Role.AssumeRolePolicyDocument, JSON.parse(trust()));
  const session = await aws('sts', 'assume-role', '--role-arn', Role.Arn, '--role-session-name', 'cli');
  assert.match(session.Credentials.AccessKeyId, /^ASIA/);
});
