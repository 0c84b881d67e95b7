// Terraform's own AWS provider against a server, in a folder of its own. The provider comes from a mirror on
// this machine; nothing is downloaded.

import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

import { run } from './server.mjs';

const PROVIDER = 'registry.terraform.io/hashicorp/aws';
// Where providers lie that nobody downloads: TF_PLUGIN_MIRROR, or Terraform's own implied mirrors.
const MIRRORS = [
  process.env.TF_PLUGIN_MIRROR, '/opt/tf-plugins', join(homedir(), '.terraform.d', 'plugins'),
  '/usr/local/share/terraform/plugins', '/usr/share/terraform/plugins',
].filter(Boolean);

const terraform = process.env.PATH.split(delimiter).map((folder) => join(folder, 'terraform')).find((path) => existsSync(path));
const mirror = MIRRORS.find((folder) => existsSync(join(folder, PROVIDER)));

// Why there is no Terraform here; empty when there is.
export const missing = !terraform ? 'terraform is not installed'
  : !mirror ? `no ${PROVIDER} in any of ${MIRRORS.join(', ')}` : '';

// For the provider block of a configuration whose AWS is `server`.
export const providerBlock = (server) => `
provider "aws" {
  region                  = "${server.region}"
  access_key              = "${server.credentials.aws.access_key_id}"
  secret_key              = "${server.credentials.aws.secret_access_key}"
  skip_metadata_api_check = true
  skip_region_validation  = true
  endpoints {
${['ses', 'sesv2', 'lambda', 'sns', 'sts', 'iam', 'sqs', 'firehose'].map((name) => `    ${name} = "${server.url}"`).join('\n')}
  }
}
`;

export class Terraform {
  // `copyOf`: a folder whose files it works on. `env`: for the provider, beside what is always there.
  constructor({ copyOf, env = {} } = {}) {
    this.folder = mkdtempSync(join(tmpdir(), 'postglass-terraform-'));
    if (copyOf) cpSync(copyOf, this.folder, { recursive: true });
    const settings = join(this.folder, 'terraformrc');
    writeFileSync(settings, `provider_installation {\n  filesystem_mirror {\n    path = "${mirror}"\n  }\n}\n`);
    mkdirSync(join(this.folder, 'home'));
    this.env = {
      PATH: process.env.PATH, HOME: join(this.folder, 'home'), TF_CLI_CONFIG_FILE: settings, TF_IN_AUTOMATION: '1',
      CHECKPOINT_DISABLE: '1', AWS_EC2_METADATA_DISABLED: 'true', ...env,
    };
  }

  write(name, text) { writeFileSync(join(this.folder, name), text); }

  // Exit code and everything it said.
  async run(...args) {
    try {
      const { stdout } = await run(terraform, args, { cwd: this.folder, env: this.env, maxBuffer: 16 << 20 });
      return { code: 0, stdout };
    } catch (error) {
      if (typeof error.code !== 'number') throw error;
      return { code: error.code, stdout: error.stdout + error.stderr };
    }
  }

  init() { return this.run('init', '-input=false', '-no-color'); }
  // Exit codes: 0 nothing to do, 1 trouble, 2 changes.
  plan(...args) { return this.run('plan', '-input=false', '-no-color', '-detailed-exitcode', ...args); }
  apply(...args) { return this.run('apply', '-input=false', '-no-color', '-auto-approve', ...args); }
  destroy(...args) { return this.run('destroy', '-input=false', '-no-color', '-auto-approve', ...args); }
  async outputs() {
    const { stdout } = await this.run('output', '-json');
    return Object.fromEntries(Object.entries(JSON.parse(stdout)).map(([name, { value }]) => [name, value]));
  }

  remove() { rmSync(this.folder, { recursive: true, force: true }); }
}
