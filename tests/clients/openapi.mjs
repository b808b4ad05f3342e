// Drives the API of escalations with an off-the-shelf client that knows nothing but /openapi.json, and holds every answer
// against the schema that the description has for its status. Prints one JSON object; test_openapi.py judges it.
//
// usage: node openapi.mjs BASE-URL TOKEN CASES-FILE
import fs from "node:fs";
import { Validator } from "@seriousme/openapi-schema-validator";
import Ajv2020 from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { OpenAPIClientAxios } from "openapi-client-axios";

const [base, token, casesFile] = process.argv.slice(2);
const description = await (await fetch(`${base}/openapi.json`)).json();

const validator = new Validator();
const validity = await validator.validate(structuredClone(description));

// The schemas of the description as they stand, with references into it.
const ajv = new Ajv2020({ strict: false, allErrors: true });
addFormats(ajv);
ajv.addSchema({ $id: "https://example.com/openapi", ...description });

function faultsOf(operationId, answer) {
  for (const [path, methods] of Object.entries(description.paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      if (operation.operationId !== operationId) continue;
      if (!operation.responses[answer.status]) return [`status ${answer.status} is not described`];
      const place = [path, method].map((part) => part.replaceAll("~", "~0").replaceAll("/", "~1")).map(encodeURIComponent);
      const reference = `https://example.com/openapi#/paths/${place.join("/")}/responses/${answer.status}/content/application~1json/schema`;
      const check = ajv.compile({ $ref: reference });
      return check(answer.data) ? [] : check.errors.map((each) => `${each.instancePath} ${each.message}`);
    }
  }
  return [`no operation ${operationId}`];
}

const inputs = ajv.compile({ $ref: "https://example.com/openapi#/components/schemas/EscalationInput" });
const api = new OpenAPIClientAxios({
  definition: description,
  axiosConfigDefaults: { baseURL: base, headers: { Authorization: `Bearer ${token}` }, validateStatus: () => true },
});
const client = await api.init();

const answers = [];
for (const { operation, parameters, body, headers } of JSON.parse(fs.readFileSync(casesFile, "utf8"))) {
  const answer = await client[operation](parameters, body, { headers });
  answers.push({
    status: answer.status,
    data: answer.data,
    location: answer.headers.location,
    faults: faultsOf(operation, answer),
    fitsInput: operation === "createEscalation" ? inputs(body) : null,
  });
}
console.log(JSON.stringify({ valid: validity.valid, errors: validity.errors, version: description.openapi, answers }));
