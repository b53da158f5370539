"""Alarms and conditions (OPC 10000-9): what stands, who has seen it, who wants to hear no more."""
