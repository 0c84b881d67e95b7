// Reads a JSON array of SNS messages on standard input, checks each with sns-validator, prints one verdict
// a line. A program of its own because the CA must be in NODE_EXTRA_CA_CERTS when Node starts.

import { text } from 'node:stream/consumers';
import MessageValidator from 'sns-validator';

const validator = new MessageValidator(/^(localhost|127\.0\.0\.1):\d+$/);
for (const message of JSON.parse(await text(process.stdin))) {
  await new Promise((resolve) => validator.validate(message, (error) => {
    console.log(error ? `refused: ${error.message}` : 'valid');
    resolve();
  }));
}
