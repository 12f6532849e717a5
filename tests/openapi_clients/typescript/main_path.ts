// A customer, an event, a search and a refusal, with the types of the OpenAPI document.
// Reads what it needs as JSON from standard input, and writes what it saw to standard output.

import createClient from "openapi-fetch";
import type { components, paths } from "./contacthub.js";

declare const process: { stdin: AsyncIterable<unknown>; stdout: { write(text: string): void } };

interface Given {
  baseUrl: string;
  token: string;
  workspaceId: string;
  nodeId: string;
  query: string;
}

async function main(): Promise<void> {
  let text = "";
  for await (const part of process.stdin) {
    text += String(part);
  }
  const given: Given = JSON.parse(text);
  const client = createClient<paths>({
    baseUrl: given.baseUrl,
    headers: { Authorization: `Bearer ${given.token}` },
  });
  const path = { workspaceId: given.workspaceId };
  const input: components["schemas"]["CustomerInput"] = {
    nodeId: given.nodeId,
    base: { firstName: "Zoë", contacts: { email: "zoe@example.com" } },
    extended: { loyalty: { points: 3, level: "gold" } },
  };
  const created = await client.POST("/workspaces/{workspaceId}/customers", {
    params: { path },
    body: input,
  });
  const customer = created.data;
  if (customer === undefined) {
    throw new Error(JSON.stringify(created.error));
  }
  const event = await client.POST("/workspaces/{workspaceId}/events", {
    params: { path },
    body: {
      customerId: customer.id,
      type: "viewedPage",
      context: "WEB",
      properties: { url: "https://example.com/shoes" },
    },
  });
  const found = await client.GET("/workspaces/{workspaceId}/customers", {
    params: { path, query: { nodeId: given.nodeId, query: given.query } },
  });
  const refused = await client.POST("/workspaces/{workspaceId}/customers", {
    params: { path },
    body: { nodeId: given.nodeId },
  });
  process.stdout.write(
    JSON.stringify({
      created: created.response.status,
      firstName: customer.base?.firstName,
      loyalty: customer.extended?.["loyalty"],
      event: event.response.status,
      found: found.data?.elements.map((each) => each.base?.firstName),
      refused: [refused.response.status, refused.error?.errors[0]?.path],
    }),
  );
}

await main();
