module linetwin/interop

go 1.24

require github.com/gopcua/opcua v0.8.0
