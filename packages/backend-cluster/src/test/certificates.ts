import { type KeyObject, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import path from 'node:path';

/** Tags of DER (ITU-T X.690). */
const TAG = {
  boolean: 1,
  integer: 2,
  bits: 3,
  octets: 4,
  oid: 6,
  utf8: 12,
  sequence: 48,
  set: 49,
  utcTime: 23,
} as const;

function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}

function oid(text: string): Buffer {
  const [first, second, ...rest] = text.split('.').map(Number) as [number, number, ...number[]];
  const bytes = rest.flatMap((value) => {
    const digits = [value & 127];
    for (let left = value >>> 7; left > 0; left >>>= 7) digits.unshift((left & 127) | 128);
    return digits;
  });
  return der(TAG.oid, Buffer.from([40 * first + second, ...bytes]));
}

const nameOf = (common: string): Buffer =>
  der(TAG.sequence, der(TAG.set, der(TAG.sequence, oid('2.5.4.3'), der(TAG.utf8, Buffer.from(common)))));

const extension = (id: string, value: Buffer): Buffer =>
  der(TAG.sequence, oid(id), der(TAG.boolean, Buffer.from([255])), der(TAG.octets, value));

const AUTHORITY = extension('2.5.29.19', der(TAG.sequence, der(TAG.boolean, Buffer.from([255]))));
/** Subject alternative name: address 127.0.0.1. */
const THIS_MACHINE = extension('2.5.29.17', der(TAG.sequence, der(0x87, Buffer.from([127, 0, 0, 1]))));
const ECDSA_SHA256 = der(TAG.sequence, oid('1.2.840.10045.4.3.2'));
const DAY = 86_400_000;

/** An authority, which signs certificates for servers and clients of this machine (X.509, RFC 5280). */
export class TestAuthority {
  readonly #folder: string;
  readonly #name: string;
  readonly #keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  /** Path of its own certificate. */
  readonly caFile: string;

  /** @param folder where certificates and keys are written. */
  constructor(folder: string, name: string) {
    this.#folder = folder;
    this.#name = name;
    this.caFile = this.#write(
      `${name}.pem`,
      'CERTIFICATE',
      this.#certificate(name, this.#keys.publicKey, AUTHORITY),
    );
  }

  /** Returns the paths of a new certificate and its key. */
  sign(name: string): { readonly certFile: string; readonly keyFile: string } {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const key = privateKey.export({ type: 'pkcs8', format: 'der' });
    return {
      certFile: this.#write(`${name}.pem`, 'CERTIFICATE', this.#certificate(name, publicKey, THIS_MACHINE)),
      keyFile: this.#write(`${name}.key`, 'PRIVATE KEY', key),
    };
  }

  #certificate(subject: string, key: KeyObject, extensions: Buffer): Buffer {
    const time = (at: number): Buffer =>
      der(TAG.utcTime, Buffer.from(`${new Date(at).toISOString().replaceAll(/^..|[-T:]|\..*$/g, '')}Z`));
    const content = der(
      TAG.sequence,
      der(0xa0, der(TAG.integer, Buffer.from([2]))),
      der(TAG.integer, Buffer.from([1, ...randomBytes(8)])),
      ECDSA_SHA256,
      nameOf(this.#name),
      der(TAG.sequence, time(Date.now() - DAY), time(Date.now() + DAY)),
      nameOf(subject),
      key.export({ type: 'spki', format: 'der' }),
      der(0xa3, der(TAG.sequence, extensions)),
    );
    const signature = sign('sha256', content, this.#keys.privateKey);
    return der(TAG.sequence, content, ECDSA_SHA256, der(TAG.bits, Buffer.from([0]), signature));
  }

  #write(name: string, kind: string, bytes: Buffer): string {
    const file = path.join(this.#folder, name);
    const lines = bytes.toString('base64').replaceAll(/.{64}/g, '$&\n').trimEnd();
    writeFileSync(file, `-----BEGIN ${kind}-----\n${lines}\n-----END ${kind}-----\n`, { mode: 0o600 });
    return file;
  }
}
