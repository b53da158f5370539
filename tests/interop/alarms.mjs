// A node-opcua client works an emulated PLC's alarms: alarms.mjs URL PKI LINE STATION MACHINE ALARM
// Prints one JSON object with what it saw; the test that started it compares. It prints `ready` first,
// when it is subscribed: the alarm is to come then, and to go when it prints `acknowledged`.
import { answer } from "./answers.mjs";
import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import certificates from "node-opcua-certificate-manager";
import opcua from "node-opcua-client";

const [url, pki, line, station, machine, alarm] = process.argv.slice(2);
const manager = new certificates.OPCUACertificateManager({
  rootFolder: mkdtempSync(join(tmpdir(), "linetwin-interop-")),
  automaticallyAcceptUnknownCertificate: true,
});
await manager.initialize();
const client = opcua.OPCUAClient.create({
  applicationUri: "urn:linetwin:twin",
  applicationName: "linetwin-interop",
  clientCertificateManager: manager,
  certificateFile: join(pki, "client.cert.der"),
  privateKeyFile: join(pki, "client.key.pem"),
  securityMode: opcua.MessageSecurityMode.SignAndEncrypt,
  securityPolicy: opcua.SecurityPolicy.Basic256Sha256,
  endpointMustExist: false,
  connectionStrategy: { maxRetry: 1 },
});
await client.connect(url);
const password = readFileSync(join(pki, "password"), "utf8").trim();
const session = await client.createSession({
  type: opcua.UserTokenType.UserName, userName: "twin", password,
});
const namespaces = await session.readNamespaceArray();
const own = namespaces.findIndex((uri) => uri.startsWith("urn:linetwin:") && uri.endsWith(`:${line}`));
const conditionId = `ns=${own};s=${line}/${station}/${machine}/Conditions/${alarm}`;
const seen = { events: [] };

const fields = await opcua.extractConditionFields(session, "AlarmConditionType");
const filter = opcua.constructEventFilter(fields, opcua.ofType("AlarmConditionType"));
const subscription = await session.createSubscription2({ requestedPublishingInterval: 50,
  requestedLifetimeCount: 1000, requestedMaxKeepAliveCount: 5, publishingEnabled: true, priority: 1 });
const item = await subscription.monitor({ nodeId: "i=2253", attributeId: opcua.AttributeIds.EventNotifier },
  { filter, queueSize: 1000, discardOldest: true, samplingInterval: 0 }, opcua.TimestampsToReturn.Both);
const waiting = [];
let latest;
item.on("changed", (values) => {
  const event = opcua.fieldsToJson(fields, values);
  if (event.conditionId?.value?.toString() !== conditionId) return;
  latest = event;
  seen.events.push([event.activeState.id.value, event.ackedState.id.value, event.confirmedState.id.value,
    event.suppressedOrShelved.value, event.retain.value]);
  for (const look of waiting) look();
});
const until = (holds) => new Promise((done, fail) => {
  const deadline = setTimeout(() => fail(new Error("never came")), 20000);
  const look = () => {
    if (latest !== undefined && holds(latest)) { clearTimeout(deadline); done(); }
  };
  waiting.push(look);
  look();
});
const shelve = async (name, ...inputArguments) => {
  const methodId = { TimedShelve: "i=2949", OneShotShelve: "i=2948", Unshelve: "i=2947" }[name];
  return (await session.call({ objectId: `${conditionId}/ShelvingState`, methodId, inputArguments })).statusCode.name;
};

answer("ready");
await until((event) => event.activeState.id.value);
seen.type = latest.eventType.value.toString();
seen.severity = latest.severity.value;
seen.message = latest.message.value.text;
seen.acknowledged = (await opcua.acknowledgeCondition(session, conditionId, latest.eventId.value, "seen")).name;
await until((event) => event.ackedState.id.value);
seen.comment = latest.comment.value.text;
seen.user = latest.clientUserId.value;
seen.again = (await opcua.acknowledgeCondition(session, conditionId, latest.eventId.value, "seen")).name;
seen.shelved = await shelve("TimedShelve", { dataType: opcua.DataType.Double, value: 60000 });
await until((event) => event.suppressedOrShelved.value);
seen.unshelved = await shelve("Unshelve");
await until((event) => !event.suppressedOrShelved.value);
seen.refreshed = (await opcua.findActiveConditions(session)).map((c) => c.conditionId.value.toString());
answer("acknowledged");
await until((event) => !event.activeState.id.value);
seen.confirmed = (await opcua.confirmCondition(session, conditionId, latest.eventId.value, "mended")).name;
await until((event) => !event.retain.value);
await subscription.terminate();
await session.close();
await client.disconnect();
answer(JSON.stringify(seen));
process.exit(0);
