package main

import (
	"context"
	"fmt"
	"math"
	"sort"
	"strconv"
	"syscall"
	"time"

	"github.com/gopcua/opcua"
	"github.com/gopcua/opcua/ua"
)

const batch = 1000

// rates follows every tag and counts: values, gaps in each tag's own count, latency, its own CPU.
func rates(ctx context.Context, url, pki, tagsText, secondsText string) (map[string]any, error) {
	tags, err := strconv.Atoi(tagsText)
	if err != nil {
		return nil, err
	}
	seconds, err := strconv.ParseFloat(secondsText, 64)
	if err != nil {
		return nil, err
	}
	client, err := connect(ctx, url, pki, "")
	if err != nil {
		return nil, err
	}
	defer client.Close(ctx)
	notices := make(chan *opcua.PublishNotificationData, 100)
	subscription, err := client.Subscribe(ctx, &opcua.SubscriptionParameters{
		Interval: 100 * time.Millisecond, MaxNotificationsPerPublish: math.MaxUint32}, notices)
	if err != nil {
		return nil, err
	}
	for first := 0; first < tags; first += batch {
		var wanted []*ua.MonitoredItemCreateRequest
		for tag := first; tag < min(first+batch, tags); tag++ {
			node := ua.NewStringNodeID(2, fmt.Sprintf("T/%d/%d", tag/100, tag))
			one := opcua.NewMonitoredItemCreateRequestWithDefaults(
				node, ua.AttributeIDValue, uint32(tag))
			one.RequestedParameters.SamplingInterval = 100
			one.RequestedParameters.QueueSize = 100
			wanted = append(wanted, one)
		}
		if _, err = subscription.Monitor(ctx, ua.TimestampsToReturnSource, wanted...); err != nil {
			return nil, err
		}
	}
	last := make([]float64, tags)
	for tag := range last {
		last[tag] = math.NaN()
	}
	begin := time.Now().Add(2 * time.Second)
	end := begin.Add(time.Duration(seconds * float64(time.Second)))
	var latencies []float64
	values, lost, spent, counting := 0, 0.0, 0.0, false
	for time.Now().Before(end) {
		var notice *opcua.PublishNotificationData
		select {
		case notice = <-notices:
		case <-time.After(time.Until(end)):
			continue
		}
		now := time.Now()
		if notice.Error != nil {
			return nil, notice.Error
		}
		if !counting && now.After(begin) {
			counting, spent = true, cpu()
			begin = now
		}
		change, ok := notice.Value.(*ua.DataChangeNotification)
		if !ok || len(change.MonitoredItems) == 0 {
			continue
		}
		for _, item := range change.MonitoredItems {
			value := item.Value.Value.Value().(float64)
			if before := last[item.ClientHandle]; !math.IsNaN(before) {
				lost += value - before - 1
			}
			last[item.ClientHandle] = value
		}
		if counting {
			values += len(change.MonitoredItems)
			first := change.MonitoredItems[0].Value.SourceTimestamp
			latencies = append(latencies, float64(now.Sub(first).Microseconds())/1000)
		}
	}
	took := time.Since(begin).Seconds()
	spent = cpu() - spent
	sort.Float64s(latencies)
	at := func(share float64) float64 {
		return latencies[min(len(latencies)-1, int(float64(len(latencies))*share))]
	}
	return map[string]any{
		"values": values, "lost": lost, "rate": float64(values) / took,
		"notifications": len(latencies), "p50_ms": at(0.5), "p99_ms": at(0.99),
		"cpu_s": spent, "took_s": took,
	}, nil
}

func cpu() float64 {
	var usage syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &usage) != nil {
		return 0
	}
	return float64(usage.Utime.Nano()+usage.Stime.Nano()) / 1e9
}
