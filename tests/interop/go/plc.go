package main

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"strings"
	"time"

	"github.com/gopcua/opcua"
	"github.com/gopcua/opcua/id"
	"github.com/gopcua/opcua/ua"
)

var names = map[ua.StatusCode]string{
	ua.StatusOK:                       "Good",
	ua.StatusBadInvalidState:          "BadInvalidState",
	ua.StatusBadOutOfRange:            "BadOutOfRange",
	ua.StatusBadUserAccessDenied:      "BadUserAccessDenied",
	ua.StatusBadNotWritable:           "BadNotWritable",
	ua.StatusBadIdentityTokenRejected: "BadIdentityTokenRejected",
}

func name(code ua.StatusCode) string {
	if known, ok := names[code]; ok {
		return known
	}
	return fmt.Sprintf("0x%08X", uint32(code))
}

func plc(ctx context.Context, url, pki, line, station, machine string) (map[string]any, error) {
	seen := map[string]any{}
	wrong, err := connect(ctx, url, pki, "wrong")
	seen["wrongPassword"] = "let in"
	var refused ua.StatusCode
	if errors.As(err, &refused) {
		seen["wrongPassword"] = name(refused)
	} else if err != nil {
		seen["wrongPassword"] = err.Error()
	}
	if wrong != nil {
		_ = wrong.Close(ctx)
	}
	client, err := connect(ctx, url, pki, "")
	if err != nil {
		return nil, err
	}
	defer client.Close(ctx)
	namespaces := client.Namespaces()
	seen["namespaces"] = namespaces
	own, packml := uint16(0), uint16(0)
	for index, uri := range namespaces {
		if strings.HasPrefix(uri, "urn:linetwin:") && strings.HasSuffix(uri, ":"+line) {
			own = uint16(index)
		}
		if uri == "http://opcfoundation.org/UA/PackML/" {
			packml = uint16(index)
		}
	}
	base := fmt.Sprintf("%s/%s/%s", line, station, machine)
	node := func(path string) *ua.NodeID { return ua.NewStringNodeID(own, base+path) }

	below, err := browse(ctx, client, node(""), id.HierarchicalReferences)
	if err != nil {
		return nil, err
	}
	sort.Strings(below)
	seen["below"] = below
	kind, err := browse(ctx, client, node(""), id.HasTypeDefinition)
	if err != nil {
		return nil, err
	}
	seen["type"] = kind[0]

	at := client.Node(node(""))
	found, err := at.TranslateBrowsePathsToNodeIDs(ctx, []*ua.QualifiedName{
		{NamespaceIndex: packml, Name: "BaseStateMachine"},
		{NamespaceIndex: packml, Name: "MachineState"},
		{NamespaceIndex: 0, Name: "CurrentState"},
	})
	if err != nil {
		return nil, err
	}
	values, err := read(ctx, client, node("/Status/StateCurrent"), found,
		node("/Admin/ProdProcessedCount"))
	if err != nil {
		return nil, err
	}
	seen["state"] = values[0].Value.Value()
	seen["machineState"] = values[1].Value.Value().(*ua.LocalizedText).Text
	seen["processed"] = values[2].Value.Value()

	notices := make(chan *opcua.PublishNotificationData, 100)
	subscription, err := client.Subscribe(
		ctx, &opcua.SubscriptionParameters{Interval: 100 * time.Millisecond}, notices)
	if err != nil {
		return nil, err
	}
	wanted := opcua.NewMonitoredItemCreateRequestWithDefaults(
		node("/Status/StateCurrent"), ua.AttributeIDValue, 7)
	if _, err = subscription.Monitor(ctx, ua.TimestampsToReturnBoth, wanted); err != nil {
		return nil, err
	}
	states, err := until(ctx, notices, 6)
	if err != nil {
		return nil, err
	}
	called, err := client.Call(ctx, &ua.CallMethodRequest{
		ObjectID: node("/BaseStateMachine/MachineState"), MethodID: ua.NewNumericNodeID(packml, 375)})
	if err != nil {
		return nil, err
	}
	seen["stop"] = name(called.StatusCode)
	more, err := until(ctx, notices, 2)
	if err != nil {
		return nil, err
	}
	seen["states"] = append(states, more...)
	called, err = client.Call(ctx, &ua.CallMethodRequest{
		ObjectID: node("/BaseStateMachine/MachineState/ExecuteState"),
		MethodID: ua.NewNumericNodeID(packml, 369)})
	if err != nil {
		return nil, err
	}
	seen["start"] = name(called.StatusCode)

	factor := node("/Setpoints/CycleTimeFactor")
	seen["write"], err = write(ctx, client, factor, 1.5)
	if err != nil {
		return nil, err
	}
	values, err = read(ctx, client, factor)
	if err != nil {
		return nil, err
	}
	seen["written"] = values[0].Value.Value()
	if seen["writeOutOfRange"], err = write(ctx, client, factor, -1.0); err != nil {
		return nil, err
	}
	seen["writeReadOnly"], err = write(ctx, client, node("/Status/StateCurrent"), int32(6))
	if err != nil {
		return nil, err
	}
	if seen["history"], err = history(ctx, client, node("/Status/StateCurrent")); err != nil {
		return nil, err
	}
	abort := &ua.CallMethodRequest{
		ObjectID: node("/BaseStateMachine"), MethodID: ua.NewNumericNodeID(packml, 364)}
	err = alarms(ctx, client, subscription, notices, abort, node("/Conditions/Fault"), seen)
	if err != nil {
		return nil, err
	}
	return seen, subscription.Cancel(ctx)
}

func browse(ctx context.Context, client *opcua.Client, at *ua.NodeID, kind uint32) ([]string, error) {
	answer, err := client.Browse(ctx, &ua.BrowseRequest{
		View: &ua.ViewDescription{ViewID: ua.NewTwoByteNodeID(0)},
		NodesToBrowse: []*ua.BrowseDescription{{
			NodeID: at, BrowseDirection: ua.BrowseDirectionForward,
			ReferenceTypeID: ua.NewNumericNodeID(0, kind), IncludeSubtypes: true,
			ResultMask: uint32(ua.BrowseResultMaskAll)}}})
	if err != nil {
		return nil, err
	}
	var names []string
	for _, each := range answer.Results[0].References {
		names = append(names, fmt.Sprintf("%d:%s", each.BrowseName.NamespaceIndex, each.BrowseName.Name))
	}
	return names, nil
}

func read(ctx context.Context, client *opcua.Client, nodes ...*ua.NodeID) ([]*ua.DataValue, error) {
	wanted := make([]*ua.ReadValueID, len(nodes))
	for i, each := range nodes {
		wanted[i] = &ua.ReadValueID{NodeID: each, AttributeID: ua.AttributeIDValue}
	}
	answer, err := client.Read(ctx, &ua.ReadRequest{
		NodesToRead: wanted, TimestampsToReturn: ua.TimestampsToReturnBoth})
	if err != nil {
		return nil, err
	}
	for i, each := range answer.Results {
		if each.Status != ua.StatusOK {
			return nil, fmt.Errorf("%s: %v", nodes[i], each.Status)
		}
	}
	return answer.Results, nil
}

func write(ctx context.Context, client *opcua.Client, at *ua.NodeID, value any) (string, error) {
	answer, err := client.Write(ctx, &ua.WriteRequest{NodesToWrite: []*ua.WriteValue{{
		NodeID: at, AttributeID: ua.AttributeIDValue,
		Value: &ua.DataValue{EncodingMask: ua.DataValueValue, Value: ua.MustVariant(value)}}}})
	if err != nil {
		return "", err
	}
	return name(answer.Results[0]), nil
}

// until collects what a subscription says, up to a value.
func until(ctx context.Context, notices chan *opcua.PublishNotificationData, last int32) ([]int32, error) {
	var states []int32
	deadline := time.After(20 * time.Second)
	for {
		select {
		case notice := <-notices:
			if notice.Error != nil {
				return nil, notice.Error
			}
			change, ok := notice.Value.(*ua.DataChangeNotification)
			if !ok {
				continue
			}
			for _, item := range change.MonitoredItems {
				states = append(states, item.Value.Value.Value().(int32))
				if states[len(states)-1] == last {
					return states, nil
				}
			}
		case <-deadline:
			return nil, fmt.Errorf("the subscription never said %d: %v", last, states)
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}
