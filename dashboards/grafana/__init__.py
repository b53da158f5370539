"""Grafana: boards, data sources and alert rules, made from the table of signals and the lines."""
