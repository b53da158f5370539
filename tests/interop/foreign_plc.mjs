// A node-opcua server whose variables are named and typed as nobody here would: foreign_plc.mjs
// Prints {"url": ...}; at each line "N" on stdin it shows step N of its plant and prints {"step": N}.
import { answer } from "./answers.mjs";
import { NODESET, TYPES } from "./foreign_types.mjs";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import certificates from "node-opcua-certificate-manager";
import client from "node-opcua-client";
import nodesets from "node-opcua-nodesets";
import server from "node-opcua-server";

const { DataType, Variant, VariantArrayType, StatusCodes } = client;
const { OPCUAServer } = server;

const folder = mkdtempSync(join(tmpdir(), "linetwin-foreign-"));
const manager = new certificates.OPCUACertificateManager({ rootFolder: folder });
await manager.initialize();
const types = join(folder, "types.xml");
writeFileSync(types, NODESET);
const plc = new OPCUAServer({
  hostname: "127.0.0.1", port: Number(process.argv[2] ?? 0), serverCertificateManager: manager,
  securityModes: [client.MessageSecurityMode.None], securityPolicies: [client.SecurityPolicy.None],
  disableDiscovery: true, allowAnonymous: true, nodeset_filename: [nodesets.nodesets.standard, types],
  serverCapabilities: { operationLimits: { maxNodesPerRead: 3, maxMonitoredItemsPerCall: 4,
    maxNodesPerBrowse: 2, maxNodesPerTranslateBrowsePathsToNodeIds: 1 } },
});
await plc.initialize();
const space = plc.engine.addressSpace;
const other = space.registerNamespace("urn:zulieferer:bibliothek");
const own = space.registerNamespace("urn:fremd:anlage");

let step = 0;
const variables = [];
function variable(parent, name, dataType, of, more = {}) {
  const made = own.addVariable({ componentOf: parent, browseName: name, nodeId: more.nodeId,
    dataType, valueRank: more.array ? 1 : -1 });
  variables.push(() => made.setValueFromSource(new Variant({ dataType, value: of(step),
    arrayType: more.array ? VariantArrayType.Array : VariantArrayType.Scalar })));
  return made;
}
const hall = own.addObject({ organizedBy: space.rootFolder.objects, browseName: "Halle 7" });
const commanded = {};
for (const number of [1, 2]) {
  const machine = own.addObject({ componentOf: hall, browseName: `Säge_${number}`,
    nodeId: `s=SGE.${number}` });
  const id = (name) => ({ nodeId: `s=SGE.${number}.${name}` });
  variable(machine, "wZustand", DataType.UInt16, (n) => [20, 40, 50][(n + number) % 3], id("wZustand"));
  variable(machine, "wStueckGut", DataType.UInt16, (n) => (65500 + 10 * n + number) % 65536, id("wStueckGut"));
  variable(machine, "wAusschuss", DataType.UInt16, (n) => (7 * n) % 65536, id("wAusschuss"));
  variable(machine, "iTemp10F", DataType.Int16, (n) => 1400 + n, id("iTemp10F"));
  variable(machine, "tTakt_ms", DataType.UInt32, (n) => 1500 + n, id("tTakt_ms"));
  variable(machine, "wStoerwort", DataType.UInt16, (n) => n & 0x24, id("wStoerwort"));
  variable(machine, "bBereit", DataType.Boolean, (n) => n % 2 === 0, id("bBereit"));
  commanded[number] = 0;
  own.addVariable({ componentOf: machine, browseName: "wBefehl", nodeId: `s=SGE.${number}.wBefehl`,
    dataType: DataType.UInt16, accessLevel: "CurrentRead | CurrentWrite", minimumSamplingInterval: 100, value: {
      get: () => new Variant({ dataType: DataType.UInt16, value: commanded[number] }),
      set: (variant) => { commanded[number] = variant.value; return StatusCodes.Good; },
    } });
}
variable(hall, "Füllstände", DataType.Int32, (n) => Int32Array.from([n % 5, (n + 2) % 5]), { array: true });
const library = space.getNamespaceIndex(TYPES);
const axis = space.findDataType("ST_Achse", library);
const press = space.findDataType("ST_Presse", library);
const made = (type, value) => space.constructExtensionObject(type, value);
const pressOf = (number) => (n) => made(press, { sName: `Presse ${number}`, nHuebe: 100 * number + n, bLäuft: n % 3 === 0,
  Achsen: [made(axis, { wZustand: n, fPosition: -1 }), made(axis, { wZustand: 7, fPosition: number + n / 4 })] });
const presses = own.addVariable({ componentOf: hall, browseName: "Pressen", nodeId: "s=PRS", dataType: press, valueRank: 1 });
variables.push(() => presses.setValueFromSource(new Variant({ dataType: DataType.ExtensionObject,
  arrayType: VariantArrayType.Array, value: [pressOf(1)(step), pressOf(2)(step)] })));
for (const number of [1, 2]) {
  const one = own.addVariable({ componentOf: hall, browseName: `Presse_${number}`, nodeId: `s=PRS.${number}`, dataType: press });
  variables.push(() => one.setValueFromSource(new Variant({ dataType: DataType.ExtensionObject, value: pressOf(number)(step) })));
}
variable(hall, "Lebenszeichen", DataType.UInt32, (n) => n);
other.addVariable({ componentOf: hall, browseName: "Fremdes", dataType: DataType.Double,
  value: new Variant({ dataType: DataType.Double, value: 1 }) });
for (const show of variables) show();
await plc.start();
answer(JSON.stringify({ url: `opc.tcp://127.0.0.1:${plc.endpoints[0].port}` }));
const lines = createInterface({ input: process.stdin });
lines.on("line", (text) => {
  step = Number(text);
  for (const show of variables) show();
  answer(JSON.stringify({ step, commanded }));
});
lines.on("close", async () => { await plc.shutdown(0); process.exit(0); });
