/** The directory on Postgres: what belongs to a customer is read and written as that customer, the rest as the operator. */
import type { Directory } from "../../directory.ts";
import type { Databases } from "../database.ts";
import { createCustomer, listCustomers, putTerms, readCustomer } from "./customers.ts";
import { countLiveKeys, issueKey, listKeys, readKey, revokeKey } from "./keys.ts";
import { countWorkloads } from "./statistics.ts";
import { deleteType, listTypes, putType, readType } from "./workload-types.ts";

export const createPostgresDirectory = ({ asCustomer, asOperator }: Databases): Directory => ({
  workloadType: (customerId, id) => readType(asCustomer(customerId), customerId, id),
  workloadTypes: (customerId, query) => listTypes(asCustomer(customerId), customerId, query),
  putType: (lead, type, remember, now) => putType(asCustomer(lead.customerId), lead, type, remember, now),
  deleteType: (lead, type) => deleteType(asCustomer(lead.customerId), lead, type),
  apiKey: (customerId, id) => readKey(asCustomer(customerId), customerId, id),
  apiKeys: (customerId, query) => listKeys(asCustomer(customerId), customerId, query),
  countLiveKeys: (customerId, now) => countLiveKeys(asCustomer(customerId), customerId, now),
  issueKey: (lead, ...asked) => issueKey(asCustomer(lead.customerId), lead, ...asked),
  revokeKey: (lead, id, now) => revokeKey(asCustomer(lead.customerId), lead, id, now),
  customer: (customerId) => readCustomer(asCustomer(customerId), customerId),
  customers: (query) => listCustomers(asOperator(), query),
  putTerms: (lead, terms, now) => putTerms(asCustomer(lead.customerId), lead, terms, now),
  createCustomer: (...asked) => createCustomer(asOperator(), ...asked),
  statistics: (customerId, range) => countWorkloads(asCustomer(customerId), customerId, range),
});
