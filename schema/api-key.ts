/** API keys: `nyt_<customer_id>_<secret><checksum>`, 256-bit secrets in hex, known to the database by SHA-256 only. */
import { type CustomerId, customerIdSchema } from "./ids.ts";

const secretBytes = 32;
const checksumHexLength = 8;
const keyPrefix = "nyt";
const sealedPattern = /^([a-z]+)_([a-z0-9_-]{1,63})_([0-9a-f]{64})([0-9a-f]{8})$/;

export type KeyOwner = { kind: "customer"; customerId: CustomerId } | { kind: "admin" };

const hex = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

export async function sha256Hex(text: string): Promise<string> {
  return hex(new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text))));
}

const checksumOf = async (owner: string, secret: string) =>
  (await sha256Hex(`${owner}:${secret}`)).slice(0, checksumHexLength);

/** `<prefix>_<owner>_<secret in hex><checksum>`; `secret` is 32 random bytes. */
export async function sealSecret(prefix: string, owner: string, secret: Uint8Array): Promise<string> {
  const text = hex(secret);
  return `${prefix}_${owner}_${text}${await checksumOf(owner, text)}`;
}

/** Whose secret a text says it is, or null for garbage: the checksum refuses it without a look-up. */
export async function sealedOwner(prefix: string, sealed: string): Promise<string | null> {
  const [, found, owner = "", secret = "", checksum] = sealedPattern.exec(sealed) ?? [];
  return found === prefix && checksum === (await checksumOf(owner, secret)) ? owner : null;
}

/** `owner` is a customer id or "admin"; `secret` 32 random bytes. */
export const formatKey = (owner: CustomerId | "admin", secret: Uint8Array): Promise<string> =>
  sealSecret(keyPrefix, owner, secret);

export const newKey = (owner: CustomerId | "admin"): Promise<string> =>
  formatKey(owner, crypto.getRandomValues(new Uint8Array(secretBytes)));

/** Who a key says it belongs to, or null for garbage. */
export async function parseKey(key: string): Promise<KeyOwner | null> {
  const owner = await sealedOwner(keyPrefix, key);
  if (owner === "admin") return { kind: "admin" };
  const customerId = customerIdSchema.safeParse(owner);
  return customerId.success ? { kind: "customer", customerId: customerId.data } : null;
}
