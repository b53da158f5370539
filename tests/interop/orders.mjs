// A node-opcua client orders parts of an emulated PLC and asks its vision post what it found:
// orders.mjs URL PKI LINE PLC STATION MACHINE
// Prints one JSON object with what it saw; the test that started it compares.
import { answer } from "./answers.mjs";
import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import certificates from "node-opcua-certificate-manager";
import opcua from "node-opcua-client";

const [url, pki, line, plc, station, machine] = process.argv.slice(2);
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
const jobs = namespaces.indexOf("http://opcfoundation.org/UA/ISA95-JOBCONTROL_V2/");
const vision = namespaces.indexOf("http://opcfoundation.org/UA/MachineVision");
const { DataType, VariantArrayType } = opcua;
const seen = {};

const call = async (objectId, name, inputArguments) => {
  const below = await session.browse({ nodeId: objectId, referenceTypeId: "HasComponent",
    browseDirection: opcua.BrowseDirection.Forward, includeSubtypes: true, resultMask: 63 });
  const method = below.references.find((r) => r.browseName.name === name);
  return session.call({ objectId, methodId: method.nodeId, inputArguments });
};
const structure = (namespace, number, fields) =>
  session.constructExtensionObject(opcua.resolveNodeId(`ns=${namespace};i=${number}`), fields);
const object = (value) => ({ dataType: DataType.ExtensionObject, value });
const text = (value) => ({ dataType: DataType.String, value });
const noComment = { dataType: DataType.LocalizedText, arrayType: VariantArrayType.Array, value: [] };

// A job order: stored and started at once, and asked for until it has ended.
const management = `ns=${own};s=plc:${plc}/JobManagement`;
const order = await structure(jobs, 3008, { jobOrderID: "J1",
  materialRequirements: [{ materialUse: "Material Produced", quantity: "3" }] });
const stored = await call(`${management}/JobOrderControl`, "StoreAndStart", [object(order), noComment]);
seen.stored = [stored.statusCode.name, Number(stored.outputArguments[0].value[1])];
const again = await call(`${management}/JobOrderControl`, "StoreAndStart", [object(order), noComment]);
seen.again = [again.statusCode.name, Number(again.outputArguments[0].value[1])];
const deadline = Date.now() + 30000;
for (;;) {
  const asked = await call(`${management}/JobOrderResults`, "RequestJobResponseByJobOrderID", [text("J1")]);
  const response = asked.outputArguments[0].value;
  seen.state = response.jobState[0].stateText.text;
  seen.produced = response.materialActuals[0].quantity;
  seen.data = Object.fromEntries(response.jobResponseData.map((each) => [each.iD ?? each.id ?? each.ID, Number(each.value.value[1] ?? each.value.value)]));
  if (seen.state === "Ended" || Date.now() > deadline) break;
  await new Promise((done) => setTimeout(done, 100));
}
const list = await session.read({ nodeId: `${management}/JobOrderControl/JobOrderList`, attributeId: 13 });
seen.list = list.value.value.map((each) => [each.jobOrder.jobOrderID, each.state[0].stateText.text]);

// A result of the vision post: the latest, and the same again by its id; and its event.
const results = `ns=${own};s=${line}/${station}/${machine}/VisionSystem/ResultManagement`;
const latest = (await session.read({ nodeId: `${results}/Results/Latest`, attributeId: 13 })).value.value;
const id = await structure(vision, 3021, { id: latest.resultId.id });
const found = await call(results, "GetResultById", [object(id), { dataType: DataType.Int32, value: 0 }]);
const result = found.outputArguments[1].value;
seen.result = [found.statusCode.name, found.outputArguments[2].value, result.resultId.id === latest.resultId.id];
seen.content = Object.fromEntries(result.resultContent.map((each) =>
  [each.value.key.name, Number(each.value.value.value[1])]));
const released = await call(results, "ReleaseResultHandle", [
  { dataType: DataType.UInt32, value: found.outputArguments[0].value }]);
seen.released = released.outputArguments[0].value;
const subscription = await session.createSubscription2({ requestedPublishingInterval: 50,
  requestedLifetimeCount: 1000, requestedMaxKeepAliveCount: 5, publishingEnabled: true, priority: 1 });
const names = ["EventType", "SourceName", `${vision}:ResultState`];
const item = await subscription.monitor({ nodeId: "i=2253", attributeId: opcua.AttributeIds.EventNotifier },
  { filter: opcua.constructEventFilter(names, opcua.ofType(`ns=${vision};i=1024`)), queueSize: 100,
    discardOldest: true, samplingInterval: 0 }, opcua.TimestampsToReturn.Both);
seen.event = await new Promise((done, fail) => {
  const late = setTimeout(() => fail(new Error("no event came")), 20000);
  item.on("changed", (values) => {
    clearTimeout(late);
    done([values[0].value.toString() === `ns=${vision};i=1024`, values[1].value, values[2].value]);
  });
});
await subscription.terminate();
await session.close();
await client.disconnect();
answer(JSON.stringify(seen));
process.exit(0);
