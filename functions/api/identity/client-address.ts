/** From where a request comes, as far as wrong credentials are counted: one IPv4 address, or one IPv6 network of 64 bits. */
import type { ApiContext } from "../context.ts";

const groupsOfAddress = 8;
const groupsOfNetwork = 4;
const unknown = "unknown";
const addressPattern = /^[0-9a-f.:]{2,45}$/;
const mappedPattern = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/;

/** Only Cloudflare's own header counts: it overwrites what a client sends under that name. */
export const clientAddress = (c: ApiContext): string => networkOf(c.req.header("cf-connecting-ip") ?? "");

/** Who has one IPv6 address has all of its network, so the network is counted. */
export function networkOf(given: string): string {
  const address = given.trim().toLowerCase();
  if (!addressPattern.test(address)) return unknown;
  if (!address.includes(":")) return address;
  return mappedPattern.exec(address)?.[1] ?? `${groupsOf(address).slice(0, groupsOfNetwork).join(":")}::/64`;
}

function groupsOf(address: string): string[] {
  const [head = "", tail] = address.split("::");
  const left = split(head);
  const right = split(tail ?? "");
  const gap = tail === undefined ? 0 : Math.max(0, groupsOfAddress - left.length - right.length);
  return [...left, ...Array<string>(gap).fill("0"), ...right].map((group) => group.replace(/^0+(?=.)/, ""));
}

const split = (part: string): string[] => (part === "" ? [] : part.split(":"));
