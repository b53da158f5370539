package linetwin;

import static org.eclipse.milo.opcua.stack.core.types.builtin.unsigned.Unsigned.uint;

import java.io.ByteArrayInputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyFactory;
import java.security.KeyPair;
import java.security.PrivateKey;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.eclipse.milo.opcua.sdk.client.OpcUaClient;
import org.eclipse.milo.opcua.sdk.client.api.identity.UsernameProvider;
import org.eclipse.milo.opcua.sdk.client.subscriptions.ManagedSubscription;
import org.eclipse.milo.opcua.stack.core.Identifiers;
import org.eclipse.milo.opcua.stack.core.StatusCodes;
import org.eclipse.milo.opcua.stack.core.UaException;
import org.eclipse.milo.opcua.stack.core.security.SecurityPolicy;
import org.eclipse.milo.opcua.stack.core.types.builtin.ByteString;
import org.eclipse.milo.opcua.stack.core.types.builtin.DataValue;
import org.eclipse.milo.opcua.stack.core.types.builtin.DateTime;
import org.eclipse.milo.opcua.stack.core.types.builtin.LocalizedText;
import org.eclipse.milo.opcua.stack.core.types.builtin.NodeId;
import org.eclipse.milo.opcua.stack.core.types.builtin.QualifiedName;
import org.eclipse.milo.opcua.stack.core.types.builtin.StatusCode;
import org.eclipse.milo.opcua.stack.core.types.builtin.Variant;
import org.eclipse.milo.opcua.stack.core.types.enumerated.BrowseDirection;
import org.eclipse.milo.opcua.stack.core.types.enumerated.BrowseResultMask;
import org.eclipse.milo.opcua.stack.core.types.enumerated.MessageSecurityMode;
import org.eclipse.milo.opcua.stack.core.types.enumerated.TimestampsToReturn;
import org.eclipse.milo.opcua.stack.core.types.structured.BrowseDescription;
import org.eclipse.milo.opcua.stack.core.types.structured.BrowsePath;
import org.eclipse.milo.opcua.stack.core.types.structured.CallMethodRequest;
import org.eclipse.milo.opcua.stack.core.types.structured.HistoryData;
import org.eclipse.milo.opcua.stack.core.types.structured.HistoryReadResult;
import org.eclipse.milo.opcua.stack.core.types.structured.HistoryReadValueId;
import org.eclipse.milo.opcua.stack.core.types.structured.ReadRawModifiedDetails;
import org.eclipse.milo.opcua.stack.core.types.structured.RelativePath;
import org.eclipse.milo.opcua.stack.core.types.structured.RelativePathElement;

/**
 * An Eclipse Milo client does with an emulated PLC what a client does, and prints one JSON object with
 * what it saw: java -jar interop.jar URL PKI LINE STATION MACHINE
 */
public final class Interop {
  private static final String PACKML = "http://opcfoundation.org/UA/PackML/";

  private final OpcUaClient client;
  private final String base;
  private final int own;
  private final int packml;
  private final Map<String, Object> seen;

  public static void main(String[] args) throws Exception {
    String url = args[0];
    Path pki = Path.of(args[1]);
    Map<String, Object> seen = new LinkedHashMap<>();
    seen.put("wrongPassword", refusal(url, pki));
    String password = Files.readString(pki.resolve("password")).strip();
    OpcUaClient client = connected(url, pki, password);
    try {
      new Interop(client, args[2], args[3], args[4], seen).run();
    } finally {
      client.disconnect().get(10, TimeUnit.SECONDS);
    }
    System.out.println(json(seen));
    System.exit(0);
  }

  private Interop(
      OpcUaClient client, String line, String station, String machine, Map<String, Object> seen) {
    this.client = client;
    this.seen = seen;
    this.base = line + "/" + station + "/" + machine;
    List<String> namespaces = List.of(client.getNamespaceTable().toArray());
    seen.put("namespaces", namespaces);
    this.packml = namespaces.indexOf(PACKML);
    this.own =
        namespaces.indexOf(
            namespaces.stream().filter(uri -> uri.endsWith(":" + line)).findFirst().orElseThrow());
  }

  private void run() throws Exception {
    seen.put("below", browse(Identifiers.HierarchicalReferences));
    seen.put("type", browse(Identifiers.HasTypeDefinition).get(0));
    DataValue machineState = read(machineState());
    seen.put("machineState", ((LocalizedText) machineState.getValue().getValue()).getText());
    seen.put("state", read(node("/Status/StateCurrent")).getValue().getValue());
    seen.put("processed", read(node("/Admin/ProdProcessedCount")).getValue().getValue());

    BlockingQueue<Integer> said = new LinkedBlockingQueue<>();
    ManagedSubscription subscription = ManagedSubscription.create(client, 100.0);
    subscription.addDataChangeListener(
        (items, values) ->
            values.forEach(value -> said.add((Integer) value.getValue().getValue())));
    subscription.createDataItem(node("/Status/StateCurrent"));
    List<Integer> states = until(said, 6);
    seen.put("stop", call(node("/BaseStateMachine/MachineState"), 375));
    states.addAll(until(said, 2));
    seen.put("states", states);
    seen.put("start", call(node("/BaseStateMachine/MachineState/ExecuteState"), 369));
    subscription.delete();

    NodeId factor = node("/Setpoints/CycleTimeFactor");
    seen.put("write", write(factor, 1.5));
    seen.put("written", read(factor).getValue().getValue());
    seen.put("writeOutOfRange", write(factor, -1.0));
    seen.put("writeReadOnly", write(node("/Status/StateCurrent"), 6));
    seen.put("history", history(node("/Status/StateCurrent")));
    alarms();
  }

  private List<Object> history(NodeId at) throws Exception {
    Instant now = Instant.now();
    ReadRawModifiedDetails hour =
        new ReadRawModifiedDetails(
            false, new DateTime(now.minusSeconds(3600)), new DateTime(now), uint(1000), false);
    HistoryReadValueId wanted =
        new HistoryReadValueId(at, null, QualifiedName.NULL_VALUE, ByteString.NULL_VALUE);
    HistoryReadResult result =
        client.historyRead(hour, TimestampsToReturn.Both, false, List.of(wanted)).get()
            .getResults()[0];
    HistoryData data =
        (HistoryData) result.getHistoryData().decode(client.getStaticSerializationContext());
    return List.of(data.getDataValues()).stream()
        .map(each -> each.getValue().getValue())
        .collect(Collectors.toList());
  }

  private void alarms() throws Exception {
    BlockingQueue<Variant[]> said = new LinkedBlockingQueue<>();
    ManagedSubscription subscription = ManagedSubscription.create(client, 100.0);
    subscription
        .createEventItem(Identifiers.Server, Alarms.filter(client))
        .addEventValueListener(said::add);
    seen.put("abort", call(node("/BaseStateMachine"), 364));
    Variant[] coming = Alarms.until(said, "Fault", false);
    Variant remark = new Variant(LocalizedText.english("seen"));
    CallMethodRequest acknowledge =
        new CallMethodRequest(
            node("/Conditions/Fault"),
            Identifiers.AcknowledgeableConditionType_Acknowledge,
            new Variant[] {coming[0], remark});
    seen.put("acknowledge", name(client.call(acknowledge).get().getStatusCode()));
    Variant[] known = Alarms.until(said, "Fault", true);
    seen.put(
        "alarms",
        List.of(
            List.of(coming[2].getValue(), coming[3].getValue()),
            List.of(known[2].getValue(), known[3].getValue())));
    subscription.delete();
  }

  private static String refusal(String url, Path pki) throws Exception {
    try {
      connected(url, pki, "wrong").disconnect().get(10, TimeUnit.SECONDS);
      return "let in";
    } catch (ExecutionException refused) {
      return UaException.extract(refused).map(e -> name(e.getStatusCode())).orElse("" + refused);
    }
  }

  private static OpcUaClient connected(String url, Path pki, String password) throws Exception {
    KeyPair keys = keys(pki);
    X509Certificate certificate = certificate(pki.resolve("client.cert.der"));
    OpcUaClient client =
        OpcUaClient.create(
            url,
            endpoints ->
                endpoints.stream()
                    .filter(e -> SecurityPolicy.Basic256Sha256.getUri().equals(e.getSecurityPolicyUri()))
                    .filter(e -> e.getSecurityMode() == MessageSecurityMode.SignAndEncrypt)
                    .findFirst(),
            config ->
                config
                    .setApplicationName(LocalizedText.english("linetwin-interop"))
                    .setApplicationUri("urn:linetwin:twin")
                    .setCertificate(certificate)
                    .setCertificateChain(new X509Certificate[] {certificate})
                    .setKeyPair(keys)
                    .setIdentityProvider(new UsernameProvider("twin", password))
                    .setRequestTimeout(uint(10_000))
                    .build());
    client.connect().get(20, TimeUnit.SECONDS);
    return client;
  }

  private static KeyPair keys(Path pki) throws Exception {
    String text =
        Files.readString(pki.resolve("client.key.pem")).replaceAll("-----[A-Z ]+-----|\\s", "");
    PKCS8EncodedKeySpec spec = new PKCS8EncodedKeySpec(Base64.getDecoder().decode(text));
    PrivateKey key = KeyFactory.getInstance("RSA").generatePrivate(spec);
    return new KeyPair(certificate(pki.resolve("client.cert.der")).getPublicKey(), key);
  }

  private static X509Certificate certificate(Path path) throws Exception {
    CertificateFactory factory = CertificateFactory.getInstance("X.509");
    byte[] bytes = Files.readAllBytes(path);
    return (X509Certificate) factory.generateCertificate(new ByteArrayInputStream(bytes));
  }

  private NodeId node(String path) {
    return new NodeId(own, base + path);
  }

  private List<String> browse(NodeId kind) throws Exception {
    BrowseDescription wanted =
        new BrowseDescription(
            node(""),
            BrowseDirection.Forward,
            kind,
            true,
            uint(0),
            uint(BrowseResultMask.All.getValue()));
    return List.of(client.browse(wanted).get().getReferences()).stream()
        .map(each -> each.getBrowseName().toParseableString())
        .sorted()
        .collect(Collectors.toList());
  }

  private NodeId machineState() throws Exception {
    RelativePathElement[] elements =
        List.of(
                new QualifiedName(packml, "BaseStateMachine"),
                new QualifiedName(packml, "MachineState"),
                new QualifiedName(0, "CurrentState"))
            .stream()
            .map(
                name ->
                    new RelativePathElement(Identifiers.HierarchicalReferences, false, true, name))
            .toArray(RelativePathElement[]::new);
    BrowsePath path = new BrowsePath(node(""), new RelativePath(elements));
    return client
        .translateBrowsePaths(List.of(path))
        .get()
        .getResults()[0]
        .getTargets()[0]
        .getTargetId()
        .toNodeIdOrThrow(client.getNamespaceTable());
  }

  private DataValue read(NodeId at) throws Exception {
    return client.readValue(0, TimestampsToReturn.Both, at).get();
  }

  private String write(NodeId at, Object value) throws Exception {
    return name(client.writeValue(at, DataValue.valueOnly(new Variant(value))).get());
  }

  private String call(NodeId object, int method) throws Exception {
    CallMethodRequest request =
        new CallMethodRequest(object, new NodeId(packml, method), new Variant[0]);
    return name(client.call(request).get().getStatusCode());
  }

  private static List<Integer> until(BlockingQueue<Integer> said, int last) throws Exception {
    List<Integer> states = new ArrayList<>();
    while (states.isEmpty() || states.get(states.size() - 1) != last) {
      Integer state = said.poll(20, TimeUnit.SECONDS);
      if (state == null) {
        throw new IllegalStateException("the subscription never said " + last + ": " + states);
      }
      states.add(state);
    }
    return states;
  }

  private static String name(StatusCode code) {
    if (code.isGood()) {
      return "Good";
    }
    Optional<String[]> known = StatusCodes.lookup(code.getValue());
    return known.map(each -> each[0].replace("_", "")).orElse(code.toString());
  }

  private static String json(Object value) {
    if (value instanceof Map<?, ?> map) {
      return map.entrySet().stream()
          .map(each -> json(each.getKey()) + ":" + json(each.getValue()))
          .collect(Collectors.joining(",", "{", "}"));
    }
    if (value instanceof List<?> list) {
      return list.stream().map(Interop::json).collect(Collectors.joining(",", "[", "]"));
    }
    if (value instanceof Number || value instanceof Boolean) {
      return value.toString();
    }
    return "\"" + value.toString().replace("\\", "\\\\").replace("\"", "\\\"") + "\"";
  }
}
