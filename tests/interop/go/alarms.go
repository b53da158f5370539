package main

import (
	"context"
	"fmt"
	"time"

	"github.com/gopcua/opcua"
	"github.com/gopcua/opcua/id"
	"github.com/gopcua/opcua/ua"
)

// alarms subscribes to the server's alarms, lets one come, and acknowledges it.
func alarms(ctx context.Context, client *opcua.Client, subscription *opcua.Subscription,
	notices chan *opcua.PublishNotificationData, cause *ua.CallMethodRequest, condition *ua.NodeID,
	seen map[string]any) error {
	wanted := &ua.MonitoredItemCreateRequest{
		ItemToMonitor: &ua.ReadValueID{
			NodeID: ua.NewNumericNodeID(0, id.Server), AttributeID: ua.AttributeIDEventNotifier,
			DataEncoding: &ua.QualifiedName{}},
		MonitoringMode: ua.MonitoringModeReporting,
		RequestedParameters: &ua.MonitoringParameters{
			ClientHandle: 8, QueueSize: 100, DiscardOldest: true,
			Filter: &ua.ExtensionObject{
				EncodingMask: ua.ExtensionObjectBinary,
				TypeID: &ua.ExpandedNodeID{
					NodeID: ua.NewNumericNodeID(0, id.EventFilter_Encoding_DefaultBinary)},
				Value: ua.EventFilter{
					SelectClauses: []*ua.SimpleAttributeOperand{
						field(id.BaseEventType, "EventId"),
						field(id.ConditionType, "ConditionName"),
						field(id.AlarmConditionType, "ActiveState", "Id"),
						field(id.AcknowledgeableConditionType, "AckedState", "Id")},
					WhereClause: ofType(id.AlarmConditionType)}}}}
	made, err := subscription.Monitor(ctx, ua.TimestampsToReturnBoth, wanted)
	if err != nil {
		return err
	}
	if code := made.Results[0].StatusCode; code != ua.StatusOK {
		return fmt.Errorf("the item of events: %v", code)
	}
	called, err := client.Call(ctx, cause)
	if err != nil {
		return err
	}
	seen["abort"] = name(called.StatusCode)
	coming, eventID, err := alarm(ctx, notices, false)
	if err != nil {
		return err
	}
	called, err = client.Call(ctx, &ua.CallMethodRequest{
		ObjectID: condition, MethodID: ua.NewNumericNodeID(0, id.AcknowledgeableConditionType_Acknowledge),
		InputArguments: []*ua.Variant{
			ua.MustVariant(eventID), ua.MustVariant(ua.NewLocalizedTextWithLocale("seen", "en"))}})
	if err != nil {
		return err
	}
	seen["acknowledge"] = name(called.StatusCode)
	known, _, err := alarm(ctx, notices, true)
	seen["alarms"] = [][]any{coming, known}
	return err
}

func field(kind uint32, path ...string) *ua.SimpleAttributeOperand {
	operand := &ua.SimpleAttributeOperand{
		TypeDefinitionID: ua.NewNumericNodeID(0, kind), AttributeID: ua.AttributeIDValue}
	for _, each := range path {
		operand.BrowsePath = append(operand.BrowsePath, &ua.QualifiedName{Name: each})
	}
	return operand
}

func ofType(kind uint32) *ua.ContentFilter {
	literal := &ua.ExtensionObject{
		EncodingMask: ua.ExtensionObjectBinary,
		TypeID: &ua.ExpandedNodeID{
			NodeID: ua.NewNumericNodeID(0, id.LiteralOperand_Encoding_DefaultBinary)},
		Value: ua.LiteralOperand{Value: ua.MustVariant(ua.NewNumericNodeID(0, kind))}}
	return &ua.ContentFilter{Elements: []*ua.ContentFilterElement{{
		FilterOperator: ua.FilterOperatorOfType, FilterOperands: []*ua.ExtensionObject{literal}}}}
}

// alarm waits for the fault to be in a state: whether it stands and is acknowledged, and its event's id.
func alarm(ctx context.Context, notices chan *opcua.PublishNotificationData, acknowledged bool) (
	[]any, []byte, error) {
	deadline := time.After(20 * time.Second)
	for {
		select {
		case notice := <-notices:
			if notice.Error != nil {
				return nil, nil, notice.Error
			}
			list, ok := notice.Value.(*ua.EventNotificationList)
			if !ok {
				continue
			}
			for _, event := range list.Events {
				fields := event.EventFields
				if fields[1].Value() == "Fault" && fields[3].Value() == acknowledged {
					return []any{fields[2].Value(), acknowledged}, fields[0].Value().([]byte), nil
				}
			}
		case <-deadline:
			return nil, nil, fmt.Errorf("the alarm never came with acknowledged %v", acknowledged)
		case <-ctx.Done():
			return nil, nil, ctx.Err()
		}
	}
}
