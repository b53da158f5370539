package linetwin;

import java.util.Arrays;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;
import org.eclipse.milo.opcua.sdk.client.OpcUaClient;
import org.eclipse.milo.opcua.stack.core.AttributeId;
import org.eclipse.milo.opcua.stack.core.Identifiers;
import org.eclipse.milo.opcua.stack.core.types.builtin.ExtensionObject;
import org.eclipse.milo.opcua.stack.core.types.builtin.NodeId;
import org.eclipse.milo.opcua.stack.core.types.builtin.QualifiedName;
import org.eclipse.milo.opcua.stack.core.types.builtin.Variant;
import org.eclipse.milo.opcua.stack.core.types.enumerated.FilterOperator;
import org.eclipse.milo.opcua.stack.core.types.structured.ContentFilter;
import org.eclipse.milo.opcua.stack.core.types.structured.ContentFilterElement;
import org.eclipse.milo.opcua.stack.core.types.structured.EventFilter;
import org.eclipse.milo.opcua.stack.core.types.structured.LiteralOperand;
import org.eclipse.milo.opcua.stack.core.types.structured.SimpleAttributeOperand;

/** What a client asks of alarms: event id, condition's name, whether active, whether acknowledged. */
final class Alarms {
  private Alarms() {}

  static EventFilter filter(OpcUaClient client) {
    SimpleAttributeOperand[] fields = {
      field(Identifiers.BaseEventType, "EventId"),
      field(Identifiers.ConditionType, "ConditionName"),
      field(Identifiers.AlarmConditionType, "ActiveState", "Id"),
      field(Identifiers.AcknowledgeableConditionType, "AckedState", "Id")
    };
    ExtensionObject kind =
        ExtensionObject.encode(
            client.getStaticSerializationContext(),
            new LiteralOperand(new Variant(Identifiers.AlarmConditionType)));
    ContentFilterElement ofType =
        new ContentFilterElement(FilterOperator.OfType, new ExtensionObject[] {kind});
    return new EventFilter(fields, new ContentFilter(new ContentFilterElement[] {ofType}));
  }

  /** Waits for a condition's event that is acknowledged, or is not. */
  static Variant[] until(BlockingQueue<Variant[]> said, String condition, boolean acknowledged)
      throws InterruptedException {
    while (true) {
      Variant[] fields = said.poll(20, TimeUnit.SECONDS);
      if (fields == null) {
        throw new IllegalStateException("no event with acknowledged " + acknowledged);
      }
      if (condition.equals(fields[1].getValue()) && fields[3].getValue().equals(acknowledged)) {
        return fields;
      }
    }
  }

  private static SimpleAttributeOperand field(NodeId kind, String... path) {
    QualifiedName[] names =
        Arrays.stream(path).map(name -> new QualifiedName(0, name)).toArray(QualifiedName[]::new);
    return new SimpleAttributeOperand(kind, names, AttributeId.Value.uid(), null);
  }
}
