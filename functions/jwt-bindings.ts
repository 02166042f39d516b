/** The bindings that say whose JSON Web Tokens are believed: all of them, or none. */
import { z } from "zod";
import { jwtSecretBytesMin } from "../schema/limits.ts";

export const jwtAlgorithms = ["RS256", "PS256", "ES256", "EdDSA", "HS256"] as const;
const sharedSecretAlgorithm = "HS256";

/** `secret`: shared with the issuer; `jwksUrl`: where its public keys are. */
export interface JwtSettings {
  readonly issuer: string;
  readonly audience: string;
  readonly algorithm: (typeof jwtAlgorithms)[number];
  readonly typ: string;
  readonly keys: { readonly secret: string } | { readonly jwksUrl: string };
}

const typDefault = "JWT";
const localHosts = ["localhost", "127.0.0.1", "[::1]"];

/** An empty text is how a variable that is not set often looks. */
const optional = <T extends z.ZodType>(schema: T) =>
  z.preprocess((text) => (text === "" ? undefined : text), schema.optional());

const hasBytes = (text: string) => new TextEncoder().encode(text).length >= jwtSecretBytesMin;

/** Keys that came over an open line could be anybody's; one machine is its own line. */
function isSafe(text: string): boolean {
  const { protocol, hostname } = URL.parse(text) ?? { protocol: "", hostname: "" };
  return protocol === "https:" || (protocol === "http:" && localHosts.includes(hostname));
}

const given = z.object({
  JWT_ISSUER: optional(z.string()),
  JWT_AUDIENCE: optional(z.string()),
  JWT_ALGORITHM: optional(z.enum(jwtAlgorithms)),
  JWT_TYP: optional(z.string()),
  JWT_JWKS_URL: optional(z.string().refine(isSafe, "not an https address (http only on this machine)")),
  JWT_SECRET: optional(z.string().refine(hasBytes, `shorter than ${jwtSecretBytesMin} bytes`)),
});

/** Adds `JWT`: null where none of them is set. */
export const jwtBindings = given.transform((env, context): { JWT: JwtSettings | null } => {
  if (Object.values(env).every((value) => value === undefined)) return { JWT: null };
  const complain = (path: string, message: string) => context.addIssue({ code: "custom", path: [path], message });
  const { JWT_ISSUER: issuer, JWT_AUDIENCE: audience, JWT_ALGORITHM: algorithm, JWT_TYP: typ = typDefault } = env;
  if (issuer === undefined) complain("JWT_ISSUER", "missing, while another JWT_ binding is set");
  if (audience === undefined) complain("JWT_AUDIENCE", "missing, while another JWT_ binding is set");
  if (algorithm === undefined) complain("JWT_ALGORITHM", "missing, while another JWT_ binding is set");
  if (issuer === undefined || audience === undefined || algorithm === undefined) return z.NEVER;
  const keys = keysOf(algorithm, env.JWT_SECRET, env.JWT_JWKS_URL, complain);
  return keys === null ? z.NEVER : { JWT: { issuer, audience, algorithm, typ, keys } };
});

/** Each algorithm has one place where its keys come from, so that none is ever used for another. */
function keysOf(
  algorithm: JwtSettings["algorithm"],
  secret: string | undefined,
  jwksUrl: string | undefined,
  complain: (path: string, message: string) => void,
): JwtSettings["keys"] | null {
  const isShared = algorithm === sharedSecretAlgorithm;
  if (isShared && jwksUrl !== undefined) complain("JWT_JWKS_URL", "set, while HS256 takes JWT_SECRET");
  if (!isShared && secret !== undefined) complain("JWT_SECRET", "set, while only HS256 takes it");
  if (isShared && secret === undefined) complain("JWT_SECRET", "missing, while JWT_ALGORITHM is HS256");
  if (!isShared && jwksUrl === undefined) complain("JWT_JWKS_URL", "missing, while JWT_ALGORITHM has public keys");
  if (isShared) return secret === undefined || jwksUrl !== undefined ? null : { secret };
  return jwksUrl === undefined || secret !== undefined ? null : { jwksUrl };
}
