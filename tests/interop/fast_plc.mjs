// A node-opcua server whose Doubles all change every period: fast_plc.mjs TAGS PERIOD_MS
// Prints {"url": ...}; at the end of stdin it stops.
import { answer } from "./answers.mjs";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import certificates from "node-opcua-certificate-manager";
import client from "node-opcua-client";
import server from "node-opcua-server";

const { DataType } = client;
const manager = new certificates.OPCUACertificateManager({
  rootFolder: mkdtempSync(join(tmpdir(), "linetwin-fast-")) });
await manager.initialize();
const plc = new server.OPCUAServer({ hostname: "127.0.0.1", port: 0, disableDiscovery: true,
  serverCertificateManager: manager, securityModes: [client.MessageSecurityMode.None],
  securityPolicies: [client.SecurityPolicy.None], allowAnonymous: true });
await plc.initialize();
const space = plc.engine.addressSpace;
const own = space.registerNamespace("urn:linetwin:bench");
const variables = [];
let folder = null;
for (let i = 0; i < Number(process.argv[2]); i++) {
  if (i % 100 === 0) {
    folder = own.addFolder(space.rootFolder.objects, { browseName: `F${i}` });
  }
  variables.push(own.addVariable({ componentOf: folder, browseName: `V${i}`, nodeId: `s=V${i}`,
    dataType: DataType.Double, minimumSamplingInterval: 0 }));
}
let number = 0;
function change() {
  number += 1;
  for (const one of variables) one.setValueFromSource({ dataType: DataType.Double, value: number });
}
change();
await plc.start();
setInterval(change, Number(process.argv[3]));
answer(JSON.stringify({ url: `opc.tcp://127.0.0.1:${plc.endpoints[0].port}` }));
process.stdin.resume();
process.stdin.on("end", () => process.exit(0));
