// Drives /mcp with the official SDK, as an agent's host does. Prints one JSON object; test_mcp.py judges it.
//
// usage: node mcp.mjs URL TOKEN CASES-FILE
import fs from "node:fs";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";

const [url, token, casesFile] = process.argv.slice(2);
const client = new Client({ name: "switchboard-test", version: "1.0.0" });
const transport = new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers: { Authorization: `Bearer ${token}` } } });

const found = { calls: [] };
try {
  await client.connect(transport);
  found.server = client.getServerVersion();
  found.capabilities = client.getServerCapabilities();
  found.instructions = client.getInstructions();
  found.protocol = transport.protocolVersion;
  found.ping = await client.ping();
  found.tools = (await client.listTools()).tools;
  for (const { name, arguments: given } of JSON.parse(fs.readFileSync(casesFile, "utf8"))) {
    try {
      found.calls.push(await client.callTool({ name, arguments: given }));
    } catch (error) {
      found.calls.push({ thrown: String(error.message), code: error.code });
    }
  }
  await client.close();
} catch (error) {
  found.failed = String(error.message);
}
console.log(JSON.stringify(found));
