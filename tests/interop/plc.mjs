// A node-opcua client does with an emulated PLC what a client does: plc.mjs URL PKI LINE STATION MACHINE
// Prints one JSON object with what it saw; the test that started it compares.
import { answer } from "./answers.mjs";
import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import certificates from "node-opcua-certificate-manager";
import opcua from "node-opcua-client";

const [url, pki, line, station, machine] = process.argv.slice(2);
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
const seen = {};
await client.connect(url);
const password = readFileSync(join(pki, "password"), "utf8").trim();
try {
  await client.createSession({ type: opcua.UserTokenType.UserName, userName: "twin", password: "wrong" });
  seen.wrongPassword = "let in";
} catch (error) {
  seen.wrongPassword = String(error.message);
}
const session = await client.createSession({
  type: opcua.UserTokenType.UserName, userName: "twin", password,
});
const namespaces = await session.readNamespaceArray();
seen.namespaces = namespaces;
const own = namespaces.findIndex((uri) => uri.startsWith("urn:linetwin:") && uri.endsWith(`:${line}`));
const packml = namespaces.indexOf("http://opcfoundation.org/UA/PackML/");
const base = `ns=${own};s=${line}/${station}/${machine}`;

const below = await session.browse({ nodeId: base, referenceTypeId: "HierarchicalReferences",
  browseDirection: opcua.BrowseDirection.Forward, includeSubtypes: true, resultMask: 63 });
seen.below = below.references.map((r) => r.browseName.toString()).sort();
const kind = await session.browse({ nodeId: base, referenceTypeId: "HasTypeDefinition",
  browseDirection: opcua.BrowseDirection.Forward, includeSubtypes: true, resultMask: 63 });
seen.type = kind.references[0].browseName.toString();

const path = opcua.makeBrowsePath(base, `/${packml}:BaseStateMachine/${packml}:MachineState/0:CurrentState`);
const found = await session.translateBrowsePath(path);
const machineState = found.targets[0].targetId.toString();
const values = await session.read([
  { nodeId: `${base}/Status/StateCurrent`, attributeId: 13 },
  { nodeId: machineState, attributeId: 13 },
  { nodeId: `${base}/Admin/ProdProcessedCount`, attributeId: 13 },
]);
seen.state = values[0].value.value;
seen.machineState = values[1].value.value.text;
seen.processed = Number(values[2].value.value[1] ?? values[2].value.value);
const counts = await session.read({ nodeId: `${base}/Admin/ProdProcessedCount[]`, attributeId: 13 });
await opcua.extractNamespaceDataType?.(session);
seen.countsStatus = counts.statusCode.name;

const subscription = await session.createSubscription2({ requestedPublishingInterval: 100,
  requestedLifetimeCount: 1000, requestedMaxKeepAliveCount: 5, publishingEnabled: true, priority: 1 });
const states = [];
const item = await subscription.monitor({ nodeId: `${base}/Status/StateCurrent`, attributeId: 13 },
  { samplingInterval: 100, queueSize: 10, discardOldest: true }, opcua.TimestampsToReturn.Both);
const stopped = new Promise((done) => item.on("changed", (value) => {
  states.push(value.value.value);
  if (value.value.value === 2) done();
}));
const called = await session.call({
  objectId: `${base}/BaseStateMachine/MachineState`, methodId: `ns=${packml};i=375`, inputArguments: [],
});
seen.stop = called.statusCode.name;
await Promise.race([stopped, new Promise((_, no) => setTimeout(() => no(new Error("never stopped")), 20000))]);
seen.states = [...states];
const refused = await session.call({
  objectId: `${base}/BaseStateMachine/MachineState/ExecuteState`, methodId: `ns=${packml};i=369`, inputArguments: [],
});
seen.start = refused.statusCode.name;
const factor = `${base}/Setpoints/CycleTimeFactor`;
const number = (value) => ({ nodeId: factor, attributeId: 13,
  value: { value: { dataType: opcua.DataType.Double, value } } });
seen.write = (await session.write(number(1.5))).name;
seen.written = (await session.read({ nodeId: factor, attributeId: 13 })).value.value;
seen.writeOutOfRange = (await session.write(number(-1))).name;
seen.writeReadOnly = (await session.write({ nodeId: `${base}/Status/StateCurrent`, attributeId: 13,
  value: { value: { dataType: opcua.DataType.Int32, value: 6 } } })).name;

const past = await session.readHistoryValue(
  `${base}/Status/StateCurrent`, new Date(Date.now() - 3600e3), new Date());
seen.history = past.historyData.dataValues.map((each) => each.value.value);

const conditionId = `${base}/Conditions/Fault`;
const fields = await opcua.extractConditionFields(session, "AlarmConditionType");
const filter = opcua.constructEventFilter(fields, opcua.ofType("AlarmConditionType"));
const events = await subscription.monitor({ nodeId: "i=2253", attributeId: opcua.AttributeIds.EventNotifier },
  { filter, queueSize: 100, discardOldest: true, samplingInterval: 0 }, opcua.TimestampsToReturn.Both);
seen.alarms = [];
const came = (acknowledged) => new Promise((done, fail) => {
  const deadline = setTimeout(() => fail(new Error("the alarm never came")), 20000);
  events.on("changed", (values) => {
    const event = opcua.fieldsToJson(fields, values);
    if (event.conditionId?.value?.toString() !== conditionId) return;
    if (event.ackedState.id.value !== acknowledged) return;
    seen.alarms.push([event.activeState.id.value, acknowledged]);
    clearTimeout(deadline);
    done(event);
  });
});
const [coming, seenByAll] = [came(false), came(true)];
seen.abort = (await session.call({
  objectId: `${base}/BaseStateMachine`, methodId: `ns=${packml};i=364`, inputArguments: [],
})).statusCode.name;
const event = await coming;
seen.acknowledge = (await opcua.acknowledgeCondition(session, conditionId, event.eventId.value, "seen")).name;
await seenByAll;
await subscription.terminate();
await session.close();
await client.disconnect();
answer(JSON.stringify(seen));
process.exit(0);
