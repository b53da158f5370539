"""What people look at: Grafana's boards and the live page."""
