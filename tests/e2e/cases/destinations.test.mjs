// Event destinations beside topics: CloudWatch and Firehose, set up by both versions of the SES API and read by
// the AWS SDK and the aws command line.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createServer } from 'node:http';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';

import {
  CloudWatchClient, GetMetricDataCommand, GetMetricStatisticsCommand, ListMetricsCommand, PutMetricDataCommand,
} from '@aws-sdk/client-cloudwatch';
import {
  CreateDeliveryStreamCommand, DeleteDeliveryStreamCommand, DescribeDeliveryStreamCommand, FirehoseClient,
  ListDeliveryStreamsCommand, PutRecordBatchCommand, PutRecordCommand,
} from '@aws-sdk/client-firehose';
import {
  CreateConfigurationSetCommand, CreateConfigurationSetEventDestinationCommand, DescribeConfigurationSetCommand,
  SendEmailCommand, SESClient,
} from '@aws-sdk/client-ses';
import {
  CreateConfigurationSetEventDestinationCommand as CreateV2, GetConfigurationSetEventDestinationsCommand, SESv2Client,
} from '@aws-sdk/client-sesv2';

import { Server } from '../lib/server.mjs';
import { eventually } from '../lib/wait.mjs';

const run = promisify(execFile);
let server;
let cloudwatch;
let firehose;
let ses;
let sesv2;

before(async () => {
  server = await Server.start();
  cloudwatch = new CloudWatchClient(server.aws);
  firehose = new FirehoseClient(server.aws);
  ses = new SESClient(server.aws);
  sesv2 = new SESv2Client(server.aws);
});
after(() => server.stop());

const hour = () => ({ StartTime: new Date(Date.now() - 3_600_000), EndTime: new Date(Date.now() + 60_000) });
const send = (ConfigurationSetName, campaign, to = 'success@simulator.amazonses.com') => ses.send(new SendEmailCommand({
  Source: 'a@example.com', Destination: { ToAddresses: [to] }, ConfigurationSetName,
  Message: { Subject: { Data: 's' }, Body: { Text: { Data: 'b' } } },
  ...(campaign ? { Tags: [{ Name: 'campaign', Value: campaign }] } : {}),
}));
const sum = async (MetricName, dimensions) => {
  const { MetricDataResults: [result] } = await cloudwatch.send(new GetMetricDataCommand({
    ...hour(),
    MetricDataQueries: [{
      Id: 'm',
      MetricStat: {
        Metric: { Namespace: 'AWS/SES', MetricName, Dimensions: Object.entries(dimensions).map(([Name, Value]) => ({ Name, Value })) },
        Period: 3600, Stat: 'Sum',
      },
    }],
  }));
  return result.Values.reduce((a, b) => a + b, 0);
};

test('a CloudWatch destination (v1) counts by message tag, the default where there is none', async () => {
  await ses.send(new CreateConfigurationSetCommand({ ConfigurationSet: { Name: 'measured' } }));
  const destination = {
    Name: 'figures', Enabled: true, MatchingEventTypes: ['send', 'delivery', 'bounce'],
    CloudWatchDestination: {
      DimensionConfigurations: [{ DimensionName: 'campaign', DimensionValueSource: 'messageTag', DefaultDimensionValue: 'none' }],
    },
  };
  const create = (changes) => ses.send(new CreateConfigurationSetEventDestinationCommand({
    ConfigurationSetName: 'measured', EventDestination: { ...destination, ...changes },
  }));
  await create({});
  const shown = await ses.send(new DescribeConfigurationSetCommand({ ConfigurationSetName: 'measured', ConfigurationSetAttributeNames: ['eventDestinations'] }));
  assert.deepEqual(shown.EventDestinations[0].CloudWatchDestination, destination.CloudWatchDestination);
  for (const bad of [
    { DimensionName: 'To', DimensionValueSource: 'emailHeader', DefaultDimensionValue: 'x' },
    { DimensionName: 'a b', DimensionValueSource: 'messageTag', DefaultDimensionValue: 'x' },
    { DimensionName: 'a', DimensionValueSource: 'messageTag', DefaultDimensionValue: 'x y' },
  ]) {
    await assert.rejects(create({ Name: 'bad', CloudWatchDestination: { DimensionConfigurations: [bad] } }), { name: /InvalidCloudWatchDestination/ });
  }
  await send('measured', 'spring');
  await send('measured', 'spring');
  await send('measured');
  await send('measured', 'spring', 'bounce@simulator.amazonses.com');
  await eventually('the deliveries', async () => await sum('Delivery', { campaign: 'spring' }) === 2);
  assert.equal(await sum('Send', { campaign: 'spring' }), 3);
  await eventually('the one without a tag', async () => await sum('Delivery', { campaign: 'none' }) === 1);
  await eventually('the bounce', async () => await sum('Bounce', { campaign: 'spring' }) === 1);
  const { Metrics } = await cloudwatch.send(new ListMetricsCommand({ Namespace: 'AWS/SES', Dimensions: [{ Name: 'campaign', Value: 'spring' }] }));
  assert.deepEqual(Metrics.map((m) => m.MetricName).sort(), ['Bounce', 'Delivery', 'Send']);

  // The account's, without dimensions, and the same on /metrics.
  assert.equal(await sum('Send', {}), 4);
  const page = await (await server.fetch('/metrics')).text();
  assert.match(page, /postglass_ses_events_total\{metric="Send"\} 4\b/);
  assert.match(page, /postglass_ses_reputation_bounce_rate /);
  const { Datapoints } = await cloudwatch.send(new GetMetricStatisticsCommand({
    ...hour(), Namespace: 'AWS/SES', MetricName: 'Reputation.BounceRate', Period: 3600, Statistics: ['Maximum'],
  }));
  assert.ok(Datapoints.length > 0);
});

test('values of one\'s own, and what is not taken', async () => {
  await cloudwatch.send(new PutMetricDataCommand({
    Namespace: 'App', MetricData: [{ MetricName: 'queue', Value: 7, Unit: 'Count' }, { MetricName: 'queue', Values: [1, 3], Counts: [2, 1] }],
  }));
  const { Datapoints, Label } = await cloudwatch.send(new GetMetricStatisticsCommand({
    ...hour(), Namespace: 'App', MetricName: 'queue', Period: 3600, Statistics: ['Sum', 'SampleCount', 'Maximum'],
  }));
  assert.equal(Label, 'queue');
  assert.equal(Datapoints.reduce((n, d) => n + d.Sum, 0), 12);
  await assert.rejects(cloudwatch.send(new PutMetricDataCommand({ Namespace: 'AWS/SES', MetricData: [{ MetricName: 'x', Value: 1 }] })), { name: 'InvalidParameterValueException' });
  const { stdout } = await run('aws', [
    '--endpoint-url', server.url, '--region', server.region, '--output', 'json', 'cloudwatch', 'list-metrics', '--namespace', 'App',
  ], {
    env: {
      PATH: process.env.PATH, HOME: process.env.HOME,
      AWS_ACCESS_KEY_ID: server.credentials.aws.access_key_id, AWS_SECRET_ACCESS_KEY: server.credentials.aws.secret_access_key,
    },
  });
  assert.equal(JSON.parse(stdout).Metrics[0].MetricName, 'queue');
});

test('a Firehose destination (v2) posts each event to an HTTP endpoint', async () => {
  const received = [];
  let failures = 1;
  const endpoint = createServer(async (request, response) => {
    const body = JSON.parse(await text(request));
    if (failures-- > 0) {
      response.writeHead(500).end();
      return;
    }
    received.push({ headers: request.headers, body });
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ requestId: body.requestId, timestamp: Date.now() }));
  });
  await new Promise((resolve) => endpoint.listen(0, '127.0.0.1', resolve));
  try {
    const { DeliveryStreamARN } = await firehose.send(new CreateDeliveryStreamCommand({
      DeliveryStreamName: 'events',
      HttpEndpointDestinationConfiguration: {
        EndpointConfiguration: { Url: `http://127.0.0.1:${endpoint.address().port}/`, AccessKey: 'secret-key' },
        BufferingHints: { IntervalInSeconds: 0, SizeInMBs: 1 },
        S3Configuration: { RoleARN: 'arn:aws:iam::000000000000:role/r', BucketARN: 'arn:aws:s3:::backup' },
      },
    }));
    await ses.send(new CreateConfigurationSetCommand({ ConfigurationSet: { Name: 'streamed' } }));
    const create = (KinesisFirehoseDestination, EventDestinationName = 'stream') => sesv2.send(new CreateV2({
      ConfigurationSetName: 'streamed', EventDestinationName,
      EventDestination: { Enabled: true, MatchingEventTypes: ['SEND', 'DELIVERY'], KinesisFirehoseDestination },
    }));
    const destination = { IamRoleArn: 'arn:aws:iam::000000000000:role/r', DeliveryStreamArn: DeliveryStreamARN };
    await create(destination);
    await assert.rejects(create({ ...destination, DeliveryStreamArn: `${DeliveryStreamARN}x` }, 'bad'), { name: 'BadRequestException' });
    const { EventDestinations } = await sesv2.send(new GetConfigurationSetEventDestinationsCommand({ ConfigurationSetName: 'streamed' }));
    assert.deepEqual(EventDestinations[0].KinesisFirehoseDestination, destination);

    const { MessageId } = await send('streamed');
    const events = await eventually('both events', () => {
      const all = received.flatMap(({ body }) => body.records.map((r) => Buffer.from(r.data, 'base64').toString()));
      return all.length >= 2 && all;
    }, { detail: () => server.log.slice(-3000) });
    assert.ok(events.every((event) => event.endsWith('\n')));
    const parsed = events.map((event) => JSON.parse(event));
    assert.deepEqual(parsed.map((event) => event.eventType).sort(), ['Delivery', 'Send']);
    assert.ok(parsed.every((event) => event.mail.messageId === MessageId));
    assert.equal(received[0].headers['x-amz-firehose-access-key'], 'secret-key');
    assert.equal(received[0].headers['x-amz-firehose-request-id'], received[0].body.requestId);
    assert.equal(received[0].headers['x-amz-firehose-source-arn'], DeliveryStreamARN);
  } finally {
    endpoint.close();
  }
});

test('a stream to our own intake makes events searchable', async () => {
  const { DeliveryStreamARN } = await firehose.send(new CreateDeliveryStreamCommand({
    DeliveryStreamName: 'home',
    HttpEndpointDestinationConfiguration: {
      EndpointConfiguration: { Url: `${server.url}/hooks/firehose`, AccessKey: server.credentials.api_key },
      BufferingHints: { IntervalInSeconds: 0, SizeInMBs: 1 }, RequestConfiguration: { ContentEncoding: 'GZIP' },
      S3Configuration: { RoleARN: 'arn:aws:iam::000000000000:role/r', BucketARN: 'arn:aws:s3:::backup' },
    },
  }));
  await ses.send(new CreateConfigurationSetCommand({ ConfigurationSet: { Name: 'home' } }));
  await sesv2.send(new CreateV2({
    ConfigurationSetName: 'home', EventDestinationName: 'home',
    EventDestination: {
      Enabled: true, MatchingEventTypes: ['SEND', 'DELIVERY'],
      KinesisFirehoseDestination: { IamRoleArn: 'arn:aws:iam::000000000000:role/r', DeliveryStreamArn: DeliveryStreamARN },
    },
  }));
  const { MessageId } = await send('home');
  const events = await server.events(`source:ses @mail.messageId:${MessageId}`, 2);
  assert.deepEqual(events.map((event) => event.attributes.attributes.eventType).sort(), ['Delivery', 'Send']);
});

test('a stream to files, and the calls on streams', async () => {
  await firehose.send(new CreateDeliveryStreamCommand({
    DeliveryStreamName: 'files',
    ExtendedS3DestinationConfiguration: {
      RoleARN: 'arn:aws:iam::000000000000:role/r', BucketARN: 'arn:aws:s3:::archive', Prefix: 'mail/',
      BufferingHints: { IntervalInSeconds: 0, SizeInMBs: 1 },
    },
  }));
  await firehose.send(new PutRecordCommand({ DeliveryStreamName: 'files', Record: { Data: Buffer.from('one\n') } }));
  const batch = await firehose.send(new PutRecordBatchCommand({
    DeliveryStreamName: 'files', Records: [{ Data: Buffer.from('two\n') }, { Data: Buffer.from('three\n') }],
  }));
  assert.equal(batch.FailedPutCount, 0);
  assert.equal(batch.RequestResponses.length, 2);
  const lines = await eventually('the files', () => {
    try {
      const folder = join(server.data, 'stream-files', 'archive', 'mail');
      const all = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
        .flatMap((entry) => readFileSync(join(entry.parentPath ?? entry.path, entry.name), 'utf8').trim().split('\n'));
      return all.length === 3 && all;
    } catch { return false; }
  });
  assert.deepEqual([...lines].sort(), ['one', 'three', 'two']);
  const { DeliveryStreamDescription } = await firehose.send(new DescribeDeliveryStreamCommand({ DeliveryStreamName: 'files' }));
  assert.equal(DeliveryStreamDescription.DeliveryStreamStatus, 'ACTIVE');
  assert.ok((await firehose.send(new ListDeliveryStreamsCommand({}))).DeliveryStreamNames.includes('files'));
  await firehose.send(new DeleteDeliveryStreamCommand({ DeliveryStreamName: 'files' }));
  await assert.rejects(firehose.send(new DescribeDeliveryStreamCommand({ DeliveryStreamName: 'files' })), { name: 'ResourceNotFoundException' });
});
