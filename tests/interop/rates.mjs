// A node-opcua client that follows every tag of a bulk server and counts: rates.mjs URL PKI TAGS SECONDS
// Prints one JSON object: values, lost, values a second, latency in ms, its own CPU in seconds.
import { answer } from "./answers.mjs";
import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import certificates from "node-opcua-certificate-manager";
import opcua from "node-opcua-client";

const [url, pki, tags, seconds] = process.argv.slice(2);
const own = mkdtempSync(join(tmpdir(), "linetwin-interop-"));
const manager = new certificates.OPCUACertificateManager({
  rootFolder: own, automaticallyAcceptUnknownCertificate: true,
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
  requestedSessionTimeout: 60000,
});
await client.connect(url);
const session = await client.createSession({
  type: opcua.UserTokenType.UserName,
  userName: "twin",
  password: readFileSync(join(pki, "password"), "utf8").trim(),
});
const subscription = await session.createSubscription2({
  requestedPublishingInterval: 100,
  requestedLifetimeCount: 1000,
  requestedMaxKeepAliveCount: 10,
  maxNotificationsPerPublish: 0,
  publishingEnabled: true,
  priority: 1,
});

const last = new Float64Array(Number(tags)).fill(Number.NaN);
const latencies = [];
let values = 0, lost = 0, counting = false;
subscription.on("raw_notification", (message) => {
  const now = Date.now();
  for (const change of message.notificationData ?? []) {
    const items = change.monitoredItems ?? [];
    for (const item of items) {
      const value = item.value.value.value;
      const before = last[item.clientHandle];
      if (!Number.isNaN(before)) lost += value - before - 1;
      last[item.clientHandle] = value;
    }
    if (counting && items.length) {
      values += items.length;
      latencies.push(now - items[0].value.sourceTimestamp.getTime());
    }
  }
});
const BATCH = 1000;
for (let first = 0; first < Number(tags); first += BATCH) {
  const count = Math.min(BATCH, Number(tags) - first);
  await session.createMonitoredItems({
    subscriptionId: subscription.subscriptionId,
    timestampsToReturn: opcua.TimestampsToReturn.Source,
    itemsToCreate: Array.from({ length: count }, (_, i) => ({
      itemToMonitor: { nodeId: `ns=2;s=T/${Math.floor((first + i) / 100)}/${first + i}`, attributeId: 13 },
      monitoringMode: opcua.MonitoringMode.Reporting,
      requestedParameters: { clientHandle: first + i, samplingInterval: 100, queueSize: 100, discardOldest: true },
    })),
  });
}
await new Promise((done) => setTimeout(done, 2000));
const began = performance.now(), cpu = process.cpuUsage();
counting = true;
await new Promise((done) => setTimeout(done, Number(seconds) * 1000));
counting = false;
const took = (performance.now() - began) / 1000, spent = process.cpuUsage(cpu);
latencies.sort((a, b) => a - b);
const at = (share) => latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))];
answer(JSON.stringify({
  values, lost, rate: values / took, notifications: latencies.length,
  p50_ms: at(0.5), p99_ms: at(0.99), cpu_s: (spent.user + spent.system) / 1e6, took_s: took,
}));
await subscription.terminate();
await session.close();
await client.disconnect();
process.exit(0);
