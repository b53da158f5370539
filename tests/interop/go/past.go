package main

import (
	"context"
	"fmt"
	"time"

	"github.com/gopcua/opcua"
	"github.com/gopcua/opcua/ua"
)

// history reads the last hour of a node.
func history(ctx context.Context, client *opcua.Client, at *ua.NodeID) ([]any, error) {
	now := time.Now().UTC()
	answer, err := client.HistoryReadRawModified(ctx,
		[]*ua.HistoryReadValueID{{NodeID: at, DataEncoding: &ua.QualifiedName{}}},
		&ua.ReadRawModifiedDetails{
			StartTime: now.Add(-time.Hour), EndTime: now, NumValuesPerNode: 1000})
	if err != nil {
		return nil, err
	}
	if answer.Results[0].StatusCode != ua.StatusOK {
		return nil, fmt.Errorf("history of %s: %v", at, answer.Results[0].StatusCode)
	}
	data, ok := answer.Results[0].HistoryData.Value.(*ua.HistoryData)
	if !ok {
		return nil, fmt.Errorf("history of %s: no HistoryData", at)
	}
	var values []any
	for _, each := range data.DataValues {
		values = append(values, each.Value.Value())
	}
	return values, nil
}
