/** What may be changed of a customer beside its workloads, one intent each, and what it then answers. */
import { z } from "zod";
import { type ConfigBody, type ConfigView, configViewSchema } from "../../schema/http/config.ts";
import { type CustomerView, customerViewSchema, type UpdateCustomerBody } from "../../schema/http/customer.ts";
import { type CreateKeyBody, type KeyView, keyViewSchema } from "../../schema/http/key.ts";
import type { ConfigId, KeyId } from "../../schema/ids.ts";

/** Who asks for a key can give only what it may itself. */
interface NewSecret {
  readonly keyId: KeyId;
  readonly keyHash: string;
  /** Scopes. */
  readonly grantable: readonly string[];
  /** The key ends no later, in milliseconds; null: it need not end. */
  readonly expiresBy: number | null;
}

export interface DirectoryChanges {
  create_type: { readonly configId: ConfigId; readonly body: ConfigBody };
  replace_type: { readonly configId: ConfigId; readonly body: ConfigBody };
  delete_type: { readonly configId: ConfigId };
  issue_key: NewSecret & { readonly body: CreateKeyBody };
  rotate_key: NewSecret & { readonly replaced: KeyId; readonly overlapSeconds: number };
  revoke_key: { readonly keyId: KeyId };
  set_terms: UpdateCustomerBody;
}
export type ChangeKind = keyof DirectoryChanges;

export interface DirectoryChange<K extends ChangeKind> {
  readonly kind: K;
  readonly what: DirectoryChanges[K];
}

export interface DirectoryReplies {
  create_type: ConfigView;
  replace_type: ConfigView;
  delete_type: null;
  issue_key: KeyView;
  rotate_key: KeyView;
  revoke_key: null;
  set_terms: CustomerView;
}

/** For what was remembered as JSON. */
export const replySchemas: { readonly [K in ChangeKind]: z.ZodType<DirectoryReplies[K]> } = {
  create_type: configViewSchema,
  replace_type: configViewSchema,
  delete_type: z.null(),
  issue_key: keyViewSchema,
  rotate_key: keyViewSchema,
  revoke_key: z.null(),
  set_terms: customerViewSchema,
};
