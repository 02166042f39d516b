/** API keys: made, used, rotated, revoked. */
import { answered, body, keeping, type Section } from "../step.ts";

const keysPath = "$API/v1/api-keys";

export const keys: Section = {
  title: "API keys",
  steps: [
    {
      say: `Scopes: \`workloads:read\`, \`workloads:write\`, \`configs:write\`, \`keys:read\`, \`keys:write\`; a key gives only what it has.
The secret is in this reply and nowhere else.`,
      run: `${keeping(
        `curl -s ${keysPath} -H "$AUTH" ${body(
          '{"name":"dashboard","scopes":["workloads:read"],"expires_at":"2030-01-01T00:00:00Z"}',
        )}`,
        "READER",
        "api_key",
      )}\nREADER_ID=$(take key_id)`,
    },
    {
      say: "It reads, and does not write.",
      run: `curl -s $API/v1/workloads -H "Authorization: Bearer $READER" ${body('{"workload_type":"noop"}')}`,
    },
    {
      say: "Rotation: a new key of the same name, scopes and expiry; the old one goes on for the overlap (a day unless you say).",
      run: `${keeping(
        `curl -s ${keysPath}/$READER_ID/rotate -H "$AUTH" ${body('{"overlap_seconds":3600}')}`,
        "NEWER",
        "api_key",
      )}`,
    },
    {
      say: "Revoked, it stops working everywhere within five seconds.",
      run: `curl -s -X DELETE ${keysPath}/$READER_ID -H "$AUTH"`,
    },
    {
      say: "Five seconds later:",
      after: answered("$READER", "UNAUTHORIZED"),
      run: 'curl -s $API/v1/customer -H "Authorization: Bearer $READER"',
    },
    { say: "The list never shows a secret.", run: `curl -s "${keysPath}?limit=2" -H "$AUTH"` },
  ],
};
