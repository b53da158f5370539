"""Job orders of a PLC (OPC 40001-3, OPC 10031-4): stored, started, counted, ended, reported."""
