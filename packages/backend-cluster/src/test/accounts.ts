import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { nkeys } from '@nats-io/transport-node';

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

/** Signs claims as NATS does: a JSON Web Token with the algorithm `ed25519-nkey`. */
function token(issuer: nkeys.KeyPair, subject: string, name: string, claims: object): string {
  const base64 = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const payload = {
    iat: Math.floor(Date.now() / 1000),
    iss: issuer.getPublicKey(),
    name,
    sub: subject,
    nats: { ...claims, version: 2 },
  };
  const jti = createHash('sha256').update(JSON.stringify(payload)).digest('hex');
  const content = `${base64({ typ: 'JWT', alg: 'ed25519-nkey' })}.${base64({ ...payload, jti })}`;
  return `${content}.${Buffer.from(issuer.sign(Buffer.from(content))).toString('base64url')}`;
}

/** An operator of a server and one account with JetStream, whose users have `.creds` files. */
export class TestAccount {
  readonly #account = nkeys.createAccount();
  /** Path of the server's configuration. */
  readonly configuration: string;

  constructor(folder: string) {
    const operator = nkeys.createOperator();
    const unlimited = { subs: -1, conn: -1, leaf: -1, imports: -1, exports: -1, data: -1, payload: -1 };
    const stores = { mem_storage: -1, disk_storage: -1, streams: -1, consumer: -1 };
    const account = this.#account.getPublicKey();
    const claims = { type: 'account', limits: { ...unlimited, ...stores, wildcards: true } };
    this.configuration = path.join(folder, 'operator.conf');
    const system = nkeys.createAccount().getPublicKey();
    const lines = [
      `operator: ${token(operator, operator.getPublicKey(), 'operator', { type: 'operator' })}`,
      'resolver: MEMORY',
      `system_account: ${system}`,
      'resolver_preload: {',
      `${account}: ${token(operator, account, 'heed', claims)}`,
      `${system}: ${token(operator, system, 'system', { type: 'account', limits: unlimited })}`,
      '}',
    ];
    writeFileSync(this.configuration, `${lines.join('\n')}\n`);
  }

  /** Returns the text of a new user's `.creds` file, signed by this account. */
  creds(): string {
    const user = nkeys.createUser();
    const limits = { subs: -1, data: -1, payload: -1 };
    const jwt = token(this.#account, user.getPublicKey(), 'user', { type: 'user', ...limits });
    const part = (kind: string, content: string): string =>
      `-----BEGIN ${kind}-----\n${content}\n------END ${kind}------\n`;
    return `${part('NATS USER JWT', jwt)}\n${part('USER NKEY SEED', text(user.getSeed()))}`;
  }
}
