// deploy/terraform, the module for the real AWS: valid, its three ways planned, and the way by a queue applied
// with a server in AWS's place.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { SendEmailCommand, SESv2Client } from '@aws-sdk/client-sesv2';
import { GetTopicAttributesCommand, SNSClient } from '@aws-sdk/client-sns';
import { ListQueuesCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';

import { withServer } from '../lib/server.mjs';
import { missing, providerBlock, Terraform } from '../lib/terraform.mjs';

if (missing) console.error(`SKIPPED tests/e2e/cases/aws-module.test.mjs: ${missing}`);

const MODULE = new URL('../../../deploy/terraform', import.meta.url).pathname;
const ok = (result, what) => assert.equal(result.code, 0, `${what}:\n${result.stdout}`);
const vars = (values) => Object.entries(values).flatMap(([name, value]) => ['-var', `${name}=${value}`]);

test('the module for the real AWS is valid, plans its three ways and applies the queue', {
  skip: missing ? `SKIPPED: ${missing}` : false,
}, withServer({}, async (server) => {
  const tf = new Terraform({ copyOf: MODULE });
  try {
    ok(await tf.run('fmt', '-check', '-diff'), 'fmt');
    tf.write('provider.tf', providerBlock(server));
    ok(await tf.init(), 'init');
    ok(await tf.run('validate', '-no-color'), 'validate');

    tf.write('forwarder.zip', 'only its digest is looked at while planning');
    const ways = {
      https: { more: { endpoint_url: 'https://postglass.example.com/hooks/sns' }, adds: 8 },
      lambda: {
        more: { forwarder_zip: 'forwarder.zip', api_key_secret_arn: 'arn:aws:secretsmanager:us-east-1:123456789012:secret:key-AbCdEf' },
        adds: 14,
      },
      queue: { more: {}, adds: 12 },
    };
    for (const [delivery, { more, adds }] of Object.entries(ways)) {
      const plan = await tf.plan(...vars({ delivery, ...more }));
      assert.equal(plan.code, 2, `${delivery}:\n${plan.stdout}`);
      assert.match(plan.stdout, new RegExp(`Plan: ${adds} to add, 0 to change, 0 to destroy`), delivery);
    }
    const incomplete = await tf.plan(...vars({ delivery: 'https' }));
    assert.equal(incomplete.code, 1);
    assert.match(incomplete.stdout, /needs endpoint_url/);

    // There are no alarms here.
    const chosen = vars({ delivery: 'queue', alarms: false, name: 'module' });
    ok(await tf.apply(...chosen), 'apply');
    ok(await tf.plan(...chosen), 'a second plan is empty');
    const outputs = await tf.outputs();
    assert.equal(outputs.configuration_set, 'module');

    const sns = new SNSClient(server.aws);
    const { Attributes } = await sns.send(new GetTopicAttributesCommand({ TopicArn: outputs.topic_arn }));
    const [statement] = JSON.parse(Attributes.Policy).Statement;
    assert.match(statement.Condition.StringEquals['aws:SourceArn'], /:configuration-set\/module$/);

    // Its policies let every hand-over through, and no more than that is needed.
    const { MessageId } = await new SESv2Client(server.aws).send(new SendEmailCommand({
      FromEmailAddress: 'shop@example.com', Destination: { ToAddresses: ['success@simulator.amazonses.com'] },
      ConfigurationSetName: outputs.configuration_set,
      Content: { Simple: { Subject: { Data: 'Module' }, Body: { Text: { Data: 'x' } } } },
    }));
    const sqs = new SQSClient(server.aws);
    const seen = new Set();
    while (seen.size < 2) {
      const { Messages = [] } = await sqs.send(new ReceiveMessageCommand({ QueueUrl: outputs.queue_url, WaitTimeSeconds: 20 }));
      assert.notEqual(Messages.length, 0, `only ${[...seen]} came`);
      for (const { Body } of Messages) {
        const envelope = JSON.parse(Body);
        assert.equal(envelope.TopicArn, outputs.topic_arn);
        if (!envelope.Message.startsWith('{')) continue;  // SES's test of the topic
        const event = JSON.parse(envelope.Message);
        assert.equal(event.mail.messageId, MessageId);
        seen.add(event.eventType);
      }
    }
    assert.deepEqual([...seen].sort(), ['Delivery', 'Send']);

    ok(await tf.destroy(...chosen), 'destroy');
    assert.equal((await sqs.send(new ListQueuesCommand({}))).QueueUrls, undefined);
  } finally {
    tf.remove();
  }
}));
