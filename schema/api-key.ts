/** API keys: `nyt_<customer_id>_<secret><checksum>`, 256-bit secrets in hex, known to the database by SHA-256 only. */
import { type CustomerId, customerIdSchema } from "./ids.ts";

const secretBytes = 32;
const checksumHexLength = 8;
const keyPattern = /^nyt_(cust_[0-9a-z]{26}|admin)_([0-9a-f]{64})([0-9a-f]{8})$/;

export type KeyOwner = { kind: "customer"; customerId: CustomerId } | { kind: "admin" };

const hex = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

export async function sha256Hex(text: string): Promise<string> {
  return hex(new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text))));
}

const checksumOf = async (owner: string, secret: string) =>
  (await sha256Hex(`${owner}:${secret}`)).slice(0, checksumHexLength);

/** `owner` is a customer id or "admin"; `secret` 32 random bytes. */
export async function formatKey(owner: CustomerId | "admin", secret: Uint8Array): Promise<string> {
  const text = hex(secret);
  return `nyt_${owner}_${text}${await checksumOf(owner, text)}`;
}

export const newKey = (owner: CustomerId | "admin"): Promise<string> =>
  formatKey(owner, crypto.getRandomValues(new Uint8Array(secretBytes)));

/** Who a key says it belongs to, or null for garbage: the checksum refuses it without a look-up. */
export async function parseKey(key: string): Promise<KeyOwner | null> {
  const [, owner = "", secret = "", checksum] = keyPattern.exec(key) ?? [];
  if (checksum === undefined || checksum !== (await checksumOf(owner, secret))) return null;
  if (owner === "admin") return { kind: "admin" };
  const customerId = customerIdSchema.safeParse(owner);
  return customerId.success ? { kind: "customer", customerId: customerId.data } : null;
}
